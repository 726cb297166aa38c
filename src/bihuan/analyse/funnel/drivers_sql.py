"""The SQL of what goes with success: what people had and did on their way, and how many of those succeeded.

`tried`    the people who came to the step before success, each with the milliseconds of their `entry`, whether they are a `success`, and up
           to when one looks at what they did: until just before success, or as long as they had time for it. Who may still succeed is left
           out;
`things`   (person, success, kind, name, value): what each of them did and had; and one thing without a kind that all of them have.

A property whose values are numbers, and more than `FEW` of them, is cut at its quartiles among those who tried: a thing is then a range.

The analysis of the store costs more than its work where a CTE is named often: so all that is told of people comes as one list, and meets
`tried` once.
"""

from __future__ import annotations

from bihuan.analyse.funnel.sides import MILLISECOND
from bihuan.analyse.funnel.spec import FunnelCell, FunnelSpec
from bihuan.engine.meta import sampled
from bihuan.engine.question import Scope
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, json_text

MOST_DRIVERS = 500  # the ones that most people have, of those that most people have not
LONGEST_VALUE = 200
FEW = 4  # different numbers that are looked at one by one
NUMBER = "toFloat64OrNull(value)"


def drivers_sql(spec: FunnelSpec, scope: Scope, binder: Binder, base: str) -> tuple[str, str]:
    """The CTEs, and the SELECT of rows "driver": `value` is a list of kind, name, value, and (of a range, whose value is '') from where on
    and below which number (null: without end); `people` of how many who tried had it and of how many of these succeeded; `place` 0 is all
    who tried. `values` says how many drivers could be looked at."""
    least = binder.bind(spec.least, "Int64")
    rows = f"""SELECT
  'driver', kind != '', toJSONString((kind, name, text, bounds)), drivers, 0, 0, [had, succeeded] AS people, 0 AS open, [], [], [], []
FROM (
  SELECT *, countIf(kind != '') OVER () AS drivers
  FROM (
    SELECT *, least(had, max(had) OVER () - had) AS fewer
    FROM (
      SELECT
        kind, name, if(numbers, '', value) AS text, if(numbers, arrayCount(cut -> cut <= ifNull({NUMBER}, 0), cuts), 0) AS at,
        if(numbers, [if(at = 0, NULL, cuts[at]), if(at = length(cuts), NULL, cuts[at + 1])], []) AS bounds,
        sum(each) AS had, sum(succeeding) AS succeeded
      FROM (
        SELECT
          *, kind IN ('property', 'person') AND min(ifNull(isFinite({NUMBER}), 0)) OVER same AND count() OVER same > {FEW}
            AND NOT min(match(value, '^[0-9]{{8,}}$')) OVER same AS numbers,
          arrayDistinct(quantilesExactWeighted(0.25, 0.5, 0.75)(ifNull({NUMBER}, 0), toUInt64(each)) OVER same) AS cuts
        FROM (
          SELECT kind, name, value, toInt64(count()) AS each, toInt64(countIf(success)) AS succeeding FROM things GROUP BY kind, name, value
        )
        WINDOW same AS (PARTITION BY kind, name)
      )
      GROUP BY kind, name, text, at, bounds
    )
  )
  WHERE fewer >= {least} OR kind = ''
  ORDER BY kind = '' DESC, fewer DESC, kind, name, text, bounds
  LIMIT {MOST_DRIVERS + 1}
)"""
    return _things(spec, scope, binder, base), rows


def driver_people_sql(spec: FunnelSpec, cell: FunnelCell, scope: Scope, binder: Binder, base: str) -> str:
    """Those who tried, had it, and succeeded (or did not)."""
    tests = ["NOT success" if cell.state == "dropped" else "success"]
    for column, text in (("kind", cell.driver), ("name", cell.name)):
        tests.append(f"{column} = {binder.bind(text or '', 'String')}")
    if cell.at_least is None and cell.below is None:
        tests.append(f"value = {binder.bind(cell.having or '', 'String')}")
    for test, bound in ((">=", cell.at_least), ("<", cell.below)):
        if bound is not None:
            tests.append(f"{NUMBER} {test} {binder.bind(bound, 'Float64')}")
    return f"{_things(spec, scope, binder, base)}\nSELECT person FROM things WHERE {' AND '.join(tests)}"


def _things(spec: FunnelSpec, scope: Scope, binder: Binder, base: str) -> str:
    """`base` is SQL for the instant, in milliseconds since 1970, that the times of ways are counted from."""
    step = spec.success_step
    before = next(n for n in range(step - 1, 0, -1) if n == 1 or not spec.steps[n - 1].optional)
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    typed = binder.bind(_typed(scope), "Array(String)")
    return f"""tried AS (
  SELECT person, times[1] AS entry, has(steps, {step}) AS success, if(success, times[-1] - 1, entry + {window}) AS until
  FROM ways
  WHERE has(steps, {before}) AND NOT open
),
things AS (
  SELECT person, success, thing.1 AS kind, thing.2 AS name, thing.3 AS value
  FROM (
    SELECT
      person, success,
      arrayConcat(
        [('', '', '')],
        arrayMap(name -> ('event', name, ''), events),
        arrayMap((name, text) -> ('property', name, text), {typed}, arrayResize(first.1, length({typed}), '')),
        arrayMap(pair -> ('property', pair.1, {json_text("pair.2")}), JSONExtractKeysAndValuesRaw(first.2)),
        arrayMap(set -> ('person', set.2, set.3), arrayFilter((set, place) -> indexOf(sets.2, set.2) = place, sets, arrayEnumerate(sets)))
      ) AS things
    FROM (
      SELECT
        tried.person AS person, any(success) AS success,
        groupUniqArrayIf(name, kind = 'event') AS events,
        argMinIf((typed, props), key, kind = 'property') AS first,
        arrayReverseSort(groupArrayIf((at, name, value), kind = 'person')) AS sets
      FROM (SELECT *, at - {base} AS tick FROM ({_told(spec, scope, binder)})) AS told JOIN tried ON told.person = tried.person
      WHERE multiIf(kind = 'event', tick > entry AND tick <= until, kind = 'property', tick = entry, tick <= entry)
      GROUP BY person
    )
  )
  ARRAY JOIN things AS thing
  WHERE kind IN ('', 'event') OR (value != '' AND length(value) <= {LONGEST_VALUE})
)"""


def _told(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """What people did besides the steps, the properties of what a way may begin with, and what their own properties were from `at` on."""
    steps = binder.bind(sorted({choice.event for step in spec.steps for choice in step.choices} - {"*"}), "Array(String)")
    firsts = spec.steps if spec.order == "any" else spec.steps[:1]
    entered = " OR ".join(is_one_of(step, scope, binder) for step in firsts)
    typed = ", ".join(f"ifNull(toString({name}), '')" for name in _typed(scope))
    at = "toUnixTimestamp64Milli(ts)"
    none = "[]::Array(String) AS typed, '' AS props"
    sample = "" if spec.sample is None else f" AND {sampled(spec.sample, binder, nobody=None)}"
    return f"""
        SELECT 'event' AS kind, person, {at} AS at, event_key AS key, toString(event) AS name, '' AS value, {none}
        FROM visible
        WHERE source != 'ledger' AND event NOT IN {steps}{sample}
        UNION ALL
        SELECT 'property', person, {at}, event_key, '', '', [{typed}], props
        FROM visible
        WHERE {has_name_of(firsts, binder)} AND ({entered}){sample}
        UNION ALL
        SELECT 'person', person, at, 0, name, {json_text("value")}, {none}
        FROM traits_past"""


def _typed(scope: Scope) -> list[str]:
    return [name for name in (*COLUMNS, *NUMBER_COLUMNS) if name not in scope.hidden]
