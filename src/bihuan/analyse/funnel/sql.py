"""From a funnel's spec to its one statement: the events that matter, whose they are, the ways they make (`ways`), and their numbers.

`sided`        events with the side that they are on, where two are compared;
`occurrences`  every event that is looked at, as one number;
`units`        the sorted events of each person, session, attempt, or person and value;
`walked`       the way that counts of each of them (`ways.ways_sql`);
`ways`         the same as `steps` and `times`: the number and the milliseconds of each step that was done, with the value of the breakdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bihuan.analyse.funnel.drivers_sql import driver_people_sql, drivers_sql
from bihuan.analyse.funnel.lean import counted_sql, is_lean
from bihuan.analyse.funnel.sides import MILLISECOND, buckets_of, side_sql, sides_of, stretch_ticks, stretches
from bihuan.analyse.funnel.spec import FunnelCell, FunnelSpec
from bihuan.analyse.funnel.ways import Layout, first_step, ways_sql
from bihuan.engine.breakdowns import Split, of_people, split_people
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_text

QUANTILES = "0.1, 0.25, 0.5, 0.75, 0.9"

# Where the bars of "time to convert" begin, in seconds.
EDGES = (0, 10, 60, 300, 900, 1800, 3600, 7200, 21600, 43200, *(86_400 * days for days in (1, 2, 3, 7, 14, 30, 60, 90, 180)))


def reads_funnel(spec: FunnelSpec, scope: Scope) -> Period:
    """The days of entry, and those on which the last who entered may still go on; of what it is compared with too."""
    reads = [side.reads for side in sides_of(spec, scope)]
    return Period(min(one.since for one in reads), max(one.until for one in reads), scope.zone)


def compile_funnel(spec: FunnelSpec, scope: Scope) -> Statement:
    """Rows: `part` "total", "value" for each value, the rest as one, and "bucket" for each day, week or month of entry (a stretch, from 1)
    of these (`place` 0: of all); each with arrays that have an element for each step, and of times for each after the first. `side` 1 is
    what it is compared with. Where one asks what goes with success, rows "driver" too, see `drivers_sql`; of a sample in which somebody
    may count several times, rows "squares" as well: what each number of `people` is as a sum of squares over people."""
    binder = Binder()
    asked = spec.asked
    dated = spec.show == "trend"
    whole = " AND ".join([*(["best"] if spec.attribution == "all" else []), *(["stretch = 0"] if dated and spec.count == "people" else [])])
    ctes = [_ways(asked, scope, binder)]
    rows = [
        f"""SELECT 'total' AS part, 0 AS place, '' AS value, 0 AS values, side, 0 AS bucket, {_numbers(asked, binder)}
FROM ways{f" WHERE {whole}" if whole else ""}
GROUP BY side"""
    ]
    if spec.breakdown:
        ctes.append(f"places AS ({_places(spec, binder)})")
        only = " AND stretch = 0" if dated and spec.count == "people" else ""
        rows.append(f"""SELECT 'value', place, min(ways.value), uniqExact(ways.value), side, 0, {_numbers(asked, binder)}
FROM ways JOIN places ON ways.value = places.value
WHERE 1{only}
GROUP BY place, side""")
    if dated:
        rows += _by_bucket(spec, binder)
    rows += _squares(spec)
    if spec.show == "drivers":
        found, of_drivers = drivers_sql(spec, scope, binder, _bound_base(spec, scope, binder))
        ctes.append(found)
        rows.append(of_drivers)
    text = f"WITH {', '.join(ctes)}\n" + "\nUNION ALL\n".join(rows)
    return Statement(text, binder.params)


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
    if spec.compare:
        test += f" AND side = {int(cell.before)}"
    if spec.show == "trend":
        test += _in_bucket(spec, cell, scope, binder)
    if cell.driver is not None:
        found = driver_people_sql(spec, cell, scope, binder, _bound_base(spec, scope, binder))
        return Statement(f"WITH {_ways(spec.asked, scope, binder)},\n{found}", binder.params)
    return Statement(f"WITH {_ways(spec.asked, scope, binder)}\nSELECT person FROM ways WHERE {test}", binder.params)


def _bound_base(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """SQL for the instant, in milliseconds since 1970, that `times` are counted from."""
    return binder.bind(_milliseconds(sides_of(spec, scope)[0].base), "Int64")


def _in_bucket(spec: FunnelSpec, cell: FunnelCell, scope: Scope, binder: Binder) -> str:
    if cell.day is None:
        return " AND stretch = 0" if spec.count == "people" else ""
    firsts = buckets_of(spec, scope)
    place = firsts.index(cell.day) if cell.day in firsts else None
    some = stretches(spec, scope)[int(cell.before)]
    numbers = [number for number, one in enumerate(some, 1) if one.bucket == place and place is not None]
    return f" AND stretch IN {binder.bind(numbers, 'Array(UInt32)')}"


def _places(spec: FunnelSpec, binder: Binder) -> str:
    """The place of each value: most people first, those that are not shown alone all in the last."""
    last = binder.bind(spec.top + 1, "UInt64")
    size = "countIf(side = 0)" if spec.compare else "count()"
    only = " WHERE stretch = 0" if spec.show == "trend" and spec.count == "people" else ""
    return f"SELECT value, least(row_number() OVER (ORDER BY {size} DESC, value), {last}) AS place FROM ways{only} GROUP BY value"


def _by_bucket(spec: FunnelSpec, binder: Binder) -> list[str]:
    """How many did each step, of those who entered in each stretch of days."""
    nothing = "[], [], [], []"
    numbers = f"countForEach(since_start) AS people, sum(open) AS open, {nothing}"
    best = " AND best" if spec.attribution == "all" else ""
    rows = [f"SELECT 'bucket', 0, '', 0, side, stretch, {numbers}\nFROM ways WHERE stretch > 0{best}\nGROUP BY side, stretch"]
    if spec.breakdown:
        rows.append(f"""SELECT 'bucket', place, '', 0, side, stretch, {numbers}
FROM ways JOIN places ON ways.value = places.value
WHERE stretch > 0
GROUP BY place, side, stretch""")
    return rows


def _repeats(spec: FunnelSpec) -> bool:
    """Whether the intervals of a sample must know how often each person counts in a number."""
    return spec.sample is not None and (spec.count != "people" or spec.attribution == "all")


def _squares(spec: FunnelSpec) -> list[str]:
    """By how much people differ in how often they did each step: in all, of each value, and of each stretch of days of these."""
    if not _repeats(spec):
        return []
    best = "best" if spec.attribution == "all" else "1"
    alone = "stretch = 0" if spec.show == "trend" and spec.count == "people" else "1"
    valued = "ways JOIN places ON ways.value = places.value"
    parts = [("0", "0", "ways", f"{alone} AND {best}", "side")]
    if spec.breakdown:
        parts.append(("place", "0", valued, alone, "place, side"))
    if spec.show == "trend":
        parts.append(("0", "stretch", "ways", f"stretch > 0 AND {best}", "side, stretch"))
    if spec.show == "trend" and spec.breakdown:
        parts.append(("place", "stretch", valued, "stretch > 0", "place, side, stretch"))
    return [
        f"""SELECT 'squares', {place}, '', 0, side, {bucket}, sumForEach(arrayMap(times -> times * times, done)), 0, [], [], [], []
FROM (SELECT {keys}, countForEach(since_start) AS done FROM {source} WHERE {test} GROUP BY {keys}, person)
GROUP BY {keys}"""
        for place, bucket, source, test, keys in parts
    ]


def _numbers(spec: FunnelSpec, binder: Binder) -> str:
    """How many did each step, an element for each; and of each step after the first how long they took since that, and since the step
    before."""
    edges = binder.bind([edge * 1000 for edge in EDGES], "Array(Int64)")

    def later(since: str) -> str:
        return f"arrayPopFront(since_{since})"

    def histogram(times: str) -> str:
        return f"countResampleForEach(1, {len(EDGES) + 1}, 1)({times}, arrayMap(time -> {_place('time', edges)}, {times}))"

    return f"""
  countForEach(since_start) AS people, sum(open) AS open,
  quantilesExactInclusiveForEach({QUANTILES})({later("start")}) AS start_times,
  quantilesExactInclusiveForEach({QUANTILES})({later("previous")}) AS previous_times,
  {histogram(later("start"))} AS start_histogram,
  {histogram(later("previous"))} AS previous_histogram"""


def _ways(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """CTEs up to `ways`, a row for each way that counts: `person`, `side`, `stretch`, `value`, `steps` and `times`, since_start and
    since_previous of each step (of all steps where some are optional, NULL for those not done), `open`, and `best` where a person has a way
    for each value."""
    sides = sides_of(spec, scope)
    layout = Layout.of(spec, timedelta(days=max(side.reads.days for side in sides) + 4))
    tests = f"person != 0 AND {_looked_at(spec, scope, binder)} AND {condition(spec.filter, scope, binder, over='visible')}"
    tests += _in_sample(spec, binder)
    begins = _begins(spec, scope, binder)
    if is_lean(spec):
        found, of_ways = _lean(spec, scope, binder, layout, begins, tests)
    else:
        found, of_ways = _general(spec, scope, binder, layout, begins, tests)
    once = "AS MATERIALIZED" if spec.breakdown or spec.show != "steps" or _repeats(spec) else "AS"
    side = "side" if spec.compare else "0 AS side"
    stretch = "stretch" if spec.show == "trend" else "0 AS stretch"
    return f"""{found},
ways {once} (
  SELECT person, {side}, {stretch}, ifNull({of_ways.value}, '') AS value, steps, times, open, {_since(spec)}{_best(spec)}
  FROM {of_ways.source}
)"""


def _in_sample(spec: FunnelSpec, binder: Binder) -> str:
    return "" if spec.sample is None else f" AND {sampled(spec.sample, binder, nobody=None)}"


def _general(spec: FunnelSpec, scope: Scope, binder: Binder, layout: Layout, begins: str, tests: str) -> tuple[str, Split]:
    """CTEs up to `counted`, whatever is asked, and what its rows are broken down by."""
    sides = sides_of(spec, scope)
    value = _keeps_value(spec)
    events = "sided" if spec.compare else "visible"
    among = begins if spec.compare else f"{tests} AND {begins}"
    of_events, of_ways = split_people(spec.breakdown, scope, binder, people="counted", value="entry_value", events=events, among=among)
    held = property_text(spec.held, scope, binder) if spec.held else "''"
    where = [*([] if spec.compare else [tests]), *(["held != ''"] if spec.held else [])] or ["1"]
    tick = f"toUInt64(toUnixTimestamp64Milli(ts) - {_by_side(spec, [_milliseconds(side.base) for side in sides], binder, 'Int64')})"
    ctes = [
        *([f"sided AS (SELECT *, arrayJoin({side_sql(spec, scope, binder)}) AS side FROM visible WHERE {tests})"] if spec.compare else []),
        f"""occurrences AS (
  SELECT
    person,{" side," if spec.compare else ""}
    {_mask(spec, scope, binder, layout, begins)} AS mask,
    {first_step("mask")} AS first_step,
    {tick} AS tick,
    bitShiftLeft(tick, {layout.shift}) + bitShiftLeft(toUInt64(first_step), {layout.first_at}) + mask AS code,
    ifNull({of_events.value}, '') AS value, {held} AS held
  FROM {of_events.source}
  WHERE {" AND ".join(where)}
)""",
        _units(spec, scope, layout, binder, value),
        ways_sql(spec, layout, binder, keep=", ".join([*_keys(spec), *(["values"] if value else [])])),
        _counted(spec, scope, binder, layout, value),
    ]
    return ",\n".join(ctes), of_ways


def _lean(spec: FunnelSpec, scope: Scope, binder: Binder, layout: Layout, begins: str, tests: str) -> tuple[str, Split]:
    """The same where `is_lean`."""
    (side,) = sides_of(spec, scope)
    found = counted_sql(
        spec,
        binder,
        begins=begins,
        serves=[is_one_of(step, scope, binder) for step in spec.steps[1:]],
        tick=f"toUInt64(toUnixTimestamp64Milli(ts) - {binder.bind(_milliseconds(side.base), 'Int64')})",
        place_bits=layout.place_bits,
        now=side.tick(side.known),
        tests=tests,
    )
    return found, split_people(spec.breakdown, scope, binder, people="counted", value="entry_value")[1]


def _by_side(spec: FunnelSpec, values: Sequence[Any], binder: Binder, kind: str) -> str:
    """SQL for the value that holds on the side of a row."""
    bound = [binder.bind(value, kind) for value in dict.fromkeys(values)]
    return f"if(side = 0, {bound[0]}, {bound[1]})" if len(bound) > 1 else bound[0]


def _looked_at(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """Every event from outside where it matters what lies between, and steps and exclusions that are our own; else these alone."""
    if spec.order == "strict" or spec.count == "sessions":
        ours = " OR ".join(is_one_of(each, scope, binder) for each in (*spec.steps, *spec.exclusions))
        return f"(source != 'ledger' OR {ours})"
    return has_name_of((*spec.steps, *spec.exclusions), binder)


def _begins(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """Whether a way may begin with an event of `visible`: one of the first step (in any order: of any) in the period."""
    sides = sides_of(spec, scope)
    if spec.compare:
        ends = [_by_side(spec, [getattr(side.entry, end) for side in sides], binder, "Date") for end in ("since", "until")]
        test = f"day BETWEEN {ends[0]} AND {ends[1]}"
    else:
        test = f"day <= {binder.bind(sides[0].entry.until, 'Date')}"  # `visible` begins with the period
    if spec.order == "any":
        return f"({' OR '.join(is_one_of(step, scope, binder) for step in spec.steps)}) AND {test}"
    first = spec.steps[0]
    if spec.first_ever:
        done = f"person != 0 AND {has_name_of((first,), binder)} AND {is_one_of(first, scope, binder, over='history')}"
        done += _in_sample(spec, binder)
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
    stretch = ["stretch"] if spec.show == "trend" and spec.count == "people" else []
    return [*_whose(spec), *(["held"] if spec.held else []), *same, *stretch]


def _whose(spec: FunnelSpec) -> list[str]:
    return ["person", *(["side"] if spec.compare else [])]


def _units(spec: FunnelSpec, scope: Scope, layout: Layout, binder: Binder, value: bool) -> str:
    """The sorted events of each person, session, attempt, or person and value, where a way begins in them."""
    entry = layout.entry_bit if spec.order == "any" else 0
    keys = ", ".join(key for key in _keys(spec) if key != "stretch")
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
    if "stretch" in _keys(spec):
        marks = _each_bucket(spec, scope, layout, binder, marks, value)
        keys += ", stretch"
    columns = f"{keys}, {'marks.1 AS codes, marks.2 AS values' if value else 'marks AS codes'}"
    begun = f" WHERE arrayExists(code -> bitTest(code, {entry}), codes)" if spec.count != "people" else ""
    return f"units AS (SELECT {columns} FROM ({marks}){begun})"


def _each_bucket(spec: FunnelSpec, scope: Scope, layout: Layout, binder: Binder, marks: str, value: bool) -> str:
    """Besides all of a person's events (stretch 0) those that a funnel of each stretch of days alone would look at, where they entered."""
    entry = layout.entry_bit if spec.order == "any" else 0
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    keys = ", ".join(key for key in _keys(spec) if key != "stretch")
    code = "mark.1" if value else "mark"
    tick = f"bitShiftRight({code}, {layout.shift})"
    entered = f"arrayFilter(mark -> bitTest({code}, {entry}), marks)"
    numbers = f"arrayDistinct(arrayMap(mark -> {_stretch(spec, scope, tick, binder)}, {entered}))"
    begins, ends = (_at_stretch(spec, scope, place, binder) for place in ("stretch", "stretch + 1"))
    steps = (1 << layout.first_at) - 1
    mask = (
        f"bitAnd({code}, {steps ^ (1 << entry)})"  # an event after the stretch begins no way in it, and has its place by what it still is
    )
    recoded = f"bitShiftLeft({tick}, {layout.shift}) + bitShiftLeft(toUInt64({first_step(mask)}), {layout.first_at}) + {mask}"
    later = f"({recoded}, mark.2)" if value else recoded
    relevant = "" if spec.order == "strict" else f" AND ({tick} < ends OR {mask} != 0)"
    some = f"arrayFilter(mark -> {tick} >= begins AND {tick} < ends + {window}{relevant}, marks)"
    return f"""
  SELECT {keys}, stretch,
    if(stretch = 0, marks, arraySort(arrayMap(mark -> if({tick} < ends, mark, {later}), {some}))) AS marks
  FROM (
    SELECT {keys}, marks, stretch, {begins} AS begins, {ends} AS ends
    FROM (SELECT {keys}, marks, arrayJoin(arrayPushFront({numbers}, 0)) AS stretch FROM ({marks}))
  )"""


def _stretch(spec: FunnelSpec, scope: Scope, tick: str, binder: Binder) -> str:
    """SQL for the number, from 1, of the stretch of days that holds `tick`."""
    found = [_place(tick, bound) for bound in _bound_stretches(spec, scope, binder)]
    return f"if(side = 0, {found[0]}, {found[1]})" if len(found) > 1 else found[0]


def _place(value: str, edges: str) -> str:
    """SQL for the place, from 1, of the last of `edges` that is not above `value`. (`indexOf` is told all of them again for each value.)"""
    return f"toUInt64(transform(roundDown({value}, {edges}), {edges}, arrayEnumerate({edges}), toUInt32(0)))"


def _at_stretch(spec: FunnelSpec, scope: Scope, place: str, binder: Binder) -> str:
    found = [f"{bound}[{place}]" for bound in _bound_stretches(spec, scope, binder)]
    return f"if(side = 0, {found[0]}, {found[1]})" if len(found) > 1 else found[0]


def _bound_stretches(spec: FunnelSpec, scope: Scope, binder: Binder) -> list[str]:
    return [binder.bind(ticks, "Array(UInt64)") for ticks in stretch_ticks(spec, scope)]


def _counted(spec: FunnelSpec, scope: Scope, binder: Binder, layout: Layout, value: bool) -> str:
    """The ways as steps and times; of a person with several values held, the best of them."""
    sides = sides_of(spec, scope)
    numbers = range(1, len(spec.steps) + 1)
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    now = _by_side(spec, [side.tick(side.known) for side in sides], binder, "UInt64")
    entry = layout.entry_bit if spec.order == "any" else 0
    last_entry = f"ticks[arrayLastIndex(code -> bitTest(code, {entry}), codes)]"
    places = ", ".join(f"c_{n}" for n in numbers)
    whose = [*_whose(spec), *(["stretch"] if "stretch" in _keys(spec) else [])]
    entry_value = _value(spec, value)
    bucket = f", {_stretch(spec, scope, 'times[1]', binder)} AS stretch" if spec.show == "trend" and "stretch" not in whose else ""
    text = f"""counted AS (
  SELECT
    {", ".join(whose)}{", held" if spec.held else ""}, {entry_value} AS entry_value,
    arrayFilter((step, place) -> place != 0, [{", ".join(map(str, numbers))}], [{places}]) AS steps,
    arrayFilter(time -> time != 0, [{", ".join(f"ticks[c_{n}]" for n in numbers)}]) AS times,
    c_{len(spec.steps)} = 0 AND {last_entry} + {window} > {now} AS open{bucket}
  FROM walked
)"""
    if not spec.held:
        return text
    kept = ", ".join([*whose, *(["stretch"] if bucket else [])])
    return (
        text.replace("counted AS (", "each_held AS (", 1)
        + f""",
counted AS (
  SELECT {kept}, entry_value, steps, times, open
  FROM (
    SELECT *, row_number() OVER (PARTITION BY {", ".join(whose)} ORDER BY steps[-1] DESC, times[-1], held) AS place FROM each_held
  )
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
    whose = ", ".join([*_whose(spec), *(["stretch"] if "stretch" in _keys(spec) else [])])
    return f", row_number() OVER (PARTITION BY {whose} ORDER BY steps[-1] DESC, times[-1], value) = 1 AS best"


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
