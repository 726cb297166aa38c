"""Attribution: which touch points brought the conversions, by eight models side by side."""

from __future__ import annotations

from bihuan.analyse.attribution.chart import chart_attribution, panel_attribution
from bihuan.analyse.attribution.result import AttributionResult, shape_attribution
from bihuan.analyse.attribution.spec import AttributionCell, AttributionSpec, Conversion
from bihuan.analyse.attribution.sql import compile_attribution, people_attribution, reads_attribution
from bihuan.analyse.attribution.table import headlines_attribution, table_attribution
from bihuan.engine.question import Question

ATTRIBUTION: Question[AttributionSpec, AttributionResult] = Question(
    name="attribution",
    title="Attribution",
    purpose="Which channels and touch points bring conversions, and how much of them is owed to each?",
    icon="target",
    group="analyse",
    spec=AttributionSpec,
    reads=reads_attribution,
    compile=compile_attribution,
    shape=shape_attribution,
    table=table_attribution,
    chart=chart_attribution,
    headlines=headlines_attribution,
    example=lambda: AttributionSpec(conversion=Conversion(event="Order Completed", value="revenue")),
    panel=panel_attribution,
    cell=AttributionCell,
    people=people_attribution,
)
