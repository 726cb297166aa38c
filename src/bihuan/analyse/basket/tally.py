"""Baskets counted person by person: what a sample needs to say how sure it is."""

from __future__ import annotations

from bihuan.analyse.basket.baskets import PAIRS, THREES, baskets_sql, called_sql, slim_sql
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.engine.meta import PIECES
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

# Of people each of whom has so many (`mine`): a basket of nobody's stands alone.
TOLD = "sum(mine) AS in_baskets, countIf(person != 0) AS of_people, [sum(if(person = 0, mine, mine * mine))] AS more"


def compile_tally(spec: BasketSpec, scope: Scope) -> Statement:
    """The rows of `compile_basket` with `more`: the sum, over people, of the square of how many baskets each has."""
    binder = Binder()
    least = binder.bind(least_of(spec), "UInt64")
    several = [_together("pair", PAIRS, "[pair.1, pair.2]", "slim", least)]
    if spec.threes:
        first = f"(SELECT person, arrayFilter(n -> n <= {binder.bind(spec.threes, 'UInt16')}, its) AS its FROM slim)"
        several.append(_together("three", THREES, "[three.1, three.2, three.3]", first, least))
    every = "\nUNION ALL\n".join(several)
    sql = f"""
WITH {baskets_sql(spec, scope, binder)},
counted AS MATERIALIZED (
  SELECT item, name, in_baskets, of_people, more
  FROM (
    SELECT item, {TOLD}
    FROM (SELECT item, person, count() AS mine FROM baskets ARRAY JOIN items AS item GROUP BY item, person)
    GROUP BY item
  ) AS found
  JOIN ({called_sql(spec, scope, binder)}) AS called USING (item)
  ORDER BY in_baskets DESC, name LIMIT {binder.bind(spec.most, "UInt64")}
),
{slim_sql("in_baskets", "person")}
SELECT CAST([], 'Array(UInt16)') AS its, '' AS name, in_baskets AS baskets, of_people AS people, extra, more
FROM (
  SELECT {TOLD}, [sum(several), sum(lengths), (SELECT uniqExactArray(items) FROM baskets)] AS extra
  FROM (
    SELECT person, count() AS mine, countIf(length(items) > 1) AS several, sum(length(items)) AS lengths FROM baskets GROUP BY person
  )
)
UNION ALL
SELECT [toUInt16(indexOf((SELECT hashes FROM numbered), item))], name, in_baskets, of_people, CAST([], 'Array(UInt64)'), more FROM counted
UNION ALL
{every}
"""
    return Statement(sql, binder.params)


def _together(one: str, every: str, numbers: str, rows: str, least: str) -> str:
    """The rows of pairs, or of threes, that are in baskets enough."""
    return f"""SELECT {numbers}, '', in_baskets, of_people, CAST([], 'Array(UInt64)'), more
FROM (
  SELECT {one}, {TOLD}
  FROM (SELECT {one}, person, count() AS mine FROM {rows} ARRAY JOIN {every} AS {one} GROUP BY {one}, person)
  GROUP BY {one} HAVING in_baskets >= {least}
)"""


def least_of(spec: BasketSpec) -> int:
    """In how many baskets of the sample items are that are in `least` of all."""
    return spec.least if spec.sample is None else -(-spec.least * round(spec.sample * PIECES) // PIECES)
