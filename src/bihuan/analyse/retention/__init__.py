"""Retention: of the people who started in a day, week or month, how many came back in each one that followed."""

from __future__ import annotations

from bihuan.analyse.retention.chart import chart_retention, panel_retention
from bihuan.analyse.retention.result import RetentionResult, headlines_retention, shape_retention
from bihuan.analyse.retention.spec import Doing, RetentionCell, RetentionSpec
from bihuan.analyse.retention.sql import compile_retention, people_retention, reads_retention
from bihuan.analyse.retention.table import table_retention
from bihuan.engine.question import Question

RETENTION: Question[RetentionSpec, RetentionResult] = Question(
    name="retention",
    title="Retention",
    purpose="Of the people who started in a day, week or month, how many came back in each one that followed?",
    icon="repeat",
    group="analyse",
    spec=RetentionSpec,
    reads=reads_retention,
    compile=compile_retention,
    shape=shape_retention,
    table=table_retention,
    chart=chart_retention,
    headlines=headlines_retention,
    example=lambda: RetentionSpec(start=Doing(event="Order Completed"), returning=Doing(event="Order Completed"), unit="week"),
    panel=panel_retention,
    cell=RetentionCell,
    people=people_retention,
)
