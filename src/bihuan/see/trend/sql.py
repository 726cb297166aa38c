"""The one statement of a trend: events are marked with the series they belong to, then measured by bucket and as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.engine.breakdowns import split
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_number, property_text
from bihuan.see.trend.spec import ANY_EVENT, Series, TrendSpec

MAX_HOURLY_DAYS = 100
MEASURES = {
    "events": "countIf({test})",
    "people": "uniqExactIf(person, {test} AND person != 0)",
    "sum": "sumKahanIf({of}, {test})",
    "average": "sumKahanIf({of}, {test}) / countIf({of} IS NOT NULL AND {test})",
    "median": "quantileExactInclusiveIf(0.5)({of}, {test})",
    "p90": "quantileExactInclusiveIf(0.9)({of}, {test})",
    "distinct": "uniqExactIf({of}, {test} AND {of} != '')",
}


def period_of(spec: TrendSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def reads_trend(spec: TrendSpec, scope: Scope) -> Period:
    """The days that the statement looks at: the period, and the one before when it is compared."""
    period = period_of(spec, scope)
    return Period(period.previous().since, period.until, period.zone) if spec.compare else period


def compile_trend(spec: TrendSpec, scope: Scope) -> Statement:
    """Rows of (previous, bucket, level, shown, m0, m1 …). At level 0 a row is of one bucket, and of one line when there is a breakdown;
    at higher ones it is over the whole period, of one line and then of all. The rollup combines what was counted (sets of people,
    values), so that its rows are as exact as if they were counted anew. `shown` is "=" and the value, or "" for all other values.
    """
    period, binder = period_of(spec, scope), Binder()
    if spec.unit == "hour" and period.days > MAX_HOURLY_DAYS:
        raise QuestionError("By the hour, a period may have at most {days} days.", days=MAX_HOURLY_DAYS, where="unit")
    marked = _marked(spec, scope, period, binder)
    measures = ",\n  ".join(f"{measure(series, number)} AS m{number}" for number, series in enumerate(spec.series))
    if not spec.breakdown:
        sql = f"""
WITH marked AS ({marked})
SELECT previous, bucket, grouping(bucket) AS level, '' AS shown,
  {measures}
FROM marked
GROUP BY previous, bucket WITH ROLLUP
HAVING NOT grouping(previous)"""
    else:
        sql = f"""
WITH marked AS ({marked}),
top AS (
  SELECT part FROM marked
  WHERE NOT previous
  GROUP BY part
  ORDER BY {measure(spec.series[0], 0)} DESC NULLS LAST, part
  LIMIT {binder.bind(spec.top, "UInt64")}
)
SELECT previous, shown, bucket, grouping(shown) + grouping(bucket) AS level,
  {measures}
FROM (SELECT *, if(part IN (SELECT part FROM top), concat('=', part), '') AS shown FROM marked)
GROUP BY previous, shown, bucket WITH ROLLUP
HAVING NOT grouping(previous)"""
    return Statement(sql.strip(), binder.params)


def measure(series: Series, number: int) -> str:
    """The aggregate of the series with this number, over `marked`."""
    return MEASURES[series.measure].format(test=f"is{number}", of=f"of{number}")


def _marked(spec: TrendSpec, scope: Scope, period: Period, binder: Binder) -> str:
    """The events that matter: `is0` … says of which series each is, `of0` … holds what that series measures."""
    since = binder.bind(period.since, "Date")
    columns = [f"day < {since} AS previous", f"{_bucket(spec, period, binder)} AS bucket"]
    tests = [_test(series, scope, binder) for series in spec.series]
    wanted_events = "(" + " OR ".join(tests) + ")"
    filtered = condition(spec.filter, scope, binder, over="visible")
    parts = split(spec.breakdown, scope, binder, among=f"day >= {since} AND {wanted_events} AND {filtered}")
    if spec.breakdown:
        columns.append(f"{parts.value} AS part")
    for number, series in enumerate(spec.series):
        columns.append(f"{tests[number] if len(tests) > 1 else 1} AS is{number}")
        if series.property is not None and series.measure not in ("events", "people"):
            read = property_text if series.measure == "distinct" else property_number
            columns.append(f"{read(series.property, scope, binder)} AS of{number}")
    where = [wanted_events, filtered]
    if spec.compare:
        where.append(f"NOT (previous AND ts >= fromUnixTimestamp64Milli({binder.bind(_cut(period, scope.now), 'Int64')}, 'UTC'))")
    wanted = ",\n    ".join(["person", *columns])
    return f"""
  SELECT
    {wanted}
  FROM {parts.source}
  WHERE {" AND ".join(where)}
"""


def _test(series: Series, scope: Scope, binder: Binder) -> str:
    """Whether an event belongs to a series. What Bihuan itself did to people is no event of "any event"."""
    named = "source != 'ledger'" if series.event == ANY_EVENT else f"event = {binder.bind(series.event, 'String')}"
    return named if series.filter == EVERYTHING else f"({named} AND {condition(series.filter, scope, binder)})"


def _bucket(spec: TrendSpec, period: Period, binder: Binder) -> str:
    """An event's bucket: its first day, or the number of its hour in the period; the previous period is laid over this one."""
    if spec.unit == "hour":
        start = binder.bind(int(period.start.timestamp()), "Int64")
        if spec.compare:
            start = f"if(previous, {binder.bind(int(period.previous().start.timestamp()), 'Int64')}, {start})"
        return f"intDiv(toUnixTimestamp(ts) - {start}, 3600)"
    day = f"(day + if(previous, {binder.bind(period.days, 'UInt16')}, 0))" if spec.compare else "day"
    return {"day": day, "week": f"toMonday({day})", "month": f"toStartOfMonth({day})"}[spec.unit]


def _cut(period: Period, now: datetime) -> int:
    """Until when (ms) the previous period counts: as far into it as now is into this one, by the clock; else its end."""
    local = now.astimezone(ZoneInfo(period.zone)).replace(second=0, microsecond=0)
    then = (local.replace(tzinfo=None) - timedelta(days=period.days)).replace(tzinfo=ZoneInfo(period.zone))
    return int(min(then.timestamp(), period.previous().end.timestamp()) * 1000)
