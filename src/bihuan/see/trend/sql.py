"""The one statement of a trend: events are marked with the series they belong to, then measured by bucket and as a whole.

Who is active over 7 or 30 days is counted apart, from one set of people for each day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bihuan.engine import compare
from bihuan.engine.breakdowns import Split, few, split
from bihuan.engine.compare import Baseline, Groups, Sides
from bihuan.engine.conditions import condition
from bihuan.engine.daily import counted, days_of, is_day_of, names_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, bucket_end
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number, property_text
from bihuan.see.trend.measures import DAILY, MEASURES, OF_FEW, SQUARES, Measure, measure
from bihuan.see.trend.spec import OF_EVENTS, OF_PEOPLE, RATIOS, ROLLING, Series, TrendSpec

MAX_HOURLY_DAYS = 100
BUCKETS = {
    "day": "{day}",
    "week": "toMonday({day})",
    "month": "toStartOfMonth({day})",
    "quarter": "toStartOfQuarter({day})",
    "year": "toStartOfYear({day})",
}


def period_of(spec: TrendSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def baseline_of(spec: TrendSpec, scope: Scope) -> Baseline | None:
    return compare.baseline(spec.compare, period_of(spec, scope), scope)


def reads_trend(spec: TrendSpec, scope: Scope) -> Period:
    """The days that the statement looks at: the period, what it is compared with, and the days before that are still active."""
    days = max((ROLLING.get(series.measure, 1) for series in spec.series), default=1)
    return compare.reads(period_of(spec, scope), baseline_of(spec, scope)).extended(before=days - 1)


@dataclass(frozen=True)
class _Asked:
    """What every part of the statement needs."""

    spec: TrendSpec
    scope: Scope
    binder: Binder
    period: Period
    other: Baseline | None

    def sides(self, *, before: int = 0) -> Sides:
        other = replace(self.other, period=self.other.period.extended(before=before)) if self.other else None
        return compare.sides(self.spec.compare, self.period.extended(before=before), other, self.scope, self.binder)

    def by_bucket(self) -> tuple[str, str]:
        """SQL: the column `side`, and by what rows are grouped. Where nothing is on side 1 the store reads it sooner without."""
        if self.other is None and not isinstance(self.spec.compare, Groups):
            return "0 AS side", "GROUP BY bucket WITH ROLLUP"
        return "side", "GROUP BY side, bucket WITH ROLLUP\nHAVING NOT grouping(side)"

    def by_days(self) -> bool:
        """Whether days as they are counted tell everything that is asked."""
        spec = self.spec
        plain = counted(spec.series, spec.filter) and not spec.breakdown and spec.sample is None and spec.unit != "hour"
        whole = not isinstance(spec.compare, Groups) and (self.other is None or self.other.whole)
        return plain and whole and all(series.measure in DAILY or series.measure in ROLLING for series in spec.series)

    def condition(self) -> str:
        """Of all events, on either side."""
        filtered = condition(self.spec.filter, self.scope, self.binder, over="visible")
        return f"{filtered} AND {sampled(self.spec.sample, self.binder)}"


def compile_trend(spec: TrendSpec, scope: Scope) -> Statement:
    """Rows of (side, bucket, level, shown, m0, m1 …). At level 0 a row is of one bucket, and of one line when there is a breakdown;
    at higher ones it is over the whole period, of one line and then of all. The rollup combines what was counted (sets of people,
    values), so that its rows are as exact as if they were counted anew. `shown` is "=" and the value, or "" for all other values.
    """
    period = period_of(spec, scope)
    if spec.unit == "hour" and period.days > MAX_HOURLY_DAYS:
        raise QuestionError("By the hour, a period may have at most {days} days.", days=MAX_HOURLY_DAYS, where="unit")
    asked = _Asked(spec, scope, Binder(), period, baseline_of(spec, scope))
    if asked.by_days():
        return _compile_by_days(asked)
    tests = [is_one_of(series, scope, asked.binder) for series in spec.series]
    wanted = f"{has_name_of(spec.series, asked.binder)} AND ({' OR '.join(tests)})" if len(tests) > 1 else tests[0]
    among = f"day BETWEEN {asked.binder.bind(period.since, 'Date')} AND {asked.binder.bind(period.until, 'Date')}"
    parts = split(spec.breakdown, scope, asked.binder, among=f"{among} AND {wanted} AND {asked.condition()}")
    marked = _marked(asked, tests, wanted, parts)
    rolled = "".join(f"\nUNION ALL{_rolling(asked, number, tests[number], parts)}" for number in _rolling_places(spec))
    sql = _by_part(asked, marked) if spec.breakdown else _in_all(asked, marked)
    return Statement((sql + rolled).strip(), asked.binder.params)


def _in_all(asked: _Asked, marked: str) -> str:
    side, grouped = asked.by_bucket()
    return f"""
WITH marked AS ({marked})
SELECT {side}, '' AS shown, bucket, toUInt8(grouping(bucket)) AS level,
  {", ".join(_seen(asked.spec))}, toUInt64(0) AS others, {", ".join(_measured(asked.spec, MEASURES))}
FROM marked
{grouped}"""


def _by_part(asked: _Asked, marked: str) -> str:
    """Events are looked at once: `cells` has what is counted of each value in each bucket, to be combined; `ranked` says whether the
    value of a cell is `named` or goes into the rest."""
    spec = asked.spec
    states = dict(_states(spec))
    rank = measure(spec.series[0], _by_part_measures(spec)).combined(0, only="side = 0", over="(PARTITION BY part)")
    most = asked.binder.bind(spec.values_shown, "UInt64")
    top = ",\ntop AS (SELECT DISTINCT part FROM ranked WHERE named)" if _rolling_places(spec) else ""
    return f"""
WITH marked AS ({marked}),
cells AS (
  SELECT side, part, bucket, {", ".join(_seen(spec))},
    {", ".join(f"{sql} AS {name}" for name, sql in states.items())}
  FROM marked
  GROUP BY side, part, bucket
),
ranked AS (
  SELECT *, asked AND dense_rank() OVER (ORDER BY asked DESC, rank DESC NULLS LAST, part) <= {most} AS named
  FROM (SELECT *, {rank} AS rank, max(side = 0) OVER (PARTITION BY part) AS asked FROM cells)
){top}
SELECT side, shown, bucket, toUInt8(grouping(shown) + grouping(bucket)) AS level,
  sum(cell.seen) AS seen, sum(cell.nobody) AS nobody, toUInt64(uniqExactIf(part, shown = '')) AS others,
  {", ".join(_measured(spec, _by_part_measures(spec)))}
FROM (SELECT *, if(named, concat('=', part), '') AS shown FROM ranked) AS cell
GROUP BY side, shown, bucket WITH ROLLUP
HAVING NOT grouping(side)"""


def _compile_by_days(asked: _Asked) -> Statement:
    """The same rows from the days of plain events, be they counted already or not."""
    spec, binder = asked.spec, asked.binder
    side = asked.sides()
    tests = [is_day_of(series, binder) for series in spec.series]
    marks = "".join(f", {test} AS is{number}" for number, test in enumerate(tests))
    people = any(series.measure in OF_PEOPLE for series in spec.series)
    of_side, grouped = asked.by_bucket()
    rolled = "".join(f"\nUNION ALL{_rolling_by_days(asked, number)}" for number in _rolling_places(spec))
    sql = f"""
WITH marked AS (
  SELECT {side.side} AS side, {_bucket(asked)} AS bucket, events, nobody AS anonymous{", persons" if people else ""}{marks}
  FROM {days_of(spec.series, binder)} AND {side.where}
)
SELECT {of_side}, '' AS shown, bucket, toUInt8(grouping(bucket)) AS level,
  toUInt64({"sum(events)" if people else "0"}) AS seen, toUInt64({"sum(anonymous)" if people else "0"}) AS nobody, toUInt64(0) AS others,
  {", ".join(_measured(spec, DAILY))}
FROM marked
{grouped}{rolled}"""
    return Statement(sql.strip(), binder.params, names_of(spec.series))


def _seen(spec: TrendSpec) -> tuple[str, str]:
    """Beside the numbers: where people are counted, how many events there are and how many of nobody."""
    people = any(series.measure in OF_PEOPLE for series in spec.series)
    seen, nobody = ("count()", "countIf(person = 0)") if people else ("0", "0")  # whose an event is takes time to find
    return f"toUInt64({seen}) AS seen", f"toUInt64({nobody}) AS nobody"


def _by_part_measures(spec: TrendSpec) -> Mapping[str, Measure]:
    """How the series are counted by what they are broken down by."""
    return OF_FEW if few(spec.breakdown) else MEASURES


def _squares(spec: TrendSpec, number: int) -> Measure | None:
    """What the interval of a sample is made of."""
    return SQUARES.get(spec.series[number].measure) if spec.sample is not None else None


def _states(spec: TrendSpec) -> Iterator[tuple[str, str]]:
    """What is counted of each series, to be combined, and of the first one in any case: values are ranked by it."""
    for number, series in enumerate(spec.series):
        if series.measure not in ROLLING or not number:
            yield from measure(series, _by_part_measures(spec)).states(number)
        if squares := _squares(spec, number):
            yield from squares.states(number, "s_")


def _measured(spec: TrendSpec, measures: Mapping[str, Measure]) -> Iterator[str]:
    """The number of each series, combined from states where values are told apart; those counted apart are left out."""

    def told(of: Measure, number: int, prefix: str = "") -> str:
        return of.combined(number, prefix) if spec.breakdown else of.whole(number)

    for number, series in enumerate(spec.series):
        value = "CAST(NULL, 'Nullable(Float64)')" if series.measure in ROLLING else told(measure(series, measures), number)
        alike = f"CAST({value}, 'Nullable(Float64)')" if list(_rolling_places(spec)) else value  # the parts of a union must be of one type
        yield f"{alike} AS m{number}"
        if squares := _squares(spec, number):
            yield f"CAST({told(squares, number, 's_')}, 'Nullable(Float64)') AS s{number}"


def _rolling_places(spec: TrendSpec) -> list[int]:
    return [number for number, series in enumerate(spec.series) if series.measure in ROLLING]


def _marked(asked: _Asked, tests: Sequence[str], wanted: str, parts: Split) -> str:
    """The events that matter: `is0` … says of which series each is, `of0` … holds what that series measures."""
    spec, scope, binder = asked.spec, asked.scope, asked.binder
    side = asked.sides()
    columns = ["person", f"{side.side} AS side", f"{_bucket(asked)} AS bucket"]
    if spec.breakdown:
        columns.append(f"{parts.value} AS part")
    if spec.sample is not None:
        columns.append("if(person = 0, event_key, toUInt64(person)) AS unit")
    for number, series in enumerate(spec.series):
        test = f"toUInt8({tests[number]})" if len(tests) > 1 else "1"
        if series.measure == "first_time":
            test = f"({test} AND {first_times(series, spec, scope, binder)})"
        columns.append(f"{test} AS is{number}")
        if series.property is not None and series.measure not in OF_EVENTS:
            read = property_text if series.measure == "distinct" else property_number
            columns.append(f"{read(series.property, scope, binder)} AS of{number}")
    wanted_columns = ",\n    ".join(columns)
    return f"""
  SELECT
    {wanted_columns}
  FROM {parts.source}
  WHERE {side.where} AND {wanted} AND {asked.condition()}
"""


def first_times(series: Series, spec: TrendSpec, scope: Scope, binder: Binder) -> str:
    """An event is the first of all that its person ever did of the series."""
    chosen = f"{has_name_of([series], binder)} AND {is_one_of(series, scope, binder, over='history')}"
    filtered = condition(spec.filter, scope, binder)
    first = "argMin(event_key, (ts, event_key))"
    return f"event_key IN (SELECT {first} FROM history WHERE person != 0 AND {chosen} AND {filtered} GROUP BY person)"


def _bucket(asked: _Asked) -> str:
    """An event's bucket: its first day, or the number of its hour in its own period; another period is laid over this one."""
    if asked.spec.unit == "hour":
        start = asked.binder.bind(int(asked.period.start.timestamp()), "Int64")
        if asked.other:
            theirs = asked.binder.bind(int(asked.other.period.start.timestamp()), "Int64")
            start = f"if(side = 1, {theirs}, {start})"
        return f"intDiv(toUnixTimestamp(ts) - {start}, 3600)"
    day = f"if(side = 1, {asked.other.laid_sql(asked.spec.unit, asked.binder)}, day)" if asked.other else "day"
    return BUCKETS[asked.spec.unit].format(day=day)


# --- Active over 7 or 30 days -----------------------------------------------------------------------------------------------------------


def bucket_ends(spec: TrendSpec, scope: Scope) -> list[tuple[date, date]]:
    """Each bucket that has begun, by its first day, with the last of its days that the period has and that is not to come."""
    period = period_of(spec, scope)
    last = min(period.until, scope.today)
    starts = [start for start in period.buckets(spec.unit) if start.date() <= last]
    return [
        (start.date(), min(last, bucket_end(start, spec.unit, scope.zone).astimezone(ZoneInfo(scope.zone)).date() - timedelta(days=1)))
        for start in starts
    ]


def _rolling(asked: _Asked, number: int, test: str, parts: Split) -> str:
    """Rows of the series alone: for each bucket the people of the days up to its end, from one set of people for each day."""
    spec = asked.spec
    shown = "if(part IN (SELECT part FROM top), concat('=', part), '')"
    side = asked.sides(before=ROLLING[spec.series[number].measure] - 1)
    return _over_days(
        asked,
        number,
        f"""
  SELECT side, {"shown, " if spec.breakdown else ""}day, groupBitmapState(person) AS people
  FROM (
    SELECT side, day, person{f", {shown} AS shown" if spec.breakdown else ""}
    FROM (
      SELECT {side.side} AS side, day, person{f", {parts.value} AS part" if spec.breakdown else ""}
      FROM {parts.source}
      WHERE person != 0 AND {side.where} AND {test} AND {asked.condition()}
    )
  )
  GROUP BY side, {"shown, " if spec.breakdown else ""}day""",
    )


def _rolling_by_days(asked: _Asked, number: int) -> str:
    series = asked.spec.series[number]
    side = asked.sides(before=ROLLING[series.measure] - 1)
    days = days_of([series], asked.binder)
    return _over_days(asked, number, f"\n  SELECT {side.side} AS side, day, persons AS people\n  FROM {days} AND {side.where}")


def _over_days(asked: _Asked, number: int, daily: str) -> str:
    """`daily` has the `people` of each day as a bitmap."""
    spec, binder = asked.spec, asked.binder
    measure_, days = spec.series[number].measure, ROLLING[spec.series[number].measure]
    ends = bucket_ends(spec, asked.scope)
    names = binder.bind([name for name, _ in ends], "Array(Date)")
    mine = f"arrayZip({binder.bind([end for _, end in ends], 'Array(Date)')}, {names})"
    both = mine
    if asked.other or isinstance(spec.compare, Groups):
        theirs = [asked.other.day_of(end) if asked.other else end for _, end in ends]
        both = f"if(side = 1, arrayZip({binder.bind(theirs, 'Array(Date)')}, {names}), {mine})"
    active = "toFloat64(groupBitmapMerge(people))"
    value = f"toFloat64(groupBitmapMergeIf(people, day = end.1)) / nullIf({active}, 0)" if measure_ in RATIOS else active
    nothing = "CAST(NULL, 'Nullable(Float64)')"
    numbers = ", ".join(_rolled_columns(spec, number, f"CAST({value}, 'Nullable(Float64)')", nothing))
    groups = "GROUPING SETS ((side, shown, end.2), (side, end.2))" if spec.breakdown else "side, end.2"
    name = "shown" if spec.breakdown else "'' AS shown"
    level = "if(grouping(shown) = 1, 3, 0)" if spec.breakdown else "0"
    bucket = f"CAST(end.2, '{'Nullable(Date)' if asked.other and asked.other.months and spec.unit in ('day', 'week') else 'Date'}')"
    return f"""
SELECT side, {name}, {bucket} AS bucket, toUInt8({level}) AS level, toUInt64(0) AS seen, toUInt64(0) AS nobody, toUInt64(0) AS others,
  {numbers}
FROM ({daily}
)
ARRAY JOIN arrayFilter(end -> day BETWEEN end.1 - {days - 1} AND end.1, {both}) AS end
GROUP BY {groups}"""


def _rolled_columns(spec: TrendSpec, number: int, value: str, nothing: str) -> Iterator[str]:
    for place, series in enumerate(spec.series):
        yield f"{value if place == number else nothing} AS m{place}"
        if spec.sample is not None and series.measure in SQUARES:
            yield f"{nothing} AS s{place}"
