"""From the spec of attribution to its one statement: paths, how often each led to a conversion and how often not, and whom they are of.

`happened`  a row for each touch point and each conversion: of chosen events, or of visits (`_of_visits`);
`ranked`    which touch points stand alone; a touch point is its place among them, 0 all others;
`units`     what happened, sorted, of each person (and value of the property held);
`journeys`  every conversion with the touch points in the window before it, and what touch points led to nothing;
`paths`     the same, compared and broken down, as short as they are shown, with the credit of time decay.
"""

from __future__ import annotations

from datetime import timedelta

from bihuan.analyse.attribution.spec import AttributionCell, AttributionSpec, Touch
from bihuan.analyse.visits import CODE_NAMES, CODE_TICK, code_sql, cut_sql
from bihuan.engine.breakdowns import split
from bihuan.engine.channels import COLUMNS, TITLES, channel_sql
from bihuan.engine.compare import baseline, reads, sides
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number, property_text

# What a visit's event is, in one number: whether it is a conversion, says where somebody came from, and says that they came directly; the
# place of the touch point that it then is, and the place of that one's name among all names.
WON, ARRIVED, DIRECTLY, PLACE_AT, NAME_AT = 0, 1, 2, 8, 16
# The number of 256 bits that a visit's event is: from the left its code, that, its day, and what a conversion is worth.
WHAT_AT, DAY_AT = 80, 64
# Always in these words: the store then looks once.
ORIGINS = "(SELECT (groupArray(origin), groupArray(what), arraySort(groupUniqArray(name)), max(hidden)) FROM origins)"
CHANNELS = ("direct", *(name for name in TITLES if name != "direct"))
DIRECT = 1  # the place of direct visits
ALL = 255  # in rows: no touch point, but all of them
OTHERS = "~"  # the key of all touch points that do not stand alone; any other key is "=" and the name
MOST_PATHS = 20_000
LONGEST = 50  # touch points of a path; of longer ones the first and the last 49 count
DAY = 86_400
MILLISECOND = timedelta(milliseconds=1)
EDGES = (0, 60, 600, 3600, 21_600, *(DAY * days for days in (1, 2, 3, 5, 7, 14, 21, 30, 60, 90)))  # seconds where bars of lags begin


def reads_attribution(spec: AttributionSpec, scope: Scope) -> Period:
    """The days of conversions, those that one looks back, and those on which a touch point may still lead to a conversion."""
    asked = scope.period(spec.period)
    days = -(-spec.window.length // timedelta(days=1))
    whole = reads(asked, baseline(spec.compare, asked, scope)).extended(before=days + 1, after=days)
    return Period(whole.since, max(min(whole.until, scope.today), asked.until), whole.zone)


def compile_attribution(spec: AttributionSpec, scope: Scope) -> Statement:
    """Rows of four parts, for each `side`. `path`: `conversions` worth `worth`, and journeys without one (`lost`), that have exactly
    `path` (places) and the breakdown's `value` ("=" and the text, '' for all others); `credits` and `worths` are time decay's, place by
    place. `point`: the `people` whose paths have the touch point `name` at the place `path`, of whom `buyers` converted with it; the place
    ALL is all paths, of which `untouched` have no touch point, with `quartiles` of the time from the first touch point; `young` may still
    convert, `shortened` were too long; of a value, or (`*`) of all `number` values. `lag`: conversions in the bar `path`. `cost`: what was
    spent by dimensions (`value`). `hidden` touch points there are in all. Of a sample, `squares` is the sum, over people, of the square of
    how often each converted."""
    binder = Binder()
    edges = binder.bind([edge * 1000 for edge in EDGES], "Array(Int64)")
    every = f"arrayPushBack(arrayMap(point -> ('point', [point.1], point.2, '*'), its_points), ('point', [toUInt8({ALL})], '', '*'))"
    cells = [every]
    if spec.breakdown:
        cells.append(every.replace("'*'", "shown"))
    sql = f"""
WITH {_paths(spec, scope, binder)}
SELECT part, side, path, name, value, countIf(won) AS conversions, countIf(NOT won) AS lost, sum(its_worth) AS worth,
  uniqExact(person) AS people, uniqExactIf(person, won) AS buyers, countIf(bare) AS untouched, countIf(is_young) AS young,
  countIf(is_short) AS shortened, uniqExact(itself) AS number, max(its_hidden) AS hidden,
  sumIf(its_worth, bare) AS untouched_worth, uniqExactIf(person, bare) AS untouched_people,
  quantilesExactInclusiveIf(0.25, 0.5, 0.75, 0.9)(lag, everything) AS quartiles,
  sumForEach(its_credits) AS credits, sumForEach(its_worths) AS worths, {_squares(spec)} AS squares
FROM (
  SELECT cell.1 AS part, side, cell.2 AS path, cell.3 AS name, cell.4 AS value, person, won, its_worth, bare, is_young, is_short, itself,
    its_hidden, lag,
    if(part = 'path', decayed, []) AS its_credits, arrayMap(credit -> credit * its_worth, its_credits) AS its_worths,
    path = [{ALL}] AND value = '*' AS is_total, won AND NOT bare AND is_total AS everything
  FROM (
    SELECT side, person, won, worth AS its_worth, won AND empty(points) AS bare, young AS is_young, shortened AS is_short, itself,
      hidden AS its_hidden, toFloat64(lag) AS lag, credits AS decayed,
      arrayConcat(
        if(empty(points), [], [('path', points, '', shown)]),
        if(won AND notEmpty(points), [('lag', [toUInt8(arrayCount(edge -> lag >= edge, {edges}) - 1)], '', '*')], []),
        {", ".join(cells)}) AS cells
    FROM (SELECT *, arrayDistinct(arrayZip(points, called)) AS its_points FROM paths)
  )
  ARRAY JOIN cells AS cell
)
GROUP BY part, side, path, name, value
ORDER BY conversions DESC, lost DESC, side, value, path
LIMIT {MOST_PATHS} BY part
"""
    if spec.channels:
        asked = scope.period(spec.period)
        since, until = binder.bind(asked.since, "Date"), binder.bind(asked.until, "Date")
        sql += f"""UNION ALL
SELECT 'cost', 0, [], '', dimensions, 0, 0, sum(measured.value), 0, 0, 0, 0, 0, 0, 0, 0., 0, [], [], [], 0
FROM measured
WHERE metric = 'cost' AND day BETWEEN {since} AND {until}
GROUP BY dimensions
"""
    return Statement(sql, binder.params)


def _squares(spec: AttributionSpec) -> str:
    """By how much the people of a sample differ; without one nobody asks."""
    if spec.sample is None:
        return "toUInt64(0)"
    return "arraySum(each -> each * each, sumMapIf([person], [toUInt64(1)], won AND is_total).2)"


def people_attribution(spec: AttributionSpec, cell: AttributionCell, scope: Scope) -> Statement:
    """The people with such a path."""
    binder = Binder()
    paths = _paths(spec, scope, binder)
    tests = [f"side = {int(cell.beside)}"]
    if cell.point is not None:
        test = {"any": "arrayExists(point -> {}, arrayZip(points, called))", "first": "{}", "last": "{}"}[cell.role]
        which = {"any": "point", "first": "(points[1], called[1])", "last": "(points[-1], called[-1])"}[cell.role]
        tests += ["notEmpty(points)", test.format(_is(which, cell.point, binder))]
    if cell.path:
        tests.append(f"length(points) = {len(cell.path)}")
        tests += [_is(f"(points[{place}], called[{place}])", key, binder) for place, key in enumerate(cell.path, 1)]
    if cell.converted is not None:
        tests.append("won" if cell.converted else "NOT won")
    if cell.untouched:
        tests.append("won AND empty(points)")
    if cell.other or cell.none or cell.value is not None:
        value = "" if cell.none else cell.value
        tests.append(f"shown = {binder.bind('' if cell.other else f'={value}', 'String')}")
    return Statement(f"WITH {paths}\nSELECT person FROM paths WHERE {' AND '.join(tests)}", binder.params)


def _is(point: str, key: str, binder: Binder) -> str:
    """SQL: the touch point `point` (place, name) is the one that a cell names."""
    if key == OTHERS:
        return f"{point}.1 = 0"
    return f"({point}.1 != 0 AND {point}.2 = {binder.bind(key[1:], 'String')})"


def _paths(spec: AttributionSpec, scope: Scope, binder: Binder) -> str:
    asked = scope.period(spec.period)
    on = sides(spec.compare, asked, baseline(spec.compare, asked, scope), scope, binder)
    window = binder.bind(spec.window.length // MILLISECOND, "Int64")
    now = binder.bind(round(scope.now.timestamp() * 1000), "Int64")
    half = binder.bind(spec.half_life.length / MILLISECOND, "Float64")
    kept = "steps"
    if spec.channels and spec.direct == "alone":
        kept = f"if(arrayExists(step -> step.2 != {DIRECT}, steps), arrayFilter(step -> step.2 != {DIRECT}, steps), steps)"
    short = "kept"
    if spec.loops == "collapse":
        short = f"arrayFilter((step, next) -> step.2 != next, kept, arrayPopFront(arrayPushBack(kept.2, {ALL})))"
    return f"""{_of_visits(spec, scope, binder) if spec.channels else _of_events(spec, scope, binder)},
{_journeys(spec, window)},
placed AS (
  SELECT person, hidden, {on.side} AS side, itself, won, worth, tick, {kept} AS kept
  FROM journeys
  WHERE {on.where}
),
paths AS (
  SELECT person, hidden, side, itself, {_shown(spec, binder)} AS shown, won, worth, short.2 AS points, short.3 AS called, lag, shortened,
    NOT won AND tick + {window} > {now} AS young, arrayMap(weight -> if(won, weight / total, 0.), weights) AS credits
  FROM (
    SELECT *, arrayMap(step -> exp2(toFloat64(step.1 - latest) / {half}), short) AS weights, arraySum(weights) AS total
    FROM (SELECT *, short[-1].1 AS latest FROM (
      SELECT person, hidden, side, itself, won, worth, tick, tick - kept[1].1 AS lag, length(long) > {LONGEST} AS shortened,
        if(length(long) > {LONGEST}, arrayConcat([long[1]], arraySlice(long, {1 - LONGEST})), long) AS short{_sizes(spec)}
      FROM (SELECT *, {short} AS long FROM placed)
    ))
  )
)"""


def _sizes(spec: AttributionSpec) -> str:
    """How often each value of the breakdown was converted by, and how often it is there."""
    if not spec.breakdown:
        return ""
    return ", sum(won AND side = 0) OVER (PARTITION BY itself) AS buys, sum(side = 0) OVER (PARTITION BY itself) AS size"


def _shown(spec: AttributionSpec, binder: Binder) -> str:
    """What a value of the breakdown is shown as."""
    if not spec.breakdown:
        return "'='"
    alone = f"dense_rank() OVER (ORDER BY buys DESC, size DESC, itself) <= {binder.bind(spec.top, 'UInt64')}"
    return f"if({alone}, concat('=', itself), '')"


def _journeys(spec: AttributionSpec, window: str) -> str:
    """Of each person, touch points, conversions and the moments from which on one looks back from these are sorted together: what lies
    before each of them is then counted, not searched. A touch point with no open window leads to nothing; those that do so in a row, with
    no conversion and no pause longer than the window between them, are one journey: what of it lies in the window before its last."""
    reset = "lows"
    if spec.repeat == "reset":
        reset = "arrayMap((low, high) -> greatest(low, high), lows, arrayPopBack(arrayPushFront(highs, 0)))"
    return f"""units AS (
  SELECT person, hidden, touches, wins, marks,
    arrayCumSum(mark -> mark.2 = 1, marks) AS passed,
    arrayCumSum(mark -> mark.2 = 2, marks) AS won,
    arrayCumSum(mark -> toInt32(mark.2 = 0) - toInt32(mark.2 = 2), marks) AS open
  FROM (
    SELECT person, hidden, touches, wins, arraySort(arrayConcat(
      arrayMap(touch -> (touch.1, toUInt8(1)), touches),
      arrayMap(win -> (win.1, toUInt8(2)), wins),
      arrayMap(win -> (win.1 - {window}, toUInt8(0)), wins))) AS marks
    FROM (
      SELECT person,
        max(happened.hidden) AS hidden,
        arraySort(groupArrayIf((tick, event, key, place, day, value, if(place = 0, '', name)), kind = 1)) AS touches,
        arraySort(groupArrayIf((tick, event, key, worth, day, value), kind = 2)) AS wins
      FROM happened
      GROUP BY person, held
    )
  )
),
journeys AS (
  SELECT person, hidden, journey.1 AS won, journey.2 AS tick, fromUnixTimestamp64Milli(tick, 'UTC') AS ts, journey.3 AS event_key,
    journey.4 AS worth, journey.5 AS day, journey.6 AS itself, journey.7 AS steps
  FROM (
    SELECT person, hidden, arrayConcat(
      arrayMap((win, low, high) -> (true, win.1, win.3, win.4, win.5, win.6, arraySlice(steps, low + 1, high - low)), wins, {reset}, highs),
      arrayMap((run, until) -> (false, until, run[-1].3, 0., run[-1].5, run[-1].6,
        arrayMap(touch -> (touch.1, touch.4, touch.7), arrayFilter(touch -> until - touch.1 <= {window}, run))),
        runs, arrayMap(run -> run[-1].1, runs))) AS its_journeys
    FROM (
      SELECT person, hidden, wins, lows, highs, arrayMap(touch -> (touch.1, touch.4, touch.7), touches) AS steps,
        arraySplit((touch, apart) -> apart, gone,
          arrayMap((pause, between) -> pause > {window} OR between > 0, arrayDifference(gone.1), arrayDifference(gone_after))) AS runs
      FROM (
        SELECT person, hidden, wins, touches,
          arrayFilter((number, mark) -> mark.2 = 0, passed, marks) AS lows,
          arrayFilter((number, mark) -> mark.2 = 2, passed, marks) AS highs,
          arrayFilter((number, mark) -> mark.2 = 1, open, marks) AS opens,
          arrayFilter((touch, number) -> number = 0, touches, opens) AS gone,
          arrayFilter((number, of) -> of = 0, arrayFilter((number, mark) -> mark.2 = 1, won, marks), opens) AS gone_after
        FROM units
      )
    )
  )
  ARRAY JOIN its_journeys AS journey
)"""


# --- What happened ----------------------------------------------------------------------------------------------------------------------


def _worth(spec: AttributionSpec, scope: Scope, binder: Binder) -> str:
    return f"ifNull({property_number(spec.conversion.value, scope, binder)}, 0)" if spec.conversion.value else "0."


def _among(spec: AttributionSpec, scope: Scope, binder: Binder, won: str) -> str:
    """The conversions of the period."""
    asked = scope.period(spec.period)
    return f"person != 0 AND {won} AND day BETWEEN {binder.bind(asked.since, 'Date')} AND {binder.bind(asked.until, 'Date')}"


def _of_events(spec: AttributionSpec, scope: Scope, binder: Binder) -> str:
    """Chosen events as touch points; an event that is a conversion is none. Of several kinds that fit, the first one counts."""
    won = is_one_of(spec.conversion, scope, binder)
    filtered = f"{condition(spec.filter, scope, binder, over='visible')} AND {sampled(spec.sample, binder)}"
    parts = split(spec.breakdown, scope, binder, among=f"{_among(spec, scope, binder, won)} AND {filtered}")
    kinds = ", ".join(f"{is_one_of(touch, scope, binder)}, {place}" for place, touch in enumerate(spec.touches, 1))
    names = ", ".join(f"touch = {place}, {_name(spec, touch, scope, binder)}" for place, touch in enumerate(spec.touches, 1))
    held = property_text(spec.held, scope, binder) if spec.held else "''"
    kept = f"{held} != ''" if spec.held else "1"
    # A conversion without the property held has nothing in common with any touch point: its event's key keeps it apart.
    apart = "if(same = '', if(won, concat('!', toString(key)), ''), concat('=', same))" if spec.held else "''"
    last = binder.bind(spec.points, "UInt64")
    return f"""ranked AS (
  SELECT name, if(rank <= {last}, toUInt8(rank), 0) AS place, greatest(max(rank) OVER (), {last}) - {last} AS hidden
  FROM (
    SELECT name, row_number() OVER (ORDER BY count() DESC, name) AS rank
    FROM (
      SELECT multiIf({kinds}, 0) AS touch, multiIf({names}, '') AS name
      FROM visible
      WHERE person != 0 AND {has_name_of(spec.touches, binder)} AND {filtered} AND touch > 0 AND NOT ({won}) AND {kept}
    )
    GROUP BY name
  )
),
happened AS (
  SELECT person, tick, called AS event, key, day, value, if(won, 2, 1) AS kind, if(won, amount, 0.) AS worth, named AS name,
    {apart} AS held, place, hidden
  FROM (
    SELECT person, toUnixTimestamp64Milli(ts) AS tick, toString(event) AS called, event_key AS key, day, {parts.value} AS value,
      {won} AS won, multiIf({kinds}, 0) AS touch, multiIf({names}, '') AS named, {_worth(spec, scope, binder)} AS amount, {held} AS same
    FROM {parts.source}
    WHERE person != 0 AND {has_name_of((spec.conversion, *spec.touches), binder)} AND {filtered}
  ) AS doing
  LEFT ANY JOIN ranked ON doing.named = ranked.name
  WHERE (won OR touch > 0){" AND (won OR same != '')" if spec.held else ""}
)"""


def _name(spec: AttributionSpec, touch: Touch, scope: Scope, binder: Binder) -> str:
    """A touch point's name: the event's, or the property's value; of several kinds, with the event's name before it."""
    if touch.by is None:
        return "toString(event)"
    value = property_text(touch.by, scope, binder)
    return value if len(spec.touches) == 1 else f"concat(toString(event), ' · ', {value})"


def _of_visits(spec: AttributionSpec, scope: Scope, binder: Binder) -> str:
    """What brought people to their visits. A visit begins with what its first arrival says; another one within it is a touch point too
    where it is not direct and not the same as the one before. The rules of channels are asked once for each origin, not for each event."""
    won = f"{has_name_of((spec.conversion,), binder)} AND {is_one_of(spec.conversion, scope, binder)}"
    sample = sampled(spec.sample, binder)
    filtered = f"{condition(spec.filter, scope, binder, over='visible')} AND {sample}"
    parts = split(spec.breakdown, scope, binder, among=f"{_among(spec, scope, binder, won)} AND {filtered}")
    came_from = "extract(lower(referrer), '^(?:[a-z][a-z0-9+.-]*://)?([^/?#]*)')"
    site = f"replaceRegexpOne(replaceRegexpOne({came_from}, ':[0-9]+$', ''), '^www\\\\.', '')"
    somewhere = "if(path != '' OR host != '', '/', '')"
    # Each column's hash is made of its few different texts; their sum tells origins apart as well as a hash of all.
    told_by = (came_from, "host", "utm_source", "utm_medium", "utm_campaign")
    hashes = [f"sipHash64('{place}', {column})" for place, column in enumerate(told_by)]
    origin = " + ".join([f"toUInt64({one})" for one in hashes] + [f"({somewhere} != '')"])
    named = {"channel": "channel", "source": "if(its_source = '', its_site, its_source)", "campaign": "its_campaign"}[spec.by]
    known = " OR ".join(f"{column} != ''" for column in COLUMNS)
    columns = "origin, its_source, its_site, its_campaign, events"
    every = ", ".join(f"any(e.{column}) AS {column}" for column in COLUMNS)
    arrivals = f"FROM visible WHERE person != 0 AND source != 'ledger' AND ({known}) AND {sample}"
    origins = f"""(
      SELECT origin, utm_source AS its_source, {site} AS its_site, utm_campaign AS its_campaign, {came_from} AS referrer, host,
        {somewhere} AS path, utm_source, utm_medium, utm_campaign, events
      FROM (
        SELECT origin, {every}, count() AS events
        FROM (SELECT {origin} AS origin, {", ".join(COLUMNS)} {arrivals}) AS e
        GROUP BY origin
      )
    )"""
    named = f"channel = 'direct' AS direct, if(direct, 'direct', {named}) AS name"
    told = f"SELECT origin, events, {named} FROM ({channel_sql(columns, origins)}) WHERE channel != ''"
    what = f"bitShiftLeft(toUInt64(dense_rank() OVER (ORDER BY name)), {NAME_AT}) + bitShiftLeft(toUInt64(place), {PLACE_AT})"
    ours = f"transform({origin}, {ORIGINS}.1, {ORIGINS}.2, toUInt64(0))"
    number = f"""bitShiftLeft(toUInt256({code_sql("(SELECT names FROM named)")}), 128) + bitShiftLeft(toUInt256(what), {WHAT_AT})
      + bitShiftLeft(toUInt256(toUInt16(day)), {DAY_AT}) + reinterpretAsUInt64(toFloat64(if(won, {_worth(spec, scope, binder)}, 0.)))"""
    one, value = ("one.1", "one.2") if spec.breakdown else ("one", "''")
    gathered, by = ("groupArray((number, value))", "one.1") if spec.breakdown else ("groupArray(number)", "")

    def flag(bit: int) -> str:
        return f"bitTest(toUInt64(bitShiftRight({one}, {WHAT_AT})), {bit})"

    def name_of(one: str) -> str:
        return f"toUInt32(bitShiftRight({one}, {WHAT_AT + NAME_AT}))"

    def tick(each: str) -> str:
        return CODE_TICK.format(code=f"bitShiftRight({each}{'.1' if spec.breakdown else ''}, 128)")

    visits = cut_sql(gathered, "FROM doings", binder.bind(spec.gap * 60_000, "Int64"), tick, by=by)
    considered = flag(ARRIVED) + (f" AND NOT {flag(DIRECTLY)}" if spec.direct == "exclude" else "")
    return f"""named AS (SELECT {CODE_NAMES}),
origins AS MATERIALIZED (
  SELECT origin, name, hidden, {what} + direct * {1 << DIRECTLY} + {1 << ARRIVED} AS what
  FROM ({_placed(spec, told, binder)})
),
doings AS (
  SELECT person, {number} AS number, value
  FROM (
    SELECT *, {won} AS won, if(source = 'ledger', 0, {ours}) + won AS what, {parts.value} AS value
    FROM {parts.source}
    WHERE person != 0 AND (source != 'ledger' OR ({won})) AND {filtered}
  )
),
visits AS ({visits}),
happened AS (
  SELECT
    person, kind, {CODE_TICK.format(code="bitShiftRight(number, 128)")} AS tick, bitShiftRight(number, 192) AS event,
    toUInt64(bitShiftRight(number, 128)) AS key, toDate(toUInt16(bitShiftRight(number, {DAY_AT}))) AS day, value,
    reinterpretAsFloat64(toUInt64(number)) AS worth, {ORIGINS}.3[{name_of("number")}] AS name, '' AS held,
    toUInt8(bitShiftRight(number, {WHAT_AT + PLACE_AT})) AS place, {ORIGINS}.4 AS hidden
  FROM (
    SELECT person, mark.1 AS kind, mark.2 AS number, mark.3 AS value
    FROM (
      SELECT person, arrayJoin(arrayConcat(
        arrayMap(one -> (1, {one}, {value}), arrayFilter((one, place, before) -> place = 1 OR {name_of(one)} != before,
          considered, arrayEnumerate(considered), arrayShiftRight(arrayMap(one -> {name_of(one)}, considered), 1))),
        arrayMap(one -> (2, {one}, {value}), arrayFilter(one -> {flag(WON)}, visit)))) AS mark
      FROM (
        SELECT person, visit, arrayFilter((one, place) -> {considered} AND (place = arrived OR NOT {flag(DIRECTLY)}),
          visit, arrayEnumerate(visit)) AS considered
        FROM (SELECT person, visit, arrayFirstIndex(one -> {flag(ARRIVED)}, visit) AS arrived FROM visits)
      )
    )
  )
)"""


def _placed(spec: AttributionSpec, origins: str, binder: Binder) -> str:
    """The place of each origin's touch point among those that stand alone, which most events name; direct visits always have the same.
    All channels stand alone, and are known beforehand."""
    if spec.all_alone:
        return f"SELECT origin, direct, name, toUInt8(indexOf({list(CHANNELS)}, name)) AS place, toUInt64(0) AS hidden FROM ({origins})"
    last = binder.bind(spec.points, "UInt64")
    place = f"if(name = 'direct', {DIRECT}, {DIRECT} + dense_rank() OVER (PARTITION BY name = 'direct' ORDER BY size DESC, name))"
    return f"""SELECT origin, direct, name, if(rank <= {last}, toUInt8(rank), 0) AS place,
    greatest(max(rank) OVER (), {last}) - {last} AS hidden
  FROM (
    SELECT origin, direct, name, {place} AS rank
    FROM (SELECT *, sum(events) OVER (PARTITION BY name) AS size FROM ({origins}))
  )"""
