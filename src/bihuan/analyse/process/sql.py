"""The one statement of a process over its `cases`: totals, activities, connections, variants and deviations; and who is behind them."""

from __future__ import annotations

from bihuan.analyse.process.cases import CODE_OF, KINDS, cases_sql
from bihuan.analyse.process.spec import ProcessCell, ProcessSpec
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
MOST_VARIANTS = 50


def compile_process(spec: ProcessSpec, scope: Scope) -> Statement:
    """Rows (part, side, a, b, name, trail, counts, times), times in milliseconds.

    `total`: counts cases, people, activities, variants, not complete, cut, with an activity done again, found (of which the cases are a
    part when there are too many), and with a sample of people the sum of the square of each one's cases (else the cases); times sum, then
    the quantiles of LEVELS, then those of waiting and service in all.
    `name`: b is the number of the activity `name`.
    `variant` trail: counts cases, people, and the same of the other side; times median duration of each.
    All others have counts number, cases, people, begins, ends, last of cases that are not complete, with a known time, times again, cases
    with it again; and times sum, median, p90, lost, and for doing it again. `activity` a: times of service. `edge` a to b: of waiting.
    `deviation` kind a of b (step of the order, or activity), `order` a (1: the cases that keep it): of the cases' durations.

    Broken down, `value` is the total of the part at place a (0: all values not shown alone), which is called `name`; b is how many values
    there are up to its last. And all others go on for each place, from 0: `variant` with its cases, then those of the other side; the rest
    with how many have a known time, and in times their medians, then what is lost.
    """
    binder = Binder()
    total = _total(HEAD, SQUARES) if spec.sample is not None and spec.case == "session" else _total(HEAD)
    if not spec.breakdown:
        parts = [total, NAMED, _variants(""), _counted(spec, binder, "")]
    else:
        places = f"range(0, {binder.bind(spec.top, 'UInt32')} + 1)"
        parts = [total, PART, NAMED, _variants(places), _counted(spec, binder, places)]
    return Statement(f"WITH {cases_sql(spec, scope, binder)}\n" + "\nUNION ALL\n".join(parts), binder.params)


SQUARES = "arraySum(cases -> cases * cases, sumMap([people[1]], [toUInt64(1)]).2)"


def _total(head: str, squares: str = "count()") -> str:
    return f"""SELECT
  {head}, CAST([], 'Array(UInt16)') AS trail,
  [count(), uniqExactArray(people), sum(length(codes)), uniqExact(codes), countIf(NOT complete), countIf(cut),
   countIf(length(arrayDistinct(codes)) < length(codes)), any(found), {squares}] AS counts,
  arrayConcat(
    [toFloat64(sum(duration))], quantilesExactInclusive({", ".join(map(str, LEVELS))})(duration),
    [toFloat64(sum(arraySum(waits))), toFloat64(sum(arraySum(arrayMap(one -> greatest(one, 0), services))))]) AS times
FROM cases
GROUP BY side"""


HEAD = "'total' AS part, toUInt8(side) AS side, toInt32(0) AS a, toInt32(0) AS b, '' AS name"
PART = _total("'value', toUInt8(side), shown, toInt32(max(rank)), any(value)") + ", shown"
NAMED = """SELECT 'name', 0, 0, toInt32(code), name, [], [], []
FROM names ARRAY JOIN names AS name, codes AS code"""
PARTS = ("activity", "edge", "deviation", "order")


def _variants(places: str) -> str:
    of_parts = [f"sumForEach(arrayMap(its -> toUInt64(its = shown AND side = {side}), {places}))" for side in (0, 1)]
    counts = "[countIf(side = 0), uniqExactArrayIf(people, side = 0), countIf(side = 1), uniqExactArrayIf(people, side = 1)]"
    return f"""SELECT
  'variant', 0, 0, 0, '', codes, {f"arrayConcat({', '.join([counts, *of_parts])})" if places else counts},
  [quantileExactInclusiveIf(0.5)(duration, side = 0), quantileExactInclusiveIf(0.5)(duration, side = 1)]
FROM cases
GROUP BY codes
ORDER BY countIf(side = 0) DESC, countIf(side = 1) DESC, codes
LIMIT {MOST_VARIANTS}"""


def _counted(spec: ProcessSpec, binder: Binder, places: str) -> str:
    """A row for each activity, connection, deviation, and whether the order is kept: a case is laid out as one item for each of them, of
    (part, a, b, time or -1, the how manieth it is in the case, whether the case begins or ends with it or has not come further, what it
    took with waiting)."""
    items = ["activities", "edges"]
    if spec.order:
        items.append("arrayMap(one -> (toUInt8(3), toInt32(one.1), one.2, duration, toUInt32(1), toUInt8(0), toInt64(0)), deviations)")
        items.append("[(toUInt8(4), toInt32(empty(deviations)), toInt32(0), duration, toUInt32(1), toUInt8(0), toInt64(0))]")
    counts = "[number, whole, persons, begins, ended, running, length(took), extra, again]"
    lost = "arraySum(arrayMap(one -> greatest(one - allowed, 0), {took}))"
    times = f"[toFloat64(arraySum(took)), levels[1], levels[2], {lost.format(took='took')}, toFloat64(again_for)]"
    shown = by_place = shown_of = ""
    if places:
        shown, shown_of = "shown, ", ",\n      groupArrayIf(shown, item.4 >= 0) AS places"
        by_place = f",\n    arrayMap(its -> arrayFilter((one, place) -> place = its, took, places), {places}) AS by_place"
        counts = f"arrayConcat({counts}, arrayMap(some -> length(some), by_place))"
        medians = "arrayMap(some -> arrayReduce('quantileExactInclusive(0.5)', some), by_place)"
        times = f"arrayConcat({times}, {medians}, arrayMap(some -> toFloat64({lost.format(took='some')}), by_place))"
    return f"""SELECT
  {list(PARTS)}[item_part], toUInt8(side), a, b, '', [], {counts},
  {times}
FROM (
  SELECT
    *, arrayReduce('quantilesExactInclusive(0.5, 0.9)', took) AS levels, {_allowed(spec, binder)} AS allowed{by_place}
  FROM (
    SELECT
      side, item.1 AS item_part, item.2 AS a, item.3 AS b, count() AS number, countIf(item.5 = 1) AS whole,
      uniqExactArray(people) AS persons, countIf(item.6 IN (1, 3, 5)) AS begins,
      countIf(item.6 IN (2, 3)) AS ended, countIf(item.6 IN (4, 5)) AS running,
      groupArrayIf(item.4, item.4 >= 0) AS took, countIf(item.5 > 1) AS extra, countIf(item.5 = 2) AS again,
      sumIf(item.7, item.5 > 1) AS again_for{shown_of}
    FROM (
      SELECT side, {shown}people, arrayConcat({", ".join(items)}) AS items
      FROM (
        SELECT
          side, {shown}people, duration, deviations, arrayPopBack(codes) AS froms, arrayPopFront(codes) AS tos,
          arrayMap((code, service, wait, nth, place) -> (
            toUInt8(1), toInt32(code), toInt32(0), service, nth,
            toUInt8((place = 1) + if(place = length(codes), if(complete, 2, 4), 0)), wait + greatest(service, 0)
          ), codes, services, waits, arrayEnumerateUniq(codes), arrayEnumerate(codes)) AS activities,
          arrayMap((code, following, wait, nth) -> (toUInt8(2), toInt32(code), toInt32(following), wait, nth, toUInt8(0), toInt64(0)),
            froms, tos, arrayPopFront(waits), arrayEnumerateUniq(froms, tos)) AS edges
        FROM cases
      )
    )
    ARRAY JOIN items AS item
    GROUP BY side, item_part, a, b
  )
)"""


def _allowed(spec: ProcessSpec, binder: Binder) -> str:
    """How long something may take before time is lost, in milliseconds."""
    return "levels[1]" if spec.target is None else f"if(item_part = 2, {binder.bind(spec.target * 60_000, 'Float64')}, levels[1])"


def people_process(spec: ProcessSpec, cell: ProcessCell, scope: Scope) -> Statement:
    """The people of such cases."""
    binder = Binder()
    cases = cases_sql(spec, scope, binder)
    return Statement(f"WITH {cases}\nSELECT arrayJoin(people) AS person FROM cases WHERE {is_of(spec, cell, binder)}", binder.params)


def is_of(spec: ProcessSpec, cell: ProcessCell, binder: Binder) -> str:
    """SQL: a row of `cases` is one of those that `cell` means."""

    def code(name: str) -> str:
        return CODE_OF.format(name=binder.bind(name, "String"))

    tests = [f"side = {int(cell.before)}"]
    if cell.variant:
        names = binder.bind(list(cell.variant), "Array(String)")
        tests.append(f"codes = arrayMap(name -> {CODE_OF.format(name='name')}, {names})")
    if cell.deviation is not None:
        tests.append(_deviates(spec, cell, code))
    elif cell.activity is not None:
        tests.append(_does(cell, code(cell.activity), code(cell.next) if cell.next is not None else None))
    if cell.running:
        tests.append("NOT complete")
    if cell.conforming is not None:
        tests.append("empty(deviations)" if cell.conforming == "yes" else "notEmpty(deviations)")
    if (cell.value is not None or cell.none or cell.other) and not spec.breakdown:
        raise QuestionError("There is no such part in this answer.")
    if cell.other:
        tests.append("shown = 0")
    elif cell.value is not None or cell.none:
        tests.append(f"value = {binder.bind(cell.value or '', 'String')}")
    return " AND ".join(tests)


def _does(cell: ProcessCell, code: str, following: str | None) -> str:
    if following is not None:
        return f"has(arrayZip(arrayPopBack(codes), arrayPopFront(codes)), (toUInt16({code}), toUInt16({following})))"
    tests = [f"has(codes, {code})"]
    if cell.begins:
        tests.append(f"codes[1] = {code}")
    if cell.ended:
        tests.append(f"codes[-1] = {code} AND complete")
    if cell.running:
        tests.append(f"codes[-1] = {code}")
    if cell.again:
        tests.append(f"countEqual(codes, {code}) > 1")
    return " AND ".join(tests)


def _deviates(spec: ProcessSpec, cell: ProcessCell, code: object) -> str:
    kind = KINDS.index(cell.deviation or "missing")
    if cell.activity is None:
        return f"arrayExists(one -> one.1 = {kind}, deviations)"
    if cell.deviation == "unexpected":
        assert callable(code)
        return f"has(deviations, (toUInt8({kind}), {code(cell.activity)}))"
    step = next((place for place, step in enumerate(spec.order, 1) if step.activity == cell.activity), 0)
    return f"has(deviations, (toUInt8({kind}), toInt32({step})))"
