"""The question *audience*: who belongs to a segment now, with the properties that a message needs."""

from __future__ import annotations

from bihuan.act.audience.result import Audience, headlines_audience, shape_audience, table_audience
from bihuan.act.audience.spec import AudienceSpec
from bihuan.act.audience.sql import compile_audience, reads_audience
from bihuan.engine.question import Question, no_chart

__all__ = ["AUDIENCE", "Audience", "AudienceSpec"]


AUDIENCE: Question[AudienceSpec, Audience] = Question(
    name="audience",
    title="Audience",
    purpose="Who belongs to a segment now.",
    icon="users",
    group="act",
    spec=AudienceSpec,
    reads=reads_audience,
    compile=compile_audience,
    shape=shape_audience,
    table=table_audience,
    chart=no_chart,
    headlines=headlines_audience,
    example=AudienceSpec,
    listed=False,
)
