"""RFM: customers by how lately, how often and for how much they bought, in eight groups, and who moved between them."""

from __future__ import annotations

from bihuan.analyse.purchase import Purchase
from bihuan.analyse.rfm.chart import chart_rfm, panel_rfm
from bihuan.analyse.rfm.estimates import shape_estimated
from bihuan.analyse.rfm.result import RfmResult, headlines_rfm, table_rfm
from bihuan.analyse.rfm.spec import RfmCell, RfmSpec
from bihuan.analyse.rfm.sql import compile_rfm, people_rfm, reads_rfm
from bihuan.engine.question import Question

RFM: Question[RfmSpec, RfmResult] = Question(
    name="rfm",
    title="RFM",
    purpose="Which customers buy lately, often and for much, and which are being lost?",
    icon="layout-grid",
    group="analyse",
    spec=RfmSpec,
    reads=reads_rfm,
    compile=compile_rfm,
    shape=shape_estimated,
    table=table_rfm,
    chart=chart_rfm,
    headlines=headlines_rfm,
    example=lambda: RfmSpec(purchase=Purchase(event="Order Completed"), moved_since=30),
    panel=panel_rfm,
    cell=RfmCell,
    people=people_rfm,
)
