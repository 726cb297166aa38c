"""From a retention's spec to its one statement.

Calendar periods have numbers, 0 for the first cohort's. What a person did is two numbers with one bit for each period: `started` and
`returned`. People with the same bits are counted together, so that later work grows with the ways to come back, not with people. Where
bits cannot tell (the moment of each start counts, sums, who they are), `starters` has a row for each person and cohort instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from bihuan.analyse.retention.cohorts import Side, cohort_starts, counting, days_read, sides_of
from bihuan.analyse.retention.spec import RetentionCell, RetentionSpec
from bihuan.engine.breakdowns import Split, of_people, split_people
from bihuan.engine.compare import Groups
from bihuan.engine.conditions import condition
from bihuan.engine.daily import counted, days_of, is_day_of, names_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, midnight
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number


def reads_retention(spec: RetentionSpec, scope: Scope) -> Period:
    """The days of all cohorts and of the periods in which they are followed."""
    periods = [days_read(side.asked, scope) for side in sides_of(spec, scope)]
    return Period(min(period.since for period in periods), max(period.until for period in periods), scope.zone)


def compile_retention(spec: RetentionSpec, scope: Scope) -> Statement:
    """Rows (place, cohort, after, value, rank, people, amount): place 0 is everybody, `after` -1 the cohort itself. With `suggest` one
    more, of place -1: how many people came more than once, and their median time away, in seconds. Compared, each has a `side`: 1 is what
    it is compared with."""
    binder = Binder()
    if _told_by_days(spec):
        return Statement(_by_days_beside(spec, scope, binder), binder.params, names_of([spec.start, spec.returning]))
    shaped = _by_bits if spec.clock == "calendar" and spec.value is None else starters
    side = _side(spec)
    sql = f"""
WITH {shaped(spec, scope, binder)}
SELECT place{side}, cohort, after, min(value) AS value, max(rank) AS rank, sum(people) AS people, sum(amount) AS amount
FROM followed
ARRAY JOIN arrayConcat([-1], columns) AS after, arrayConcat([0.], amounts) AS amount
GROUP BY place{side}, cohort, after
{_suggested(spec, scope, binder) if spec.suggest else ""}"""
    return Statement(sql, binder.params)


def _side(spec: RetentionSpec) -> str:
    """One more column, where there are two sides."""
    return ", side" if spec.compare else ""


def _told_by_days(spec: RetentionSpec) -> bool:
    """Whether the people of whole days tell everything that is asked."""
    both = counted([spec.start, spec.returning], spec.filter)
    plain = spec.unit != "hour" and spec.clock == "calendar" and spec.counts == "on" and spec.value is None
    return both and plain and not spec.breakdown and not spec.suggest and not spec.sample and not isinstance(spec.compare, Groups)


def _by_days_beside(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """Each side for itself."""
    if spec.compare is None:
        return _by_days(spec, scope, binder)
    both = [_by_days(side.asked, scope, binder) for side in sides_of(spec, scope)]
    return "\nUNION ALL\n".join(f"SELECT {number} AS side, * FROM ({sql}\n)" for number, sql in enumerate(both))


def _by_days(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """The same rows from two sets of people for each calendar period: who are in one of each came back. All sets stand in one row, as
    each further look at them would cost the store more than what it finds there."""
    reads, ever = days_read(spec, scope), spec.mode == "first_ever"
    since, until = binder.bind(reads.since, "Date"), binder.bind(reads.until, "Date")
    last = binder.bind(len(cohort_starts(spec, scope)) - 1, "Int32")
    earlier = "groupBitmapMergeState(started) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    ends = binder.bind([(first, end) for first, end in spec.columns], "Array(Tuple(Int32, Int32))")
    came = "arrayFilter((returned, number) -> number BETWEEN cohort + ends.1 AND cohort + ends.2, returns, numbers)"
    back, size = f"bitmapAndCardinality(started, arrayReduce('groupBitmapMergeState', {came}))", "bitmapCardinality(started)"
    return f"""
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
)
SELECT 0 AS place, cohort, told.1 AS after, '' AS value, 0 AS rank, told.2 AS people, 0. AS amount
FROM (
  SELECT
    cohort,
    arrayPushFront(
      arrayMap((ends, place) -> (toInt32(place) - 1, {back}), {ends}, arrayEnumerate({ends})), (toInt32(-1), {size})) AS all_told
  FROM (SELECT groupArray(number) AS numbers, groupArray(started) AS starts, groupArray(returned) AS returns FROM sets)
  ARRAY JOIN numbers AS cohort, starts AS started
  WHERE cohort BETWEEN 0 AND {last}
)
ARRAY JOIN all_told AS told
WHERE people > 0"""


def people_retention(spec: RetentionSpec, cell: RetentionCell, scope: Scope) -> Statement:
    """Those of a cohort who came back in a column, or did not."""
    binder = Binder()
    tests = [f"place = {binder.bind(cell.place or 0, 'UInt64')}"]
    if spec.compare:
        tests.append(f"side = {int(cell.before)}")
    asked = sides_of(spec, scope)[int(cell.before and spec.compare is not None)].asked
    if cell.cohort is not None:
        starts = [start.astimezone(UTC) for start in cohort_starts(asked, scope)]
        wanted = cell.cohort if cell.cohort.tzinfo else midnight(cell.cohort.date(), scope.zone)
        if wanted.astimezone(UTC) not in starts:
            raise QuestionError("No cohort of this answer begins at {cohort}.", cohort=cell.cohort, where="cell.cohort")
        tests.append(f"cohort = {binder.bind(starts.index(wanted.astimezone(UTC)), 'Int64')}")
    if cell.over is not None:
        tests.append(f"has({binder.bind(_counted_in(spec, cell, scope), 'Array(Int32)')}, cohort)")
    if cell.after is not None:
        tests.append(f"{'' if cell.came else 'NOT '}has(columns, {binder.bind(cell.after, 'Int32')})")
    return Statement(f"WITH {starters(spec, scope, binder)}\nSELECT person FROM followed WHERE {' AND '.join(tests)}", binder.params)


def _counted_in(spec: RetentionSpec, cell: RetentionCell, scope: Scope) -> list[int]:
    """The cohorts that count in the mean of the column `cell.over`."""
    assert cell.over is not None
    side = counting(spec, scope)[int(cell.before and spec.compare is not None)]
    return [number for number, row in enumerate(side) if cell.over < len(row) and row[cell.over]]


def _doings(spec: RetentionSpec, scope: Scope, binder: Binder) -> tuple[str, Split]:
    """`doings`: every event that counts, with the `number` of its calendar period; and the split of `people` by their breakdown."""
    if spec.compare:
        return _doings_of_both(spec, scope, binder)
    reads = reads_retention(spec, scope)
    over = _over(spec)
    events = has_name_of((spec.start, spec.returning), binder)
    since, until = binder.bind(reads.since, "Date"), binder.bind(reads.until, "Date")
    filtered = _filtered(spec, scope, binder, over)
    number = _number(spec, scope, binder, since)
    in_cohorts = f"{number} BETWEEN 0 AND {binder.bind(len(cohort_starts(spec, scope)), 'Int64')} - 1"
    starts = f"person != 0 AND {events} AND {is_one_of(spec.start, scope, binder, over=over)} AND {in_cohorts} AND {filtered}"
    of_events, of_starters = split_people(spec.breakdown, scope, binder, people="people", value="people.value", events=over, among=starts)
    amount = _amount(spec, scope, binder)
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


def _over(spec: RetentionSpec) -> str:
    """Which events are looked at: who did it for the first time ever is found in all of them."""
    return "history" if spec.mode == "first_ever" else "visible"


def _filtered(spec: RetentionSpec, scope: Scope, binder: Binder, over: str) -> str:
    """SQL: an event fulfils the conditions, and is of somebody in the sample."""
    filtered = condition(spec.filter, scope, binder, over=over)
    return filtered if spec.sample is None else f"{filtered} AND {sampled(spec.sample, binder, nobody=None)}"


def _number(spec: RetentionSpec, scope: Scope, binder: Binder, since: str) -> str:
    """SQL: the number of the calendar period of an event."""
    if spec.unit != "hour":
        return f"dateDiff('{spec.unit}', {since}, day)"
    begin = binder.bind(round(cohort_starts(spec, scope)[0].timestamp()), "Int64")
    return f"toInt64(floor((toUnixTimestamp(ts) - {begin}) / 3600))"


def _amount(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    return f"ifNull({property_number(spec.value, scope, binder)}, 0)" if spec.value is not None else "0."


def _doings_of_both(spec: RetentionSpec, scope: Scope, binder: Binder) -> tuple[str, Split]:
    """The same with the `side` of each event; one that is on both gives two rows."""
    over, reads = _over(spec), reads_retention(spec, scope)
    mine, theirs = (_looked(side, scope, binder) for side in sides_of(spec, scope))
    seen = f"""person != 0 AND {has_name_of((spec.start, spec.returning), binder)}
      AND day <= {binder.bind(reads.until, "Date")} AND {_filtered(spec, scope, binder, over)}"""
    starts = is_one_of(spec.start, scope, binder, over=over)
    among = f"{seen} AND {starts} AND ({mine.holds} AND {mine.in_cohorts} OR {theirs.holds} AND {theirs.in_cohorts})"
    of_events, of_starters = split_people(spec.breakdown, scope, binder, people="people", value="people.value", events=over, among=among)
    sql = f"""doings AS (
  SELECT
    person, side, ts,
    if(side = 0, {mine.number}, {theirs.number}) AS number,
    starts,
    day >= if(side = 0, {mine.since}, {theirs.since}) AND returns AS returns,
    amount, value
  FROM (
    SELECT
      person, ts, day,
      arrayJoin(arrayFilter((side, holds) -> holds, [0, 1], [toUInt8({mine.holds}), toUInt8({theirs.holds})])) AS side,
      {starts} AS starts,
      {is_one_of(spec.returning, scope, binder, over=over)} AS returns,
      {_amount(spec, scope, binder)} AS amount,
      {of_events.value} AS value
    FROM {of_events.source}
    WHERE {seen}
  )
)"""
    return sql, of_starters


@dataclass(frozen=True)
class _Looked:
    """SQL of a side: whether it `holds` an event, the `number` of its calendar period, whether that is a cohort's, and the first day."""

    holds: str
    number: str
    in_cohorts: str
    since: str


def _looked(side: Side, scope: Scope, binder: Binder) -> _Looked:
    reads = days_read(side.asked, scope)
    since, over = binder.bind(reads.since, "Date"), _over(side.asked)
    days = f"day <= {binder.bind(reads.until, 'Date')}" + (f" AND day >= {since}" if over == "visible" else "")
    number = _number(side.asked, scope, binder, since)
    in_cohorts = f"{number} BETWEEN 0 AND {binder.bind(len(cohort_starts(side.asked, scope)), 'Int64')} - 1"
    return _Looked(f"{days} AND {condition(side.among, scope, binder, over=over)}", number, in_cohorts, since)


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
    side, cohorts = _side(spec), _cohorts(spec, scope, binder)
    most = max(len(cohort_starts(one.asked, scope)) for one in sides_of(spec, scope))
    bits = "UInt64" if most + spec.followed <= 64 else "UInt256"
    columns = "arrayMap(position -> toInt32(position), bitPositionsToArray(came))"
    if spec.brackets:
        columns = f"arrayDistinct(arrayMap(at -> {_column_of(spec, binder, 'at')}, {columns}))"
    return f"""{doings},
people AS ({_people(spec, bits, cohorts)}
),
valued AS (
  SELECT people.person AS person{side}, started, returned, {of_starters.value} AS value
  FROM {of_starters.source}
  WHERE started != 0
),
ranked AS ({_ranked(spec, binder, "countIf(side = 0)" if side else "count()")}
),
shapes AS (
  SELECT place{side}, min(value) AS value, max(rank) AS rank, started, returned, count() AS people
  FROM (
    SELECT place{side}, person, min(value) AS value, max(rank) AS rank, groupBitOr(started) AS started, any(returned) AS returned
    FROM ranked
    GROUP BY place{side}, person
  )
  GROUP BY place{side}, started, returned
),
came AS (
  SELECT
    place{side}, cohort,
    bitAnd(bitShiftRight(returned, cohort), {binder.bind(2 ** (spec.followed + 1) - 1, bits)}) AS came,
    min(value) AS value, max(rank) AS rank, sum(people) AS people
  FROM shapes
  ARRAY JOIN arrayMap(position -> toInt32(position), bitPositionsToArray(started)) AS cohort
  GROUP BY place{side}, cohort, came
),
followed AS (
  SELECT place{side}, cohort, {_or_after(spec, columns)} AS columns, arrayMap(column -> 0., columns) AS amounts, value, rank, people
  FROM came
)"""


def _cohorts(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """SQL: how many cohorts there are, on the side of a row."""
    counts = [binder.bind(len(cohort_starts(side.asked, scope)), "Int64") for side in sides_of(spec, scope)]
    return counts[0] if len(counts) == 1 else f"if(side = 0, {counts[0]}, {counts[1]})"


def starters(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """`followed`: a row for each person of each cohort, with the columns in which they came back, and the amount in each."""
    doings, of_starters = _doings(spec, scope, binder)
    side, cohorts, last = _side(spec), _cohorts(spec, scope, binder), binder.bind(spec.followed, "Int64")
    length = binder.bind({"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}.get(spec.unit, 1), "Int64")
    after = "one.1 - cohort" if spec.clock == "calendar" else f"if(one.2 < at, -1, intDiv(one.2 - at, {length}))"
    same = "came.1 >= column" if spec.counts == "on_or_after" else "came.1 = column"
    found = f"arrayMap(one -> ({_column_of(spec, binder, after)}, one.3), arrayFilter(one -> {after} BETWEEN 0 AND {last}, uses))"
    distinct = _or_after(spec, "arrayDistinct(arrayMap(came -> came.1, found))")
    if spec.mode == "first_ever":
        people = f"""
  SELECT
    person{side},
    minIf(number, starts) AS cohort,
    toUnixTimestamp64Milli(minIf(ts, starts)) AS at,
    argMinIf(value, (ts, value), starts) AS value
  FROM doings
  GROUP BY person{side}
  HAVING countIf(starts) > 0 AND cohort >= 0 AND cohort < {cohorts}"""
    else:
        people = f"""
  SELECT person{side}, number AS cohort, toUnixTimestamp64Milli(min(ts)) AS at, value
  FROM doings
  WHERE starts AND number >= 0 AND number < {cohorts}
  GROUP BY person{side}, number, value"""
    return f"""{doings},
people AS ({people}
),
valued AS (
  SELECT people.person AS person{side}, cohort, at, {of_starters.value} AS value
  FROM {of_starters.source}
),
ranked AS ({_ranked(spec, binder, "uniqExactIf(person, side = 0)" if side else "uniqExact(person)")}
),
placed AS (
  SELECT place{side}, person, cohort, min(at) AS at, min(value) AS value, max(rank) AS rank
  FROM ranked
  GROUP BY place{side}, person, cohort
),
returned AS (
  SELECT person{side}, groupArray((number, toUnixTimestamp64Milli(ts), amount)) AS uses
  FROM doings
  WHERE returns
  GROUP BY person{side}
),
matched AS (
  SELECT place{side}, person, cohort, value, rank, {found} AS found
  FROM placed LEFT JOIN returned USING (person{side})
),
followed AS (
  SELECT
    place{side}, person, toInt32(cohort) AS cohort, value, rank, 1 AS people,
    {distinct} AS columns,
    arrayMap(column -> arraySum(came -> if({same}, came.2, 0.), found), columns) AS amounts
  FROM matched
)"""


def _suggested(spec: RetentionSpec, scope: Scope, binder: Binder) -> str:
    """Of the people who came back on several days: the median, over people, of the median time between two such days. Compared, of this
    side's people and days."""
    used = f"{has_name_of((spec.returning,), binder)} AND {is_one_of(spec.returning, scope, binder)}"
    if spec.compare:
        mine = sides_of(spec, scope)[0]
        reads = days_read(mine.asked, scope)
        used += f" AND day BETWEEN {binder.bind(reads.since, 'Date')} AND {binder.bind(reads.until, 'Date')}"
        used += f" AND {condition(mine.among, scope, binder, over='visible')}"
    return f"""UNION ALL
SELECT -1,{" 0," if spec.compare else ""} 0, 0, '', 0, count(), ifNull(quantileExactLowOrNull(0.5)(gap), 0) * 86400.
FROM (
  SELECT quantileExactLow(0.5)(arrayJoin(arrayPopFront(arrayDifference(days)))) AS gap
  FROM (
    SELECT person, arraySort(groupUniqArray(toInt32(day))) AS days
    FROM visible
    WHERE person != 0 AND {used} AND {_filtered(spec, scope, binder, "visible")}
    GROUP BY person
    HAVING length(days) > 1
  )
  GROUP BY person
)"""


def _people(spec: RetentionSpec, bits: str, cohorts: str) -> str:
    """(person, value, started, returned), one row for each person, or for each value with which they started."""

    side = _side(spec)

    def bit(number: str) -> str:
        return f"bitShiftLeft(to{bits}(1), toUInt16(greatest({number}, 0)))"

    one = bit("number")
    if spec.mode == "first_ever":
        return f"""
  SELECT
    person{side},
    minIf(number, starts) AS first,
    if(countIf(starts) > 0 AND first >= 0 AND first < {cohorts}, {bit("first")}, to{bits}(0)) AS started,
    groupBitOrIf({one}, returns) AS returned,
    argMinIf(value, (ts, value), starts) AS value
  FROM doings
  WHERE starts OR returns
  GROUP BY person{side}"""
    if of_people(spec.breakdown):
        return f"""
  SELECT person{side}, groupBitOrIf({one}, starts AND number < {cohorts}) AS started, groupBitOrIf({one}, returns) AS returned, '' AS value
  FROM doings
  WHERE starts OR returns
  GROUP BY person{side}"""
    return f"""
  SELECT
    person{side}, value,
    groupBitOrIf({one}, starts AND number < {cohorts}) AS started,
    groupBitOr(groupBitOrIf({one}, returns)) OVER (PARTITION BY person{side}) AS returned
  FROM doings
  WHERE starts OR returns
  GROUP BY person{side}, value"""


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
