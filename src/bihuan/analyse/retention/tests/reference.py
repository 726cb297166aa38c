"""What retention is, in slow and obvious Python: the definition that the statement is compared with."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bihuan.analyse.retention.result import Cell, Cohort, Mean, RetentionPart
from bihuan.analyse.retention.spec import Doing, RetentionSpec
from bihuan.engine.periods import Period
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World


def first_day(day: date, unit: str) -> date:
    """The first day of the day, week or month with this day."""
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit]


def later(day: date, unit: str, periods: int) -> date:
    """The first day of the period so many periods later."""
    if unit == "month":
        months = day.year * 12 + day.month - 1 + periods
        return date(months // 12, months % 12 + 1, 1)
    return day + timedelta(days=periods * (7 if unit == "week" else 1))


def matching(world: World, spec: RetentionSpec, doing: Doing) -> list[Event]:
    return [
        event for event in world.events if world.chosen(doing.choices, event) and world.person(event) and world.holds(spec.filter, event)
    ]


def starts(world: World, spec: RetentionSpec) -> list[tuple[int, date, str]]:
    """Who started in which period (its first day), and with which value."""

    def value(event: Event) -> str:
        return broken_down.part(world, spec.breakdown, event, among)

    among = in_cohorts(world, spec)
    found = matching(world, spec, spec.start)
    if spec.mode == "first_ever":
        found.sort(key=lambda event: (event.at, value(event).encode()))
        found = list({world.person(event): event for event in reversed(found)}.values())
    period = Period.resolve(spec.period, zone=world.zone, now=world.now)
    cohorts = {first_day(period.since + timedelta(days=n), spec.unit) for n in range(period.days)}
    all_of_them = {(world.person(event), first_day(world.day(event), spec.unit), value(event)) for event in found}
    return sorted(each for each in all_of_them if each[1] in cohorts)


def in_cohorts(world: World, spec: RetentionSpec) -> list[Event]:
    """The starts in any of the cohorts' periods."""
    period = Period.resolve(spec.period, zone=world.zone, now=world.now)
    cohorts = {first_day(period.since + timedelta(days=n), spec.unit) for n in range(period.days)}
    return [event for event in matching(world, spec, spec.start) if first_day(world.day(event), spec.unit) in cohorts]


def part(world: World, spec: RetentionSpec, value: str | None = None, among: set[str] | None = None, other: int = 0) -> RetentionPart:
    """The retention of those who started with one of the values `among` (None: everybody)."""
    returned = {(world.person(event), first_day(world.day(event), spec.unit)) for event in matching(world, spec, spec.returning)}
    started = {(person, day) for person, day, started_with in starts(world, spec) if among is None or started_with in among}
    period = Period.resolve(spec.period, zone=world.zone, now=world.now)
    cohorts = []
    for day in sorted({first_day(period.since + timedelta(days=n), spec.unit) for n in range(period.days)}):
        people = {person for person, started_on in started if started_on == day}
        cells = []
        for after in range(spec.periods + 1):
            begins, ends = later(day, spec.unit, after), later(day, spec.unit, after + 1)
            came = sum((person, begins) in returned for person in people)
            if instant(begins, world.zone) > world.now:
                cells.append(Cell(None, None, False))
            else:
                cells.append(Cell(came, came / len(people) if people else None, instant(ends, world.zone) <= world.now))
        cohorts.append(Cohort(day, len(people), tuple(cells)))
    return RetentionPart(value, other, tuple(cohorts), tuple(mean(cohorts, after) for after in range(spec.periods + 1)))


def parts(world: World, spec: RetentionSpec) -> list[RetentionPart]:
    if not spec.breakdown:
        return []
    people: dict[str, set[int]] = {}
    for person, _, value in starts(world, spec):
        people.setdefault(value, set()).add(person)
    ranked = sorted(people, key=lambda value: (-len(people[value]), value.encode()))
    rest = set(ranked[spec.top :])
    found = [part(world, spec, value, {value}) for value in ranked[: spec.top]]
    return found + ([part(world, spec, None, rest, len(rest))] if rest else [])


def mean(cohorts: list[Cohort], after: int) -> Mean:
    known = [cohort for cohort in cohorts if cohort.size > 0 and cohort.cells[after].complete]
    if not known:
        return Mean(None, None)
    people = [cohort.cells[after].people or 0 for cohort in known]
    shares = [count / cohort.size for count, cohort in zip(people, known, strict=True)]
    return Mean(sum(people) / sum(cohort.size for cohort in known), sum(shares) / len(shares))


def instant(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
