"""Baskets counted person by person, on both sides of a comparison: what a sample needs to say how sure it is."""

from __future__ import annotations

from bihuan.analyse.basket.baskets import PAIRS, THREES, baskets_sql, called_sql, slim_sql
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.engine.meta import PIECES
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

# SQL of one person's baskets: how many are asked about, compared with, and both; and what all of them hold.
OWN = "count() AS mine"
OWN_BESIDE = "countIf(sides != 2) AS mine, countIf(sides != 1) AS theirs, countIf(sides = 3) AS shared"
HELD = "countIf(length(items) > 1) AS several, sum(length(items)) AS lengths"
HELD_BESIDE = """countIf(length(items) > 1 AND sides != 2) AS several, sumIf(length(items), sides != 2) AS lengths,
      countIf(length(items) > 1 AND sides != 1) AS their_several, sumIf(length(items), sides != 1) AS their_lengths"""
DIFFERENT = "(SELECT uniqExactArray(items) FROM baskets)"


def compile_tally(spec: BasketSpec, scope: Scope) -> Statement:
    """The rows of `compile_basket` with `more`: the sum, over people, of the square of how many baskets each has (each of nobody's stands
    alone). With a comparison go on the baskets and the people of the other side, the squares there, and the baskets on both sides; and
    `extra` with how many of the other side have two items or more, and how many items they have together."""
    binder, beside = Binder(), spec.compare is not None
    own, told, held = (OWN_BESIDE, _told(beside), HELD_BESIDE) if beside else (OWN, _told(beside), HELD)
    size = "in_baskets + more[2] - more[5]" if beside else "in_baskets"
    extra = f"sum(several), sum(lengths), {DIFFERENT}{', sum(their_several), sum(their_lengths)' if beside else ''}"
    several = [_together(spec, "pair", PAIRS, "[pair.1, pair.2]", "slim", binder)]
    if spec.threes:
        first = f"(SELECT * EXCEPT its, arrayFilter(n -> n <= {binder.bind(spec.threes, 'UInt16')}, its) AS its FROM slim)"
        several.append(_together(spec, "three", THREES, "[three.1, three.2, three.3]", first, binder))
    every = "\nUNION ALL\n".join(several)
    sql = f"""
WITH {baskets_sql(spec, scope, binder)},
counted AS MATERIALIZED (
  SELECT item, name, in_baskets, of_people, more
  FROM (
    SELECT item, {told}
    FROM (SELECT item, person, {own} FROM baskets ARRAY JOIN items AS item GROUP BY item, person)
    GROUP BY item
  ) AS found
  JOIN ({called_sql(spec, scope, binder)}) AS called USING (item)
  ORDER BY {size} DESC, name LIMIT {binder.bind(spec.most, "UInt64")}
),
{slim_sql(size, "person, sides" if beside else "person")}
SELECT CAST([], 'Array(UInt16)') AS its, '' AS name, in_baskets AS baskets, of_people AS people, extra, more
FROM (
  SELECT {told}, [{extra}] AS extra
  FROM (
    SELECT person, {own},
      {held}
    FROM baskets
    GROUP BY person
  )
)
UNION ALL
SELECT [toUInt16(indexOf((SELECT hashes FROM numbered), item))], name, in_baskets, of_people, CAST([], 'Array(UInt64)'), more FROM counted
UNION ALL
{every}
"""
    return Statement(sql, binder.params)


def _together(spec: BasketSpec, one: str, every: str, numbers: str, rows: str, binder: Binder) -> str:
    """The rows of pairs, or of threes, that are in baskets enough, on one of the sides."""
    beside, least = spec.compare is not None, binder.bind(least_of(spec), "UInt64")
    return f"""SELECT {numbers}, '', in_baskets, of_people, CAST([], 'Array(UInt64)'), more
FROM (
  SELECT {one}, {_told(beside)}
  FROM (SELECT {one}, person, {OWN_BESIDE if beside else OWN} FROM {rows} ARRAY JOIN {every} AS {one} GROUP BY {one}, person)
  GROUP BY {one} HAVING {"greatest(in_baskets, more[2])" if beside else "in_baskets"} >= {least}
)"""


def _told(beside: bool) -> str:
    """SQL of all people's."""
    more = _squares("mine")
    if beside:
        more += f", sum(theirs), countIf(person != 0 AND theirs > 0), {_squares('theirs')}, sum(shared)"
    return f"sum(mine) AS in_baskets, countIf(person != 0 AND mine > 0) AS of_people, [{more}] AS more"


def _squares(own: str) -> str:
    return f"sum(if(person = 0, {own}, {own} * {own}))"


def least_of(spec: BasketSpec) -> int:
    """In how many baskets of the sample items are that are in `least` of all."""
    return spec.least if spec.sample is None else -(-spec.least * round(spec.sample * PIECES) // PIECES)
