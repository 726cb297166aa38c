"""What retention is, in slow and obvious Python: the definition that the statement is compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bihuan.analyse.retention.result import Cell, Cohort, Mean, RetentionPart, Usage
from bihuan.analyse.retention.spec import Doing, RetentionSpec
from bihuan.engine.periods import Period
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


def starts(world: World, spec: RetentionSpec) -> list[tuple[int, int, str, datetime]]:
    """Who started in which cohort (its number), with which value, and when."""
    among = in_cohorts(world, spec)
    found = matching(world, spec, spec.start)

    def value(event: Event) -> str:
        return broken_down.part(world, spec.breakdown, event, among)

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
    cut = calendar(world, spec)
    began: dict[tuple[int, int], datetime] = {}
    for person, cohort, started_with, at in starts(world, spec):
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
    curve = tuple(mean(cohorts, column, spec) for column in range(len(spec.columns)))
    return RetentionPart(value, other, tuple(cohorts), curve, place)


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
    for person, _, value, _ in starts(world, spec):
        people.setdefault(value, set()).add(person)
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
