"""Distribution: how often people do something, and which values its properties have."""

from __future__ import annotations

from bihuan.analyse.distribution.chart import chart_distribution, panel_distribution
from bihuan.analyse.distribution.result import DistributionResult, headlines_distribution, shape_distribution, table_distribution
from bihuan.analyse.distribution.spec import Counted, DistributionCell, DistributionSpec
from bihuan.analyse.distribution.sql import compile_distribution, people_distribution, reads_distribution
from bihuan.engine.question import Question

DISTRIBUTION: Question[DistributionSpec, DistributionResult] = Question(
    name="distribution",
    title="Distribution",
    purpose="How often does each person do something, how much do they spend, and which values does a property have?",
    icon="chart-histogram",
    group="analyse",
    spec=DistributionSpec,
    reads=reads_distribution,
    compile=compile_distribution,
    shape=shape_distribution,
    table=table_distribution,
    chart=chart_distribution,
    headlines=headlines_distribution,
    example=lambda: DistributionSpec(counted=Counted(event="Order Completed")),
    panel=panel_distribution,
    cell=DistributionCell,
    people=people_distribution,
)
