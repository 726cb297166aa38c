"""From a funnel's spec to its one statement: the events that matter, whose they are, the ways they make (`ways`), and their numbers.

`occurrences`  every event that is looked at, as one number;
`units`        the sorted events of each person, session, attempt, or person and value;
`walked`       the way that counts of each of them (`ways.ways_sql`);
`ways`         the same as `steps` and `times`: the number and the milliseconds of each step that was done, with the value of the breakdown.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.analyse.funnel.spec import FunnelCell, FunnelSpec
from bihuan.analyse.funnel.ways import MILLISECOND, Layout, ways_sql
from bihuan.engine.breakdowns import of_people, split_people
from bihuan.engine.conditions import condition
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_text

QUANTILES = "0.1, 0.25, 0.5, 0.75, 0.9"

# Where the bars of "time to convert" begin, in seconds.
EDGES = (0, 10, 60, 300, 900, 1800, 3600, 7200, 21600, 43200, *(86_400 * days for days in (1, 2, 3, 7, 14, 30, 60, 90, 180)))


def reads_funnel(spec: FunnelSpec, scope: Scope) -> Period:
    """The days of entry, and those on which the last who entered may still go on."""
    return _with_window(spec, entry_period(spec, scope))


def entry_period(spec: FunnelSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_funnel(spec: FunnelSpec, scope: Scope) -> Statement:
    """Rows: `part` "total", and "value" for each value, the rest as one; each with arrays that have an element for each step."""
    binder = Binder()
    rows = [f"SELECT 'total' AS part, 0 AS place, '' AS value, 0 AS values, {_numbers(spec, binder)}\nFROM ways"]
    if spec.attribution == "all":
        rows[0] += " WHERE best"
    if spec.breakdown:
        last = binder.bind(spec.top + 1, "UInt64")
        places = f"SELECT value, least(row_number() OVER (ORDER BY count() DESC, value), {last}) AS place FROM ways GROUP BY value"
        rows.append(f"""SELECT 'value', place, min(ways.value), uniqExact(ways.value), {_numbers(spec, binder)}
FROM ways JOIN ({places}) AS places ON ways.value = places.value
GROUP BY place""")
    return Statement(f"WITH {_ways(spec, scope, binder)}\n" + "\nUNION ALL\n".join(rows), binder.params)


def people_funnel(spec: FunnelSpec, cell: FunnelCell, scope: Scope) -> Statement:
    """The people who did a step, or who did not go on to it."""
    binder = Binder()
    test = f"has(steps, {cell.step})"
    if cell.state == "dropped":
        before = next((n for n in range(cell.step - 1, 0, -1) if not spec.steps[n - 1].optional), 1)
        test = f"has(steps, {before}) AND NOT has(steps, {cell.step})"
    if cell.value is not None or cell.no_value:
        test += f" AND value = {binder.bind(cell.value or '', 'String')}"
    elif spec.attribution == "all":
        test += " AND best"
    return Statement(f"WITH {_ways(spec, scope, binder)}\nSELECT person FROM ways WHERE {test}", binder.params)


def _with_window(spec: FunnelSpec, entry: Period) -> Period:
    last = (entry.end + spec.window.length).astimezone(ZoneInfo(entry.zone)).date()
    return entry.extended(after=(last - entry.until).days)


def _numbers(spec: FunnelSpec, binder: Binder) -> str:
    """How many did each step, and how long they took since the first and since the step before; an element for each step."""
    edges = binder.bind([edge * 1000 for edge in EDGES], "Array(Int64)")

    def histogram(times: str) -> str:
        bars = f"arrayMap(time -> indexOf({edges}, roundDown(time, {edges})), {times})"
        return f"countResampleForEach(1, {len(EDGES) + 1}, 1)({times}, {bars})"

    return f"""
  countForEach(since_start) AS people, sum(open) AS open,
  quantilesExactInclusiveForEach({QUANTILES})(since_start) AS start_times,
  quantilesExactInclusiveForEach({QUANTILES})(since_previous) AS previous_times,
  {histogram("since_start")} AS start_histogram,
  {histogram("since_previous")} AS previous_histogram"""


def _ways(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """CTEs up to `ways`, a row for each way that counts: `person`, `value`, `steps` and `times`, since_start and since_previous of each
    step (of all steps where some are optional, NULL for those not done), `open`, and `best` where a person has a way for each value."""
    layout = Layout.of(spec, timedelta(days=reads_funnel(spec, scope).days + 4))
    value = _keeps_value(spec)
    tests = f"person != 0 AND {_looked_at(spec, binder)} AND {condition(spec.filter, scope, binder, over='visible')}"
    begins = _begins(spec, scope, binder)
    among = f"{tests} AND {begins}"
    of_events, of_ways = split_people(spec.breakdown, scope, binder, people="counted", value="entry_value", among=among)
    held = property_text(spec.held, scope, binder) if spec.held else "''"
    ctes = [
        f"""occurrences AS (
  SELECT
    person,
    {_mask(spec, scope, binder, layout, begins)} AS mask,
    least(bitCount(bitXor(mask, mask - 1)), 31) AS first_step,
    toUInt64(toUnixTimestamp64Milli(ts) - {binder.bind(_milliseconds(_base(entry_period(spec, scope))), "Int64")}) AS tick,
    bitShiftLeft(tick, {layout.shift}) + bitShiftLeft(toUInt64(first_step), {layout.first_at}) + mask AS code,
    {of_events.value} AS value, {held} AS held
  FROM {of_events.source}
  WHERE {tests}{" AND held != ''" if spec.held else ""}
)""",
        _units(spec, layout, binder, value),
        ways_sql(spec, layout, binder, keep=", ".join([*_keys(spec), *(["values"] if value else [])])),
        _counted(spec, scope, binder, layout, value),
    ]
    once = "AS MATERIALIZED" if spec.breakdown else "AS"
    ctes.append(f"""ways {once} (
  SELECT person, {of_ways.value} AS value, steps, times, open, {_since(spec)}{_best(spec)}
  FROM {of_ways.source}
)""")
    return ",\n".join(ctes)


def _looked_at(spec: FunnelSpec, binder: Binder) -> str:
    """Every event where it matters what lies between; else those of steps and exclusions."""
    if spec.order == "strict" or spec.count == "sessions":
        return "source != 'ledger'"
    return has_name_of((*spec.steps, *spec.exclusions), binder)


def _begins(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """Whether a way may begin with an event of `visible`: one of the first step (in any order: of any) in the period."""
    test = f"day <= {binder.bind(entry_period(spec, scope).until, 'Date')}"  # `visible` begins with the period
    if spec.order == "any":
        return f"({' OR '.join(is_one_of(step, scope, binder) for step in spec.steps)}) AND {test}"
    first = spec.steps[0]
    if spec.first_ever:
        done = f"person != 0 AND {has_name_of((first,), binder)} AND {is_one_of(first, scope, binder, over='history')}"
        test += f" AND event_key IN (SELECT argMin(event_key, (ts, event_key)) FROM history WHERE {done} GROUP BY person)"
    return f"{is_one_of(first, scope, binder)} AND {test}"


def _mask(spec: FunnelSpec, scope: Scope, binder: Binder, layout: Layout, begins: str) -> str:
    """A bit for each step that an event can serve and each exclusion that it is; in any order one step, and whether a way may begin."""
    tests = [is_one_of(step, scope, binder) for step in spec.steps]
    exclusions = [is_one_of(each, scope, binder) for each in spec.exclusions]
    bits = [(test, layout.steps + place) for place, test in enumerate(exclusions)]
    if spec.order == "any":
        first = "multiIf(" + ", ".join(f"{test}, {1 << place}" for place, test in enumerate(tests)) + ", 0)"
        return "\n      + ".join([f"toUInt64({first})", *(_bit(test, place) for test, place in [*bits, (begins, layout.entry_bit)])])
    return "\n      + ".join(_bit(test, place) for test, place in [(begins, 0), *((test, n) for n, test in enumerate(tests) if n), *bits])


def _bit(test: str, place: int) -> str:
    return f"bitShiftLeft(toUInt64({test}), {place})"


def _keeps_value(spec: FunnelSpec) -> bool:
    """Whether each event's value must be kept: where the breakdown is by what events say, and not the same for the whole way."""
    return not of_people(spec.breakdown) and spec.attribution != "all"


def _keys(spec: FunnelSpec) -> list[str]:
    """What events must have in common to make a way."""
    same = [] if of_people(spec.breakdown) or spec.attribution != "all" else ["value"]
    return ["person", *(["held"] if spec.held else []), *same]


def _units(spec: FunnelSpec, layout: Layout, binder: Binder, value: bool) -> str:
    """The sorted events of each person, session, attempt, or person and value, where a way begins in them."""
    entry = layout.entry_bit if spec.order == "any" else 0
    keys = ", ".join(_keys(spec))
    mark, code = ("(code, value)", "mark.1") if value else ("code", "mark")
    relevant = "1" if spec.order == "strict" or spec.count == "sessions" else "mask != 0"
    marks = f"SELECT {keys}, arraySort(groupArray({mark})) AS marks FROM occurrences WHERE {relevant}"
    marks += f" GROUP BY {keys} HAVING max(bitTest(mask, {entry}))"
    if spec.count == "sessions":
        gap = binder.bind(spec.session_gap * 60_000, "Int64")
        ticks = f"arrayMap(mark -> bitShiftRight({code}, {layout.shift}), marks)"
        marks = f"SELECT {keys}, arrayJoin(arraySplit((mark, gap) -> gap > {gap}, marks, arrayDifference({ticks}))) AS marks FROM ({marks})"
    if spec.count == "attempts":  # the event that begins the next one may still be a step of this one
        next_one = "(bitXor(following[1].1, 1), following[1].2)" if value else "bitXor(following[1], 1)"
        pieces = f"arraySplit(mark -> bitTest({code}, 0), marks)"
        longer = f"if(empty(following), piece, arrayPushBack(piece, {next_one}))"
        joined = f"arrayMap((piece, following) -> {longer}, pieces, arrayShiftLeft(pieces, 1))"
        marks = f"SELECT {keys}, arrayJoin({joined}) AS marks FROM (SELECT {keys}, {pieces} AS pieces FROM ({marks}))"
    columns = f"{keys}, {'marks.1 AS codes, marks.2 AS values' if value else 'marks AS codes'}"
    begun = f" WHERE arrayExists(code -> bitTest(code, {entry}), codes)" if spec.count != "people" else ""
    return f"units AS (SELECT {columns} FROM ({marks}){begun})"


def _counted(spec: FunnelSpec, scope: Scope, binder: Binder, layout: Layout, value: bool) -> str:
    """The ways as steps and times; of a person with several values held, the best of them."""
    numbers = range(1, len(spec.steps) + 1)
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    now = binder.bind(_ticks(_now(spec, scope), _base(entry_period(spec, scope))), "UInt64")
    entry = layout.entry_bit if spec.order == "any" else 0
    last_entry = f"ticks[arrayLastIndex(code -> bitTest(code, {entry}), codes)]"
    places = ", ".join(f"c_{n}" for n in numbers)
    keys = f"person{', held' if spec.held else ''}"
    entry_value = _value(spec, value)
    text = f"""counted AS (
  SELECT
    {keys}, {entry_value} AS entry_value,
    arrayFilter((step, place) -> place != 0, [{", ".join(map(str, numbers))}], [{places}]) AS steps,
    arrayFilter(time -> time != 0, [{", ".join(f"ticks[c_{n}]" for n in numbers)}]) AS times,
    c_{len(spec.steps)} = 0 AND {last_entry} + {window} > {now} AS open
  FROM walked
)"""
    if not spec.held:
        return text
    return (
        text.replace("counted AS (", "each_held AS (", 1)
        + """,
counted AS (
  SELECT person, entry_value, steps, times, open
  FROM (SELECT *, row_number() OVER (PARTITION BY person ORDER BY steps[-1] DESC, times[-1], held) AS place FROM each_held)
  WHERE place = 1
)"""
    )


def _value(spec: FunnelSpec, kept: bool) -> str:
    """SQL for the value of a way: that of the event of its first step, its last, or the chosen one ('' where that was not done)."""
    if not kept:
        return "''" if of_people(spec.breakdown) else "value"
    numbers = [f"c_{n}" for n in range(1, len(spec.steps) + 1)]
    match spec.attribution:
        case "last":
            return f"values[arrayMax([{', '.join(numbers)}])]"
        case "first" | "all":
            return "values[c_1]"
        case step:
            return f"values[c_{step}]"


def _since(spec: FunnelSpec) -> str:
    start = "arrayCumSum(arrayDifference(times))"
    previous = "arrayDifference(times)"
    if not any(step.optional for step in spec.steps):
        return f"{start} AS since_start, {previous} AS since_previous"
    numbers = f"range(1, {len(spec.steps) + 1})"
    return ", ".join(
        f"arrayMap(step -> arrayElementOrNull({since}, indexOf(steps, step)), {numbers}) AS {name}"
        for since, name in ((start, "since_start"), (previous, "since_previous"))
    )


def _best(spec: FunnelSpec) -> str:
    if spec.attribution != "all":
        return ""
    return ", row_number() OVER (PARTITION BY person ORDER BY steps[-1] DESC, times[-1], value) = 1 AS best"


def _base(entry: Period) -> datetime:
    return entry.start - timedelta(days=2)


def _now(spec: FunnelSpec, scope: Scope) -> datetime:
    """The minute up to which time has passed, for the windows that are still open; the same for ever once all are closed."""
    return min(scope.now.replace(second=0, microsecond=0), entry_period(spec, scope).end + spec.window.length)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _ticks(at: datetime, base: datetime) -> int:
    return max(0, (at - base) // MILLISECOND)
