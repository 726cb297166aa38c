"""Lifecycle: in each period, who is new, who returned, who came back after a pause, and who stayed away."""

from __future__ import annotations

from bihuan.analyse.lifecycle.chart import chart_lifecycle, panel_lifecycle
from bihuan.analyse.lifecycle.result import LifecycleResult, headlines_lifecycle, shape_lifecycle, table_lifecycle
from bihuan.analyse.lifecycle.sides import reads_lifecycle
from bihuan.analyse.lifecycle.spec import LifecycleCell, LifecycleSpec
from bihuan.analyse.lifecycle.sql import compile_lifecycle, people_lifecycle
from bihuan.engine.question import Question

LIFECYCLE: Question[LifecycleSpec, LifecycleResult] = Question(
    name="lifecycle",
    title="Lifecycle",
    purpose="In each day, week or month: who is new, who returned, who came back after a pause, and who stayed away?",
    icon="refresh",
    group="analyse",
    spec=LifecycleSpec,
    reads=reads_lifecycle,
    compile=compile_lifecycle,
    shape=shape_lifecycle,
    table=table_lifecycle,
    chart=chart_lifecycle,
    headlines=headlines_lifecycle,
    example=lambda: LifecycleSpec(),
    panel=panel_lifecycle,
    cell=LifecycleCell,
    people=people_lifecycle,
)
