"""The question *metric series*: a number that is measured elsewhere, over time: costs, stock, weather, what the ERP booked."""

from __future__ import annotations

from bihuan.collect.metric_series.chart import chart_metric_series
from bihuan.collect.metric_series.result import MetricSeriesResult, headlines_metric_series, shape_metric_series, table_metric_series
from bihuan.collect.metric_series.spec import MetricSeriesSpec
from bihuan.collect.metric_series.sql import compile_metric_series, reads_metric_series
from bihuan.engine.question import Question


def example() -> MetricSeriesSpec:
    """What the channels cost on each of the last 30 days."""
    return MetricSeriesSpec(series="cost", breakdown="channel")


METRIC_SERIES: Question[MetricSeriesSpec, MetricSeriesResult] = Question(
    name="metric_series",
    title="Metric series",
    purpose="A number that is measured elsewhere, over time: costs of channels, stock, weather, what the ERP booked.",
    icon="chart-dots",
    group="see",
    spec=MetricSeriesSpec,
    reads=reads_metric_series,
    compile=compile_metric_series,
    shape=shape_metric_series,
    table=table_metric_series,
    chart=chart_metric_series,
    headlines=headlines_metric_series,
    example=example,
)
