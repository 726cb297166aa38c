"""What is asked of a lift: which campaign, which goal, and how long after each person's assignment the goal still counts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bihuan.engine.filters import Filter
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class Goal(Spec):
    """What a campaign is for: that people do `event` (`where` true of it), or a higher sum of its `property` per person."""

    event: Annotated[str, Field(min_length=1, max_length=200)]
    where: Filter | None = None
    measure: Literal["people", "value"] = "people"
    property: Annotated[str, Field(max_length=200)] = "revenue"

    @model_validator(mode="after")
    def _has_a_property(self) -> Goal:
        if self.measure == "value" and not self.property:
            raise ValueError("A goal that sums a property needs its name.")
        return self


class LiftSpec(Spec):
    """The lift of `campaign` on `goal` within `window` days after each person's own assignment.

    `period` are the days on which people were assigned, `holdout` the share that was meant to be held out (None: do not check).
    """

    campaign: Annotated[str, Field(min_length=1, max_length=200)]
    goal: Goal
    window: Annotated[int, Field(ge=1, le=365)] = 14
    holdout: Annotated[float, Field(gt=0, lt=1)] | None = None
    period: PeriodSpec = Last(last=90)
