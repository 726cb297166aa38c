"""The question *audience*: who belongs to a segment now, with the properties that a message needs."""

from __future__ import annotations

from typing import Any

from bihuan.act.audience.result import Audience, audience_headlines, audience_table, shape_audience
from bihuan.act.audience.spec import AudienceSpec
from bihuan.act.audience.sql import compile_audience, reads
from bihuan.engine.question import Question, Reader

__all__ = ["AUDIENCE", "Audience", "AudienceSpec"]


def chart_audience(result: Audience, reader: Reader) -> dict[str, Any] | None:
    """People are a list, not a chart."""
    return None


AUDIENCE: Question[AudienceSpec, Audience] = Question(
    name="audience",
    title="Audience",
    purpose="Who belongs to a segment now.",
    icon="users",
    group="act",
    spec=AudienceSpec,
    reads=reads,
    compile=compile_audience,
    shape=shape_audience,
    table=audience_table,
    chart=chart_audience,
    headlines=audience_headlines,
    example=AudienceSpec,
    listed=False,
)
