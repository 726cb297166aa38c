"""Funnel: how many people go through steps in order, where they stop, and how long they take."""

from __future__ import annotations

from bihuan.analyse.funnel.chart import chart_funnel, panel_funnel
from bihuan.analyse.funnel.result import FunnelResult, headlines_funnel, shape_funnel
from bihuan.analyse.funnel.spec import FunnelCell, FunnelSpec, Step
from bihuan.analyse.funnel.sql import compile_funnel, people_funnel, reads_funnel
from bihuan.analyse.funnel.table import table_funnel
from bihuan.engine.question import Question

FUNNEL: Question[FunnelSpec, FunnelResult] = Question(
    name="funnel",
    title="Funnel",
    purpose="How many people go through these steps in order, where do they stop, and how long do they take?",
    icon="filter",
    group="analyse",
    spec=FunnelSpec,
    reads=reads_funnel,
    compile=compile_funnel,
    shape=shape_funnel,
    table=table_funnel,
    chart=chart_funnel,
    headlines=headlines_funnel,
    example=lambda: FunnelSpec(steps=(Step(event="Product Viewed"), Step(event="Product Added"), Step(event="Order Completed"))),
    panel=panel_funnel,
    cell=FunnelCell,
    people=people_funnel,
)
