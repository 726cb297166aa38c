"""What "metric series" answers, each number defined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bihuan.collect.metric_series.spec import MetricSeriesSpec
from bihuan.collect.metric_series.sql import reads_metric_series
from bihuan.engine.periods import Unit
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

EPOCH = date(1970, 1, 1)
OTHERS = "All others"


@dataclass(frozen=True)
class Line:
    """One value of the dimension (`part`; '' for values without it), or the one line that there is, or the `rest` of all other values.

    `values` has the number of each bucket, None where nothing was measured; `total` is the number over the whole period, put together
    by the same measure from its single values, so that an average is not one of averages.
    """

    part: str
    rest: bool
    values: tuple[float | None, ...]
    total: float | None


@dataclass(frozen=True)
class MetricSeriesResult:
    """`lines`, the greatest first; `total` over everything; `measured` counts the single values that came in."""

    metric: str
    unit: Unit
    buckets: tuple[datetime, ...]
    lines: tuple[Line, ...]
    total: float | None
    measured: int
    broken_down: bool


def shape_metric_series(spec: MetricSeriesSpec, scope: Scope, rows: Rows) -> MetricSeriesResult:
    buckets = tuple(reads_metric_series(spec, scope).buckets(spec.unit))
    places = [_number(bucket, spec.unit) for bucket in buckets]
    found: dict[str, dict[int, float]] = {}
    totals: dict[str, float] = {}
    total, measured = None, 0
    for row in rows:
        shown, number = str(row["shown"]), float(row["number"])
        if row["level"] == 0:
            found.setdefault(shown, {})[int(row["bucket"])] = number
        elif row["level"] == 1:
            totals[shown] = number
        else:
            total, measured = number, int(row["amount"])
    order = sorted(found, key=lambda shown: (not shown, -abs(totals.get(shown, 0.0)), shown))
    lines = tuple(Line(shown[1:], not shown, tuple(found[shown].get(place) for place in places), totals.get(shown)) for shown in order)
    return MetricSeriesResult(spec.series, spec.unit, buckets, lines, total, measured, bool(spec.breakdown))


def table_metric_series(result: MetricSeriesResult) -> Table:
    when = Column("time", "Time", "time") if result.unit == "hour" else Column("day", "Day", "day")
    columns = (when, Column("part", "Value of the dimension"), Column("number", "{metric}", "number", {"metric": result.metric}))
    rows = (
        (start if result.unit == "hour" else start.date(), OTHERS if line.rest else line.part, line.values[place])
        for line in result.lines
        for place, start in enumerate(result.buckets)
    )
    if result.broken_down:
        return Table(columns, tuple(rows))
    return Table((when, columns[2]), tuple((start, number) for start, _, number in rows))


def headlines_metric_series(result: MetricSeriesResult) -> tuple[Headline, ...]:
    over_all = Headline("{metric} over the period", result.total, values={"metric": result.metric})
    return (over_all, Headline("Values that came in", result.measured))


def _number(start: datetime, unit: Unit) -> int:
    if unit != "hour":
        return (start.date() - EPOCH) // timedelta(days=1)
    return int(start.astimezone(UTC).timestamp()) // 3600 * 3600
