"""From the spec of paths to its one statement.

Each person's events are sorted once and cut into visits. Until the very end nodes are small numbers, which are sorted and compared
several times quicker than texts. A visit is an array of nodes, of which the way is a slice. Ways are laid out as one row for each of
their steps, the rare nodes become one, and rows are counted.

`named`   one row: the names of `events`, in order, and of `nodes`, in order: a node's number is its place there (from 1);
`visits`  each visit's nodes, and whether they fit the start (1) and the end (2);
`ways`    a row for each visit: `started` and `reached` say whether it has a start and an end, as far as they are asked for; `nodes` is the
          part of the way that is looked at, `places` the step of each, `more` whether it has more than these.
"""

from __future__ import annotations

from collections.abc import Sequence

from bihuan.analyse.paths.spec import PathsCell, PathsSpec
from bihuan.analyse.visits import Named, cut_sql, moments, place_sql, reads_visits
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_text

SKIPPED = "…"  # the middle of a way that is too long between two nodes
OTHER = "\x1f"  # in rows: all nodes of a step that are not shown alone
KNOWN = "(SELECT (events, nodes, numbers, fitting) FROM named)"  # always in these words: the store then looks once
REST, MIDDLE, NOTHING = 4_294_967_295, 4_294_967_294, 0  # the numbers of these, and of what comes after the last node
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
{_folded(spec, binder)},
{KNOWN}.2 AS all_nodes
SELECT
  part, place, {NAME.format(code="node_number")} AS node, {NAME.format(code="next_number")} AS next, number AS ways, people,
  ended, ended_people, going_on, hidden AS nodes, arrayMap(one -> {NAME.format(code="one")}, trail) AS way
FROM (
  SELECT
    if(grouping(next) = 1, 'node', 'link') AS part, place, toUInt32(node) AS node_number, toUInt32(next) AS next_number, count() AS number,
    uniqExact(person) AS people, countIf(edge) AS ended, uniqExactIf(person, edge) AS ended_people, countIf(onward) AS going_on,
    if(node = {REST}, uniqExactIf(itself, node = {REST}), 1) AS hidden, CAST([], 'Array(UInt32)') AS trail
  FROM folded
  GROUP BY place, node, next WITH ROLLUP
  HAVING NOT grouping(node)
  UNION ALL
  SELECT 'total', 0, 0, 0, countIf(reached), uniqExactIf(person, reached), countIf(started), uniqExactIf(person, started), count(), 0, []
  FROM ways
  UNION ALL
  SELECT 'way', 0, 0, 0, count() AS number, uniqExact(person), 0, 0, more, 0, any(nodes) AS way
  FROM ways
  WHERE reached
  GROUP BY cityHash64(nodes), more
  ORDER BY number DESC, way, more
  LIMIT {MOST_WAYS}
)
"""
    return Statement(sql, binder.params)


def people_paths(spec: PathsSpec, cell: PathsCell, scope: Scope) -> Statement:
    """The people with such a way."""
    binder = Binder()
    ways = _ways(spec, scope, binder)
    if cell.way:
        way, more = binder.bind(list(cell.way), "Array(String)"), binder.bind(cell.more, "Bool")
        numbers = f"arrayMap(name -> {CODE.format(name='name')}, {way})"
        return Statement(f"WITH {ways}\nSELECT person FROM ways WHERE reached AND nodes = {numbers} AND more = {more}", binder.params)
    tests = ["1"]
    if cell.place is not None:
        tests.append(f"place = {binder.bind(cell.place, 'Int64')}")
    for column, node, other in (("node", cell.node, cell.other), ("next", cell.next, cell.next_other)):
        if other or node is not None:
            tests.append(f"{column} = {REST if other else CODE.format(name=binder.bind(node, 'String'))}")
    if cell.edge:
        tests.append("edge")
    return Statement(f"WITH {ways},\n{_folded(spec, binder)}\nSELECT person FROM folded WHERE {' AND '.join(tests)}", binder.params)


# SQL: the name of a number
NAME = f"multiIf({{code}} = {REST}, '{OTHER}', {{code}} = {MIDDLE}, '{SKIPPED}', {{code}} = {NOTHING}, '', all_nodes[{{code}}])"
CODE = f"if({{name}} = '{SKIPPED}', toUInt32({MIDDLE}), toUInt32(indexOf({KNOWN}.2, {{name}})))"  # SQL: a name's number


def _ways(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    visits = _visits_of_names(spec, scope, binder) if spec.by is None else _visits_of_values(spec, scope, binder)
    return f"{_named(spec, scope, binder)},\n{visits},\n{_sliced(spec, binder)}"


def _named(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """What is seen by its name alone: no condition is looked at, so that this costs little; names too many do no harm. Where nodes are
    events, `numbers` are their nodes', and `fitting` says what they fit."""
    if spec.by is None:
        each = f"arrayMap(name -> toString({_grouped(spec, 'name', binder)}), events)"
        numbers = "arrayMap(node -> toUInt32(indexOf(nodes, node)), each)"
        fitting = f"arrayMap((name, node) -> toUInt8({_fitting(spec, ('node', 'name'), binder)}), events, each)"
        several = ""
    else:
        each, numbers, fitting = "called", "CAST([], 'Array(UInt32)')", "CAST([], 'Array(UInt8)')"
        several = (
            f", groupUniqArrayArray(called) AS called FROM (SELECT event, [{_grouped(spec, _raw(spec, scope, binder), binder)}] AS called"
        )
        several = f"{several} FROM visible WHERE {named(spec.choices, binder)})"
    found = several or f" FROM (SELECT DISTINCT event FROM visible WHERE {named(spec.choices, binder)})"
    return f"""named AS (
  SELECT events, {each} AS each, arraySort(arrayDistinct(each)) AS nodes, {numbers} AS numbers, {fitting} AS fitting
  FROM (SELECT arraySort(groupUniqArray(toString(event))) AS events{found})
)"""


def _fitting(spec: PathsSpec, names: Sequence[str], binder: Binder) -> str:
    """SQL: 1 where one of the names (SQL) fits the start, and 2 where one fits the end."""
    told = [
        f"{bit} * ({' OR '.join(fits(name, pattern, binder) for name in dict.fromkeys(names))})"
        for bit, pattern in ((1, spec.start), (2, spec.end))
        if pattern is not None
    ]
    return " + ".join(told) or "0"


def _visits_of_names(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """Visits that begin in the period. Two events of a name at once are the same to a way."""
    period = moments(spec.period, scope, binder)
    of = Named(f"{KNOWN}.1", period)
    place = of.place("one")
    numbers = f"arrayMap(one -> {f'{KNOWN}.3[{place}]' if spec.groups else place}, visit)"
    fitting = f"arrayMap(one -> {KNOWN}.4[{place}], visit)" if spec.start or spec.end else "CAST([], 'Array(UInt8)')"
    # By person and not by heaps: people come in the order of a hash then, in which counting different ones of many groups is so much
    # quicker that the whole is, too.
    gap = binder.bind(spec.gap * 60_000, "Int64")
    visits = cut_sql(f"groupArray({of.number})", _rows(spec, scope, binder, "event"), gap, of.tick)
    return f"""visits AS (
  SELECT person, {numbers} AS numbers, {fitting} AS fitting
  FROM ({visits})
  WHERE {period.begins(of.tick("visit[1]"))}
)"""


def _visits_of_values(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """The same where a node is what a property says: an event is its milliseconds, its name, its key, its node and what it fits."""
    period = moments(spec.period, scope, binder)
    raw = _raw(spec, scope, binder)
    node = _grouped(spec, raw, binder)
    code = f"""bitShiftLeft(toUInt256({period.tick}), 160) + bitShiftLeft(toUInt256({place_sql(f"{KNOWN}.1")}), 128)
          + bitShiftLeft(toUInt256(event_key), 64) + toUInt64({place_sql(f"{KNOWN}.2", node)}) * 4
          + {_fitting(spec, (node, raw, "event"), binder)}"""

    def tick(code: str) -> str:
        return f"toInt64(bitShiftRight({code}, 160))"

    visits = cut_sql(f"groupArray({code})", _rows(spec, scope, binder, raw), binder.bind(spec.gap * 60_000, "Int64"), tick)
    return f"""visits AS (
  SELECT
    person, arrayMap(one -> toUInt32(bitShiftRight(one, 2)), visit) AS numbers, arrayMap(one -> toUInt8(bitAnd(one, 3)), visit) AS fitting
  FROM ({visits})
  WHERE {period.begins(tick("visit[1]"))}
)"""


def _rows(spec: PathsSpec, scope: Scope, binder: Binder, raw: str) -> str:
    without = "".join(f"\n        AND NOT {fits(raw, pattern, binder)}" for pattern in spec.without)
    return f"""FROM visible
      WHERE person != 0 AND {named(spec.choices, binder)} AND {chosen(spec.choices, scope, binder)}
        AND {condition(spec.filter, scope, binder, over="visible")} AND {sampled(spec.sample, binder)}{without}"""


def _sliced(spec: PathsSpec, binder: Binder) -> str:
    steps = binder.bind(spec.steps, "Int64")
    collapsed = spec.loops == "collapse"
    of_visit = "SELECT person, numbers AS tail, fitting AS tail_fitting FROM visits"
    if spec.start:
        of_visit = """
          SELECT
            person, if(first = 0, [], arraySlice(numbers, greatest(first, 1))) AS tail,
            if(first = 0, [], arraySlice(fitting, greatest(first, 1))) AS tail_fitting
          FROM (SELECT person, numbers, fitting, arrayFirstIndex(one -> bitTest(one, 0), fitting) AS first FROM visits)
        """
    skip = "0"
    if spec.start:  # the start is not its own end
        skip = "if(all(one -> one = tail[1], tail), length(tail), arrayFirstIndex(one -> one != tail[1], tail) - 1)" if collapsed else "1"
        skip = skip.replace("all(", "arrayAll(")
    end = "length(tail)"
    if spec.end is not None:
        end = f"arrayFirstIndex((one, place) -> place > {skip} AND bitTest(one, 1), tail_fitting, arrayEnumerate(tail))"
    way = f"arraySlice(tail, 1, {end})"
    if spec.backwards:
        nodes = f"arraySlice(way, greatest(last - {steps} + 1, 1), least(last, {steps}))"
    elif spec.end is not None:
        nodes = f"if(last > {steps}, arrayConcat(arraySlice(way, 1, {steps} - 2), [toUInt32({MIDDLE}), way[last]]), way)"
    else:
        nodes = f"arraySlice(way, 1, {steps})"
    return f"""ways AS MATERIALIZED (
  SELECT
    person, started, reached, more, nodes,
    arrayMap(position -> toInt64({f"greatest({steps} - last, 0)" if spec.backwards else "0"} + position), arrayEnumerate(nodes)) AS places
  FROM (
    SELECT person, started, last, last > 0 AS reached, last > {steps} AS more, {nodes} AS nodes
    FROM (
      SELECT person, started, way, toInt64(length(way)) AS last
      FROM (
        SELECT person, notEmpty(tail) AS started, {f"arrayCompact({way})" if collapsed else way} AS way
        FROM ({of_visit})
      )
    )
  )
)"""


def _raw(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    if spec.by is None:
        return "event"
    value = property_text(spec.by, scope, binder)
    return f"if({value} = '', toString(event), {value})"


def _grouped(spec: PathsSpec, raw: str, binder: Binder) -> str:
    """SQL: the node that `raw` (SQL for a name) is."""
    if not spec.groups:
        return raw
    cases = [f"{fits(raw, group.match, binder)}, {binder.bind(group.title, 'String')}" for group in spec.groups]
    return f"multiIf({', '.join(cases)}, {raw})"


def fits(name: str, pattern: str, binder: Binder) -> str:
    """SQL: `name` (SQL) is the pattern, whose `*` stand for any characters or none."""
    if "*" not in pattern:
        return f"{name} = {binder.bind(pattern, 'String')}"
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return f"{name} LIKE {binder.bind(escaped, 'String')}"


def _folded(spec: PathsSpec, binder: Binder) -> str:
    """`folded`: a row for each step of each way; `itself` is its node, `node` and `next` what they are shown as (NOTHING after the last).
    `edge`: the way has nothing further (before it, where steps are counted from the end); `onward`: it has, but that is not shown."""
    edge = "position = 1" if spec.backwards else "position = length(nodes)"
    always = "0"
    if spec.start and spec.end:
        always = f"max(position = length(nodes) OR node = {MIDDLE})"  # such a way ends with the end
    return f"""shown AS (
  SELECT place, node
  FROM (
    SELECT place, node, count() AS ways, {always} AS always
    FROM ways ARRAY JOIN places AS place, nodes AS node, arrayEnumerate(nodes) AS position
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
      arrayMap((node, place) -> if((place, node) IN (SELECT place, node FROM shown), node, toUInt32({REST})), nodes, places) AS shown_as
    FROM ways
  )
  ARRAY JOIN
    places AS place, nodes AS itself, shown_as AS node, arrayPopFront(arrayPushBack(shown_as, toUInt32({NOTHING}))) AS next,
    arrayEnumerate(nodes) AS position
)"""
