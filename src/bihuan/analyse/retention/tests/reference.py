"""What retention is, in slow and obvious Python: the definition that the statement is compared with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bihuan.analyse.differences import Difference
from bihuan.analyse.retention.result import Beside, Cell, Cohort, Mean, RetentionPart, Usage
from bihuan.analyse.retention.spec import Doing, RetentionSpec
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.filters import All, Filter, InSegment, Not
from bihuan.engine.periods import Between, Period
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World
from bihuan.engine.tests.worlds import number as property_value

LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(hours=24), "week": timedelta(days=7)}


def begin(at: datetime, unit: str, zone: str) -> datetime:
    """When the day, week or month with this instant begins."""
    day = at.astimezone(ZoneInfo(zone)).date()
    return instant({"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit], zone)


def calendar(world: World, spec: RetentionSpec) -> list[datetime]:
    """The first instants of all cohorts, and of as many periods as they are followed, and of one more."""
    period = Period.resolve(spec.period, zone=world.zone, now=world.now)
    if spec.unit == "hour":
        first, end = instant(period.since, world.zone), instant(period.until + timedelta(days=1), world.zone)
        count = -((first - end) // timedelta(hours=1))
        return [first + timedelta(hours=n) for n in range(count + spec.followed + 1)]
    days = {period.since + timedelta(days=n) for n in range(period.days)}
    starts = sorted({begin(instant(day, world.zone), spec.unit, world.zone) for day in days})
    for _ in range(spec.followed + 1):
        day = starts[-1].astimezone(ZoneInfo(world.zone)).date()
        starts.append(instant(later(day, spec.unit), world.zone))
    return starts


def later(day: date, unit: str) -> date:
    if unit == "month":
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if unit == "week" else 1)


def matching(world: World, spec: RetentionSpec, doing: Doing) -> list[Event]:
    return [
        event for event in world.events if world.chosen(doing.choices, event) and world.person(event) and world.holds(spec.filter, event)
    ]


def number(starts: list[datetime], at: datetime) -> int:
    """In which of the calendar's periods it was, -1 before them all."""
    return sum(start <= at for start in starts) - 1


def starts(world: World, spec: RetentionSpec, parted: list[Event] | None = None) -> list[tuple[int, int, str, datetime]]:
    """Who started in which cohort (its number), with which value, and when. Quantiles are those of the events `parted`."""
    among = in_cohorts(world, spec)
    found = matching(world, spec, spec.start)

    def value(event: Event) -> str:
        return broken_down.part(world, spec.breakdown, event, among if parted is None else parted)

    if spec.mode == "first_ever":
        found.sort(key=lambda event: (event.at, value(event).encode()))
        found = list({world.person(event): event for event in reversed(found)}.values())
    chosen = {event.key for event in among}
    cut = calendar(world, spec)
    return [(world.person(event), number(cut, event.at), value(event), event.at) for event in found if event.key in chosen]


def cohorts_of(world: World, spec: RetentionSpec) -> list[datetime]:
    return calendar(world, spec)[: -spec.followed - 1]


def in_cohorts(world: World, spec: RetentionSpec) -> list[Event]:
    """The starts in any of the cohorts' periods."""
    cut, count = calendar(world, spec), len(cohorts_of(world, spec))
    return [event for event in matching(world, spec, spec.start) if 0 <= number(cut, event.at) < count]


def part(
    world: World, spec: RetentionSpec, value: str | None = None, among: set[str] | None = None, other: int = 0, place: int = 0
) -> RetentionPart:
    """The retention of those who started with one of the values `among` (None: everybody)."""
    both = sides(world, spec)
    parted = [event for side in both for event in in_cohorts(world, side)]
    cohorts, *before = (cohorts_with(world, side, among, parted) for side in both)
    curve = tuple(mean(cohorts, column, spec) for column in range(len(spec.columns)))
    found = RetentionPart(value, other, tuple(cohorts), curve, place)
    return replace(found, before=tuple(before[0]), beside=beside(spec, cohorts, before[0])) if before else found


def cohorts_with(world: World, spec: RetentionSpec, among: set[str] | None, parted: list[Event]) -> list[Cohort]:
    cut = calendar(world, spec)
    began: dict[tuple[int, int], datetime] = {}
    for person, cohort, started_with, at in starts(world, spec, parted):
        if among is None or started_with in among:
            began[person, cohort] = min(at, began.get((person, cohort), at))
    returns = matching(world, spec, spec.returning)
    cohorts = []
    for cohort, begins in enumerate(cohorts_of(world, spec)):
        mine = {person: at for (person, number_of), at in began.items() if number_of == cohort}
        cells: list[Cell] = []
        for column in range(len(spec.columns)):
            first, last = spec.columns[column][0], spec.followed if spec.counts == "on_or_after" else spec.columns[column][1]
            if spec.clock == "exact":
                length = LENGTHS[spec.unit]
                begun, over = begins + first * length, cut[cohort + 1] + (last + 1) * length
            else:
                begun, over = cut[cohort + first], cut[cohort + last + 1]
            if begun > world.now.astimezone(UTC):
                cells.append(Cell(None, None, False))
                continue
            came = [
                event for event in returns if world.person(event) in mine and first <= after(spec, cut, cohort, mine, world, event) <= last
            ]
            people = len({world.person(event) for event in came})
            of = cells[-1].people if column and spec.reference == "previous" else len(mine)
            worth = sum(property_value(event.props.get(spec.value)) or 0.0 for event in came) if spec.value else None
            cells.append(Cell(people, people / of if of else None, over <= world.now.astimezone(UTC), worth))
        cohorts.append(Cohort(begins, len(mine), tuple(cells)))
    return cohorts


def after(spec: RetentionSpec, cut: list[datetime], cohort: int, mine: dict[int, datetime], world: World, event: Event) -> int:
    """How many periods after their start (or after its calendar period) somebody did this; -1 before."""
    if spec.clock == "exact":
        since = event.at - mine[world.person(event)]
        return since // LENGTHS[spec.unit] if since >= timedelta(0) else -1
    return -1 if event.at < cut[0] or event.at >= cut[-1] else number(cut, event.at) - cohort


def parts(world: World, spec: RetentionSpec) -> list[RetentionPart]:
    if not spec.breakdown:
        return []
    people: dict[str, set[int]] = {}
    both = sides(world, spec)
    parted = [event for side in both for event in in_cohorts(world, side)]
    for number, side in enumerate(both):
        for person, _, value, _ in starts(world, side, parted):
            people.setdefault(value, set()).update([person] if number == 0 else [])
    ranked = sorted(people, key=lambda value: (-len(people[value]), value.encode()))
    rest = set(ranked[spec.top :])
    found = [part(world, spec, value, {value}, place=place) for place, value in enumerate(ranked[: spec.top], 1)]
    return found + ([part(world, spec, None, rest, len(rest), spec.top + 1)] if rest else [])


def mean(cohorts: list[Cohort], column: int, spec: RetentionSpec) -> Mean:
    known = [cohort for cohort in cohorts if cohort.size > 0 and cohort.cells[column].complete]
    people = [cohort.cells[column].people or 0 for cohort in known]
    of = [(cohort.cells[column - 1].people or 0) if column and spec.reference == "previous" else cohort.size for cohort in known]
    shares = [count / size for count, size in zip(people, of, strict=True) if size]
    value = (
        sum(cohort.cells[column].value or 0.0 for cohort in known) / sum(cohort.size for cohort in known) if known and spec.value else None
    )
    return Mean(sum(people) / sum(of) if sum(of) else None, sum(shares) / len(shares) if shares else None, sum(people), sum(of), value)


def usage(world: World, spec: RetentionSpec) -> Usage:
    """Between which days people came back, the lower median of each person's, and of these."""
    cut = calendar(world, spec)
    days: dict[int, set[date]] = {}
    for event in matching(world, spec, spec.returning):
        if cut[0] <= event.at < cut[-1]:
            days.setdefault(world.person(event), set()).add(world.day(event))
    gaps = [sorted((after - before).days for before, after in pairwise(sorted(mine))) for mine in days.values() if len(mine) > 1]
    medians = sorted(each[(len(each) - 1) // 2] for each in gaps)
    return Usage(len(medians), medians[(len(medians) - 1) // 2] if medians else None)


def instant(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


# --- Beside each other -----------------------------------------------------------------------------------------------------------------


def sides(world: World, spec: RetentionSpec) -> list[RetentionSpec]:
    """What is asked, and what it is compared with, each as a question of its own."""
    alone = spec.model_copy(update={"compare": None})
    compare = spec.compare
    if compare is None:
        return [alone]
    if isinstance(compare, Groups):
        segment = InSegment(segment=compare.segment)
        others: dict[str, Filter] = {"*": All(), "!": Not(negated=segment)}
        against = others.get(compare.against, InSegment(segment=compare.against))
        return [alone.model_copy(update={"filter": All(all=(spec.filter, one))}) for one in (segment, against)]
    other = other_days(world, spec, compare)
    return [alone, alone.model_copy(update={"period": Between(since=other[0], until=other[1])})]


def other_days(world: World, spec: RetentionSpec, compare: Compare) -> tuple[date, date]:
    """The first and the last day of the other period: of as many cohorts before, or by the calendar."""
    begins = [at.astimezone(ZoneInfo(world.zone)).date() for at in cohorts_of(world, spec)]
    since, after = begins[0], later(begins[-1], spec.unit) if spec.unit != "hour" else begins[-1] + timedelta(days=1)
    yesterday = since - timedelta(days=1)
    match compare:
        case Other():
            period = Period.resolve(compare.period, zone=world.zone, now=world.now)
            return period.since, period.until
        case Before(to="previous") if spec.unit == "month":
            first = since
            for _ in begins:
                first = (first - timedelta(days=1)).replace(day=1)
            return first, yesterday
        case Before(to="previous"):
            return since - (after - since), yesterday
        case Before(to="week"):
            return since - timedelta(days=7 * compare.ago), after - timedelta(days=7 * compare.ago + 1)
        case Before(to="month", ago=1) if spec.unit == "month":
            return (since - timedelta(days=1)).replace(day=1), (after - timedelta(days=1)).replace(day=1) - timedelta(days=1)
        case Before(to="month", ago=1):  # four weeks
            return since - timedelta(days=28), after - timedelta(days=29)
    raise TypeError(compare)


def counting(cohorts: list[Cohort], others: list[Cohort], column: int) -> list[Cohort]:
    """Those whose column is over, and that of their counterpart, too."""
    found = []
    for place, cohort in enumerate(cohorts):
        other = others[place] if place < len(others) else others[-1]
        if cohort.cells[column].complete and other.cells[column].complete:
            found.append(cohort)
    return found


def beside(spec: RetentionSpec, now: list[Cohort], before: list[Cohort]) -> tuple[Beside, ...]:
    """Each column; the differences are left to a test of their own."""
    nothing = Difference(None, None, None, None, None, None)
    return tuple(
        Beside(mean(counting(now, before, column), column, spec), mean(counting(before, now, column), column, spec), nothing)
        for column in range(len(spec.columns))
    )


def behind_mean(world: World, spec: RetentionSpec, column: int, side: int) -> tuple[set[int], set[int]]:
    """Who started in the cohorts that count in a column of this side (0) or the other, and who of them came back in it."""
    asked = sides(world, spec)
    found = [cohorts_with(world, each, None, []) for each in asked]
    known = counting(found[side], found[1 - side], column)
    mine = asked[side]
    cut, returns = calendar(world, mine), matching(world, mine, mine.returning)
    first, last = mine.columns[column][0], mine.followed if mine.counts == "on_or_after" else mine.columns[column][1]
    began: dict[tuple[int, int], datetime] = {}
    for person, cohort, _, at in starts(world, mine, []):
        if found[side][cohort] in known:
            began[cohort, person] = min(at, began.get((cohort, person), at))
    came = {
        world.person(event)
        for event in returns
        for (cohort, person), at in began.items()
        if person == world.person(event) and first <= after(mine, cut, cohort, {person: at}, world, event) <= last
    }
    return {person for _, person in began}, came
