"""The statement that looks through all properties of people at once: what kind each is, and how many people have which of its values."""

from __future__ import annotations

from bihuan.analyse.composition.spec import CompositionCell, CompositionSpec
from bihuan.analyse.composition.who import people_sql, text_of, traits_sql
from bihuan.engine.conditions import time_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import HIDDEN, Binder, json_text

MOST_PROPERTIES = 300
PIECES = 4  # ranges of a number, with about as many people each
NO_NUMBER = "CAST(NULL, 'Nullable(Float64)')"  # years like 2019 are numbers, not times
FEW = 20  # people; of fewer nothing can be said of a property whose every value is another


def compile_scan(spec: CompositionSpec, scope: Scope) -> Statement:
    """Rows (place, name, …). Place 0: how many people there are. Place 1: a property, its `kind`, how many people have it and how many
    `values` there are. Place 2: one of its values ("=" and the text, of a number its range), or "*" for the rest. `target`, `base` and
    `both` are people."""
    binder = Binder()
    sql = f"""
WITH {_grouped(spec, scope, binder)},
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY name ORDER BY in_target + in_base - in_both DESC, value)
    > {binder.bind(spec.top, "UInt64")} AS over
  FROM grouped
)
SELECT 2 AS place, name, kind, if(over, '*', concat('=', value)) AS part,
  count() AS values, sum(in_target) AS target, sum(in_base) AS base, sum(in_both) AS both
FROM ranked GROUP BY name, kind, part
UNION ALL
SELECT 1, name, kind, '', distinct, of_target, of_base, of_both FROM kinds
UNION ALL
SELECT 0, '', '', '', 0, countIf(in_target), countIf(in_base), countIf(in_target AND in_base) FROM people
"""
    return Statement(sql, binder.params)


def people_scan(spec: CompositionSpec, cell: CompositionCell, scope: Scope) -> Statement:
    """Who has a value of a property, or none of it."""
    binder = Binder()
    side = "in_base" if cell.base else "in_target"
    if cell.name is None and cell.first is None:
        return Statement(f"WITH people AS ({people_sql(spec, scope, binder)}\n)\nSELECT person FROM people WHERE {side}", binder.params)
    if cell.name is None or cell.first is None or not cell.first.startswith("=") or cell.second or cell.third:
        raise QuestionError("There is no such part in this answer.")
    if cell.name in scope.hidden:
        raise QuestionError(HIDDEN, name=cell.name, where=cell.name)
    grouped = _grouped(spec, scope, binder, only=cell.name)
    text = cell.first.removeprefix("=")
    if text:
        having = f"has({_values(scope, binder)}, {binder.bind(text, 'String')})"
        sql = f"WITH {grouped}\nSELECT person FROM told LEFT JOIN kinds USING (name) WHERE {side} AND {having}"
    else:
        sql = f"WITH {grouped}\nSELECT person FROM people WHERE {side} AND person NOT IN (SELECT person FROM told)"
    return Statement(sql, binder.params)


def _grouped(spec: CompositionSpec, scope: Scope, binder: Binder, *, only: str | None = None) -> str:
    """`people`; `told`, what is known of them; `kinds`, a row for each property; `grouped`, a row for each of its values."""
    wanted = f"name = {binder.bind(only, 'String')}" if only is not None else "1"
    traits = traits_sql(spec, scope, binder, wanted)
    moment = time_of("text", NO_NUMBER, binder.bind(scope.zone, "String"))
    top = binder.bind(spec.top, "UInt64")
    levels = ", ".join(str(piece / PIECES) for piece in range(1, PIECES))
    return f"""people AS MATERIALIZED ({people_sql(spec, scope, binder)}
),
told AS (
  SELECT person, name, text, in_target, in_base
  FROM (SELECT person, toString(name) AS name, {json_text("value")} AS text FROM ({traits})) AS known
  INNER JOIN people USING (person)
  WHERE text NOT IN ('', '[]', '[""]')
),
counted AS MATERIALIZED (
  SELECT name, text, countIf(in_target) AS target, countIf(in_base) AS base, countIf(in_target AND in_base) AS both,
    count() AS holders, ifNull(isFinite(toFloat64OrNull(text)), 0) AS is_number, {moment} IS NOT NULL AS is_time,
    startsWith(text, '[') AS is_list
  FROM told GROUP BY name, text
),
kinds AS MATERIALIZED (
  SELECT name, count() AS distinct, sum(target) AS of_target, sum(base) AS of_base, sum(both) AS of_both, sum(holders) AS of_all,
    multiIf(
      countIf(is_list) > 0, 'list',
      countIf(NOT is_time) = 0, 'time',
      countIf(NOT is_number) = 0 AND distinct > {top}, 'number',
      distinct * 2 > of_all AND of_all >= {FEW}, 'unique',
      'text') AS kind,
    if(kind = 'number',
      arrayDistinct(quantilesExactWeighted({levels})(ifNull(toFloat64OrNull(text), 0), holders)),
      CAST([], 'Array(Float64)')) AS cuts
  FROM counted
  GROUP BY name
  ORDER BY of_all DESC, name
  LIMIT {MOST_PROPERTIES}
),
grouped AS (
  SELECT name, kind, value, sum(target) AS in_target, sum(base) AS in_base, sum(both) AS in_both
  FROM counted INNER JOIN kinds USING (name)
  ARRAY JOIN {_values(scope, binder)} AS value
  WHERE kind != 'unique' AND value != ''
  GROUP BY name, kind, value
)"""


def _values(scope: Scope, binder: Binder) -> str:
    """SQL for the values that the text of a property stands for, by its kind."""
    zone = binder.bind(scope.zone, "String")
    moment = f"fromUnixTimestamp64Milli(assumeNotNull({time_of('text', NO_NUMBER, zone)}), {zone})"
    place = "arrayCount(cut -> cut <= ifNull(toFloat64OrNull(text), 0), cuts)"
    begin = f"if({place} = 0, '(-∞', concat('[', toString(cuts[{place}])))"
    number = f"concat({begin}, ', ', if({place} = length(cuts), '∞', toString(cuts[{place} + 1])), ')')"
    month = f"formatDateTime({moment}, '%Y-%m')"
    return f"multiIf(kind = 'list', {text_of('text')}, kind = 'time', [{month}], kind = 'number', [{number}], [text])"
