"""From the spec of basket to its one statement: baskets as sorted numbers of their items, counted one by one, in pairs and in threes."""

from __future__ import annotations

from bihuan.analyse.basket.baskets import HASH, PAIRS, THREES, baskets_sql, called_sql, slim_sql
from bihuan.analyse.basket.spec import BasketCell, BasketSpec
from bihuan.analyse.basket.tally import compile_tally
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def compile_basket(spec: BasketSpec, scope: Scope) -> Statement:
    """Rows (its, name, baskets, people, extra). No numbers in `its`: all baskets, `extra` how many have two items or more, how many items
    they have together, and how many different ones there are. One number: an item, with its `name`, numbered from 1 by how many baskets it
    is in. Two or three: items that are together in at least `least` baskets."""
    if spec.sample is not None or spec.compare is not None:
        return compile_tally(spec, scope)
    binder = Binder()
    threes = ""
    if spec.threes:
        threes = f"""
UNION ALL
SELECT [three.1, three.2, three.3], '', count(), uniqExactIf(person, person != 0), CAST([], 'Array(UInt64)')
FROM (SELECT person, arrayFilter(n -> n <= {binder.bind(spec.threes, "UInt16")}, its) AS its FROM slim)
ARRAY JOIN {THREES} AS three
GROUP BY three HAVING count() >= {binder.bind(spec.least, "UInt64")}"""
    sql = f"""
WITH {baskets_sql(spec, scope, binder)},
counted AS MATERIALIZED (
  SELECT item, name, in_baskets, of_people
  FROM (
    SELECT item, count() AS in_baskets, uniqExactIf(person, person != 0) AS of_people FROM baskets ARRAY JOIN items AS item GROUP BY item
  ) AS found
  JOIN ({called_sql(spec, scope, binder)}) AS called USING (item)
  ORDER BY in_baskets DESC, name LIMIT {binder.bind(spec.most, "UInt64")}
),
{slim_sql("in_baskets", "person")}
SELECT CAST([], 'Array(UInt16)') AS its, '' AS name, count() AS baskets, uniqExactIf(person, person != 0) AS people,
  [countIf(length(items) > 1), sum(length(items)), uniqExactArray(items)] AS extra
FROM baskets
UNION ALL
SELECT [toUInt16(indexOf((SELECT hashes FROM numbered), item))], name, in_baskets, of_people, CAST([], 'Array(UInt64)') FROM counted
UNION ALL
SELECT [pair.1, pair.2], '', count(), uniqExactIf(person, person != 0), CAST([], 'Array(UInt64)')
FROM slim
ARRAY JOIN {PAIRS} AS pair
GROUP BY pair HAVING count() >= {binder.bind(spec.least, "UInt64")}{threes}
"""
    return Statement(sql, binder.params)


def people_basket(spec: BasketSpec, cell: BasketCell, scope: Scope) -> Statement:
    """Who has such a basket."""
    binder = Binder()
    baskets = baskets_sql(spec, scope, binder)
    having = [item for item in (cell.first, cell.second, cell.third) if item is not None]
    hashes = f"arrayMap(one -> {HASH.format(one='one')}, {binder.bind(having, 'Array(String)')})"
    tests = ["person != 0", f"hasAll(items, {hashes})"]
    side = f"sides != {1 if cell.before else 2}" if spec.compare is not None else ""
    if side:
        tests.append(side)
    elif cell.before:
        raise QuestionError("There is no such part in this answer.")
    if cell.without is not None:
        without = HASH.format(one=binder.bind(cell.without, "String"))
        tests.append(f"person NOT IN (SELECT person FROM baskets WHERE has(items, {without}){f' AND {side}' if side else ''})")
    return Statement(f"WITH {baskets}\nSELECT DISTINCT person FROM baskets WHERE {' AND '.join(tests)}", binder.params)
