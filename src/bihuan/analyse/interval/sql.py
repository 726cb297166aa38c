"""From the spec of intervals to its one statement: starts and ends in order, the pairs that count, and how their times spread.

`doings`     every event that is looked at: its milliseconds, and whether it starts, ends or does both;
`pairs`      (person, begun, ended, value): an interval each, of any day;
`intervals`  the same on their sides and in their buckets, `length` in milliseconds;
`placed`   once as place 0 (everybody), and once for each part of the answer.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.analyse.interval.spec import IntervalCell, IntervalSpec
from bihuan.analyse.spread import MOST_BARS, TIMES, bar_sql, columns_sql, edges_sql, within_sql
from bihuan.engine import compare
from bihuan.engine.breakdowns import of_people, split_people
from bihuan.engine.compare import Baseline, baseline, sides
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_text

BUCKETS = {"day": "{day}", "week": "toMonday({day})", "month": "toStartOfMonth({day})"}


def period_of(spec: IntervalSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def other_period(spec: IntervalSpec, scope: Scope) -> Baseline | None:
    return baseline(spec.compare, period_of(spec, scope), scope)


def bars_of(spec: IntervalSpec) -> int:
    """How many bars there are at most."""
    return len(spec.cuts) + 1 if spec.cuts else MOST_BARS + 2


def reads_interval(spec: IntervalSpec, scope: Scope) -> Period:
    """The days of the intervals' starts (ends), those on which they may still end, and those on which what ends in them may have begun."""
    covered = compare.reads(period_of(spec, scope), other_period(spec, scope))
    longest = spec.longest.length
    before = longest if spec.day == "end" or spec.begins == "first" else timedelta()
    after = longest if spec.day == "start" else timedelta()
    since, until = later(covered.start, -before, scope), later(covered.end, after, scope)
    return Period(since.date(), max(covered.until, until.date()), scope.zone)


def compile_interval(spec: IntervalSpec, scope: Scope) -> Statement:
    """Rows (place, side, whole, bucket, value, rank, many, people, quantiles, total, bars, bar_people, edges): place 0 is everybody, side 1
    what it is compared with, `whole` all of the period instead of one bucket."""
    binder = Binder()
    sql = f"""
WITH {_placed_lengths(spec, scope, binder)},
scale AS (
  {edges_sql("(SELECT length FROM placed WHERE place = 0)", "length", TIMES, binder, cuts=spec.edges)}
)
SELECT
  place, side, toUInt8(grouping(bucket)) AS whole, bucket, min(value) AS value, max(rank) AS rank,
  {columns_sql("length", bars_of(spec))}, any(edges) AS edges
FROM (SELECT *, {bar_sql("length", "edges")} AS bar FROM placed CROSS JOIN scale)
GROUP BY GROUPING SETS ((place, side), (place, side, bucket))
"""
    return Statement(sql, binder.params)


def people_interval(spec: IntervalSpec, cell: IntervalCell, scope: Scope) -> Statement:
    """Those with such an interval."""
    if cell.place is None:  # of everybody, whatever the values are
        spec = spec.model_copy(update={"breakdown": ()})
    binder = Binder()
    placed = _placed_lengths(spec, scope, binder).replace("placed AS MATERIALIZED", "placed AS")  # named once here
    tests = [f"place = {binder.bind(cell.place or 0, 'UInt64')}", f"side = {binder.bind(int(cell.before), 'UInt8')}"]
    if cell.bucket is not None:
        tests.append(f"bucket = {binder.bind(bucket_day(cell.bucket, spec.unit), 'Date')}")
    found = " AND ".join(tests)
    least, below = (None if each is None else round(each * 1000, 6) for each in (cell.least, cell.below))
    within = list(within_sql("length", least, below, binder))
    quartiles = ""
    if cell.quarter is not None:
        quartiles = ", quantilesExactInclusive(0.25, 0.5, 0.75)(length) OVER () AS quartiles"
        within += [f"length > quartiles[{cell.quarter - 1}]"] if cell.quarter > 1 else []
        within += [f"length <= quartiles[{cell.quarter}]"] if cell.quarter < 4 else []
    sql = f"""
WITH {placed}
SELECT person
FROM (SELECT person, length{quartiles} FROM placed WHERE {found})
WHERE {" AND ".join(within) or "1"}
"""
    return Statement(sql, binder.params)


def _placed_lengths(spec: IntervalSpec, scope: Scope, binder: Binder) -> str:
    """CTEs up to `placed`: a row (place, rank, value, side, bucket, person, length) for each interval and part of the answer."""
    period, other = period_of(spec, scope), other_period(spec, scope)
    starts, ends = is_one_of(spec.start, scope, binder), is_one_of(spec.end, scope, binder)
    looked_at = f"""person != 0 AND {has_name_of((spec.start, spec.end), binder)}
      AND {condition(spec.filter, scope, binder, over="visible")} AND {sampled(spec.sample, binder)}"""
    inside = f"day BETWEEN {binder.bind(period.since, 'Date')} AND {binder.bind(period.until, 'Date')}"
    among = f"{looked_at} AND {starts if spec.value_of == 'start' else ends} AND {inside}"
    of_events, of_pairs = split_people(spec.breakdown, scope, binder, people="pairs", value="pair_value", among=among)
    held = property_text(spec.held, scope, binder) if spec.held else "''"
    valued = not of_people(spec.breakdown)
    mark = "(code, value)" if valued else "code"
    side = sides(spec.compare, period, other, scope, binder)
    laid = f"if(side = 1, {other.laid_sql(spec.unit, binder)}, day)" if other else "day"
    last = _last_end(spec, scope, other)
    in_time = f" WHERE side = 0 OR ended < {binder.bind(round(last.timestamp() * 1000), 'Int64')}" if last else ""
    return f"""doings AS (
  SELECT person, toInt64(toUnixTimestamp64Milli(ts)) * 4 + multiIf(NOT ends, 0, starts, 1, 2) AS code, value, held
  FROM (
    SELECT person, ts, {starts} AS starts, {"starts" if spec.start == spec.end else ends} AS ends,
      {of_events.value} AS value, {held} AS held
    FROM {of_events.source}
    WHERE {looked_at}
  )
  WHERE (starts OR ends){" AND held != ''" if spec.held else ""}
),
marked AS (
  SELECT person, arraySort(groupArray({mark})) AS marks
  FROM doings
  GROUP BY person{", held" if spec.held else ""}
  HAVING length(marks) > 1
),
pairs AS ({_pairs(spec, binder, valued=valued)}
),
intervals AS (
  SELECT person, side, {BUCKETS[spec.unit].format(day=laid)} AS bucket, ended - begun AS length, value
  FROM (
    SELECT person, begun, ended, value, day, {side.side} AS side
    FROM (
      SELECT
        pairs.person AS person, begun, ended, {of_pairs.value} AS value,
        fromUnixTimestamp64Milli({"begun" if spec.day == "start" else "ended"}, 'UTC') AS ts,
        toDate(ts, {binder.bind(scope.zone, "String")}) AS day
      FROM {of_pairs.source}
    )
    WHERE {side.where}
  ){in_time}
),
placed AS MATERIALIZED ({_parts(spec, binder)}
)"""


def _pairs(spec: IntervalSpec, binder: Binder, *, valued: bool) -> str:
    """At the same instant what only starts comes before what does both, and that before what only ends. So a start pairs with the end that
    follows it at once; or the first start since the end before, no longer ago than may be, with the end that follows all of them."""
    code = "mark.1" if valued else "mark"
    longest = binder.bind(round(spec.longest.length.total_seconds() * 1000), "Int64")

    def of(mark: str, what: str) -> str:
        one = code.replace("mark", mark)
        return f"bitShiftRight({one}, 2)" if what == "tick" else f"bitAnd({one}, 3)"

    def near(start: str, end: str) -> str:
        return f"{of(end, 'tick')} - {of(start, 'tick')} <= {longest}"

    if spec.begins == "last":
        neighbours = "arrayZip(arrayPopBack(marks), arrayPopFront(marks))"
        fits = f"{of('both.1', 'kind')} != 2 AND {of('both.2', 'kind')} != 0 AND {near('both.1', 'both.2')}"
        found = f"arrayFilter(both -> {fits}, {neighbours})"
    else:
        pieces = f"arraySplit(mark -> {of('mark', 'kind')} != 0, marks)"  # each but the first begins with what ends
        starts = f"arrayFilter(mark -> {of('mark', 'kind')} != 2 AND {near('mark', 'following[1]')}, piece)"
        runs = f"arrayMap((piece, following) -> ({starts}, following[1]), arrayPopBack({pieces}), arrayPopFront({pieces}))"
        found = f"arrayMap(run -> (run.1[1], run.2), arrayFilter(run -> notEmpty(run.1), {runs}))"
    value = f"both.{1 if spec.value_of == 'start' else 2}.2" if valued else "''"
    return f"""
  SELECT person, {of("both.1", "tick")} AS begun, {of("both.2", "tick")} AS ended, {value} AS pair_value
  FROM (SELECT person, arrayJoin({found}) AS both FROM marked)"""


def _parts(spec: IntervalSpec, binder: Binder) -> str:
    """Everybody as place 0; when broken down also each value by its place, and all others in one place after them."""
    if not spec.breakdown:
        return "\n  SELECT toUInt64(0) AS place, toUInt64(0) AS rank, * FROM intervals"
    return f"""
  SELECT toUInt64(arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})])) AS place, *
  FROM (
    SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
    FROM (SELECT *, countIf(side = 0) OVER (PARTITION BY value) AS size FROM intervals)
  )"""


def _last_end(spec: IntervalSpec, scope: Scope, other: Baseline | None) -> datetime | None:
    """Up to when what it is compared with may end: as long after that period as it is now (to the minute, so that the answer may be kept)
    after this one; None: no matter when."""
    period, now = period_of(spec, scope), scope.now.astimezone(UTC).replace(second=0, microsecond=0)
    if other is None or spec.day == "end" or now >= later(period.end, spec.longest.length, scope):
        return None
    return other.until.astimezone(UTC) + max(timedelta(), now - period.end.astimezone(UTC))


def later(at: datetime, length: timedelta, scope: Scope) -> datetime:
    """So much real time later, whatever the clocks do."""
    return (at.astimezone(UTC) + length).astimezone(ZoneInfo(scope.zone))
