"""What a funnel is, in slow and obvious Python: the definition that the statement is compared with."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction

from bihuan.analyse.funnel.result import Durations, FunnelPart, FunnelStep
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.periods import Period
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World

EDGES = [0, 10, 60, 300, 900, 1800, 3600, 7200, 21600, 43200] + [86400 * days for days in (1, 2, 3, 7, 14, 30, 60, 90, 180)]

Way = tuple[str, list[datetime], bool]  # value, the times of the steps that were reached, whether more may come


def serves(world: World, spec: FunnelSpec, event: Event) -> list[int]:
    """The steps, from 0, that an event can serve; only in the period can it be the first."""
    period = Period.resolve(spec.period, zone=world.zone, now=world.now)
    return [
        number
        for number, step in enumerate(spec.steps)
        if world.chosen(step.choices, event)
        and world.holds(spec.filter, event)
        and (number > 0 or period.since <= world.day(event) <= period.until)
    ]


def way(world: World, spec: FunnelSpec, person: int) -> Way | None:
    """The way of a person that counts: the one that goes furthest, the earliest of those. None: they never entered."""

    def value(event: Event) -> str:
        return broken_down.part(world, spec.breakdown, event, among)

    among = [event for event in world.events if world.person(event) and 0 in serves(world, spec, event)]
    mine = [(event, serves(world, spec, event)) for event in world.events if world.person(event) == person]
    mine = [(event, steps) for event, steps in mine if steps]
    mine.sort(key=lambda pair: (pair[0].at, pair[1][0], pair[1][::-1], value(pair[0])))
    entries = [place for place, (_, steps) in enumerate(mine) if 0 in steps]
    if not entries:
        return None
    ways = []
    for entry in entries:
        deadline = mine[entry][0].at + spec.window.length
        times: list[datetime] = []
        for place, (event, steps) in enumerate(mine):
            if place >= entry and len(times) in steps and event.at <= deadline:
                times.append(event.at)
        ways.append((entry, times))
    entry, times = max(ways, key=lambda each: (len(each[1]), -each[0]))
    late = any(mine[place][0].at + spec.window.length > world.now.replace(second=0, microsecond=0) for place in entries)
    return value(mine[entry][0]), times, late and len(times) < len(spec.steps)


def ways(world: World, spec: FunnelSpec) -> list[Way]:
    people = sorted({world.person(event) for event in world.events} - {0})
    return [each for each in (way(world, spec, person) for person in people) if each]


def part(spec: FunnelSpec, some: list[Way], value: str | None, other: int = 0) -> FunnelPart:
    counts = [sum(len(times) > number for _, times, _ in some) for number in range(len(spec.steps))]
    steps = []
    for number, people in enumerate(counts):
        here = [times for _, times, _ in some if len(times) > number]
        before = counts[max(number - 1, 0)]
        steps.append(
            FunnelStep(
                number=number + 1,
                title=spec.steps[number].title,
                people=people,
                from_start=people / counts[0] if counts[0] else None,
                from_previous=people / before if before else None,
                dropped=before - people,
                since_previous=durations(spec, [times[number] - times[number - 1] for times in here]) if number else None,
                since_start=durations(spec, [times[number] - times[0] for times in here]) if number else None,
            )
        )
    return FunnelPart(value, other, tuple(steps), sum(more for _, _, more in some))


def parts(spec: FunnelSpec, some: list[Way]) -> list[FunnelPart]:
    if not spec.breakdown:
        return []
    entered = Counter(value for value, _, _ in some)
    ranked = sorted(entered, key=lambda value: (-entered[value], value.encode()))
    first, rest = ranked[: spec.top], ranked[spec.top :]
    found = [part(spec, [each for each in some if each[0] == value], value) for value in first]
    return found + ([part(spec, [each for each in some if each[0] in rest], None, len(rest))] if rest else [])


def durations(spec: FunnelSpec, taken: list[timedelta]) -> Durations | None:
    if not taken:
        return None
    ordered = sorted(Fraction(each // timedelta(milliseconds=1), 1000) for each in taken)
    bars = [edge for edge in EDGES if edge <= spec.window.length.total_seconds()]
    counted = Counter(bisect_right(bars, each) - 1 for each in ordered)
    p10, p25, median, p75, p90 = (float(quantile(ordered, Fraction(percent, 100))) for percent in (10, 25, 50, 75, 90))
    return Durations(p10, p25, median, p75, p90, tuple(counted[bar] for bar in range(len(bars))))


def quantile(ordered: list[Fraction], level: Fraction) -> Fraction:
    place = level * (len(ordered) - 1)
    below = ordered[int(place)]
    above = ordered[min(int(place) + 1, len(ordered) - 1)]
    return below + (above - below) * (place - int(place))
