"""What a trend asks: one or more numbers over time, perhaps broken down by a property and beside the period before."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.periods import Last, PeriodSpec, Unit
from bihuan.engine.question import Spec

ANY_EVENT = "*"
Measure = Literal["events", "people", "sum", "average", "median", "p90", "distinct"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Series(BaseModel):
    """One number: `measure` of the events named `event` (`*`: any event that came from outside) of which `filter` is true.

    `events` counts them, `people` counts the people behind them; `sum`, `average`, `median`, `p90` and `distinct` look at
    `property`. `name` is how the reader calls it; empty: Bihuan finds a name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    event: Name = ANY_EVENT
    measure: Measure = "events"
    property: Name | None = None
    filter: Filter = EVERYTHING
    name: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _has_its_property(self) -> Series:
        if self.property is None and self.measure not in ("events", "people"):
            raise ValueError("Choose the property that is to be measured.")
        return self


class TrendSpec(Spec):
    """`series` over `period` in buckets of `unit`, of the events of which `filter` is true.

    With `breakdown` each series has a line for each of the `top` values for which the first series is greatest over the
    period, and one for all other values together. `compare` adds as many days just before.
    """

    series: Annotated[tuple[Series, ...], Field(min_length=1, max_length=10)]
    filter: Filter = EVERYTHING
    unit: Unit = "day"
    period: PeriodSpec = Last()
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 10
    compare: Literal["previous"] | None = None
