"""The question *trend*: how often something happens, how many people do it, how a number moves."""

from __future__ import annotations

from bihuan.engine.compare import Before
from bihuan.engine.question import Question
from bihuan.see.trend.chart import chart_trend
from bihuan.see.trend.people import TrendCell, people_of_trend
from bihuan.see.trend.result import TrendResult, headlines_trend, shape_trend
from bihuan.see.trend.spec import Series, TrendSpec
from bihuan.see.trend.sql import compile_trend, reads_trend
from bihuan.see.trend.table import table_trend


def example() -> TrendSpec:
    """How many people were here on each of the last 30 days."""
    return TrendSpec(series=(Series(measure="people"),), compare=Before(to="previous"))


TREND: Question[TrendSpec, TrendResult] = Question(
    name="trend",
    title="Trend",
    purpose="How often something happens, how many people do it, and how a number moves over time.",
    icon="chart-line",
    group="see",
    spec=TrendSpec,
    reads=reads_trend,
    compile=compile_trend,
    shape=shape_trend,
    table=table_trend,
    chart=chart_trend,
    headlines=headlines_trend,
    example=example,
    cell=TrendCell,
    people=people_of_trend,
)
