"""From the spec of "metric series" to its one statement."""

from __future__ import annotations

from bihuan.collect.metric_series.spec import MetricSeriesSpec
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

MAX_HOURLY_DAYS = 100
MEASURES = {
    "sum": "sumKahan(value)",
    "average": "avg(value)",
    "smallest": "min(value)",
    "greatest": "max(value)",
    "last": "argMax(together, at)",
}


def reads_metric_series(spec: MetricSeriesSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_metric_series(spec: MetricSeriesSpec, scope: Scope) -> Statement:
    """Rows of (shown, bucket, level, number, values): at level 0 of one line and one bucket, at 1 of one line over the period, at 2 of
    all. `shown` is "=" and the value of the dimension, or "" for all other values."""
    period, binder = scope.period(spec.period), Binder()
    if spec.unit == "hour" and period.days > MAX_HOURLY_DAYS:
        raise QuestionError("By the hour, a period may have at most {days} days.", days=MAX_HOURLY_DAYS, where="unit")
    conditions = [f"metric = {binder.bind(spec.series, 'String')}"]
    for one in spec.where:
        allowed = binder.bind(list(one.values), "Array(String)")
        conditions.append(f"has({allowed}, {_dimension(one.dimension, binder)})")
    part = _dimension(spec.breakdown, binder) if spec.breakdown else "''"
    sql = f"""
WITH chosen AS (
  SELECT {_bucket(spec)} AS bucket, {part} AS part, at, value
  FROM measured
  WHERE {" AND ".join(conditions)}
),
top AS (
  SELECT part FROM chosen GROUP BY part ORDER BY sumKahan(abs(value)) DESC, part LIMIT {binder.bind(spec.top, "UInt64")}
),
lines AS (
  SELECT if(part IN (SELECT part FROM top), concat('=', part), '') AS shown, bucket, at, value
  FROM chosen
),
summed AS (
  SELECT shown, bucket, at, value, sum(value) OVER (PARTITION BY shown, at) AS of_line, sum(value) OVER (PARTITION BY at) AS of_all
  FROM lines
)
SELECT shown, bucket, 0 AS level, {_measure(spec, "of_line")} AS number, count() AS amount FROM summed GROUP BY shown, bucket
UNION ALL
SELECT shown, 0 AS bucket, 1 AS level, {_measure(spec, "of_line")} AS number, count() AS amount FROM summed GROUP BY shown
UNION ALL
SELECT '' AS shown, 0 AS bucket, 2 AS level, {_measure(spec, "of_all")} AS number, count() AS amount FROM summed HAVING amount > 0"""
    return Statement(sql.strip(), binder.params)


def _measure(spec: MetricSeriesSpec, together: str) -> str:
    return f"toFloat64({MEASURES[spec.measure].replace('together', together)})"


def _dimension(name: str, binder: Binder) -> str:
    return f"JSONExtractString(dimensions, {binder.bind(name, 'String')})"


def _bucket(spec: MetricSeriesSpec) -> str:
    """The bucket of a value: the day on which its day, week or month begins, as days since 1970; its hour, as seconds since 1970."""
    return {
        "hour": "toInt64(intDiv(toUnixTimestamp(at), 3600) * 3600)",
        "day": "toInt64(toUInt16(day))",
        "week": "toInt64(toUInt16(toMonday(day)))",
        "month": "toInt64(toUInt16(toStartOfMonth(day)))",
    }[spec.unit]
