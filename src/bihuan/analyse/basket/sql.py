"""From the spec of basket to its one statement: baskets as sorted numbers of their items, counted one by one, in pairs and in threes.

Until they are counted, items are hashes of 64 bits of their texts: among a million of them two are the same once in forty million times.
"""

from __future__ import annotations

from bihuan.analyse.basket.spec import BasketCell, BasketSpec
from bihuan.analyse.visits import cut_sql, moments, reads_visits
from bihuan.engine.conditions import condition
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, json_text, property_text

HASH = "sipHash64({one})"


def reads_basket(spec: BasketSpec, scope: Scope) -> Period:
    return reads_visits(spec.period, scope) if spec.basket == "session" else scope.period(spec.period)


def compile_basket(spec: BasketSpec, scope: Scope) -> Statement:
    """Rows (its, name, baskets, people, extra). No numbers in `its`: all baskets, `extra` how many have two items or more, how many items
    they have together, and how many different ones there are. One number: an item, with its `name`, numbered from 1 by how many baskets it
    is in. Two or three: items that are together in at least `least` baskets."""
    binder = Binder()
    threes = ""
    if spec.threes:
        threes = f"""
UNION ALL
SELECT [three.1, three.2, three.3], '', count(), uniqExactIf(person, person != 0), CAST([], 'Array(UInt64)')
FROM (SELECT person, arrayFilter(n -> n <= {binder.bind(spec.threes, "UInt16")}, its) AS its FROM slim)
ARRAY JOIN {_threes()} AS three
GROUP BY three HAVING count() >= {binder.bind(spec.least, "UInt64")}"""
    sql = f"""
WITH {_baskets(spec, scope, binder)},
counted AS MATERIALIZED (
  SELECT item, name, in_baskets, of_people
  FROM (
    SELECT item, count() AS in_baskets, uniqExactIf(person, person != 0) AS of_people FROM baskets ARRAY JOIN items AS item GROUP BY item
  ) AS found
  JOIN ({_called(spec, scope, binder)}) AS called USING (item)
  ORDER BY in_baskets DESC, name LIMIT {binder.bind(spec.most, "UInt64")}
),
numbered AS MATERIALIZED (
  SELECT groupArray(item) AS hashes FROM (SELECT item FROM counted ORDER BY in_baskets DESC, name)
),
slim AS MATERIALIZED (
  SELECT person, arraySort(arrayFilter(n -> n > 0, arrayMap(item -> transform(
    item, (SELECT hashes FROM numbered), (SELECT arrayMap(n -> toUInt16(n), arrayEnumerate(hashes)) FROM numbered), toUInt16(0)
  ), items))) AS its
  FROM baskets
)
SELECT CAST([], 'Array(UInt16)') AS its, '' AS name, count() AS baskets, uniqExactIf(person, person != 0) AS people,
  [countIf(length(items) > 1), sum(length(items)), uniqExactArray(items)] AS extra
FROM baskets
UNION ALL
SELECT [toUInt16(indexOf((SELECT hashes FROM numbered), item))], name, in_baskets, of_people, CAST([], 'Array(UInt64)') FROM counted
UNION ALL
SELECT [pair.1, pair.2], '', count(), uniqExactIf(person, person != 0), CAST([], 'Array(UInt64)')
FROM slim
ARRAY JOIN {_pairs()} AS pair
GROUP BY pair HAVING count() >= {binder.bind(spec.least, "UInt64")}{threes}
"""
    return Statement(sql, binder.params)


def people_basket(spec: BasketSpec, cell: BasketCell, scope: Scope) -> Statement:
    """Who has such a basket."""
    binder = Binder()
    baskets = _baskets(spec, scope, binder)
    having = [item for item in (cell.first, cell.second, cell.third) if item is not None]
    hashes = f"arrayMap(one -> {HASH.format(one='one')}, {binder.bind(having, 'Array(String)')})"
    tests = ["person != 0", f"hasAll(items, {hashes})"]
    if cell.without is not None:
        without = HASH.format(one=binder.bind(cell.without, "String"))
        tests.append(f"person NOT IN (SELECT person FROM baskets WHERE has(items, {without}))")
    return Statement(f"WITH {baskets}\nSELECT DISTINCT person FROM baskets WHERE {' AND '.join(tests)}", binder.params)


def _pairs() -> str:
    """SQL for all pairs of the sorted numbers `its`."""
    return "arrayFlatten(arrayMap((x, i) -> arrayMap(y -> (x, y), arraySlice(its, i + 1)), its, arrayEnumerate(its)))"


def _threes() -> str:
    rest = "arraySlice(its, i + 1)"
    inner = f"arrayFlatten(arrayMap((y, j) -> arrayMap(z -> (x, y, z), arraySlice(its, i + j + 1)), {rest}, arrayEnumerate({rest})))"
    return f"arrayFlatten(arrayMap((x, i) -> {inner}, its, arrayEnumerate(its)))"


def _wanted(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    wanted = f"{has_name_of([spec.of], binder)} AND {is_one_of(spec.of, scope, binder)}"
    return f"{wanted} AND {condition(spec.filter, scope, binder, over='visible')}"


def _called(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """SELECT (name, item): what the hashes mean."""
    names = f"SELECT DISTINCT arrayJoin({_items(spec, scope, binder)}) AS name FROM visible WHERE {_wanted(spec, scope, binder)}"
    return f"SELECT name, {HASH.format(one='name')} AS item FROM ({names})"


def _baskets(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """`baskets`: (person, items), each item once. A person's alone, save where an event, or its property, is a basket of nobody's."""
    wanted = _wanted(spec, scope, binder)
    items = f"arrayMap(one -> {HASH.format(one='one')}, {_items(spec, scope, binder)})"
    if spec.basket == "session":
        period = moments(spec.period, scope, binder)
        # An event is a number for each of its items, of its time and the item's hash; without any it still keeps a visit going, by a 0.
        its = f"arrayPushBack(if({wanted}, {items}, []), toUInt64(0))"
        numbers = f"arrayMap(one -> bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {period.base}), 64) + one, {its})"
        rows = f"FROM (SELECT person, {numbers} AS numbers FROM visible WHERE person != 0 AND source != 'ledger')"
        cut = cut_sql("groupArrayArray(numbers)", rows, binder.bind(spec.gap * 60_000, "Int64"), _tick_of)
        return f"""baskets AS MATERIALIZED (
  SELECT person, arrayDistinct(arrayFilter(one -> one != 0, arrayMap(one -> toUInt64(one), visit))) AS items
  FROM ({cut})
  WHERE {period.begins(_tick_of("visit[1]"))} AND notEmpty(items)
)"""
    together = {"event": "event_key", "day": "day", "person": "1"}.get(spec.basket, "")
    if spec.same is not None and spec.basket == "same":
        together = property_text(spec.same, scope, binder)
    told = "1" if spec.basket in ("event", "same") else "person != 0"
    return f"""baskets AS MATERIALIZED (
  SELECT person, groupUniqArrayArray(its) AS items
  FROM (SELECT person, {together} AS basket, {items} AS its FROM visible WHERE {told} AND {wanted})
  WHERE notEmpty(its){" AND basket != ''" if spec.basket == "same" else ""}
  GROUP BY person, basket
)"""


def _tick_of(number: str) -> str:
    """SQL: the milliseconds of an event of a visit; to their right is the hash of its item."""
    return f"toInt64(bitShiftRight({number}, 64))"


def _items(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """SQL for the items of one event, each once."""
    text = property_text(spec.item, scope, binder)
    if spec.key is not None:
        under = json_text(f"JSONExtractRaw(raw, {binder.bind(spec.key, 'String')})")
        found = f"arrayMap(raw -> {under}, if(startsWith({text}, '['), JSONExtractArrayRaw({text}), [{text}]))"
    else:
        found = f"if(startsWith({text}, '['), arrayMap(raw -> {json_text('raw')}, JSONExtractArrayRaw({text})), [{text}])"
    return f"arrayDistinct(arrayFilter(one -> one != '', {found}))"
