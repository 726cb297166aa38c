"""Which rejected events to show."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class QuarantinedSpec(Spec):
    """The events that were rejected last; with `reason`, only those rejected for that."""

    reason: Annotated[str, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
