"""The question *fate*: where an event is that somebody looks for."""

from __future__ import annotations

from bihuan.collect.fate.result import FateResult, headlines_fate, shape_fate, table_fate
from bihuan.collect.fate.spec import FateSpec
from bihuan.collect.fate.sql import compile_fate, reads_fate
from bihuan.engine.question import Question, no_chart

FATE: Question[FateSpec, FateResult] = Question(
    name="fate",
    title="Why is my event not here?",
    purpose="Where an event is that somebody looks for.",
    icon="zoom-question",
    group="see",
    spec=FateSpec,
    reads=reads_fate,
    compile=compile_fate,
    shape=shape_fate,
    table=table_fate,
    chart=no_chart,
    headlines=headlines_fate,
    example=FateSpec,
    listed=False,
)
