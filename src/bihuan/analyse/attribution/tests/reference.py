"""Journeys to conversions, and to nothing, in slow and obvious Python over a world."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bihuan.analyse.attribution.spec import AttributionSpec
from bihuan.analyse.attribution.sql import reads_attribution
from bihuan.engine.channels import channel, referrer_host, site
from bihuan.engine.compare import Groups, baseline
from bihuan.engine.filters import InSegment
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, number, text

LONGEST = 50


@dataclass(frozen=True)
class Touch:
    event: Event
    name: str
    direct: bool = False


@dataclass(frozen=True)
class Journey:
    """`steps` are (touch point's key, event); `first` is the first of them before repeated ones were made one."""

    person: int
    won: bool
    end: Event
    worth: float
    steps: tuple[tuple[str, Event], ...]
    first: Event | None
    value: str
    sides: tuple[int, ...] = ()
    young: bool = False

    @property
    def points(self) -> tuple[str, ...]:
        return tuple(key for key, _ in self.steps)


def order(event: Event) -> tuple[object, ...]:
    return event.at, event.name.encode(), event.key


def journeys(world: World, spec: AttributionSpec, scope: Scope) -> list[Journey]:
    days = reads_attribution(spec, scope)
    events = [
        event
        for event in world.events
        if days.since <= world.day(event) <= days.until and world.person(event) and world.holds(spec.filter, event)
    ]
    wins = [event for event in events if world.chosen(spec.conversion.choices, event)]
    visited = [event for event in events if event.source != "ledger" or event in wins]
    touches = visit_touches(world, spec, visited) if spec.channels else event_touches(world, spec, events, wins)
    keys = named(spec, touches if not spec.channels else arrivals(world, spec, days))
    period = scope.period(spec.period)
    among = [event for event in wins if period.since <= world.day(event) <= period.until]
    units: dict[tuple[int, str], tuple[list[Touch], list[Event]]] = defaultdict(lambda: ([], []))
    for touch in touches:
        units[world.person(touch.event), held(spec, touch.event)][0].append(touch)
    for win in wins:
        own = held(spec, win) or f"!{win.key}" if spec.held else ""
        units[world.person(win), own][1].append(win)
    found = []
    for (person, _), (its_touches, its_wins) in units.items():
        its_touches.sort(key=lambda touch: order(touch.event))
        its_wins.sort(key=order)
        for won, end, worth, path in _ways(spec, its_touches, its_wins):
            value = broken_down.part(world, spec.breakdown, end, among)
            found.append(_journey(spec, person, won, end, worth, path, keys, value))
    placed = [replace(one, sides=sides(world, spec, scope, one.end)) for one in found]
    window = spec.window.length
    return [replace(one, young=not one.won and one.end.at + window > world.now) for one in placed if one.sides]


def held(spec: AttributionSpec, event: Event) -> str:
    return text(event.props.get(spec.held)) if spec.held else ""


def _ways(spec: AttributionSpec, touches: Sequence[Touch], wins: Sequence[Event]) -> list[tuple[bool, Event, float, list[Touch]]]:
    """(converted, its last event, worth, touch points) of all journeys of a person (and value held)."""
    window = spec.window.length
    found = []
    for place, win in enumerate(wins):
        path = [touch for touch in touches if touch.event.at <= win.at <= touch.event.at + window]
        if spec.repeat == "reset" and place:
            path = [touch for touch in path if touch.event.at > wins[place - 1].at]
        worth = (number(win.props.get(spec.conversion.value)) or 0.0) if spec.conversion.value else 0.0
        found.append((True, win, worth, path))
    run: list[Touch] = []
    for touch in touches:
        later = [win.at for win in wins if win.at >= touch.event.at]
        if later and min(later) <= touch.event.at + window:
            continue
        if run:
            before = run[-1].event.at
            between = any(before <= win.at < touch.event.at for win in wins)
            if between or touch.event.at - before > window:
                found.append((False, run[-1].event, 0.0, run))
                run = []
        run.append(touch)
    if run:
        found.append((False, run[-1].event, 0.0, run))
    return [(won, end, worth, path if won else [one for one in path if one.event.at + window >= end.at]) for won, end, worth, path in found]


def _journey(
    spec: AttributionSpec, person: int, won: bool, end: Event, worth: float, path: Sequence[Touch], keys: dict[str, str], value: str
) -> Journey:
    if spec.direct == "alone" and not all(touch.direct for touch in path):
        path = [touch for touch in path if not touch.direct]
    steps = [(keys[touch.name], touch.event) for touch in path]
    first = steps[0][1] if steps else None
    if spec.loops == "collapse":
        steps = [step for place, step in enumerate(steps) if place == len(steps) - 1 or steps[place + 1][0] != step[0]]
    if len(steps) > LONGEST:
        steps = [steps[0], *steps[1 - LONGEST :]]
    return Journey(person, won, end, worth, tuple(steps), first, value)


def named(spec: AttributionSpec, touches: Sequence[Touch]) -> dict[str, str]:
    """The key of each name: "=" and itself, or "~" where it does not stand alone."""
    often = Counter(touch.name for touch in touches)
    ranked = sorted(often, key=lambda name: (-often[name], name.encode()))
    if spec.all_alone:
        alone = ranked
    elif spec.channels:  # one place is kept for direct visits
        alone = ["direct", *[name for name in ranked if name != "direct"][: spec.points - 1]]
    else:
        alone = ranked[: spec.points]
    return {name: f"={name}" if name in alone else "~" for name in often}


def arrivals(world: World, spec: AttributionSpec, days: Period) -> list[Touch]:
    """Every event that says where somebody came from."""
    among = [event for event in world.events if days.since <= world.day(event) <= days.until and world.person(event)]
    return [touch for touch in (arrival(spec, event) for event in among) if touch]


def event_touches(world: World, spec: AttributionSpec, events: Sequence[Event], wins: Sequence[Event]) -> list[Touch]:
    found = []
    for event in events:
        kind = next((touch for touch in spec.touches if world.chosen(touch.choices, event)), None)
        if kind is None or event in wins or (spec.held and not held(spec, event)):
            continue
        name = event.name
        if kind.by is not None:
            value = text(event.props.get(kind.by))
            name = value if len(spec.touches) == 1 else f"{event.name} · {value}"
        found.append(Touch(event, name))
    return found


def visit_touches(world: World, spec: AttributionSpec, events: Sequence[Event]) -> list[Touch]:
    by_person = defaultdict(list)
    for event in events:
        by_person[world.person(event)].append(event)
    found: list[Touch] = []
    for mine in by_person.values():
        visit: list[Touch] = []
        before = None
        for event in sorted(mine, key=order):
            if before is not None and event.at - before > timedelta(minutes=spec.gap):
                found += visit
                visit = []
                begun = False
            if before is None:
                begun = False
            before = event.at
            touch = arrival(spec, event)
            if touch is None:
                continue
            if not begun:
                begun = True
                if not (touch.direct and spec.direct == "exclude"):
                    visit.append(touch)
            elif not touch.direct and not (visit and visit[-1].name == touch.name):
                visit.append(touch)
        found += visit
    return found


def arrival(spec: AttributionSpec, event: Event) -> Touch | None:
    if event.source == "ledger":
        return None
    said = {said: text(event.props.get(name)) for name, said in broken_down.ARRIVAL.items()}
    by = channel(**said)
    if not by:
        return None
    if by == "direct":
        return Touch(event, "direct", direct=True)
    source = said["source"] or site(referrer_host(said["referrer"]))
    return Touch(event, {"channel": by, "source": source, "campaign": said["campaign"]}[spec.by])


def sides(world: World, spec: AttributionSpec, scope: Scope, end: Event) -> tuple[int, ...]:
    period = scope.period(spec.period)
    mine = period.since <= world.day(end) <= period.until
    if isinstance(spec.compare, Groups):
        first = mine and world.holds(InSegment(segment=spec.compare.segment), end)
        second = mine and (
            spec.compare.against == "*" or (not world.holds(InSegment(segment=spec.compare.segment), end))
            if spec.compare.against in "*!"
            else mine and world.holds(InSegment(segment=spec.compare.against), end)
        )
        return tuple(side for side, holds in enumerate((first, second)) if holds)
    other = baseline(spec.compare, period, scope)
    theirs = other is not None and other.period.since <= world.day(end) <= other.period.until and end.at < other.until
    return tuple(side for side, holds in enumerate((mine, theirs)) if holds)
