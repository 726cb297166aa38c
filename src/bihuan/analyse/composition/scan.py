"""The statement that looks through all properties of people at once: what kind each is, and how many people have which of its values."""

from __future__ import annotations

from bihuan.analyse.composition.spec import CompositionCell, CompositionSpec
from bihuan.analyse.composition.who import people_sql, side_of, tests_of, text_of, traits_sql
from bihuan.engine.conditions import time_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import HIDDEN, Binder, json_text

MOST_PROPERTIES = 300
PIECES = 4  # ranges of a number, with about as many people each
NO_NUMBER = "CAST(NULL, 'Nullable(Float64)')"  # years like 2019 are numbers, not times
EMPTY = "('', '[]', '[\"\"]')"  # no value, and lists of nothing
ELSE = "*"
FEW = 20  # people; of fewer nothing can be said of a property whose every value is another


def compile_scan(spec: CompositionSpec, scope: Scope) -> Statement:
    """A row for each shown value of each property (`name`; of '' there is one row, everybody): its `kind`, how many people have it at all
    (`has_target` …) and how many `distinct` values there are; the value (`part`: "=" and the text, of a number its range, or "*" for the
    rest, which are `values`), and how many people have that: `target`, `base`, `both`; with a comparison also of the `other` people, and
    those `again` on both its sides. Each CTE is named once: the store reads it as often as it is named."""
    binder = Binder()
    top = binder.bind(spec.top, "UInt64")
    tests, other = tests_of(spec), ", in_other" if spec.compare is not None else ""
    counted = ", ".join(f"countIf({test}) AS {name}" for name, test in tests.items())
    has = ", ".join(f"has_{name}" for name in tests)
    sql = f"""
WITH people AS ({people_sql(spec, scope, binder)}
),
known AS (
  SELECT person AS whose, groupArray((toString(name), {json_text("value")})) AS pairs
  FROM ({traits_sql(spec, scope, binder, "1")})
  GROUP BY person
),
told AS (
  SELECT in_target, in_base{other}, pair.1 AS name, pair.2 AS text
  FROM people LEFT JOIN known ON person = whose
  ARRAY JOIN arrayPushBack(arrayFilter(pair -> pair.2 NOT IN {EMPTY}, pairs), ('', '')) AS pair
),
counted AS (
  SELECT name, text, {counted}, count() AS holders
  FROM told GROUP BY name, text
),
summed AS (
  SELECT *, {", ".join(f"sum({name}) OVER of_name AS has_{name}" for name in tests)},
    sum(holders) OVER of_name AS has_all, count() OVER of_name AS distinct, {_facts(scope, binder, "OVER of_name", "holders")}
  FROM counted WINDOW of_name AS (PARTITION BY name)
),
kinds AS (
  SELECT *, {_kind(top)} AS kind, dense_rank() OVER (ORDER BY name != '', has_all DESC, name) AS rank FROM summed
),
grouped AS (
  SELECT name, kind, value, {has}, distinct,
    {", ".join(f"sum({name}) AS its_{name}" for name in tests)}, sum(holders) AS its_holders
  FROM kinds
  ARRAY JOIN if(kind = 'unique', [''], {_values(scope, binder)}) AS value
  WHERE rank <= {MOST_PROPERTIES} + 1
  GROUP BY name, kind, value, {has}, distinct
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY name ORDER BY its_holders DESC, value) > {top} AS over
  FROM grouped WHERE value != '' OR name = '' OR kind = 'unique'
)
SELECT name, kind, {has}, distinct, if(over, '{ELSE}', concat('=', value)) AS part,
  count() AS values, {", ".join(f"sum(its_{name}) AS {name}" for name in tests)}
FROM ranked
GROUP BY name, kind, {has}, distinct, part
"""
    return Statement(sql, binder.params)


def people_scan(spec: CompositionSpec, cell: CompositionCell, scope: Scope) -> Statement:
    """Who has a value of a property, or none of it."""
    binder = Binder()
    people = people_sql(spec, scope, binder)
    side = side_of(spec, cell)
    if cell.name is None and cell.first is None:
        return Statement(f"SELECT person FROM ({people}) WHERE {side}", binder.params)
    if cell.name is None or cell.first is None or not cell.first.startswith("=") or cell.second or cell.third:
        raise QuestionError("There is no such part in this answer.")
    if cell.name in scope.hidden:
        raise QuestionError(HIDDEN, name=cell.name, where=cell.name)
    text = cell.first.removeprefix("=")
    traits = traits_sql(spec, scope, binder, f"name = {binder.bind(cell.name, 'String')}")
    known = f"SELECT person AS whose, {json_text('value')} AS text FROM ({traits}) WHERE text NOT IN {EMPTY}"
    if not text:
        return Statement(f"SELECT person FROM ({people}) WHERE {side} AND person NOT IN (SELECT whose FROM ({known}))", binder.params)
    facts = f"count() OVER () AS has_all, uniqExact(text) OVER () AS distinct, {_facts(scope, binder, 'OVER ()', 'toUInt8(1)')}"
    sql = f"""
SELECT person
FROM (
  SELECT *, {_kind(binder.bind(spec.top, "UInt64"))} AS kind
  FROM (SELECT person, {side}, text, {facts} FROM ({people}) AS people INNER JOIN ({known}) AS known ON person = whose)
)
WHERE {side} AND has({_values(scope, binder)}, {binder.bind(text, "String")})"""
    return Statement(sql, binder.params)


def _facts(scope: Scope, binder: Binder, over: str, weight: str) -> str:
    """SQL for what tells a property's kind: whether there are lists, times only, numbers only; and where numbers are cut."""
    moment = time_of("text", NO_NUMBER, binder.bind(scope.zone, "String"))
    levels = ", ".join(str(piece / PIECES) for piece in range(1, PIECES))
    number = "ifNull(toFloat64OrNull(text), 0)"
    return f"""max(startsWith(text, '[')) {over} AS lists, min({moment} IS NOT NULL) {over} AS times,
    min(ifNull(isFinite(toFloat64OrNull(text)), 0)) {over} AS numbers, min(match(text, '^[0-9]{{8,}}$')) {over} AS digits,
    arrayDistinct(quantilesExactWeighted({levels})({number}, {weight}) {over}) AS cuts"""


def _kind(top: str) -> str:
    each_another = f"distinct * 2 > has_all AND has_all >= {FEW}"
    return f"""multiIf(lists, 'list', times, 'time', numbers AND distinct > {top} AND NOT (digits AND {each_another}), 'number',
    {each_another}, 'unique', 'text')"""


def _values(scope: Scope, binder: Binder) -> str:
    """SQL for the values that the text of a property stands for, by its kind."""
    zone = binder.bind(scope.zone, "String")
    moment = f"fromUnixTimestamp64Milli(assumeNotNull({time_of('text', NO_NUMBER, zone)}), {zone})"
    place = "arrayCount(cut -> cut <= ifNull(toFloat64OrNull(text), 0), cuts)"
    begin = f"if({place} = 0, '(-∞', concat('[', toString(cuts[{place}])))"
    number = f"concat({begin}, ', ', if({place} = length(cuts), '∞', toString(cuts[{place} + 1])), ')')"
    month = f"formatDateTime({moment}, '%Y-%m')"
    return f"multiIf(kind = 'list', {text_of('text')}, kind = 'time', [{month}], kind = 'number', [{number}], [text])"
