"""What lifecycle asks: which events make people active, and how time is cut."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from bihuan.engine.breakdowns import Breakdowns, of_people
from bihuan.engine.compare import Before, Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

State = Literal["new", "returning", "resurrected", "dormant"]
MOST_VALUES = 50


class Active(Choosing):
    """Any of the chosen events; any event at all unless something is chosen."""

    event: Annotated[str, Field(min_length=1, max_length=200)] = "*"


class LifecycleSpec(Spec):
    """In each whole day, week (from Monday) or month that `period` touches: who did `active` for the first time ever, again after the
    one before, again after a pause; and who did it in the one before only. `filter` must hold of the events. A person has one state in
    each, so it is broken down by what is the person's own: a present property, a segment, the first channel. Beside it, with `compare`,
    another period or other people. `sample` asks this part of the people only."""

    active: Active = Active()
    unit: Literal["day", "week", "month"] = "week"
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=90)
    compare: Comparison = None
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=MOST_VALUES)] = 5
    sample: Sample = None

    @field_validator("compare")
    @classmethod
    def _of_four_states(cls, compare: Comparison, info: ValidationInfo) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("Four states have no target: compare them with a period or with other people.")
        if isinstance(compare, Before) and compare.to == "week" and info.data.get("unit") == "month":
            raise ValueError(
                "No month is a number of weeks before another: compare months with those some months, quarters or years before."
            )
        return compare

    @field_validator("breakdown")
    @classmethod
    def _of_people(cls, breakdown: Breakdowns) -> Breakdowns:
        if not of_people(breakdown):
            raise ValueError("Choose something of the person as they are now: an event's values may differ within one period.")
        return breakdown


class LifecycleCell(Spec):
    """The people in `state` (None: all who were active) in the period that begins on `day` (None: the last one that has begun); with
    `place`, those of the so manyth value of the answer, most people first (one more than are shown: all other values); with `before` those
    of what stands beside it."""

    day: date | None = None
    state: State | None = None
    before: bool = False
    place: Annotated[int, Field(ge=1, le=MOST_VALUES + 1)] | None = None
