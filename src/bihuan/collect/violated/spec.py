"""Which violations to count."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec

Name = Annotated[str, Field(max_length=200)]


class ViolatedSpec(Spec):
    """Violations of the events that arrived in the last `days` days (of 24 hours), of one event, property, kind or source if given."""

    days: Annotated[int, Field(ge=1, le=90)] = 7
    event: Name = ""
    property: Name = ""
    kind: Name = ""
    source: Name = ""
