"""From the spec of root cause to its one statement: every part of every dimension on both sides, and the facts of the whole."""

from __future__ import annotations

from bihuan.analyse.root_cause.spec import RootCauseCell, RootCauseSpec
from bihuan.engine.compare import Baseline, baseline, reads, sides
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import ANY_EVENT
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.schema import COLUMNS
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import HIDDEN, Binder, json_text, property_number, property_text

MOST_PARTS = 200  # of a dimension; the smaller ones are one part, so that the parts sum to the whole
FACTS = ("events", "known", "people", "known_amount", "on_both")
EVENT = "event"


def periods_of(spec: RootCauseSpec, scope: Scope) -> tuple[Period, Baseline]:
    """The period asked about, and the one it is compared with."""
    period = scope.period(spec.period)
    other = baseline(spec.compare, period, scope)
    assert other is not None
    return period, other


def reads_root_cause(spec: RootCauseSpec, scope: Scope) -> Period:
    return reads(*periods_of(spec, scope))


def dimensions_of(spec: RootCauseSpec, scope: Scope) -> tuple[str, ...]:
    """Where causes are looked for: `event`, `property:…` and `person:…`. Typed properties that are hidden are left out."""
    several = len(spec.of.choices) > 1 or any(choice.event == ANY_EVENT for choice in spec.of.choices)
    typed = () if spec.only else tuple(name for name in COLUMNS if name not in scope.hidden)
    properties = dict.fromkeys((*spec.dimensions, *typed))
    found = [EVENT] if several and spec.measure != "rate" else []
    return (*found, *(f"property:{name}" for name in properties), *(f"person:{name}" for name in dict.fromkeys(spec.people)))


def compile_root_cause(spec: RootCauseSpec, scope: Scope) -> Statement:
    """Rows (dimension, part, …): for each part of a dimension (numbered from 1) how much it has (`x`, of a rate its hits) and of how much
    (`y`, of a rate), now and in the other period, in all and by day; `rest` 1 for the values that are one part together. Dimension 0 is
    the whole, with its `facts`."""
    binder = Binder()
    sums = "sumIf(x, side = 0) AS now_x, sumIf(y, side = 0) AS now_y, sumIf(x, side = 1) AS was_x, sumIf(y, side = 1) AS was_y"
    sql = f"""
WITH {_units(spec, scope, binder)},
parts AS (
  SELECT
    dimension, value,
    {sums},
    sumMapIf(days, arrayMap(day -> x, days), side = 0) AS now_xs, sumMapIf(days, arrayMap(day -> y, days), side = 0) AS now_ys,
    sumMapIf(days, arrayMap(day -> x, days), side = 1) AS was_xs, sumMapIf(days, arrayMap(day -> y, days), side = 1) AS was_ys
  FROM units ARRAY JOIN its AS value, arrayEnumerate(its) AS dimension
  GROUP BY dimension, value
),
ranked AS (
  SELECT *, row_number() OVER (
    PARTITION BY dimension ORDER BY greatest(abs(now_x) + now_y, abs(was_x) + was_y) DESC, value) > {MOST_PARTS} AS over
  FROM parts
)
SELECT toUInt32(dimension) AS dimension, if(over, '', value) AS part, toUInt8(over) AS rest, count() AS values,
  sum(now_x) AS now_of_x, sum(now_y) AS now_of_y, sum(was_x) AS was_of_x, sum(was_y) AS was_of_y,
  sumMap(now_xs.1, now_xs.2) AS now_days, sumMap(now_ys.1, now_ys.2) AS now_base_days,
  sumMap(was_xs.1, was_xs.2) AS was_days, sumMap(was_ys.1, was_ys.2) AS was_base_days,
  [] AS now_facts, [] AS was_facts
FROM ranked GROUP BY dimension, part, rest
UNION ALL
SELECT 0, '', 0, 0, {sums},
  ([], []), ([], []), ([], []), ([], []),
  (SELECT {_facts(0)} FROM rows), (SELECT {_facts(1)} FROM rows)
FROM units
"""
    return Statement(sql, binder.params)


def people_root_cause(spec: RootCauseSpec, cell: RootCauseCell, scope: Scope) -> Statement:
    """Who did the events of a part; of a rate those that are counted below the line."""
    binder = Binder()
    tests = [f"side = {int(cell.before)}", "person != 0"]
    if spec.measure == "rate":
        tests.append("y > 0")
    if cell.by is not None:
        dimensions = dimensions_of(spec, scope)
        if cell.by not in dimensions:
            raise QuestionError("There is no such part in this answer.")
        value = binder.bind("" if cell.nothing else cell.value or "", "String")
        tests.append(f"its[{dimensions.index(cell.by) + 1}] = {value}")
    return Statement(f"WITH {_units(spec, scope, binder)}\nSELECT DISTINCT person FROM units WHERE {' AND '.join(tests)}", binder.params)


def _facts(side: int) -> str:
    """The facts of one side in the order of `FACTS`."""
    on, known = f"side = {side}", f"side = {side} AND person != 0"
    both = "length(arrayIntersect(groupUniqArrayIf(person, side = 0 AND person != 0), groupUniqArrayIf(person, side = 1 AND person != 0)))"
    return f"""[
    toFloat64(countIf({on} AND base)), toFloat64(countIf({known} AND base)), toFloat64(uniqExactIf(person, {known} AND base)),
    sumIf(amount, {known}), toFloat64({both})]"""


def _units(spec: RootCauseSpec, scope: Scope, binder: Binder) -> str:
    """`rows`, the events of both sides, and `units`, what is counted: a row has a side, `x` of `y`, the values of all dimensions and its
    days. Events; or for `people` a person a side, with the values of their first event there, so that nobody is in two parts."""
    period, other = periods_of(spec, scope)
    apart = sides(spec.compare, period, other, scope, binder)
    chosen = (spec.of, spec.hits) if spec.measure == "rate" and spec.hits is not None else (spec.of,)
    base = is_one_of(spec.of, scope, binder)
    hit = is_one_of(spec.hits, scope, binder) if spec.measure == "rate" and spec.hits is not None else "0"
    amount = f"ifNull({property_number(spec.value, scope, binder)}, 0)" if spec.measure in ("sum", "revenue") else "0"
    values, join = _values(dimensions_of(spec, scope), scope, binder)
    x = {"count": "1", "rate": "hit", "sum": "amount", "revenue": "amount"}.get(spec.measure, "1")
    y = "base" if spec.measure == "rate" else "0"
    if spec.measure == "people":
        units = """SELECT side, person, argMin(its, (ts, event_key)) AS its, groupUniqArray(day) AS days,
    toFloat64(1) AS x, toFloat64(0) AS y
  FROM rows WHERE person != 0 GROUP BY side, person"""
    else:
        units = f"SELECT side, person, its, [day] AS days, toFloat64({x}) AS x, toFloat64({y}) AS y FROM rows"
    return f"""rows AS (
  SELECT {apart.side} AS side, person, day, ts, event_key,
    toUInt8({base}) AS base, toUInt8({hit}) AS hit, toFloat64({amount}) AS amount, {values} AS its
  FROM visible{join}
  WHERE {apart.where} AND {has_name_of(chosen, binder)} AND (base OR hit) AND {condition(spec.filter, scope, binder, over="visible")}
),
units AS (
  {units}
)"""


def _values(dimensions: tuple[str, ...], scope: Scope, binder: Binder) -> tuple[str, str]:
    """SQL for the array of an event's values, and for the join with the properties of persons ('': none)."""
    values, told = [], []
    for place, dimension in enumerate(dimensions):
        kind, _, name = dimension.partition(":")
        if kind == "person":
            if name in scope.hidden:
                raise QuestionError(HIDDEN, name=name, where=name)
            told.append((f"told_{place}", binder.bind(name, "String")))
            values.append(f"told_{place}")
        else:
            values.append(property_text(name, scope, binder) if kind == "property" else "toString(event)")
    if not told:
        return f"[{', '.join(values)}]", ""
    columns = ", ".join(f"anyIf({json_text('value')}, name = {name}) AS {column}" for column, name in told)
    names = ", ".join(name for _, name in told)
    known = f"SELECT person AS whose, {columns} FROM traits_now WHERE name IN ({names}) GROUP BY whose"
    return f"[{', '.join(values)}]", f"\n  LEFT JOIN ({known}) AS known ON person = whose"
