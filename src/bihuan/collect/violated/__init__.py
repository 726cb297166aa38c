"""The question *violations*: where events are not as the tracking plan says."""

from __future__ import annotations

from bihuan.collect.violated.result import ViolatedResult, headlines_violated, shape_violated, table_violated
from bihuan.collect.violated.spec import ViolatedSpec
from bihuan.collect.violated.sql import compile_violated, reads_violated
from bihuan.engine.question import Question, no_chart

VIOLATED: Question[ViolatedSpec, ViolatedResult] = Question(
    name="violations",
    title="Violations of the plan",
    purpose="Where events are not as the tracking plan says.",
    icon="clipboard-check",
    group="see",
    spec=ViolatedSpec,
    reads=reads_violated,
    compile=compile_violated,
    shape=shape_violated,
    table=table_violated,
    chart=no_chart,
    headlines=headlines_violated,
    example=ViolatedSpec,
    listed=False,
)
