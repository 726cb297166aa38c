"""Lifetime value: what customers have brought by age of their cohort, and what they are expected to bring."""

from __future__ import annotations

from bihuan.analyse.ltv.chart import chart_ltv, panel_ltv
from bihuan.analyse.ltv.estimates import shape_estimated
from bihuan.analyse.ltv.result import LtvResult, headlines_ltv, table_ltv
from bihuan.analyse.ltv.spec import LtvCell, LtvSpec
from bihuan.analyse.ltv.sql import compile_ltv, people_ltv, reads_ltv
from bihuan.analyse.purchase import Purchase
from bihuan.engine.question import Question

LTV: Question[LtvSpec, LtvResult] = Question(
    name="ltv",
    title="Lifetime value",
    purpose="What have customers brought since their first purchase, and what will they bring?",
    icon="coins",
    group="analyse",
    spec=LtvSpec,
    reads=reads_ltv,
    compile=compile_ltv,
    shape=shape_estimated,
    table=table_ltv,
    chart=chart_ltv,
    headlines=headlines_ltv,
    example=lambda: LtvSpec(purchase=Purchase(event="Order Completed")),
    panel=panel_ltv,
    cell=LtvCell,
    people=people_ltv,
)
