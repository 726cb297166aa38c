"""What is asked of a lift: which campaign, which goal, and how long after each person's assignment the goal still counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bihuan.engine.filters import Filter
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class Goal(Spec):
    """What a campaign is for: that people do `event` (`filter` true of it), or a higher sum of its `property` per person."""

    event: Annotated[str, Field(min_length=1, max_length=200)]
    filter: Filter | None = None
    measure: Literal["people", "value"] = "people"
    property: Annotated[str, Field(max_length=200)] = "revenue"

    @model_validator(mode="before")
    @classmethod
    def _by_its_old_name(cls, given: Any) -> Any:
        """Goals were saved with `where`."""
        return (
            {**{name: value for name, value in given.items() if name != "where"}, "filter": given["where"]} if _has_where(given) else given
        )

    @model_validator(mode="after")
    def _has_a_property(self) -> Goal:
        if self.measure == "value" and not self.property:
            raise ValueError("A goal that sums a property needs its name.")
        return self


def _has_where(given: Any) -> bool:
    return isinstance(given, Mapping) and "where" in given and "filter" not in given


class LiftSpec(Spec):
    """The lift of `campaign` on `goal` within `window` days after each person's own assignment.

    `period` are the days on which people were assigned, `holdout` the share that was meant to be held out (None: do not check).
    """

    campaign: Annotated[str, Field(min_length=1, max_length=200)]
    goal: Goal
    window: Annotated[int, Field(ge=1, le=365)] = 14
    holdout: Annotated[float, Field(gt=0, lt=1)] | None = None
    period: PeriodSpec = Last(last=90)
