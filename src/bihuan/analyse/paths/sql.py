"""From the spec of paths to its one statement.

Each person's events are sorted once and cut into visits; a visit is an array of nodes, of which the way is a slice. Ways are laid out
as one row for each of their steps, the rare nodes become one, and rows are counted.
"""

from __future__ import annotations

from bihuan.analyse.paths.spec import PathsCell, PathsSpec
from bihuan.analyse.visits import reads_visits, visits_sql
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_text

SKIPPED = "…"  # the middle of a way that is too long between two nodes
OTHER = "\x1f"  # in rows: all nodes of a step that are not shown alone
MOST_WAYS = 50


def reads_paths(spec: PathsSpec, scope: Scope) -> Period:
    return reads_visits(spec.period, scope)


def compile_paths(spec: PathsSpec, scope: Scope) -> Statement:
    """Rows of four parts. `node`: how many `ways` (and `people`) have `node` at `place`, how many of them have nothing further there
    (`ended`, `ended_people`), how many go on unseen (`going_on`), and how many nodes it stands for (`nodes`). `link`: how many go from
    there to `next` ('': they stop). `way`: the most frequent ones as `way`, `going_on` 1 when they do. `total`: one row; all visits are in
    `going_on`, those with the start in `ended`, their people in `ended_people`."""
    binder = Binder()
    sql = f"""
WITH {_ways(spec, scope, binder)},
{_folded(spec, binder)}
SELECT
  if(grouping(next) = 1, 'node', 'link') AS part, place, node, next, count() AS ways, uniqExact(person) AS people,
  countIf(edge) AS ended, uniqExactIf(person, edge) AS ended_people, countIf(onward) AS going_on, uniqExact(itself) AS nodes, [] AS way
FROM folded
GROUP BY GROUPING SETS ((place, node), (place, node, next))
UNION ALL
SELECT
  if(grouping(nodes) = 1, 'total', 'way') AS part, 0, '', '', countIf(reached) AS number, uniqExactIf(person, reached),
  countIf(started), uniqExactIf(person, started), if(part = 'total', count(), more) AS further, 0, nodes AS way
FROM ways
GROUP BY GROUPING SETS ((nodes, more), ())
ORDER BY part, number DESC, way, further
LIMIT {MOST_WAYS + 2} BY part
"""
    return Statement(sql, binder.params)


def people_paths(spec: PathsSpec, cell: PathsCell, scope: Scope) -> Statement:
    """The people with such a way."""
    binder = Binder()
    ways = _ways(spec, scope, binder)
    if cell.way:
        way, more = binder.bind(list(cell.way), "Array(String)"), binder.bind(cell.more, "Bool")
        return Statement(f"WITH {ways}\nSELECT person FROM ways WHERE reached AND nodes = {way} AND more = {more}", binder.params)
    tests = ["1"]
    if cell.place is not None:
        tests.append(f"place = {binder.bind(cell.place, 'Int64')}")
    for column, node, other in (("node", cell.node, cell.other), ("next", cell.next, cell.next_other)):
        if other or node is not None:
            tests.append(f"{column} = {binder.bind(OTHER if other else node, 'String')}")
    if cell.edge:
        tests.append("edge")
    return Statement(f"WITH {ways},\n{_folded(spec, binder)}\nSELECT person FROM folded WHERE {' AND '.join(tests)}", binder.params)


def _ways(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """`ways`: a row for each visit; `started` and `reached` say whether it has a start and an end, as far as they are asked for; `nodes` is
    the part of the way that is looked at, `places` the step of each, `more` whether it has more than these."""
    period = scope.period(spec.period)
    since, until = binder.bind(period.since, "Date"), binder.bind(period.until, "Date")
    gap, steps = binder.bind(spec.gap * 60_000, "Int64"), binder.bind(spec.steps, "Int64")
    without = "".join(f" AND NOT {fits('raw', pattern, binder)}" for pattern in spec.without)
    trail = "arrayCompact(visit.4)" if spec.loops == "collapse" else "visit.4"
    first = f"arrayFirstIndex(node -> {fits('node', spec.start, binder)}, trail)" if spec.start else "1"
    if spec.end is None:
        last = "length(tail)"
    else:
        skip = 1 if spec.start else 0  # the start is not its own end
        last = _index(spec.end, skip, binder)
    if spec.backwards:
        nodes = f"arraySlice(tail, greatest(last - {steps} + 1, 1), least(last, {steps}))"
    elif spec.end is not None:
        long = f"arrayConcat(arraySlice(tail, 1, {steps} - 2), ['{SKIPPED}', tail[last]])"
        nodes = f"if(last > {steps}, {long}, arraySlice(tail, 1, last))"
    else:
        nodes = f"arraySlice(tail, 1, {steps})"
    return f"""doings AS (
  SELECT person, tick, event, key, {_grouped(spec, binder)} AS node, counted
  FROM (
    SELECT
      person, toUnixTimestamp64Milli(ts) AS tick, event, event_key AS key, {_raw(spec, scope, binder)} AS raw,
      day BETWEEN {since} AND {until} AS counted
    FROM visible
    WHERE person != 0 AND {named(spec.choices, binder)} AND {chosen(spec.choices, scope, binder)}
      AND {condition(spec.filter, scope, binder, over="visible")}
  )
  WHERE 1{without}
),
visits AS ({visits_sql("doings", "node, counted", gap)}
),
ways AS MATERIALIZED (
  SELECT
    person, started, reached, more, nodes,
    arrayMap(position -> toInt64({f"greatest({steps} - last, 0)" if spec.backwards else "0"} + position), arrayEnumerate(nodes)) AS places
  FROM (
    SELECT
      person, last, notEmpty(tail) AS started, last > 0 AS reached, last > {steps} AS more,
      if(last > 0, {nodes}, []) AS nodes
    FROM (
      SELECT person, tail, toInt64({last}) AS last
      FROM (
        SELECT person, if(first = 0, [], arraySlice(trail, greatest(first, 1))) AS tail
        FROM (SELECT person, trail, {first} AS first FROM (SELECT person, {trail} AS trail FROM visits WHERE visit[1].5))
      )
    )
  )
)"""


def _index(end: str, skip: int, binder: Binder) -> str:
    """SQL: where in `tail` the first node is that fits, `skip` nodes aside; 0: nowhere."""
    return f"arrayFirstIndex((node, place) -> place > {skip} AND {fits('node', end, binder)}, tail, arrayEnumerate(tail))"


def _raw(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    if spec.by is None:
        return "toString(event)"
    value = property_text(spec.by, scope, binder)
    return f"if({value} = '', toString(event), {value})"


def _grouped(spec: PathsSpec, binder: Binder) -> str:
    if not spec.groups:
        return "raw"
    cases = [f"{fits('raw', group.match, binder)}, {binder.bind(group.title, 'String')}" for group in spec.groups]
    return f"multiIf({', '.join(cases)}, raw)"


def fits(name: str, pattern: str, binder: Binder) -> str:
    """SQL: `name` (SQL) is the pattern, whose `*` stand for any characters or none."""
    if "*" not in pattern:
        return f"{name} = {binder.bind(pattern, 'String')}"
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return f"{name} LIKE {binder.bind(escaped, 'String')}"


def _folded(spec: PathsSpec, binder: Binder) -> str:
    """`folded`: a row for each step of each way; `itself` is its node, `node` and `next` what they are shown as ('' after the last).
    `edge`: the way has nothing further (before it, where steps are counted from the end); `onward`: it has, but that is not shown."""
    edge = "position = 1" if spec.backwards else "position = length(nodes)"
    always = f"node = '{SKIPPED}' OR {fits('node', spec.end, binder)}" if spec.start and spec.end else "0"
    return f"""shown AS (
  SELECT place, node
  FROM (
    SELECT place, node, count() AS ways, {always} AS always
    FROM ways ARRAY JOIN places AS place, nodes AS node
    GROUP BY place, node
  )
  ORDER BY place, always DESC, ways DESC, node
  LIMIT {binder.bind(spec.top, "UInt64")} BY place
),
folded AS (
  SELECT person, place, node, next, itself, {edge} AND NOT more AS edge, {edge} AND more AS onward
  FROM (
    SELECT
      person, nodes, more, places,
      arrayMap((node, place) -> if((place, node) IN (SELECT place, node FROM shown), node, '{OTHER}'), nodes, places) AS shown_as
    FROM ways
  )
  ARRAY JOIN
    places AS place, nodes AS itself, shown_as AS node, arrayPopFront(arrayPushBack(shown_as, '')) AS next,
    arrayEnumerate(nodes) AS position
)"""
