"""Which volumes to judge."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bihuan.engine.question import Spec

WEEKS = 8  # of the past that a volume is compared with


class VolumesSpec(Spec):
    """Each event's last whole `days` days, or the whole hours of the last two days, each against the same weekday (and hour) of the eight
    weeks before it. With `event`, only that one."""

    unit: Literal["day", "hour"] = "day"
    days: Annotated[int, Field(ge=1, le=35)] = 7
    event: Annotated[str, Field(max_length=200)] = ""
