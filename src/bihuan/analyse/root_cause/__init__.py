"""Root cause: why a number moved between two periods, split exactly over properties and over its own arithmetic."""

from __future__ import annotations

from bihuan.analyse.root_cause.chart import chart_root_cause, panel_root_cause
from bihuan.analyse.root_cause.result import RootCauseResult, headlines_root_cause, shape_root_cause, table_root_cause
from bihuan.analyse.root_cause.spec import RootCauseCell, RootCauseSpec
from bihuan.analyse.root_cause.sql import compile_root_cause, people_root_cause, reads_root_cause
from bihuan.engine.question import Question
from bihuan.engine.selection import Choosing

ROOT_CAUSE: Question[RootCauseSpec, RootCauseResult] = Question(
    name="root_cause",
    title="Root cause",
    purpose="Why did this number move?",
    icon="zoom-question",
    group="analyse",
    spec=RootCauseSpec,
    reads=reads_root_cause,
    compile=compile_root_cause,
    shape=shape_root_cause,
    table=table_root_cause,
    chart=chart_root_cause,
    headlines=headlines_root_cause,
    example=lambda: RootCauseSpec(of=Choosing(event="Order Completed"), measure="revenue"),
    panel=panel_root_cause,
    cell=RootCauseCell,
    people=people_root_cause,
)
