"""From the spec of paths to its one statement, and who is behind its numbers."""

from __future__ import annotations

from bihuan.analyse.paths.compared import sides_select
from bihuan.analyse.paths.spec import PathsCell, PathsSpec
from bihuan.analyse.paths.ways import (
    CODE,
    ENDS,
    HIDDEN,
    KIND,
    KNOWN,
    MOST_WAYS,
    NAME,
    NEXT,
    NODE_BITS,
    REST,
    STEP,
    UNSEEN,
    firsts,
    gone_sql,
    ways_sql,
)
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def compile_paths(spec: PathsSpec, scope: Scope) -> Statement:
    """Rows of four parts. `node`: how many `ways` (and `people`) have `node` at `place`, how many of them have nothing further there
    (`ended`, `ended_people`), and how many go on unseen (`going_on`); where it is all that are not shown alone, how many `nodes` these
    are. `link`: how many go from a node to `next` ('': they stop). `way`: the most frequent ones as `way`, `going_on` 1 when they do.
    `total`: one row; all visits are in `going_on`, those with the start in `ended`, their people in `ended_people`. Compared, numbers are
    those of both sides."""
    binder = Binder()
    sql = f"""
WITH {ways_sql(spec, scope, binder)},
{gone_sql(spec, binder)},
{KNOWN}.2 AS all_nodes
{_select(spec) if spec.compare is None else sides_select(spec)}
"""
    return Statement(sql, binder.params)


def _select(spec: PathsSpec) -> str:
    first = firsts(spec)
    return f"""SELECT
  part, place, {NAME.format(code="node_number")} AS node, {NAME.format(code="next_number")} AS next, number AS ways, people,
  ended, ended_people, going_on, several AS nodes, arrayMap(one -> {NAME.format(code="one")}, trail) AS way
FROM (
  SELECT
    if(grouping(next) = 1, 'node', 'link') AS part, bitShiftRight(step, {NODE_BITS}) AS place, bitAnd(step, {REST}) AS node_number,
    bitAnd(next, {REST}) AS next_number, sum(times) AS number, if(part = 'node', sum(at_step), sum(to_next)) AS people,
    sumIf(times, kind = {ENDS}) AS ended, sum(at_end) AS ended_people, sumIf(times, kind = {UNSEEN}) AS going_on,
    uniqExactMerge(hidden) AS several, CAST([], 'Array(UInt32)') AS trail
  FROM (
    SELECT
      {STEP.format(code="code")} AS step, {NEXT.format(code="code")} AS next, {KIND.format(code="code")} AS kind, count() AS times,
      countIf(nth_at_step = 1) AS at_step, countIf(nth_to_next = 1) AS to_next, countIf(kind = {ENDS} AND {first.at_end} = 1) AS at_end,
      {HIDDEN} AS hidden
    FROM (
      SELECT
        codes, steps,
        {first.numbers}
      FROM gone
    )
    ARRAY JOIN {first.joined}
    GROUP BY code
  )
  GROUP BY step, next WITH ROLLUP
  HAVING NOT grouping(step)
  UNION ALL
  SELECT
    if(grouping(hash) = 1, 'total', 'way') AS of, 0, 0, 0, countIf(place > 0) AS number,
    if(of = 'total', countIf(place = 1), countIf(nth = 1)), sumIf(started, place <= 1), countIf(started > 0 AND place <= 1),
    if(of = 'total', sumIf(visits, place <= 1), more), 0, any(way_nodes) AS way
  FROM (
    SELECT visits, started, nodes, mores, arrayMap(its -> cityHash64(its), nodes) AS hashes, arrayEnumerateUniq(hashes, mores) AS nths
    FROM ways
  )
  LEFT ARRAY JOIN nodes AS way_nodes, mores AS more, hashes AS hash, nths AS nth, arrayEnumerate(nodes) AS place
  GROUP BY GROUPING SETS ((hash, more), ())
  ORDER BY of, number DESC, way, more
  LIMIT {MOST_WAYS + 1}
)"""


def people_paths(spec: PathsSpec, cell: PathsCell, scope: Scope) -> Statement:
    """The people with such a way."""
    if cell.before and spec.compare is None:
        raise QuestionError("There is no such part in this answer.")
    binder = Binder()
    side, on, sides = "", "", ""
    if spec.compare is not None:
        side, on, sides = f"(side > 0) = {int(cell.before)} AND ", ", on", ", sides"
    ways = ways_sql(spec, scope, binder)
    if cell.way:
        way, more = binder.bind(list(cell.way), "Array(String)"), binder.bind(cell.more, "Bool")
        numbers = f"arrayMap(name -> {CODE.format(name='name')}, {way})"
        test = f"arrayExists((its, its_more{sides and ', side'}) -> {side}its_more = {more} AND its = {numbers}, nodes, mores{sides})"
        return Statement(f"WITH {ways}\nSELECT person FROM ways WHERE {test}", binder.params)
    tests = ["1"]
    if cell.place is not None:
        tests.append(f"bitShiftRight({STEP.format(code='code')}, {NODE_BITS}) = {binder.bind(cell.place, 'Int64')}")
    for part, node, other in ((STEP, cell.node, cell.other), (NEXT, cell.next, cell.next_other)):
        if other or node is not None:
            number = REST if other else CODE.format(name=binder.bind(node, "String"))
            tests.append(f"bitAnd({part.format(code='code')}, {REST}) = {number}")
    if cell.edge:
        tests.append(f"{KIND.format(code='code')} = {ENDS}")
    names = "(code, side)" if on else "code"
    test = f"arrayExists({names} -> {side}{' AND '.join(tests)}, codes{on})"
    return Statement(f"WITH {ways},\n{gone_sql(spec, binder)}\nSELECT person FROM gone WHERE {test}", binder.params)
