"""What a process is, in slow and obvious Python over a world."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from bihuan.analyse.process.cases import COMPLETES, MOST_EVENTS, OTHERS, STARTS, around, reads_process
from bihuan.analyse.process.spec import ProcessSpec
from bihuan.analyse.process.sql import LEVELS
from bihuan.engine import compare
from bihuan.engine.compare import Groups
from bihuan.engine.filters import InSegment
from bihuan.engine.question import Scope
from bihuan.engine.tests.broken_down import value
from bihuan.engine.tests.worlds import Event, World, milliseconds, text


@dataclass(frozen=True)
class Doing:
    """An event of a case: `mark` 1 starts its activity, 2 completes it."""

    tick: int
    activity: str
    mark: int
    event: Event


@dataclass(frozen=True)
class Execution:
    """An activity from `begin` to `end` (milliseconds); `service` None where it is a moment."""

    activity: str
    begin: int
    end: int
    service: int | None


@dataclass(frozen=True)
class Case:
    side: int
    id: Any
    people: frozenset[int]
    done: tuple[Execution, ...]
    cut: bool
    complete: bool
    deviations: frozenset[tuple[str, str]]
    value: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.activity for one in self.done)

    @property
    def duration(self) -> int:
        return max(one.end for one in self.done) - self.done[0].begin

    @property
    def waits(self) -> list[int]:
        return [max(later.begin - one.end, 0) for one, later in pairwise(self.done)]


def cases(world: World, spec: ProcessSpec, scope: Scope, most: int = 100) -> list[Case]:
    """The cases of both sides; `most` activities are told apart."""
    found: list[Case] = []
    doings = {side: _doings(world, spec, scope, side) for side in _sides(spec)}
    read = reads_process(spec, scope)
    names = {choice.event for choice in spec.choices}
    among = list({one.event.key: one.event for by_case in doings.values() for some in by_case.values() for one in some}.values())
    counted = Counter(
        _activity(spec, event) for event in world.events if read.since <= world.day(event) <= read.until and names & {"*", event.name}
    )
    kept = sorted(sorted(counted, key=lambda name: (-counted[name], name.encode()))[:most], key=str.encode)
    for side, by_case in doings.items():
        since, until, horizon = _window(spec, scope, side)
        for key, some in by_case.items():
            named = [Doing(one.tick, one.activity if one.activity in kept else OTHERS, one.mark, one.event) for one in some]
            ordered = sorted(
                named, key=lambda one: (one.tick, one.activity != OTHERS and 1 + kept.index(one.activity), one.mark, one.event.key)
            )
            logs = _visits(ordered, spec) if spec.case == "session" else [ordered]
            found += [_case(world, spec, side, key, log, horizon, among) for log in logs if since <= log[0].tick < until]
    return [case for case in found if case.complete or not spec.only_complete]


def _sides(spec: ProcessSpec) -> tuple[int, ...]:
    return (0,) if spec.compare is None else (0, 1)


def _window(spec: ProcessSpec, scope: Scope, side: int) -> tuple[int, int, int]:
    """A case begins from the first to before the second of these; it is followed until the third."""
    period = scope.period(spec.period)
    days = timedelta(days=around(spec))
    end = period.extended(after=around(spec)).end
    other = compare.baseline(spec.compare, period, scope)
    if side == 0 or other is None:
        return _tick(period.start), _tick(period.end), min(_tick(scope.now), _tick(end))
    late = min(max(scope.now.astimezone(UTC) - period.end.astimezone(UTC), timedelta(0)), days)
    return _tick(other.period.start), _tick(other.until), _tick(other.until.astimezone(UTC) + late)


def _tick(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _doings(world: World, spec: ProcessSpec, scope: Scope, side: int) -> dict[Any, list[Doing]]:
    period, days = scope.period(spec.period), around(spec)
    other = compare.baseline(spec.compare, period, scope)
    mine = other.period if side == 1 and other else period
    wide = mine.extended(before=days, after=days)
    followed = _window(spec, scope, side)[2] if side == 1 and other else None
    found: dict[Any, list[Doing]] = defaultdict(list)
    for event in world.events:
        case = text(event.props.get(spec.id)) if spec.case == "property" and spec.id else world.person(event)
        if not case or not (wide.since <= world.day(event) <= wide.until):
            continue
        if followed is not None and milliseconds(event.at) >= followed:
            continue
        if not (world.chosen(spec.choices, event) and world.holds(spec.filter, event) and _on_side(world, spec, event, side)):
            continue
        found[case].append(Doing(milliseconds(event.at), _activity(spec, event), _mark(spec, event), event))
    return found


def _activity(spec: ProcessSpec, event: Event) -> str:
    name = next((one.title for one in spec.services if event.name in (one.begin, one.end)), event.name)
    value = text(event.props.get(spec.by)) if spec.by else ""
    return f"{name} · {value}" if value else name


def _mark(spec: ProcessSpec, event: Event) -> int:
    if any(event.name == one.begin for one in spec.services):
        return 1
    if any(event.name == one.end for one in spec.services):
        return 2
    told = text(event.props.get(spec.lifecycle)).lower() if spec.lifecycle else ""
    return 1 if told in STARTS else 2 if told in COMPLETES else 0


def _on_side(world: World, spec: ProcessSpec, event: Event, side: int) -> bool:
    if not isinstance(spec.compare, Groups):
        return True
    inside = world.holds(InSegment(segment=spec.compare.segment), event)
    if side == 0:
        return inside
    if spec.compare.against in ("*", "!"):
        return spec.compare.against == "*" or not inside
    return world.holds(InSegment(segment=spec.compare.against), event)


def _visits(log: list[Doing], spec: ProcessSpec) -> list[list[Doing]]:
    found = [[log[0]]]
    for before, one in pairwise(log):
        if one.tick - before.tick > spec.gap * 60_000:
            found.append([])
        found[-1].append(one)
    return found


def _case(world: World, spec: ProcessSpec, side: int, key: Any, whole: list[Doing], horizon: int, among: list[Event]) -> Case:
    log = whole[:MOST_EVENTS]
    done = _executions(log)
    last = done[-1].activity
    complete = (
        not spec.tells_complete or last in spec.ends or (spec.quiet is not None and log[-1].tick <= horizon - spec.quiet * 86_400_000)
    )
    people = frozenset(world.person(one.event) for one in whole) - {0}
    return Case(
        side,
        key,
        people,
        tuple(done),
        len(whole) > MOST_EVENTS,
        complete,
        frozenset(_deviations(spec, done, complete)),
        _value(world, spec, whole, among),
    )


def _value(world: World, spec: ProcessSpec, whole: list[Doing], among: list[Event]) -> str:
    """Of each breakdown the first value that an event of the case has."""
    told = [[value(world, breakdown, one.event, among) for one in whole] for breakdown in spec.breakdown]
    return "\x1f".join(next((text for text in texts if text), "") for texts in told)


def _executions(log: list[Doing]) -> list[Execution]:
    found: list[Execution] = []
    open_at: dict[str, int] = {}  # where in `found` the execution is that has begun
    for one in log:
        running = open_at.get(one.activity)
        if one.mark == 1 and running is None:
            open_at[one.activity] = len(found)
        if one.mark == 1 and running is not None:
            continue
        if one.mark == 2:
            open_at.pop(one.activity, None)
            if running is not None:
                begun = found[running]
                found[running] = Execution(one.activity, begun.begin, one.tick, one.tick - begun.begin)
                continue
        found.append(Execution(one.activity, one.tick, one.tick, None))
    return found


def _deviations(spec: ProcessSpec, done: list[Execution], complete: bool) -> set[tuple[str, str]]:
    if not spec.order:
        return set()
    order = [step.activity for step in spec.order]
    found: set[tuple[str, str]] = set()
    names = [one.activity for one in done]
    farthest = max((order.index(name) for name in names if name in order), default=-1)
    for place, step in enumerate(spec.order):
        times = names.count(step.activity)
        if times == 0 and not step.optional and (complete or place < farthest):
            found.add(("missing", step.activity))
        if times > 1 and not step.repeat:
            found.add(("repeated", step.activity))
        where = [at for at, name in enumerate(names) if name == step.activity]
        if where:
            decides = where[-1] if step.repeat else where[0]
            if any(name in order and order.index(name) > place for name in names[:decides]):
                found.add(("out_of_order", step.activity))
    if spec.strict:
        found |= {("unexpected", name) for name in names if name not in order}
    return found


def quantile(values: list[int], level: float) -> float:
    ordered = sorted(values)
    place = Fraction(str(level)) * (len(ordered) - 1)
    below, above = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
    return float(below + (above - below) * (place - int(place)))


def quantiles(values: list[int]) -> tuple[float, ...]:
    return tuple(quantile(values, level) for level in LEVELS)
