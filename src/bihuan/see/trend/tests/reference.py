"""What a trend means, in slow and obvious Python over a world's events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.engine.periods import Between
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, number, text
from bihuan.see.trend.spec import Series, TrendSpec


def days(spec: TrendSpec, world: World) -> tuple[date, date]:
    if isinstance(spec.period, Between):
        return spec.period.since, spec.period.until
    until = world.today - timedelta(days=1 if spec.period.complete else 0)
    return until - timedelta(days=spec.period.last - 1), until


def measured(series: Series, world: World, events: Sequence[Event]) -> float | int | None:
    if series.measure == "events":
        return len(events)
    if series.measure == "people":
        return len({world.person(event) for event in events} - {0})
    values = [event.props.get(series.property or "") for event in events]
    if series.measure == "distinct":
        return len({text(value) for value in values} - {""})
    numbers = sorted(n for n in map(number, values) if n is not None)
    if series.measure == "sum":
        return math.fsum(numbers)
    if not numbers:
        return None
    if series.measure == "average":
        return math.fsum(numbers) / len(numbers)
    rank = {"median": 0.5, "p90": 0.9}[series.measure] * (len(numbers) - 1)
    below = math.floor(rank)
    return numbers[below] + (rank - below) * (numbers[min(below + 1, len(numbers) - 1)] - numbers[below])


def belongs(series: Series, spec: TrendSpec, world: World, event: Event) -> bool:
    return series.event in ("*", event.name) and world.holds(series.filter, event) and world.holds(spec.filter, event)


def part(spec: TrendSpec, world: World, event: Event) -> str:
    since, until = days(spec, world)
    among = [e for e in world.events if since <= world.day(e) <= until and any(belongs(series, spec, world, e) for series in spec.series)]
    return broken_down.part(world, spec.breakdown, event, among)


def first_instant(day: date, zone: str) -> datetime:
    """Minute by minute, the first at which the clocks of the zone show the day."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(ZoneInfo(zone)).date() < day:
        at += timedelta(minutes=15)
    return at


def bucket(spec: TrendSpec, world: World, event: Event, shift: int) -> Any:
    """The bucket of an event, `shift` days after it happened: a first day; or the number of the hour since its period began."""
    day = world.day(event) + timedelta(days=shift)
    if spec.unit == "hour":
        begin = first_instant(days(spec, world)[0] - timedelta(days=shift), world.zone)
        return (event.at - begin) // timedelta(hours=1)
    if spec.unit == "week":
        while day.strftime("%a") != "Mon":
            day -= timedelta(days=1)
    return day.replace(day=1) if spec.unit == "month" else day


def bucket_names(spec: TrendSpec, world: World) -> list[Any]:
    since, until = days(spec, world)
    if spec.unit == "hour":
        whole = first_instant(until + timedelta(days=1), world.zone) - first_instant(since, world.zone)
        return list(range(math.ceil(whole / timedelta(hours=1))))  # where clocks change by half an hour, the last is half
    every = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    mondays = {day: day - timedelta(days=day.weekday()) for day in every}
    named = {"day": every, "week": [mondays[day] for day in every], "month": [day.replace(day=1) for day in every]}[spec.unit]
    return sorted(set(named))


def trend(spec: TrendSpec, world: World) -> dict[str, Any]:
    """(part or None for all others) -> for each series (numbers by bucket, total, previous numbers, previous total); and 'overall'."""
    since, until = days(spec, world)
    length = (until - since).days + 1
    cut = world.now.astimezone(ZoneInfo(world.zone)).replace(tzinfo=None, second=0, microsecond=0) - timedelta(days=length)
    limit = cut.replace(tzinfo=ZoneInfo(world.zone)).astimezone(UTC)

    def during(previous: bool) -> list[Event]:
        first = since - timedelta(days=length) if previous else since
        last = until - timedelta(days=length) if previous else until
        return [e for e in world.events if first <= world.day(e) <= last and not (previous and e.at >= limit)]

    def numbers(which: Any, previous: bool) -> list[tuple[list[Any], Any]]:
        found = []
        for series in spec.series:
            mine = [e for e in during(previous) if belongs(series, spec, world, e) and which(e)]
            shift = length if previous else 0
            cells = [
                measured(series, world, [e for e in mine if bucket(spec, world, e, shift) == name]) for name in bucket_names(spec, world)
            ]
            found.append((cells, measured(series, world, mine)))
        return found

    def both(which: Any) -> list[Any]:
        return list(zip(numbers(which, False), numbers(which, True), strict=True))

    answer: dict[str, Any] = {"overall": both(lambda e: True)}
    if not spec.breakdown:
        return answer
    marked = [e for e in during(False) if any(belongs(series, spec, world, e) for series in spec.series)]
    parts = {part(spec, world, e) for e in marked}
    first = spec.series[0]
    totals = {p: measured(first, world, [e for e in marked if belongs(first, spec, world, e) and part(spec, world, e) == p]) for p in parts}
    order = sorted(parts, key=lambda p: (totals[p] is None, -(totals[p] or 0), p.encode()))
    for named in order[: spec.top]:
        answer[f"={named}"] = both(lambda e, named=named: part(spec, world, e) == named)
    seen = [
        e for p in (False, True) if p is False or spec.compare for e in during(p) if any(belongs(s, spec, world, e) for s in spec.series)
    ]
    if any(part(spec, world, e) not in order[: spec.top] for e in seen):
        answer["rest"] = both(lambda e: part(spec, world, e) not in order[: spec.top])
    return answer
