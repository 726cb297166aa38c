"""What to look at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class QualitySpec(Spec):
    """The events that happened in the last `days` days of the project's calendar; with `event`, only those of that name."""

    days: Annotated[int, Field(ge=1, le=90)] = 7
    event: Annotated[str, Field(max_length=200)] = ""
