"""From the spec of stickiness to its one statement: when a person was active is a number with one bit for each day, week or month."""

from __future__ import annotations

from datetime import timedelta

from bihuan.analyse.stickiness.spec import StickinessCell, StickinessSpec
from bihuan.engine.breakdowns import split_people
from bihuan.engine.compare import Baseline, Before, Other, baseline, reads, sides
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Between, Period, bucket_day, months_later, next_bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder

MOST_TIMES = 256  # one bit each


def whole_period(spec: StickinessSpec, scope: Scope) -> Period:
    """The days of all weeks or months that the period touches."""
    period = scope.period(spec.period)
    last = next_bucket_day(period.until, spec.unit) - timedelta(days=1)
    return Period(bucket_day(period.since, spec.unit), last, scope.zone)


def other_period(spec: StickinessSpec, scope: Scope) -> Baseline | None:
    """What it is compared with; None when it is no period. Months stand beside months, so by their dates."""
    period = whole_period(spec, scope)
    if spec.unit != "month" or not isinstance(spec.compare, Before):
        return baseline(spec.compare, period, scope)
    if spec.compare.to == "previous":
        since = months_later(period.since, -len(list(period.buckets("month"))))
        return baseline(Other(period=Between(since=since, until=period.since - timedelta(days=1))), period, scope)
    return baseline(spec.compare.model_copy(update={"align": "date"}), period, scope)


def most_times(spec: StickinessSpec, scope: Scope) -> int:
    """On how many days, weeks or months somebody may have been active, in the longer one of the two periods."""
    other = other_period(spec, scope)
    periods = [whole_period(spec, scope), *([other.period] if other else [])]
    times = max(len(list(period.buckets(spec.unit))) for period in periods)
    if times > MOST_TIMES:
        raise QuestionError(
            "That are {count} periods, more than {most}; choose a shorter period, or weeks or months.",
            count=times,
            most=MOST_TIMES,
            where="period",
        )
    return times


def reads_stickiness(spec: StickinessSpec, scope: Scope) -> Period:
    return reads(whole_period(spec, scope), other_period(spec, scope))


def compile_stickiness(spec: StickinessSpec, scope: Scope) -> Statement:
    """Rows (place, side, times, value, rank, people): place 0 is everybody, side 1 what it is compared with."""
    binder = Binder()
    sql = f"""
WITH {_counted(spec, scope, binder)}
SELECT place, side, times, min(value) AS value, max(rank) AS rank, count() AS people
FROM counted
GROUP BY place, side, times
"""
    return Statement(sql, binder.params)


def people_stickiness(spec: StickinessSpec, cell: StickinessCell, scope: Scope) -> Statement:
    """Those who were active so often."""
    binder = Binder()
    counted = _counted(spec, scope, binder)
    tests = [f"place = {binder.bind(cell.place or 0, 'UInt64')}", f"side = {binder.bind(int(cell.before), 'UInt8')}"]
    if cell.times is not None:
        tests.append(f"times {'>=' if cell.at_least else '='} {binder.bind(cell.times, 'UInt64')}")
    return Statement(f"WITH {counted}\nSELECT person FROM counted WHERE {' AND '.join(tests)}", binder.params)


def _counted(spec: StickinessSpec, scope: Scope, binder: Binder) -> str:
    """`counted`: a row (place, side, person, times) for everybody who was active, once as place 0 and once for each part of the answer."""
    bits = "UInt64" if most_times(spec, scope) <= 64 else "UInt256"
    period, other = whole_period(spec, scope), other_period(spec, scope)
    since = binder.bind(period.since, "Date")
    other_since = binder.bind(other.period.since, "Date") if other else since
    side = sides(spec.compare, period, other, scope, binder)
    which = f"""person != 0 AND {has_name_of((spec.active,), binder)} AND {side.where}
      AND {is_one_of(spec.active, scope, binder)} AND {condition(spec.filter, scope, binder, over="visible")}"""
    if spec.sample is not None:
        which += f" AND {sampled(spec.sample, binder, nobody=None)}"
    number = f"dateDiff('{spec.unit}', {f'if(side = 0, {since}, {other_since})' if other else since}, day)"
    bit = f"bitShiftLeft(to{bits}(1), toUInt16(greatest({number}, 0)))"
    if not spec.breakdown:  # everybody is one part alone, found in one look
        return f"""counted AS (
  SELECT 0 AS place, {"side" if spec.compare else "0 AS side"}, person, bitCount(groupBitOr({bit})) AS times, '' AS value, 0 AS rank
  FROM (SELECT person, day{f", {side.side} AS side" if spec.compare else ""} FROM visible WHERE {which})
  GROUP BY person{", side" if spec.compare else ""}
)"""
    of_events, of_people = split_people(spec.breakdown, scope, binder, people="people", value="people.value", among=which)
    return f"""doings AS (
  SELECT person, side, value, {bit} AS bit
  FROM (
    SELECT person, day, {side.side} AS side, {of_events.value} AS value
    FROM {of_events.source}
    WHERE {which}
  )
),
people AS (
  SELECT person, side, value, groupBitOr(bit) AS bits
  FROM doings
  GROUP BY person, side, value
),
valued AS (
  SELECT people.person AS person, side, bits, {of_people.value} AS value
  FROM {of_people.source}
),
counted AS (
  SELECT place, side, person, bitCount(groupBitOr(bits)) AS times, min(value) AS value, max(rank) AS rank
  FROM ({_placed(spec, binder)})
  GROUP BY place, side, person
)"""


def _placed(spec: StickinessSpec, binder: Binder) -> str:
    """Everybody as place 0, each value by its place, and all others in one place after them."""
    return f"""
    SELECT arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})]) AS place, *
    FROM (
      SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
      FROM (SELECT *, countIf(side = 0) OVER (PARTITION BY value) AS size FROM valued)
    )"""
