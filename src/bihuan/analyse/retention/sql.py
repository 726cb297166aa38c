"""From a retention's spec to its one statement.

Calendar periods have numbers, 0 for the first cohort's. What a person did is two numbers with one bit for each period: `started` and
`returned`. People with the same bits are counted together, so that later work grows with the ways to come back, not with people. Where
bits cannot tell (the moment of each start counts, sums, who they are), `starters` has a row for each person and cohort instead.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bihuan.analyse.retention.spec import RetentionCell, RetentionSpec
from bihuan.engine.breakdowns import Split, of_people, split_people
from bihuan.engine.conditions import condition
from bihuan.engine.daily import counted, days_of, is_day_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period, bucket_end, midnight
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number

MOST_PERIODS = 256


def cohort_starts(spec: RetentionSpec, scope: Scope) -> tuple[datetime, ...]:
    """The first instant of each cohort."""
    starts = tuple(scope.period(spec.period).buckets(spec.unit))
    if len(starts) + spec.followed > MOST_PERIODS:
        raise QuestionError(
            "{cohorts} cohorts followed for {periods} periods are more than {most} together; choose a shorter period, or weeks or months.",
            cohorts=len(starts),
            periods=spec.followed,
            most=MOST_PERIODS,
            where="period",
        )
    return starts


def period_starts(spec: RetentionSpec, scope: Scope) -> tuple[datetime, ...]:
    """The first instant of each calendar period that any cohort is followed in, the cohorts' own first; and of the one after them all."""
    starts = list(cohort_starts(spec, scope))
    for _ in range(spec.followed + 1):
        starts.append(bucket_end(starts[-1], spec.unit, scope.zone))
    return tuple(starts)


def reads_retention(spec: RetentionSpec, scope: Scope) -> Period:
    """From the first cohort to the end of what the last is followed in; by exact hours that is a period later."""
    starts = period_starts(spec, scope)
    last = bucket_end(starts[-1], spec.unit, scope.zone) if spec.clock == "exact" else starts[-1] - timedelta(milliseconds=1)
    return Period(starts[0].date(), last.date(), scope.zone)


def compile_retention(spec: RetentionSpec, scope: Scope) -> Statement:
    """Rows (place, cohort, after, value, rank, people, amount): place 0 is everybody, `after` -1 the cohort itself. With `suggest` one
    more, of place -1: how many people came more than once, and their median time away, in seconds."""
    binder = Binder()
    if _told_by_days(spec):
        return _by_days(spec, scope, binder)
    shaped = _by_bits if spec.clock == "calendar" and spec.value is None else starters
    sql = f"""
WITH {shaped(spec, scope, binder)}
SELECT place, cohort, after, min(value) AS value, max(rank) AS rank, sum(people) AS people, sum(amount) AS amount
FROM followed
ARRAY JOIN arrayConcat([-1], columns) AS after, arrayConcat([0.], amounts) AS amount
GROUP BY place, cohort, after
{_suggested(spec, scope, binder) if spec.suggest else ""}"""
    return Statement(sql, binder.params)


def _told_by_days(spec: RetentionSpec) -> bool:
    """Whether the people of whole days tell everything that is asked."""
    both = counted([spec.start, spec.returning], spec.filter)
    plain = spec.unit != "hour" and spec.clock == "calendar" and spec.counts == "on" and spec.value is None
    return both and plain and not spec.breakdown and not spec.suggest


def _by_days(spec: RetentionSpec, scope: Scope, binder: Binder) -> Statement:
    """The same rows from two sets of people for each calendar period: who are in one of each came back. All sets stand in one row, as
    each further look at them would cost the store more than what it finds there."""
    reads, ever = reads_retention(spec, scope), spec.mode == "first_ever"
    since, until = binder.bind(reads.since, "Date"), binder.bind(reads.until, "Date")
    last = binder.bind(len(cohort_starts(spec, scope)) - 1, "Int32")
    earlier = "groupBitmapMergeState(started) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    ends = binder.bind([(first, end) for first, end in spec.columns], "Array(Tuple(Int32, Int32))")
    sql = f"""
WITH sets AS (
  SELECT number, {f"bitmapAndnot(started, {earlier}) AS started" if ever else "started"}, returned
  FROM (
    SELECT
      greatest(toInt32(dateDiff('{spec.unit}', {since}, day)), -1) AS number,
      groupBitmapMergeStateIf(persons, {is_day_of(spec.start, binder)}) AS started,
      groupBitmapMergeStateIf(persons, {is_day_of(spec.returning, binder)}) AS returned
    FROM {days_of([spec.start, spec.returning], binder, ever=ever)} AND day <= {until}
    GROUP BY number
  )
),
cohorts AS (
  SELECT cohort, started, numbers, returns, bitmapCardinality(started) AS size
  FROM (SELECT groupArray(number) AS numbers, groupArray(started) AS starts, groupArray(returned) AS returns FROM sets)
  ARRAY JOIN numbers AS cohort, starts AS started
  WHERE cohort BETWEEN 0 AND {last} AND size > 0
),
columns AS (
  SELECT
    cohort, size, started, toInt32(place) - 1 AS past,
    arrayFilter((returned, number) -> number BETWEEN cohort + ends.1 AND cohort + ends.2, returns, numbers) AS came
  FROM cohorts
  ARRAY JOIN {ends} AS ends, arrayEnumerate({ends}) AS place
)
SELECT 0 AS place, cohort, told.1 AS after, '' AS value, 0 AS rank, told.2 AS people, 0. AS amount
FROM (SELECT cohort, size, past, bitmapAndCardinality(started, arrayReduce('groupBitmapMergeState', came)) AS back FROM columns)
ARRAY JOIN arrayConcat(if(past = 0, [(toInt32(-1), size)], []), [(past, back)]) AS told
WHERE people > 0"""
    return Statement(sql, binder.params)


def people_retention(spec: RetentionSpec, cell: RetentionCell, scope: Scope) -> Statement:
    """Those of a cohort who came back in a column, or did not."""
    binder = Binder()
    tests = [f"place = {binder.bind(cell.place or 0, 'UInt64')}"]
    if cell.cohort is not None:
        starts = [start.astimezone(UTC) for start in cohort_starts(spec, scope)]
        wanted = cell.cohort if cell.cohort.tzinfo else midnight(cell.cohort.date(), scope.zone)
        if wanted.astimezone(UTC) not in starts:
            raise QuestionError("No cohort of this answer begins at {cohort}.", cohort=cell.cohort, where="cell.cohort")
        tests.append(f"cohort = {binder.bind(starts.index(wanted.astimezone(UTC)), 'Int64')}")
    if cell.after is not None:
        tests.append(f"{'' if cell.came else 'NOT '}has(columns, {binder.bind(cell.after, 'Int32')})")
    return Statement(f"WITH {starters(spec, scope, binder)}\nSELECT person FROM followed WHERE {' AND '.join(tests)}", binder.params)


def _doings(spec: RetentionSpec, scope: Scope, binder: Binder) -> tuple[str, Split]:
    """`doings`: every event that counts, with the `number` of its calendar period; and the split of `people` by their breakdown."""
    reads = reads_retention(spec, scope)
    over = "history" if spec.mode == "first_ever" else "visible"
    events = has_name_of((spec.start, spec.returning), binder)
    since, until = binder.bind(reads.since, "Date"), binder.bind(reads.until, "Date")
    filtered = condition(spec.filter, scope, binder, over=over)
    number = f"dateDiff('{spec.unit}', {since}, day)"
    if spec.unit == "hour":
        begin = binder.bind(round(cohort_starts(spec, scope)[0].timestamp()), "Int64")
        number = f"toInt64(floor((toUnixTimestamp(ts) - {begin}) / 3600))"
    in_cohorts = f"{number} BETWEEN 0 AND {binder.bind(len(cohort_starts(spec, scope)), 'Int64')} - 1"
    starts = f"person != 0 AND {events} AND {is_one_of(spec.start, scope, binder, over=over)} AND {in_cohorts} AND {filtered}"
    of_events, of_starters = split_people(spec.breakdown, scope, binder, people="people", value="people.value", events=over, among=starts)
    amount = f"ifNull({property_number(spec.value, scope, binder)}, 0)" if spec.value is not None else "0."
    sql = f"""doings AS (
  SELECT
    person, ts,
    {number} AS number,
    {is_one_of(spec.start, scope, binder, over=over)} AS starts,
    day >= {since} AND {is_one_of(spec.returning, scope, binder, over=over)} AS returns,
    {amount} AS amount,
    {of_events.value} AS value
  FROM {of_events.source}
  WHERE person != 0 AND {events} AND day <= {until} AND {filtered}
)"""
    return sql, of_starters


def _column_of(spec: RetentionSpec, binder: Binder, after: str) -> str:
    """SQL: the column of the period that is `after` periods after the cohort's own."""
    columns = [column for column, (first, last) in enumerate(spec.columns) for _ in range(first, last + 1)]
    return f"{binder.bind(columns, 'Array(Int32)')}[toInt64({after}) + 1]"


def _or_after(spec: RetentionSpec, columns: str) -> str:
    """SQL: the columns in which somebody counts who came back in `columns`."""
    if spec.counts == "on":
        return columns
    return f"arrayMap(column -> toInt32(column), range(toUInt64(arrayMax(arrayPushBack({columns}, -1)) + 1)))"


def _by_bits(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """`followed`: how many people of a cohort came back in the same `columns`."""
    doings, of_starters = _doings(spec, scope, binder)
    cohorts = binder.bind(len(cohort_starts(spec, scope)), "Int64")
    bits = "UInt64" if len(cohort_starts(spec, scope)) + spec.followed <= 64 else "UInt256"
    columns = "arrayMap(position -> toInt32(position), bitPositionsToArray(came))"
    if spec.brackets:
        columns = f"arrayDistinct(arrayMap(at -> {_column_of(spec, binder, 'at')}, {columns}))"
    return f"""{doings},
people AS ({_people(spec, bits, cohorts)}
),
valued AS (
  SELECT people.person AS person, started, returned, {of_starters.value} AS value
  FROM {of_starters.source}
  WHERE started != 0
),
ranked AS ({_ranked(spec, binder, "count()")}
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
came AS (
  SELECT
    place, cohort,
    bitAnd(bitShiftRight(returned, cohort), {binder.bind(2 ** (spec.followed + 1) - 1, bits)}) AS came,
    min(value) AS value, max(rank) AS rank, sum(people) AS people
  FROM shapes
  ARRAY JOIN arrayMap(position -> toInt32(position), bitPositionsToArray(started)) AS cohort
  GROUP BY place, cohort, came
),
followed AS (
  SELECT place, cohort, {_or_after(spec, columns)} AS columns, arrayMap(column -> 0., columns) AS amounts, value, rank, people
  FROM came
)"""


def starters(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """`followed`: a row for each person of each cohort, with the columns in which they came back, and the amount in each."""
    doings, of_starters = _doings(spec, scope, binder)
    cohorts, last = binder.bind(len(cohort_starts(spec, scope)), "Int64"), binder.bind(spec.followed, "Int64")
    length = binder.bind({"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}.get(spec.unit, 1), "Int64")
    after = "one.1 - cohort" if spec.clock == "calendar" else f"if(one.2 < at, -1, intDiv(one.2 - at, {length}))"
    same = "came.1 >= column" if spec.counts == "on_or_after" else "came.1 = column"
    found = f"arrayMap(one -> ({_column_of(spec, binder, after)}, one.3), arrayFilter(one -> {after} BETWEEN 0 AND {last}, uses))"
    distinct = _or_after(spec, "arrayDistinct(arrayMap(came -> came.1, found))")
    if spec.mode == "first_ever":
        people = f"""
  SELECT
    person,
    minIf(number, starts) AS cohort,
    toUnixTimestamp64Milli(minIf(ts, starts)) AS at,
    argMinIf(value, (ts, value), starts) AS value
  FROM doings
  GROUP BY person
  HAVING countIf(starts) > 0 AND cohort >= 0 AND cohort < {cohorts}"""
    else:
        people = f"""
  SELECT person, number AS cohort, toUnixTimestamp64Milli(min(ts)) AS at, value
  FROM doings
  WHERE starts AND number >= 0 AND number < {cohorts}
  GROUP BY person, number, value"""
    return f"""{doings},
people AS ({people}
),
valued AS (
  SELECT people.person AS person, cohort, at, {of_starters.value} AS value
  FROM {of_starters.source}
),
ranked AS ({_ranked(spec, binder, "uniqExact(person)")}
),
placed AS (
  SELECT place, person, cohort, min(at) AS at, min(value) AS value, max(rank) AS rank
  FROM ranked
  GROUP BY place, person, cohort
),
returned AS (
  SELECT person, groupArray((number, toUnixTimestamp64Milli(ts), amount)) AS uses
  FROM doings
  WHERE returns
  GROUP BY person
),
matched AS (
  SELECT place, person, cohort, value, rank, {found} AS found
  FROM placed LEFT JOIN returned USING (person)
),
followed AS (
  SELECT
    place, person, toInt32(cohort) AS cohort, value, rank, 1 AS people,
    {distinct} AS columns,
    arrayMap(column -> arraySum(came -> if({same}, came.2, 0.), found), columns) AS amounts
  FROM matched
)"""


def _suggested(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """Of the people who came back on several days: the median, over people, of the median time between two such days."""
    used = f"{has_name_of((spec.returning,), binder)} AND {is_one_of(spec.returning, scope, binder)}"
    return f"""UNION ALL
SELECT -1, 0, 0, '', 0, count(), ifNull(quantileExactLowOrNull(0.5)(gap), 0) * 86400.
FROM (
  SELECT quantileExactLow(0.5)(arrayJoin(arrayPopFront(arrayDifference(days)))) AS gap
  FROM (
    SELECT person, arraySort(groupUniqArray(toInt32(day))) AS days
    FROM visible
    WHERE person != 0 AND {used} AND {condition(spec.filter, scope, binder, over="visible")}
    GROUP BY person
    HAVING length(days) > 1
  )
  GROUP BY person
)"""


def _people(spec: RetentionSpec, bits: str, cohorts: str) -> str:
    """(person, value, started, returned), one row for each person, or for each value with which they started."""

    def bit(number: str) -> str:
        return f"bitShiftLeft(to{bits}(1), toUInt16(greatest({number}, 0)))"

    one = bit("number")
    if spec.mode == "first_ever":
        return f"""
  SELECT
    person,
    minIf(number, starts) AS first,
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


def _ranked(spec: RetentionSpec, binder: Binder, size: str) -> str:
    """Everybody as place 0; when broken down also each value by its place, and all others in one place after them."""
    if not spec.breakdown:
        return "\n  SELECT toInt64(0) AS place, 0 AS rank, * FROM valued"
    return f"""
  SELECT toInt64(arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})])) AS place, *
  FROM (
    SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
    FROM (SELECT *, {size} OVER (PARTITION BY value) AS size FROM valued)
  )"""
