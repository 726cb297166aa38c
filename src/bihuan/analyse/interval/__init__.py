"""Intervals: how long people take from one event to another, or until they do the same again."""

from __future__ import annotations

from bihuan.analyse.interval.chart import chart_interval, panel_interval
from bihuan.analyse.interval.result import IntervalResult, headlines_interval, shape_interval, table_interval
from bihuan.analyse.interval.spec import IntervalCell, IntervalSpec
from bihuan.analyse.interval.sql import compile_interval, people_interval, reads_interval
from bihuan.engine.question import Question
from bihuan.engine.selection import Choosing

INTERVAL: Question[IntervalSpec, IntervalResult] = Question(
    name="interval",
    title="Intervals",
    purpose="How long do people take from one event to another, or until they do the same again?",
    icon="hourglass",
    group="analyse",
    spec=IntervalSpec,
    reads=reads_interval,
    compile=compile_interval,
    shape=shape_interval,
    table=table_interval,
    chart=chart_interval,
    headlines=headlines_interval,
    example=lambda: IntervalSpec(start=Choosing(event="Order Completed"), end=Choosing(event="Order Completed"), unit="week"),
    panel=panel_interval,
    cell=IntervalCell,
    people=people_interval,
)
