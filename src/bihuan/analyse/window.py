"""A length of time that somebody may take: a number of seconds, minutes, hours or days, at most a year."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Unit = Literal["second", "minute", "hour", "day"]
SECONDS: dict[Unit, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
LONGEST = timedelta(days=365)


class Window(BaseModel):
    """`n` times `unit`; a day is 24 hours, whatever the clocks do."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    n: Annotated[int, Field(ge=1)] = 14
    unit: Unit = "day"

    @model_validator(mode="after")
    def _bounded(self) -> Window:
        if self.n * SECONDS[self.unit] > LONGEST.total_seconds():
            raise ValueError("People may take at most 365 days; choose a shorter time.")
        return self

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.n * SECONDS[self.unit])
