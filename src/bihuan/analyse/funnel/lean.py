"""The SQL of ways where every event serves at most one step: the same passes as in `ways`, over less.

An event's code is then its milliseconds and the number of its step. An event cannot serve the step before the one that it does, so what was
done up to it is what was done before it; and when people entered last is known from the sum over their events.
"""

from __future__ import annotations

from bihuan.analyse.funnel.sides import MILLISECOND
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.breakdowns import of_people
from bihuan.engine.filters import ANY_EVENT
from bihuan.engine.visible import Binder

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
    steps = range(2, len(spec.steps) + 1)
    place = (1 << place_bits) - 1
    start = ((1 << 64) - 1) ^ place
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    step = f"multiIf({', '.join(f'{test}, {number}' for number, test in enumerate((begins, *serves), 1))}, 0)"
    ctes = [
        f"""occurrences AS (
  SELECT person, toUInt64({step}) AS step, {tick} AS tick
  FROM visible
  WHERE {tests}
)""",
        """units AS (
  SELECT person, arraySort(groupArray(bitShiftLeft(tick, 5) + step)) AS codes, max(if(step = 1, tick, 0)) AS last_entry
  FROM occurrences
  WHERE step != 0
  GROUP BY person
  HAVING last_entry != 0
)""".replace("tick, 5", f"tick, {STEP_BITS}"),
        f"""step_1 AS (
  SELECT person, last_entry, codes, arrayEnumerate(codes) AS places,
    arrayFill(done -> done != 0, arrayMap((code, place) -> if(bitAnd(code, {STEP}) = 1,
      bitOr(bitShiftLeft(bitShiftRight(code, {STEP_BITS}), {place_bits}), place), 0), codes, places)) AS done_1
  FROM units
)""",
    ]
    for number in steps:
        before = ", ".join(f"done_{n}" for n in range(1, number))
        in_time = f"bitShiftRight(code, {STEP_BITS}) - bitShiftRight(before, {place_bits}) <= {window}"
        ctes.append(f"""step_{number} AS (
  SELECT person, last_entry, codes, places, {before},
    arrayFill(done -> done != 0, arrayMap((code, place, before) -> if(bitAnd(code, {STEP}) = {number} AND before != 0 AND {in_time},
      bitOr(bitAnd(before, {start}), place), 0), codes, places, done_{number - 1})) AS done_{number}
  FROM step_{number - 1}
)""")
    last = len(spec.steps)
    ctes.append(f"""back_{last} AS (
  SELECT *, arrayFirstIndex(done -> done != 0, done_{last}) AS c_{last}
  FROM step_{last}
)""")
    for number in range(last - 1, 0, -1):
        found = f"bitAnd(done_{number}[c_{number + 1}], {place})"
        ctes.append(f"""back_{number} AS (
  SELECT *, if(c_{number + 1} = 0, arrayFirstIndex(done -> done != 0, done_{number}), {found}) AS c_{number}
  FROM back_{number + 1}
)""")
    done = ", ".join(f"c_{number}" for number in range(1, last + 1))
    ctes.append(f"""counted AS (
  SELECT person, '' AS entry_value, arrayFilter(place -> place != 0, [{done}]) AS taken, arrayEnumerate(taken) AS steps,
    arrayMap(place -> bitShiftRight(codes[place], {STEP_BITS}), taken) AS times,
    c_{last} = 0 AND last_entry + {window} > {binder.bind(now, "UInt64")} AS open
  FROM back_1
)""")
    return ",\n".join(ctes)
