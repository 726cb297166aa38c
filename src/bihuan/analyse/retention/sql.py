"""From a retention's spec to its one statement.

Calendar periods have numbers, 0 for the first cohort's. What a person did is two numbers with one bit for each period: `started` and
`returned`. People with the same bits are counted together, so that later work grows with the ways to come back, not with people.
"""

from __future__ import annotations

from datetime import date

from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.engine.breakdowns import of_people, split_people
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period, bucket_day, next_bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder

MOST_PERIODS = 256


def cohort_days(spec: RetentionSpec, scope: Scope) -> tuple[date, ...]:
    """The first day of each cohort."""
    period = scope.period(spec.period)
    days = [bucket_day(period.since, spec.unit)]
    while (following := next_bucket_day(days[-1], spec.unit)) <= period.until:
        days.append(following)
    if len(days) + spec.periods > MOST_PERIODS:
        raise QuestionError(
            "{cohorts} cohorts followed for {periods} periods are more than {most} together; choose a shorter period, or weeks or months.",
            cohorts=len(days),
            periods=spec.periods,
            most=MOST_PERIODS,
            where="period",
        )
    return tuple(days)


def period_days(spec: RetentionSpec, scope: Scope) -> tuple[date, ...]:
    """The first day of each period that any cohort is followed in, the cohorts' own first; and of the one after them all."""
    days = list(cohort_days(spec, scope))
    for _ in range(spec.periods + 1):
        days.append(next_bucket_day(days[-1], spec.unit))
    return tuple(days)


def reads_retention(spec: RetentionSpec, scope: Scope) -> Period:
    days = period_days(spec, scope)
    return Period(days[0], days[-1], scope.zone).extended(after=-1)


def compile_retention(spec: RetentionSpec, scope: Scope) -> Statement:
    binder = Binder()
    reads = reads_retention(spec, scope)
    cohorts = binder.bind(len(cohort_days(spec, scope)), "Int64")
    bits = "UInt64" if len(cohort_days(spec, scope)) + spec.periods <= 64 else "UInt256"
    over = "history" if spec.mode == "first_ever" else "visible"
    events = has_name_of((spec.start, spec.returning), binder)
    since, until = binder.bind(reads.since, "Date"), binder.bind(reads.until, "Date")
    filtered = condition(spec.filter, scope, binder, over=over)
    number = f"dateDiff('{spec.unit}', {since}, day)"
    in_cohorts = f"{number} BETWEEN 0 AND {cohorts} - 1"
    starts = f"person != 0 AND {events} AND {is_one_of(spec.start, scope, binder, over=over)} AND {in_cohorts} AND {filtered}"
    of_events, of_starters = split_people(spec.breakdown, scope, binder, people="people", value="people.value", events=over, among=starts)
    sql = f"""
WITH doings AS (
  SELECT
    person, day, ts,
    {number} AS number,
    {is_one_of(spec.start, scope, binder, over=over)} AS starts,
    day >= {since} AND {is_one_of(spec.returning, scope, binder, over=over)} AS returns,
    {of_events.value} AS value
  FROM {of_events.source}
  WHERE person != 0 AND {events} AND day <= {until} AND {filtered}
),
people AS ({_people(spec, bits, cohorts, since)}
),
valued AS (
  SELECT people.person AS person, started, returned, {of_starters.value} AS value
  FROM {of_starters.source}
  WHERE started != 0
),
ranked AS ({_ranked(spec, binder)}
),
shapes AS (
  SELECT place, min(value) AS value, max(rank) AS rank, started, returned, count() AS people
  FROM (
    SELECT place, person, min(value) AS value, max(rank) AS rank, groupBitOr(started) AS started, any(returned) AS returned
    FROM ranked
    GROUP BY place, person
  )
  GROUP BY place, started, returned
),
followed AS (
  SELECT
    place, cohort,
    bitAnd(bitShiftRight(returned, cohort), {binder.bind(2 ** (spec.periods + 1) - 1, bits)}) AS came,
    min(value) AS value, max(rank) AS rank, sum(people) AS people
  FROM shapes
  ARRAY JOIN arrayMap(position -> toInt32(position), bitPositionsToArray(started)) AS cohort
  GROUP BY place, cohort, came
)
SELECT place, cohort, after, min(value) AS value, max(rank) AS rank, sum(people) AS people
FROM followed
ARRAY JOIN arrayConcat([-1], arrayMap(position -> toInt32(position), bitPositionsToArray(came))) AS after
GROUP BY place, cohort, after
ORDER BY place, cohort, after
"""
    return Statement(sql, binder.params)


def _people(spec: RetentionSpec, bits: str, cohorts: str, since: str) -> str:
    """(person, value, started, returned), one row for each person, or for each value with which they started."""

    def bit(number: str) -> str:
        return f"bitShiftLeft(to{bits}(1), toUInt16(greatest({number}, 0)))"

    one = bit("number")
    if spec.mode == "first_ever":
        return f"""
  SELECT
    person,
    dateDiff('{spec.unit}', {since}, minIf(day, starts)) AS first,
    if(countIf(starts) > 0 AND first >= 0 AND first < {cohorts}, {bit("first")}, to{bits}(0)) AS started,
    groupBitOrIf({one}, returns) AS returned,
    argMinIf(value, (ts, value), starts) AS value
  FROM doings
  WHERE starts OR returns
  GROUP BY person"""
    if of_people(spec.breakdown):
        return f"""
  SELECT person, groupBitOrIf({one}, starts AND number < {cohorts}) AS started, groupBitOrIf({one}, returns) AS returned, '' AS value
  FROM doings
  WHERE starts OR returns
  GROUP BY person"""
    return f"""
  SELECT
    person, value,
    groupBitOrIf({one}, starts AND number < {cohorts}) AS started,
    groupBitOr(groupBitOrIf({one}, returns)) OVER (PARTITION BY person) AS returned
  FROM doings
  WHERE starts OR returns
  GROUP BY person, value"""


def _ranked(spec: RetentionSpec, binder: Binder) -> str:
    """Everybody as place 0; when broken down also each value by its place, and all others in one place after them."""
    if not spec.breakdown:
        return "\n  SELECT 0 AS place, 0 AS rank, * FROM valued"
    return f"""
  SELECT arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})]) AS place, *
  FROM (
    SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
    FROM (SELECT *, count() OVER (PARTITION BY value) AS size FROM valued)
  )"""
