"""The question *quarantined*: which events were not taken, and why."""

from __future__ import annotations

from bihuan.collect.quarantined.result import QuarantinedResult, headlines_quarantined, shape_quarantined, table_quarantined
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.collect.quarantined.sql import compile_quarantined, reads_quarantined
from bihuan.engine.question import Question, no_chart

QUARANTINED: Question[QuarantinedSpec, QuarantinedResult] = Question(
    name="quarantined",
    title="Quarantine",
    purpose="Which events were not taken, and why.",
    icon="shield-lock",
    group="see",
    spec=QuarantinedSpec,
    reads=reads_quarantined,
    compile=compile_quarantined,
    shape=shape_quarantined,
    table=table_quarantined,
    chart=no_chart,
    headlines=headlines_quarantined,
    example=QuarantinedSpec,
    listed=False,
)
