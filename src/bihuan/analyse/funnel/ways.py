"""The SQL of the ways that people go: passes over the sorted events of each.

An event is one number, its `code`: the milliseconds since `base`, the first step that it can serve, and a bit for each step that it can
serve and each exclusion that it is. The sorted codes of a person (a session, an attempt …) are its events in order. `done_k` says for each
of them which way through the first k steps is the best so far: its beginning and its last event, as one number. The latest is the best
for all that may come: the whole time, the time of a step, and what must not lie between. Then the way that counts is read backwards.

Why these passes are exact, and what was slower or not exact: docs/decisions/0003-funnel.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bihuan.analyse.funnel.sides import MILLISECOND
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.errors import QuestionError
from bihuan.engine.visible import Binder

FIRST_BITS = 5  # enough for the number of a step or an exclusion, and 31 for neither


@dataclass(frozen=True)
class Layout:
    """How codes and places are packed into 64 bits."""

    steps: int
    exclusions: int
    place_bits: int

    @classmethod
    def of(cls, spec: FunnelSpec, longest: timedelta) -> Layout:
        """For times up to `longest` after `base`."""
        tick_bits = (longest // MILLISECOND).bit_length()
        layout = cls(len(spec.steps), len(spec.exclusions), 64 - tick_bits)
        if tick_bits + layout.shift > 64:
            raise QuestionError("So many steps and exclusions need a shorter period.", where="period")
        return layout

    @property
    def entry_bit(self) -> int:
        """Where an event says that a way may begin with it: the first step, or in any order a bit of its own."""
        return self.steps + self.exclusions

    @property
    def first_at(self) -> int:
        return self.entry_bit + 1

    @property
    def shift(self) -> int:
        """Below the milliseconds."""
        return self.first_at + FIRST_BITS


def first_step(mask: str) -> str:
    """SQL for the first step that an event can serve (or exclusion that it is), from 1; 31: none."""
    return f"least(bitCount(bitXor({mask}, {mask} - 1)), 31)"


def ways_sql(spec: FunnelSpec, layout: Layout, binder: Binder, *, keep: str) -> str:
    """CTEs from `units` (`codes` and the columns `keep`) to `walked`: with `ticks`, and `c_1` … the places in `codes` of the events that
    the way takes, 0 for a step that it does not."""
    passes = _any_order(spec, layout, binder, keep) if spec.order == "any" else _in_order(spec, layout, binder, keep)
    return ",\n".join(passes)


def _timed(layout: Layout, keep: str) -> str:
    return f"""timed AS (
  SELECT {keep}, codes, arrayMap(code -> bitShiftRight(code, {layout.shift}), codes) AS ticks, arrayEnumerate(codes) AS places
  FROM units
)"""


def _in_order(spec: FunnelSpec, layout: Layout, binder: Binder, keep: str) -> Iterator[str]:
    columns = f"{keep}, codes, ticks, places"
    yield _timed(layout, keep)
    bits = layout.place_bits
    begun = _kept(
        spec, f"arrayMap((code, tick, place) -> if(bitTest(code, 0), bitOr(bitShiftLeft(tick, {bits}), place), 0), codes, ticks, places)"
    )
    yield f"""step_1 AS (
  SELECT {columns}, {begun} AS done_1
  FROM timed
)"""
    for number in range(2, layout.steps + 1):
        before = ", ".join(f"done_{n}" for n in range(1, number))
        yield f"""step_{number} AS (
  SELECT {columns}, {before}, {_kept(spec, _step(spec, layout, binder, number))} AS done_{number}
  FROM step_{number - 1}
)"""
    yield from _backwards(spec, layout, columns)


def _kept(spec: FunnelSpec, done: str) -> str:
    """What was done once stays done; in strict order it must be the event just before."""
    return done if spec.order == "strict" else f"arrayFill(done -> done != 0, {done})"


def _step(spec: FunnelSpec, layout: Layout, binder: Binder, number: int) -> str:
    """The ways whose step `number` each event is: where it comes in time after the step before, and nothing excluded lies between."""
    place = f"bitAnd(before, {(1 << layout.place_bits) - 1})"
    start = ((1 << 64) - 1) ^ ((1 << layout.place_bits) - 1)
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    tests = [f"bitTest(code, {number - 1})", "before != 0", f"tick - bitShiftRight(before, {layout.place_bits}) <= {window}"]
    names, arrays = ["code", "tick", "place", "before"], ["codes", "ticks", "places", f"arrayShiftRight({_before(spec, number)}, 1)"]
    within = spec.steps[number - 1].within
    if within is not None:
        last = "ticks" if spec.order == "strict" else _last_tick(layout, _before(spec, number))
        names, arrays = [*names, "last"], [*arrays, f"arrayShiftRight({last}, 1)"]
        tests.append(f"tick - last <= {binder.bind(within.length // MILLISECOND, 'UInt64')}")
    excluded = [place for place, each in enumerate(spec.exclusions) if each.after < number <= spec.last_of(each)]
    if excluded:
        names, arrays = [*names, "cut"], [*arrays, f"arrayShiftRight({_last_excluded(layout, excluded)}, 1)"]
        tests.append(f"{place} >= cut")
    return f"""arrayMap(({", ".join(names)}) ->
      if({" AND ".join(tests)}, bitOr(bitAnd(before, {start}), place), 0),
      {", ".join(arrays)})"""


def _before(spec: FunnelSpec, number: int) -> str:
    """The best way up to any step that step `number` may follow: the one before, and those before that while these are optional."""
    steps = _candidates(spec, number)
    if len(steps) == 1:
        return f"done_{steps[0]}"
    names = ", ".join(f"way_{n}" for n in steps)
    return f"arrayMap(({names}) -> arrayMax([{names}]), {', '.join(f'done_{n}' for n in steps)})"


def _candidates(spec: FunnelSpec, number: int) -> list[int]:
    steps = [number - 1]
    while spec.steps[steps[-1] - 1].optional:
        steps.append(steps[-1] - 1)
    return steps


def _last_tick(layout: Layout, done: str) -> str:
    """When the last event of the best way happened, at each event."""
    here = f"bitAnd(way, {(1 << layout.place_bits) - 1}) = place"
    return f"arrayFill(at -> at != 0, arrayMap((way, place, tick) -> if({here}, tick, 0), {done}, places, ticks))"


def _last_excluded(layout: Layout, excluded: list[int]) -> str:
    """The place of the latest event that is excluded, at each event."""
    bits = sum(1 << (layout.steps + place) for place in excluded)
    return f"arrayFill(at -> at != 0, arrayMap((code, place) -> if(bitAnd(code, {bits}) != 0, place, 0), codes, places))"


def _backwards(spec: FunnelSpec, layout: Layout, columns: str) -> Iterator[str]:
    """From the first event at which the furthest step was done, each step's event is the last one of the best way before it."""
    mask = (1 << layout.place_bits) - 1
    last = layout.steps
    done = ", ".join(f"done_{n}" for n in range(1, last))
    yield f"""back_{last} AS (
  SELECT {columns}, {done}, arrayFirstIndex(done -> done != 0, done_{last}) AS c_{last}, c_{last} AS here_{last}
  FROM step_{last}
)"""
    for number in range(last - 1, 0, -1):
        kept = "".join(f"done_{n}, " for n in range(1, number)) + ", ".join(f"c_{n}" for n in range(number + 1, last + 1))
        here = f"here_{number + 1}"
        way = f"done_{number}[{here} - 1]"
        found = f"bitAnd({way}, {mask})"
        if spec.steps[number - 1].optional:
            others = ", ".join(f"done_{n}[{here} - 1]" for n in _candidates(spec, number))
            found = f"if({way} >= arrayMax([{others}]), {found}, 0)"
        yield f"""back_{number} AS (
  SELECT {columns}, {kept},
    if({here} = 0, arrayFirstIndex(done -> done != 0, done_{number}), {found}) AS c_{number},
    if(c_{number} = 0, {here}, c_{number}) AS here_{number}
  FROM back_{number + 1}
)"""
    yield f"walked AS (SELECT {columns}, {', '.join(f'c_{n}' for n in range(1, last + 1))} FROM back_1)"


def _any_order(spec: FunnelSpec, layout: Layout, binder: Binder, keep: str) -> Iterator[str]:
    """At each event, how many steps were done in time up to it: the latest event of each step counts, and of the step that was done
    latest in the period the one there, for the way begins in the period. `c_k` are then the places of the k-th event, in order."""
    steps = range(1, layout.steps + 1)
    columns, bits, mask = f"{keep}, codes, ticks, places", layout.place_bits, (1 << layout.place_bits) - 1
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    cut = f"arrayShiftRight({_last_excluded(layout, list(range(layout.exclusions)))}, 1)" if layout.exclusions else "places"

    def latest(test: str) -> str:
        own = f"arrayMap((code, tick, place) -> if({test}, bitOr(bitShiftLeft(tick, {bits}), place), 0), codes, ticks, places)"
        return f"arrayFill(way -> way != 0, {own})"

    yield _timed(layout, keep)
    yield f"""latest AS (
  SELECT {columns}, {cut if layout.exclusions else "[]"} AS cuts,
    {latest(f"bitTest(code, {layout.entry_bit})")} AS entered,
    {", ".join(f"{latest(f'bitTest(code, {n - 1})')} AS latest_{n}" for n in steps)},
    {", ".join(f"{latest(f'bitTest(code, {n - 1}) AND bitTest(code, {layout.entry_bit})')} AS begun_{n}" for n in steps)}
  FROM timed
)"""
    in_time = f"way != 0 AND tick - bitShiftRight(way, {bits}) <= {window}"
    names, arrays = "tick", "ticks"
    if layout.exclusions:
        in_time += f" AND bitAnd(way, {mask}) >= cut"
        names, arrays = "tick, cut", "ticks, cuts"
    chosen = ", ".join(f"if(begun_{n}[at] = entered[at], begun_{n}[at], latest_{n}[at])" for n in steps)
    counted = " + ".join(f"toUInt8({in_time.replace('way', f'way_{n}')})" for n in steps)
    ways = ", ".join(f"way_{n}" for n in steps)
    own = ", ".join(f"arrayMap((b, e, l) -> if(b = e AND b != 0, b, l), begun_{n}, entered, latest_{n})" for n in steps)
    begun = in_time.replace("way", "entry")
    yield f"""levels AS (
  SELECT *, arrayMap(({names}, entry, {ways}) -> if({begun}, {counted}, 0), {arrays}, entered, {own}) AS level
  FROM latest
)"""
    at_cut = f" AND bitAnd(way, {mask}) >= cuts[at]" if layout.exclusions else ""
    yield f"""found AS (
  SELECT {columns}, indexOf(level, arrayMax(level)) AS at,
    arraySort(arrayMap(way -> bitAnd(way, {mask}),
      arrayFilter(way -> way != 0 AND way >= least_way{at_cut}, [{chosen}]))) AS taken,
    bitShiftLeft(if(ticks[at] > {window}, ticks[at] - {window}, 0), {bits}) AS least_way
  FROM levels
)"""
    yield f"walked AS (SELECT {columns}, {', '.join(f'taken[{n}] AS c_{n}' for n in steps)} FROM found)"
