"""Stickiness: on how many days, weeks or months of a period people were active."""

from __future__ import annotations

from bihuan.analyse.stickiness.chart import chart_stickiness, panel_stickiness
from bihuan.analyse.stickiness.result import StickinessResult, headlines_stickiness, shape_stickiness, table_stickiness
from bihuan.analyse.stickiness.spec import StickinessCell, StickinessSpec
from bihuan.analyse.stickiness.sql import compile_stickiness, people_stickiness, reads_stickiness
from bihuan.engine.question import Question

STICKINESS: Question[StickinessSpec, StickinessResult] = Question(
    name="stickiness",
    title="Stickiness",
    purpose="On how many days, weeks or months of a period are people active?",
    icon="magnet",
    group="analyse",
    spec=StickinessSpec,
    reads=reads_stickiness,
    compile=compile_stickiness,
    shape=shape_stickiness,
    table=table_stickiness,
    chart=chart_stickiness,
    headlines=headlines_stickiness,
    example=lambda: StickinessSpec(),
    panel=panel_stickiness,
    cell=StickinessCell,
    people=people_stickiness,
)
