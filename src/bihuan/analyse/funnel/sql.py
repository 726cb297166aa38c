"""From a funnel's spec to its one statement.

Each event of a step becomes one number, `code`: the milliseconds since `base`, the first step that it can serve, and one bit for
each step that it can serve. A person's sorted codes are their events in order, and what is asked of them are passes over that array:

`start_k`   at each event, the latest entry from which the first k steps were done in time, up to this event (0: none);
`reached`   the events at which step 1, 2, … was reached for the first time, as far as it goes;
`entry`     the earliest event that can have led to the furthest step: the first entry within the window before it;
`times`     when each step was done, beginning with that entry and taking each next step as soon as it comes.

Why these passes are exact, and what was slower or not exact: docs/decisions/0003-funnel.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.breakdowns import of_people, split_people
from bihuan.engine.conditions import condition
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder

QUANTILES = "0.1, 0.25, 0.5, 0.75, 0.9"
MILLISECOND = timedelta(milliseconds=1)
FIRST_BITS = 5  # enough for the number of a step, 1 to 20

# Where the bars of "time to convert" begin, in seconds.
EDGES = (0, 10, 60, 300, 900, 1800, 3600, 7200, 21600, 43200, *(86_400 * days for days in (1, 2, 3, 7, 14, 30, 60, 90, 180)))


def reads_funnel(spec: FunnelSpec, scope: Scope) -> Period:
    """The days of entry, and those on which the last who entered may still go on."""
    entry = entry_period(spec, scope)
    last = (entry.end + spec.window.length).astimezone(ZoneInfo(scope.zone)).date()
    return entry.extended(after=(last - entry.until).days)


def entry_period(spec: FunnelSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_funnel(spec: FunnelSpec, scope: Scope) -> Statement:
    binder = Binder()
    steps = range(1, len(spec.steps) + 1)
    entry = entry_period(spec, scope)
    base = entry.start - timedelta(days=2)
    shift = len(steps) + FIRST_BITS
    window = binder.bind(spec.window.length // MILLISECOND, "UInt64")
    now = binder.bind(_ticks(_now(spec, scope, entry), base), "UInt64")
    events = has_name_of(spec.steps, binder)
    edges = binder.bind([edge * 1000 for edge in EDGES], "Array(UInt64)")
    starts = _starts(steps, shift, window)
    filtered = condition(spec.filter, scope, binder, over="visible")
    entries = f"person != 0 AND {events} AND {is_one_of(spec.steps[0], scope, binder)} AND {_in_period(entry, binder)} AND {filtered}"
    of_events, of_ways = split_people(spec.breakdown, scope, binder, people="ways", value="entry_value", among=entries)
    sql = f"""
WITH occurrences AS (
  SELECT
    person,
    {_mask(spec, scope, binder, entry)} AS mask,
    bitCount(bitXor(mask, mask - 1)) AS first_step,
    toUInt64(toUnixTimestamp64Milli(ts) - {binder.bind(_milliseconds(base), "Int64")}) AS tick,
    bitShiftLeft(tick, {shift}) + bitShiftLeft(toUInt64(first_step), {len(steps)}) + mask AS code,
    {of_events.value} AS value
  FROM {of_events.source}
  WHERE person != 0 AND {events} AND {filtered}
),
people AS (
  SELECT person, arraySort(groupArray(code)) AS codes{_entries(spec)}
  FROM occurrences
  WHERE mask != 0
  GROUP BY person
  HAVING max(bitTest(mask, 0)) = 1
),
attempts AS (
  SELECT
    person, codes, entries,
    arrayFill(start -> start != 0, arrayMap(code -> if(bitTest(code, 0), bitShiftRight(code, {shift}), 0), codes)) AS start_1{starts}
  FROM people
),
furthest AS (
  SELECT
    person, codes, entries, start_1[-1] AS latest_entry,
    arrayFilter(index -> index != 0, [{_each("arrayFirstIndex(start -> start != 0, start_{n})", steps)}]) AS reached
  FROM attempts
),
entered AS (
  SELECT
    person, codes, entries, latest_entry, reached,
    bitShiftRight(codes[reached[-1]], {shift}) AS finish,
    arrayFirstIndex(code -> bitTest(code, 0) AND bitShiftRight(code, {shift}) + {window} >= finish, codes) AS entry
  FROM furthest
),
ways AS (
  SELECT
    person, {_chosen_value(spec)} AS entry_value,
    arrayFold((times, code) -> if(bitTest(code, length(times)), arrayPushBack(times, bitShiftRight(code, {shift})), times),
      arraySlice(codes, entry, reached[-1] - entry + 1), emptyArrayUInt64()) AS times,
    length(reached) < {len(steps)} AND latest_entry + {window} > {now} AS open
  FROM entered
),
valued AS (
  SELECT {of_ways.value} AS value, open, times FROM {of_ways.source}
),
timed AS (
  SELECT value, open, step, toUInt64(since_previous) AS since_previous, toUInt64(since_start) AS since_start
  FROM valued
  ARRAY JOIN arrayEnumerate(times) AS step, arrayDifference(times) AS since_previous, arrayCumSum(arrayDifference(times)) AS since_start
),
by_value AS (
  SELECT
    value, step,
    count() AS people,
    sum(open) AS open,
    quantilesExactInclusiveState({QUANTILES})(since_start) AS start_times,
    quantilesExactInclusiveState({QUANTILES})(since_previous) AS previous_times,
    countResample(1, {len(EDGES) + 1}, 1)(step, arrayCount(edge -> since_start >= edge, {edges})) AS start_histogram,
    countResample(1, {len(EDGES) + 1}, 1)(step, arrayCount(edge -> since_previous >= edge, {edges})) AS previous_histogram,
    max(people) OVER (PARTITION BY value) AS entered
  FROM timed
  GROUP BY value, step
),
ranked AS (
  SELECT *, least(dense_rank() OVER (ORDER BY entered DESC, value), {binder.bind(spec.top + 1, "UInt64")}) AS place FROM by_value
)
SELECT
  place, step,
  {"grouping(place)" if spec.breakdown else "1"} AS total,
  min(value) AS value,
  count() AS values,
  sum(people) AS people,
  sum(open) AS open,
  quantilesExactInclusiveMerge({QUANTILES})(start_times) AS since_start,
  quantilesExactInclusiveMerge({QUANTILES})(previous_times) AS since_previous,
  sumForEach(start_histogram) AS start_histogram,
  sumForEach(previous_histogram) AS previous_histogram
FROM ranked
GROUP BY {"GROUPING SETS ((step), (place, step))" if spec.breakdown else "place, step"}
ORDER BY total DESC, place, step
"""
    return Statement(sql, binder.params)


def _mask(spec: FunnelSpec, scope: Scope, binder: Binder, entry: Period) -> str:
    """One bit for each step that an event can serve; the first only in the period."""
    bits = []
    for place, step in enumerate(spec.steps):
        test = is_one_of(step, scope, binder)
        bits.append(f"bitShiftLeft(toUInt64({test}{'' if place else f' AND {_in_period(entry, binder)}'}), {place})")
    return "\n      + ".join(bits)


def _in_period(entry: Period, binder: Binder) -> str:
    """Whether an event of `visible`, which begins with the period, is one of it."""
    return f"day <= {binder.bind(entry.until, 'Date')}"


def _starts(steps: range, shift: int, window: str) -> str:
    """Each later `start_k`: where an event of step k finds the step before done in time, that one's start, else what held before."""
    return "".join(
        f""",
    arrayFill((start, code) -> bitTest(code, {n - 1}) AND start != 0 AND bitShiftRight(code, {shift}) - start <= {window},
      arrayShiftRight(start_{n - 1}, 1), codes) AS start_{n}"""
        for n in steps[1:]
    )


def _each(text: str, steps: range) -> str:
    return ", ".join(text.format(n=n) for n in steps)


def _entries(spec: FunnelSpec) -> str:
    """Each entry with its value, in order; only where the value is the entry's."""
    if of_people(spec.breakdown):
        return ", 0 AS entries"
    return ", arraySort(groupArrayIf((code, value), bitTest(mask, 0))) AS entries"


def _chosen_value(spec: FunnelSpec) -> str:
    if of_people(spec.breakdown):
        return "''"
    return "tupleElement(arrayFirst(each -> each.1 = codes[entry], entries), 2)"


def _now(spec: FunnelSpec, scope: Scope, entry: Period) -> datetime:
    """The minute up to which time has passed, for the windows that are still open; the same for ever once all are closed."""
    return min(scope.now.replace(second=0, microsecond=0), entry.end + spec.window.length)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _ticks(at: datetime, base: datetime) -> int:
    return max(0, (at - base) // MILLISECOND)
