"""The ways of people as CTEs, on which every statement of paths stands.

Each person's events are sorted once and cut into visits. Until the very end nodes are small numbers, which are sorted and compared
several times quicker than texts. A person is one row to the end, too: whether somebody goes a link for the first time is seen among their
own steps, so that people are counted as ways are, and no set of people is kept for any node, link or way.

`named`   one row: the names of `events`, in order, and of `nodes`, in order: a node's number is its place there (from 1);
`visits`  each person's visits: their nodes' `numbers`, and whether these fit the start (1) and the end (2);
`ways`    each person's ways. `visits` and `started` say how many visits they have, and how many of these have the start. `nodes` are the
          parts of the ways that are looked at, `mores` whether they have more than these. `steps` are those of all their ways one after
          another, each a number: its place, then its node; `kinds` whether it goes on (0), is the end of its way (1), or not its end, but
          what comes is not looked at (2);
`shown`   the steps that are shown alone; the others are REST;
`gone`    each person's `steps`, and beside them as they are shown with the node that is next: `codes`, the numbers of that step, that
          node and their kind.

Beside another period, or other people, a visit has its side: 0 what is asked about, 1 what it is compared with, 3 the same when the visit
is on the other side, too. It is there once for each side; `visits` and `ways` have them as `sides`, `gone` the side of each step as `on`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bihuan.analyse.paths.sides import Beside, beside, days_of, on_either
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.visits import Moments, Named, moments, place_sql, split_sql
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.meta import sampled
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder, property_text

SKIPPED = "…"  # the middle of a way that is too long between two nodes
OTHER = "\x1f"  # in rows: all nodes of a step that are not shown alone
KNOWN = "known"  # the row of `named`: called by this name it is read once, and not anew wherever it is said
NODE_BITS, KIND_BITS = 28, 2  # a step is its place and its node; what somebody goes is a step, the next node, and the kind of the step
NAME_BITS = 22  # of an event's number; to their left is room for the milliseconds of a hundred years
REST, MIDDLE, NOTHING = (1 << NODE_BITS) - 1, (1 << NODE_BITS) - 2, 0  # the numbers of these, and of what comes after the last node
ENDS, UNSEEN = 1, 2  # kinds of steps: the end of a way; not its end, but what comes is not looked at
MOST_WAYS = 50

# SQL: the name of a number
NAME = f"multiIf({{code}} = {REST}, '{OTHER}', {{code}} = {MIDDLE}, '{SKIPPED}', {{code}} = {NOTHING}, '', all_nodes[{{code}}])"
CODE = f"if({{name}} = '{SKIPPED}', toUInt32({MIDDLE}), toUInt32(indexOf({KNOWN}.2, {{name}})))"  # SQL: a name's number
# SQL: the parts of what somebody goes
STEP, NEXT = f"bitShiftRight({{code}}, {NODE_BITS + KIND_BITS})", f"bitAnd(bitShiftRight({{code}}, {KIND_BITS}), {REST})"
KIND = f"bitAnd({{code}}, {(1 << KIND_BITS) - 1})"
STEP_AND_KIND = (1 << 64) - 1 - (REST << KIND_BITS)  # the bits that are not of the next node


def ways_sql(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    visits = _visits_of_names(spec, scope, binder) if spec.by is None else _visits_of_values(spec, scope, binder)
    known = f"(SELECT (events, nodes, numbers, fitting) FROM named) AS {KNOWN}"
    return f"{_named(spec, scope, binder)},\n{known},\n{visits},\n{_sliced(spec, binder)}"


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
        several = f"{several} FROM visible WHERE {named(spec.choices, binder)}{days_of(spec, scope, binder)})"
    found = several or f" FROM (SELECT DISTINCT event FROM visible WHERE {named(spec.choices, binder)}{days_of(spec, scope, binder)})"
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
    period, both = _moments(spec, scope, binder)
    of = Named(f"{KNOWN}.1", period, str(NAME_BITS))
    place = of.place("one")
    number = f"{KNOWN}.3[{place}]" if spec.groups else place
    rows = _rows(spec, scope, binder, "event")
    also = both.also if both else None
    visits = split_sql(f"groupArray({of.number})", rows, binder.bind(spec.gap * 60_000, "Int64"), of.tick, also=also)
    return _visits(spec, both or period, visits, of.tick, number, f"{KNOWN}.4[{place}]")


def _moments(spec: PathsSpec, scope: Scope, binder: Binder) -> tuple[Moments, Beside | None]:
    """Those of the period; and both sides, where there are two."""
    if spec.compare is None:
        return moments(spec.period, scope, binder), None
    both = beside(spec, scope, binder)
    return both.moments, both


def _visits_of_values(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """The same where a node is what a property says: an event is its milliseconds, its name, its key, its node and what it fits."""
    period, both = _moments(spec, scope, binder)
    raw = _raw(spec, scope, binder)
    node = _grouped(spec, raw, binder)
    code = f"""bitShiftLeft(toUInt256({period.tick}), 160) + bitShiftLeft(toUInt256({place_sql(f"{KNOWN}.1")}), 128)
          + bitShiftLeft(toUInt256(event_key), 64) + toUInt64({place_sql(f"{KNOWN}.2", node)}) * 4
          + {_fitting(spec, (node, raw, "event"), binder)}"""

    def tick(code: str) -> str:
        return f"toInt64(bitShiftRight({code}, 160))"

    rows = _rows(spec, scope, binder, raw)
    also = both.also if both else None
    visits = split_sql(f"groupArray({code})", rows, binder.bind(spec.gap * 60_000, "Int64"), tick, also=also)
    return _visits(spec, both or period, visits, tick, "toUInt32(bitShiftRight(one, 2))", "toUInt8(bitAnd(one, 3))")


def _rows(spec: PathsSpec, scope: Scope, binder: Binder, raw: str) -> str:
    without = "".join(f"\n        AND NOT {fits(raw, pattern, binder)}" for pattern in spec.without)
    either = on_either(spec, scope, binder)
    return f"""FROM visible
      WHERE person != 0 AND {named(spec.choices, binder)} AND {chosen(spec.choices, scope, binder)}
        AND {condition(spec.filter, scope, binder, over="visible")} AND {sampled(spec.sample, binder, nobody=None)}{without}{either}"""


def _visits(spec: PathsSpec, period: Moments | Beside, visits: str, tick: Callable[[str], str], number: str, fitting: str) -> str:
    """`visits`, of a SELECT (person, visits); `number` and `fitting` are SQL for what an event, `one`, is and fits."""
    told = f"arrayMap(visit -> arrayMap(one -> {fitting}, visit), its)" if spec.start or spec.end else "CAST([], 'Array(Array(UInt8))')"
    begin = tick("visit[1]")
    its = period.visits(tick) if isinstance(period, Beside) else f"arrayFilter(visit -> {period.begins(begin)}, visits) AS its"
    return f"""visits AS (
  SELECT
    person, {its},
    arrayMap(visit -> arrayMap(one -> {number}, visit), its) AS numbers, {told} AS fitting
  FROM ({visits})
  WHERE notEmpty(its)
)"""


def _sliced(spec: PathsSpec, binder: Binder) -> str:
    """`ways`, of the SELECT `_reached`."""
    steps = binder.bind(spec.steps, "Int64")
    if spec.backwards:
        nodes = f"arraySlice(way, greatest(toInt64(length(way)) - {steps} + 1, 1), {steps})"
    elif spec.end is not None:
        between = f"arrayConcat(arraySlice(way, 1, {steps} - 2), [toUInt32({MIDDLE}), way[-1]])"
        nodes = f"if(length(way) > {steps}, {between}, way)"
    else:
        nodes = f"arraySlice(way, 1, {steps})"
    first = f"toUInt64(greatest({steps} - toInt64(length(its)), 0)) + 1" if spec.backwards else "1"
    others, edge = "arrayResize(emptyArrayUInt8(), length(its) - 1)", f"toUInt8(if(more, {UNSEEN}, {ENDS}))"
    its_kinds = f"arrayPushFront({others}, {edge})" if spec.backwards else f"arrayPushBack({others}, {edge})"
    sides = on = ""
    if spec.compare is not None:
        sides, on = ", sides", ",\n    arrayFlatten(arrayMap((its, side) -> arrayResize([side], length(its), side), nodes, sides)) AS on"
    return f"""ways AS MATERIALIZED (
  SELECT
    person, visits, started, nodes, mores{sides},
    arrayMap(
      (place, node) -> bitShiftLeft(toUInt64(place), {NODE_BITS}) + node,
      arrayFlatten(arrayMap(its -> range({first}, {first} + length(its)), nodes)), arrayFlatten(nodes)) AS steps,
    arrayFlatten(arrayMap((its, more) -> {its_kinds}, nodes, mores)) AS kinds{on}
  FROM (
    SELECT
      person, visits, started{sides}, arrayMap(way -> {nodes}, reached) AS nodes, arrayMap(way -> length(way) > {steps}, reached) AS mores
    FROM ({_reached(spec)})
  )
)"""


def _reached(spec: PathsSpec) -> str:
    """SELECT (person, visits, started, reached): how many visits a person has, how many of them have the start, and their whole ways."""
    way = "arrayCompact({})" if spec.loops == "collapse" else "{}"
    if not (spec.start or spec.end):
        wholes = f"arrayMap(visit -> {way.format('visit')}, numbers)"
        if spec.compare is not None:
            return f"SELECT person, {_on_sides('1', '', 'sides')} AS visits, visits AS started, sides, {wholes} AS reached FROM visits"
        return f"SELECT person, length(numbers) AS visits, visits AS started, {wholes} AS reached FROM visits"
    sides = ", sides" if spec.compare is not None else ""
    tails = f"SELECT person, numbers AS tails, fitting AS fits{sides} FROM visits"
    if spec.start:
        tail = "(visit, first) -> if(first = 0, [], arraySlice(visit, greatest(first, 1)))"
        tails = f"""
          SELECT
            person, arrayMap({tail}, numbers, firsts) AS tails,
            arrayMap({tail}, fitting, firsts) AS fits{sides}
          FROM (SELECT *, arrayMap(visit -> arrayFirstIndex(one -> bitTest(one, 0), visit), fitting) AS firsts FROM visits)
        """
    ends = "arrayMap(tail -> length(tail), tails)"
    if spec.end:
        skips = "arrayMap(tail -> 0, tails)"
        if spec.start:  # the start is not its own end
            skips = "arrayMap(tail -> 1, tails)"
        if spec.start and spec.loops == "collapse":
            skips = """arrayMap(
              (tail, head) -> if(arrayExists(one -> one != head, tail), arrayFirstIndex(one -> one != head, tail) - 1, length(tail)),
              tails, arrayMap(tail -> tail[1], tails))"""
        end = "arrayFirstIndex((one, place) -> place > skip AND bitTest(one, 1), fit, arrayEnumerate(fit))"
        tails = f"SELECT *, {skips} AS skips FROM ({tails})"
        ends = f"arrayMap((fit, skip) -> {end}, fits, skips)"
    if spec.compare is not None:
        return f"""
      SELECT
        person, {_on_sides("1", "", "on_sides")} AS visits, {_on_sides("notEmpty(tail)", "tail, ", "tails, on_sides")} AS started,
        arrayFilter(way -> notEmpty(way), ways) AS reached, arrayFilter((side, way) -> notEmpty(way), on_sides, ways) AS sides
      FROM (
        SELECT
          person, tails, sides AS on_sides, arrayMap((tail, end) -> {way.format("arraySlice(tail, 1, end)")}, tails, {ends}) AS ways
        FROM ({tails})
      )
    """
    return f"""
      SELECT
        person, length(tails) AS visits, arrayCount(tail -> notEmpty(tail), tails) AS started,
        arrayFilter(way -> notEmpty(way), arrayMap((tail, end) -> {way.format("arraySlice(tail, 1, end)")}, tails, {ends})) AS reached
      FROM ({tails})
    """


def _on_sides(test: str, names: str, arrays: str) -> str:
    """SQL: of how many visits on each side `test` is true, of the `arrays` by their `names`, the last of which is the side."""
    return "[" + ", ".join(f"arrayCount(({names}side) -> side {side} AND {test}, {arrays})" for side in ("= 0", "> 0")) + "]"


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


def gone_sql(spec: PathsSpec, binder: Binder) -> str:
    place, node = f"bitShiftRight(step, {NODE_BITS})", f"bitAnd(step, {REST})"
    always = "0"
    if spec.start and spec.end:
        always = f"max(kind != 0 OR {node} = {MIDDLE})"  # such a way ends with the end
    times, on, its_side = "count()", "", ""
    if spec.compare is not None:
        on, its_side = ", on, sides", ", on AS side"
        all_ways = "greatest(sum(countIf(kind != 0 AND side {})) OVER (), 1)"  # each way has one step that does not go on
        times = f"countIf(side = 0) * {all_ways.format('> 0')} + countIf(side > 0) * {all_ways.format('= 0')}"
    same_way = f"bitShiftRight(next, {NODE_BITS}) = bitShiftRight(step, {NODE_BITS}) + 1"  # and not the first step of another one
    return f"""shown AS (
  SELECT step
  FROM (
    SELECT step, {times} AS times, {always} AS always
    FROM ways ARRAY JOIN steps AS step, kinds AS kind{its_side}
    GROUP BY step
  )
  ORDER BY {place}, always DESC, times DESC, step LIMIT {binder.bind(spec.top, "UInt64")} BY {place}
),
gone AS (
  SELECT
    person, steps,
    arrayMap((step, next, kind) -> bitShiftLeft(step, {NODE_BITS + KIND_BITS})
      + if({same_way}, bitShiftLeft(bitAnd(next, {REST}), {KIND_BITS}), 0) + kind,
      as_shown, arrayPopFront(arrayPushBack(as_shown, 0)), kinds) AS codes{on}
  FROM (
    SELECT person, steps, kinds{on}, arrayMap(step -> if(step IN (SELECT step FROM shown), step, bitOr(step, {REST})), steps) AS as_shown
    FROM ways
    WHERE notEmpty(steps)
  )
)"""


@dataclass(frozen=True)
class Firsts:
    """SQL to see what somebody does for the first time among all of theirs: `numbers` are columns of `gone`, `joined` is the ARRAY JOIN of
    these with what they number, `nth_at_step`, `nth_to_next` and, of the ends of ways, `at_end`."""

    numbers: str
    joined: str
    at_end: str


def firsts(spec: PathsSpec, codes: str = "codes") -> Firsts:
    """`codes` are those of `gone`. Counted from the beginning, an end has nothing next, and only ends have a kind: numbering whole codes
    numbers links and ends alike."""
    numbered = {"at_step": f"arrayMap(code -> {STEP.format(code='code')}, {codes})", "to_next": codes}
    if spec.backwards:
        numbered["to_next"] = f"arrayMap(code -> bitShiftRight(code, {KIND_BITS}), {codes})"
        numbered["of_kind"] = f"arrayMap(code -> bitAnd(code, {STEP_AND_KIND}), {codes})"
    return Firsts(
        ",\n        ".join(f"arrayEnumerateUniq({one}) AS nths_{name}" for name, one in numbered.items()),
        ", ".join(("codes AS code", "steps AS raw", *(f"nths_{name} AS nth_{name}" for name in numbered))),
        f"nth_{list(numbered)[-1]}",
    )


# SQL: the steps behind one that is not shown alone, as a state, of a `code` and its `raw` step
HIDDEN = f"uniqExactStateIf(raw, bitAnd({STEP.format(code='code')}, {REST}) = {REST})"
