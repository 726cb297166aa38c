"""What "metric series" asks: a number that is measured elsewhere, over time, perhaps broken down by one of its dimensions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bihuan.engine.periods import Last, PeriodSpec, Unit
from bihuan.engine.question import Spec

Name = Annotated[str, Field(min_length=1, max_length=200)]
Measure = Literal["sum", "average", "smallest", "greatest", "last"]


class Where(BaseModel):
    """Only values whose `dimension` is one of `values`; an empty text stands for those without it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dimension: Name
    values: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(min_length=1, max_length=50)]


class MetricSeriesSpec(Spec):
    """The values of `series` over `period` in buckets of `unit`, put together by `measure`: `last` takes of all values of a bucket those
    of its last instant and adds these up, as it is right for a stock. With `breakdown` there is a line for each of the `top` values of
    that dimension with the greatest numbers, and one for all others."""

    series: Name
    measure: Measure = "sum"
    where: Annotated[tuple[Where, ...], Field(max_length=10)] = ()
    breakdown: Annotated[str, Field(max_length=200)] = ""
    top: Annotated[int, Field(ge=1, le=50)] = 10
    unit: Unit = "day"
    period: PeriodSpec = Last()
