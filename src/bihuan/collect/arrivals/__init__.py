"""The question *arrivals*: how many events come from each source, and when the latest came."""

from __future__ import annotations

from bihuan.collect.arrivals.result import ArrivalsResult, headlines_arrivals, shape_arrivals, table_arrivals
from bihuan.collect.arrivals.spec import ArrivalsSpec
from bihuan.collect.arrivals.sql import compile_arrivals, reads_arrivals
from bihuan.engine.question import Question, no_chart

ARRIVALS: Question[ArrivalsSpec, ArrivalsResult] = Question(
    name="arrivals",
    title="Sources",
    purpose="How many events come from each source, and when the latest came.",
    icon="plug-connected",
    group="see",
    spec=ArrivalsSpec,
    reads=reads_arrivals,
    compile=compile_arrivals,
    shape=shape_arrivals,
    table=table_arrivals,
    chart=no_chart,
    headlines=headlines_arrivals,
    example=ArrivalsSpec,
    listed=False,
)
