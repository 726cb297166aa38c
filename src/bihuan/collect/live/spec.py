"""Which arrivals to show."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class LiveSpec(Spec):
    """The events that arrived last, of those that happened in the last seven days; with `event`, only those of that name."""

    event: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
