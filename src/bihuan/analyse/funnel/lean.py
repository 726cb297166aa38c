"""The SQL of ways where every event serves at most one step: the same passes as in `ways`, over less.

An event's code is then its milliseconds and the number of its step. An event cannot serve the step before the one that it does, so what was
done up to it is what was done before it; and when people entered last is what the first step says at their last event.
"""

from __future__ import annotations

from collections.abc import Sequence

from bihuan.analyse.funnel.sides import MILLISECOND
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.heaps import Heaps
from bihuan.engine.breakdowns import of_people
from bihuan.engine.filters import ANY_EVENT
from bihuan.engine.visible import Binder

AT_ONCE = 4  # steps in one SELECT: each says all of the one before it again, and each SELECT costs the store a moment, too
STEP_BITS = 5
STEP = (1 << STEP_BITS) - 1


def is_lean(spec: FunnelSpec) -> bool:
    """Whether the way of each person may be found so."""
    names = [{choice.event for choice in step.choices} for step in spec.steps]
    apart = sum(map(len, names)) == len(set().union(*names)) and ANY_EVENT not in set().union(*names)
    plain = spec.order == "ordered" and spec.count == "people" and spec.compare is None and spec.show != "trend"
    bare = not (spec.exclusions or spec.held or any(step.optional or step.within for step in spec.steps))
    return apart and plain and bare and of_people(spec.breakdown)


def counted_sql(
    spec: FunnelSpec, binder: Binder, *, begins: str, serves: list[str], tick: str, place_bits: int, now: int, tests: str
) -> str:
    """CTEs up to `counted`. `begins` and `serves` (of the second step on) are SQL conditions on `visible`, `tick` its milliseconds."""
    place = (1 << place_bits) - 1
    start = ((1 << 64) - 1) ^ place
    number_bits = 64 - place_bits + STEP_BITS
    heaps = Heaps.of(number_bits)
    window = spec.window.length // MILLISECOND
    in_window = binder.bind((window + 1) << place_bits, "UInt64")
    last = len(spec.steps)
    step = f"multiIf({', '.join(f'{test}, {number}' for number, test in enumerate((begins, *serves), 1))}, 0)"
    tick_first = f"bitShiftLeft(code, {64 - number_bits})"  # an event's milliseconds at the left, as in what was done
    entry = f"bitOr(bitAnd({tick_first}, {start}), place)"
    passes = [
        "arrayEnumerate(codes) AS places, "
        f"arrayFill(done -> done != 0, arrayMap((code, place) -> if(bitAnd(code, {STEP}) = 1, {entry}, 0), codes, places)) AS done_1"
    ]
    for number in range(2, last + 1):
        goes_on = f"bitAnd(code, {STEP}) = {number} AND before != 0 AND {tick_first} - bitAnd(before, {start}) < {in_window}"
        passes.append(
            f"arrayFill(done -> done != 0, arrayMap((code, place, before) -> if({goes_on}, bitOr(bitAnd(before, {start}), place), 0), "
            f"codes, places, done_{number - 1})) AS done_{number}"
        )
    # Where a way ends with step n, `first_n` says; before that, the place of each step's event leads to that of the step before it.
    firsts = [f"arrayFirstIndex(done -> done != 0, done_{number}) AS first_{number}" for number in range(1, last + 1)]
    backs = [f"first_{last} AS c_{last}"]
    backs += [
        f"if(first_{number + 1} = 0, first_{number}, 0) + bitAnd(done_{number}[c_{number + 1}], {place}) AS c_{number}"
        for number in range(last - 1, 0, -1)
    ]
    occurrences = f"SELECT person, toUInt64({step}) AS step, {tick} AS tick FROM visible WHERE {tests}"
    code = f"bitShiftLeft(tick, {STEP_BITS}) + step"
    ctes = [f"units AS ({heaps.cut_sql('codes', heaps.another, code, f'FROM ({occurrences}) WHERE step != 0')})"]
    passed, of_passed = _staged("passed", passes, "units")
    found, of_found = _staged("backs", backs, "firsts")
    ctes += [*passed, f"firsts AS (SELECT *, {', '.join(firsts)} FROM {of_passed})", *found]
    reached = " + ".join(f"(c_{number} != 0)" for number in range(1, last + 1))
    times = ", ".join(f"bitShiftRight({heaps.number(f'codes[c_{number}]')}, {STEP_BITS})" for number in range(1, last + 1))
    ctes.append(f"""counted AS (
  SELECT {heaps.owner("codes[1]")} AS person, '' AS entry_value, {reached} AS reached,
    range(1, reached + 1) AS steps, arraySlice([{times}], 1, reached) AS times,
    c_{last} = 0 AND bitShiftRight(done_1[-1], {place_bits}) + {binder.bind(window, "UInt64")} > {binder.bind(now, "UInt64")} AS open
  FROM {of_found}
  WHERE first_1 != 0
)""")
    return ",\n".join(ctes)


def _staged(name: str, columns: Sequence[str], source: str) -> tuple[list[str], str]:
    """CTEs that add `columns`, each of which may use the one before it, to those of `source`; and what the last of them is called."""
    ctes = []
    for number in range(0, len(columns), AT_ONCE):
        ctes.append(f"{name}_{number} AS (SELECT *, {', '.join(columns[number : number + AT_ONCE])} FROM {source})")
        source = f"{name}_{number}"
    return ctes, source
