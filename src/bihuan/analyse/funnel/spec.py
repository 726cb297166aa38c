"""What a funnel asks: its steps, how long a person may take, which period people enter in, and what it is broken down by."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
LONGEST = timedelta(days=365)


class Step(Choosing):
    """Any of the chosen events; `name` is what readers see, the events' names when empty."""

    name: Annotated[str, Field(max_length=200)] = ""

    @property
    def title(self) -> str:
        return self.name or self.events


class Window(BaseModel):
    """`n` times `unit`; a day is 24 hours, whatever the clocks do."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    n: Annotated[int, Field(ge=1)] = 14
    unit: Literal["second", "minute", "hour", "day"] = "day"

    @model_validator(mode="after")
    def _bounded(self) -> Window:
        if self.n * SECONDS[self.unit] > LONGEST.total_seconds():
            raise ValueError("People may take at most 365 days; choose a shorter time.")
        return self

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.n * SECONDS[self.unit])


class FunnelSpec(Spec):
    """How many people go through `steps` in this order, within `window` of the first; `filter` must hold of every step's event."""

    steps: Annotated[tuple[Step, ...], Field(min_length=2, max_length=20)]
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    window: Window = Window()
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 5
