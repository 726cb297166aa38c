"""Composition: which people these are by their properties, and what makes them different from others (TGI)."""

from __future__ import annotations

from bihuan.analyse.composition.chart import chart_composition, panel_composition
from bihuan.analyse.composition.estimates import shape_estimated
from bihuan.analyse.composition.result import CompositionResult, headlines_composition
from bihuan.analyse.composition.spec import CompositionCell, CompositionSpec, Did, Who
from bihuan.analyse.composition.sql import compile_composition, people_composition, reads_composition
from bihuan.analyse.composition.table import table_composition
from bihuan.engine.question import Question

COMPOSITION: Question[CompositionSpec, CompositionResult] = Question(
    name="composition",
    title="Composition",
    purpose="Who are these people, and what makes them different from the others?",
    icon="users-group",
    group="analyse",
    spec=CompositionSpec,
    reads=reads_composition,
    compile=compile_composition,
    shape=shape_estimated,
    table=table_composition,
    chart=chart_composition,
    headlines=headlines_composition,
    example=lambda: CompositionSpec(who=Who(did=Did(event="Order Completed"))),
    panel=panel_composition,
    cell=CompositionCell,
    people=people_composition,
)
