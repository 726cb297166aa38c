"""From the spec of lifecycle to its one statement.

When somebody was active is a number with one bit for each period, the one before the first at its end. The four states are then four
such numbers; people with the same bits are counted together.
"""

from __future__ import annotations

from datetime import date, timedelta

from bihuan.analyse.lifecycle.spec import LifecycleCell, LifecycleSpec
from bihuan.engine.breakdowns import split
from bihuan.engine.conditions import condition
from bihuan.engine.daily import counted, days_of, names_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, bucket_day, next_bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder

MOST_PERIODS = 255  # one bit each in 256, and one for the period before


def whole_period(spec: LifecycleSpec, scope: Scope) -> Period:
    """The days of all weeks or months that the period touches."""
    period = scope.period(spec.period)
    last = next_bucket_day(period.until, spec.unit) - timedelta(days=1)
    return Period(bucket_day(period.since, spec.unit), last, scope.zone)


def bucket_days(spec: LifecycleSpec, scope: Scope) -> tuple[date, ...]:
    """The first day of each day, week or month asked about."""
    period = whole_period(spec, scope)
    days = [period.since]
    while (following := next_bucket_day(days[-1], spec.unit)) <= period.until:
        days.append(following)
    if len(days) > MOST_PERIODS:
        raise QuestionError(
            "That are {count} periods, more than {most}; choose a shorter period, or weeks or months.",
            count=len(days),
            most=MOST_PERIODS,
            where="period",
        )
    return tuple(days)


def reads_lifecycle(spec: LifecycleSpec, scope: Scope) -> Period:
    """What `visible` would need; who is new is found in all of `history`."""
    return whole_period(spec, scope)


def compile_lifecycle(spec: LifecycleSpec, scope: Scope) -> Statement:
    """Rows (place, state, bucket, value, rank, people): place 0 is everybody; `bucket` counts from 0."""
    binder = Binder()
    if counted([spec.active], spec.filter) and not spec.breakdown and spec.sample is None:
        return _by_days(spec, scope, binder)
    sql = f"""
WITH {_staged(spec, scope, binder)},
shapes AS (
  SELECT place, min(value) AS value, max(rank) AS rank, fresh, returning, resurrected, dormant, count() AS people
  FROM ({_placed(spec, binder)})
  GROUP BY place, fresh, returning, resurrected, dormant
),
marked AS (
  SELECT place, value, rank, people, state, mask
  FROM shapes
  ARRAY JOIN ['new', 'returning', 'resurrected', 'dormant'] AS state, [fresh, returning, resurrected, dormant] AS mask
)
SELECT place, state, bucket, min(value) AS value, max(rank) AS rank, sum(people) AS people
FROM marked
ARRAY JOIN arrayMap(position -> toInt32(position), bitPositionsToArray(mask)) AS bucket
GROUP BY place, state, bucket
"""
    return Statement(sql, binder.params)


def _by_days(spec: LifecycleSpec, scope: Scope, binder: Binder) -> Statement:
    """The same rows from one set of people for each period, of the one before the first (-1), and of all before that (-2)."""
    period = whole_period(spec, scope)
    since, until = binder.bind(period.since, "Date"), binder.bind(period.until, "Date")
    last = binder.bind(len(bucket_days(spec, scope)), "Int32")
    sql = f"""
WITH sets AS (
  SELECT greatest(toInt32(dateDiff('{spec.unit}', {since}, day)), -2) AS number, persons AS people
  FROM {days_of([spec.active], binder, ever=True)} AND day <= {until}
  UNION ALL
  SELECT arrayJoin(range(-2, {last})) AS number, bitmapBuild(emptyArrayUInt32()) AS people
),
periods AS (
  SELECT
    number, active,
    lagInFrame(active) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS before,
    groupBitmapMergeState(active) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ever
  FROM (SELECT number, groupBitmapMergeState(people) AS active FROM sets GROUP BY number)
),
counts AS (
  SELECT
    number AS bucket,
    bitmapAndCardinality(active, before) AS returning,
    bitmapAndnotCardinality(active, ever) AS fresh,
    bitmapCardinality(active) - returning - fresh AS resurrected,
    bitmapCardinality(before) - returning AS dormant
  FROM periods
  WHERE number >= 0
)
SELECT 0 AS place, state, bucket, '' AS value, 0 AS rank, people
FROM counts
ARRAY JOIN ['new', 'returning', 'resurrected', 'dormant'] AS state, [fresh, returning, resurrected, dormant] AS people
WHERE people > 0"""
    return Statement(sql, binder.params, names_of([spec.active]))


def people_lifecycle(spec: LifecycleSpec, cell: LifecycleCell, scope: Scope) -> Statement:
    """Those in the state `cell.state` in the period `cell.day`."""
    binder = Binder()
    days = bucket_days(spec, scope)
    begun = [number for number, day in enumerate(days) if Period(day, day, scope.zone).start <= scope.now]
    if cell.day is not None and cell.day not in days:
        raise QuestionError("No period of this answer begins on {day}.", day=cell.day, where="cell.day")
    bucket = days.index(cell.day) if cell.day is not None else (begun or [0])[-1]
    mask = {"new": "fresh", None: "active"}.get(cell.state, cell.state)
    staged, placed = _staged(spec, scope, binder), _placed(spec, binder)
    place = binder.bind(cell.place or 0, "UInt64")
    bit = binder.bind(2**bucket, _bits(spec, scope))
    return Statement(f"WITH {staged}\nSELECT person FROM ({placed}) WHERE place = {place} AND bitAnd({mask}, {bit}) != 0", binder.params)


def _bits(spec: LifecycleSpec, scope: Scope) -> str:
    return "UInt64" if len(bucket_days(spec, scope)) < 64 else "UInt256"


def _staged(spec: LifecycleSpec, scope: Scope, binder: Binder) -> str:
    """`staged`: a row for each person with `value` and, bit by bit, when they were `active`, `fresh` (new), `returning` …"""
    bits, period = _bits(spec, scope), whole_period(spec, scope)
    since, until = binder.bind(period.since, "Date"), binder.bind(period.until, "Date")
    mask = binder.bind(2 ** len(bucket_days(spec, scope)) - 1, bits)
    part = split(spec.breakdown, scope, binder, source="people")
    sample = "" if spec.sample is None else f" AND {sampled(spec.sample, binder, nobody=None)}"
    return f"""doings AS (
  SELECT person, dateDiff('{spec.unit}', {since}, day) AS number
  FROM history
  WHERE person != 0 AND {has_name_of((spec.active,), binder)} AND day <= {until}
    AND {is_one_of(spec.active, scope, binder, over="history")} AND {condition(spec.filter, scope, binder, over="history")}{sample}
),
people AS (
  SELECT
    person, min(number) < 0 AS known,
    groupBitOrIf(bitShiftLeft(to{bits}(1), toUInt16(greatest(number + 1, 0))), number >= -1) AS periods
  FROM doings
  GROUP BY person
  HAVING periods != 0
),
split AS (
  SELECT person, known, {part.value} AS value, bitShiftRight(periods, 1) AS active, bitAnd(periods, {mask}) AS before
  FROM {part.source}
),
staged AS (
  SELECT
    person, value, active,
    bitAnd(active, before) AS returning,
    bitXor(before, returning) AS dormant,
    if(known, to{bits}(0), bitXor(active, bitAnd(active, to{bits}(active - 1)))) AS fresh,
    bitXor(active, bitOr(returning, fresh)) AS resurrected
  FROM split
)"""


def _placed(spec: LifecycleSpec, binder: Binder) -> str:
    """Everybody as place 0; when broken down also each value by its place, and all others in one place after them."""
    if not spec.breakdown:
        return "SELECT 0 AS place, 0 AS rank, * FROM staged"
    return f"""
    SELECT arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})]) AS place, *
    FROM (
      SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
      FROM (SELECT *, count() OVER (PARTITION BY value) AS size FROM staged)
    )"""
