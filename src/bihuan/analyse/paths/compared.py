"""The last part of the statement of paths that compare: the same numbers of both sides, and what says how sure a difference is.

Ways of one person are alike, so a difference of shares is less sure than of as many people. How much less is told by sums over people: of
the square of how often each goes a link, and of that times all their ways (`analyse.paths.changes`). How often somebody goes it is
counted along their steps: the first n odd numbers are the square of n.
"""

from __future__ import annotations

from bihuan.analyse.paths.sides import BOTH
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.paths.ways import ENDS, HIDDEN, KIND, MOST_WAYS, NAME, NEXT, NODE_BITS, REST, STEP, UNSEEN, firsts
from bihuan.engine.compare import Groups


def sides_select(spec: PathsSpec) -> str:
    """SELECT with rows as those of one side, their numbers of both: arrays [this side, the other].

    `shared` are of both sides: the same visits, or (where people are measured) people who are on both with the same visits. `squares` and
    `products` are the sums above, of both sides together. Of a `node` these three are of those who stop there. In the row `total` they are
    of all ways: `squares` of the number of each one's ways. The most frequent ways are those of both sides, by the sum of their shares.
    """
    return f"""SELECT
  part, place, {NAME.format(code="node_number")} AS node, {NAME.format(code="next_number")} AS next, number AS ways, people,
  ended, ended_people, going_on, several AS nodes, arrayMap(one -> {NAME.format(code="one")}, trail) AS way, shared, squares, products
FROM (
{_links(spec)}
  UNION ALL
{_wholes(spec)}
)"""


def _links(spec: PathsSpec) -> str:
    first = firsts(spec, "marked")
    at_step, to_next, at_end = (_firsts(nth) for nth in ("nth_at_step", "nth_to_next", first.at_end))
    return f"""  SELECT
    if(grouping(next) = 1, 'node', 'link') AS part, bitShiftRight(step, {NODE_BITS}) AS place, bitAnd(step, {REST}) AS node_number,
    bitAnd(next, {REST}) AS next_number, sumForEach(times) AS number,
    if(part = 'node', sumForEach(at_step), sumForEach(to_next)) AS people, sumForEachIf(times, kind = {ENDS}) AS ended,
    sumForEachIf(at_end, kind = {ENDS}) AS ended_people, sumForEachIf(times, kind = {UNSEEN}) AS going_on,
    uniqExactMerge(hidden) AS several, CAST([], 'Array(UInt32)') AS trail,
    if(part = 'node', sumIf(ends_shared, kind = {ENDS}), sum(links_shared)) AS shared,
    if(part = 'node', sumIf(end_squares, kind = {ENDS}), sum(link_squares)) AS squares,
    if(part = 'node', sumIf(all_products, kind = {ENDS}), sum(all_products)) AS products
  FROM (
    SELECT
      {STEP.format(code="code")} AS step, {NEXT.format(code="code")} AS next, {KIND.format(code="code")} AS kind,
      [countIf(side = 0), countIf(side > 0)] AS times, {at_step} AS at_step, {to_next} AS to_next, {at_end} AS at_end,
      {_shared(spec, "nth_to_next")} AS links_shared, {_shared(spec, first.at_end)} AS ends_shared,
      sum(2 * nth_to_next - 1) AS link_squares, sum(2 * {first.at_end} - 1) AS end_squares, sum(if(side = 0, mine, theirs)) AS all_products,
      {HIDDEN} AS hidden
    FROM (
      SELECT
        codes, steps, on, arrayCount(side -> side = 0, sides) AS mine, length(sides) - mine AS theirs,
        arrayMap((code, side) -> code + bitShiftLeft(toUInt64(side > 0), 63), codes, on) AS marked,
        {first.numbers}
      FROM gone
    )
    ARRAY JOIN {first.joined}, on AS side
    GROUP BY code
  )
  GROUP BY step, next WITH ROLLUP
  HAVING NOT grouping(step)"""


def _wholes(spec: PathsSpec) -> str:
    mine, theirs = (f"greatest(max(number[{side}]) OVER (), 1)" for side in (1, 2))  # the row of all has the most
    weight = f"number[1] * {theirs} + number[2] * {mine}"
    own = "if(place <= 1, mine * mine + theirs * theirs, 0)"
    shared = _shared(spec, "nth")
    if spec.measure == "people" and isinstance(spec.compare, Groups):
        shared = f"if(of = 'total', countIf(place = 1 AND has(sides, {BOTH})), {shared})"
    return f"""  SELECT
    if(grouping(hash) = 1, 'total', 'way') AS of, 0, 0, 0, [countIf(place > 0 AND side = 0), countIf(place > 0 AND side > 0)] AS number,
    if(of = 'total', [countIf(place = 1 AND mine > 0), countIf(place = 1 AND theirs > 0)], {_firsts("nth")}),
    sumForEachIf(started, place <= 1), sumForEachIf(arrayMap(one -> toUInt64(one > 0), started), place <= 1),
    if(of = 'total', sumForEachIf(visits, place <= 1), [more, more]), 0, any(way_nodes) AS way,
    {shared}, if(of = 'total', sum({own}), sum(2 * nth - 1)), sum(if(side = 0, mine, theirs))
  FROM (
    SELECT
      visits, started, nodes, mores, sides, arrayCount(side -> side = 0, sides) AS mine, length(sides) - mine AS theirs,
      arrayMap(its -> cityHash64(its), nodes) AS hashes, arrayEnumerateUniq(hashes, mores, arrayMap(side -> side > 0, sides)) AS nths
    FROM ways
  )
  LEFT ARRAY JOIN nodes AS way_nodes, mores AS more, sides AS side, hashes AS hash, nths AS nth, arrayEnumerate(nodes) AS place
  GROUP BY GROUPING SETS ((hash, more), ())
  ORDER BY of, {weight} DESC, way, more
  LIMIT {MOST_WAYS + 1}"""


def _firsts(nth: str) -> str:
    """SQL: of how many people on each side it is the first."""
    return f"[countIf(side = 0 AND {nth} = 1), countIf(side > 0 AND {nth} = 1)]"


def _shared(spec: PathsSpec, nth: str) -> str:
    """SQL: what both sides have in common. Of two periods no person's ways are the same."""
    if spec.measure == "ways":
        return f"countIf(side = {BOTH})"
    return f"countIf(side = {BOTH} AND {nth} = 1)" if isinstance(spec.compare, Groups) else "toUInt64(0)"
