"""The question *live*: what is arriving just now."""

from __future__ import annotations

from bihuan.collect.live.result import LiveResult, headlines_live, shape_live, table_live
from bihuan.collect.live.spec import LiveSpec
from bihuan.collect.live.sql import compile_live, reads_live
from bihuan.engine.question import Question, no_chart

LIVE: Question[LiveSpec, LiveResult] = Question(
    name="live",
    title="Live",
    purpose="What is arriving just now.",
    icon="activity",
    group="see",
    spec=LiveSpec,
    reads=reads_live,
    compile=compile_live,
    shape=shape_live,
    table=table_live,
    chart=no_chart,
    headlines=headlines_live,
    example=LiveSpec,
    listed=False,
)
