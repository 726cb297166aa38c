"""What stickiness asks: which events make people active, and in what their activity is counted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

MOST_VALUES = 50


class Active(Choosing):
    """Any of the chosen events; any event at all unless something is chosen."""

    event: Annotated[str, Field(min_length=1, max_length=200)] = "*"


class StickinessSpec(Spec):
    """On how many different days (weeks from Monday, months) of `period` people did `active`, if `filter` is true of the event. Weeks and
    months are whole: all that `period` touches. `cumulative` shows how many did it on at least so many, `shown` people or their share.
    Beside it, with `compare`, another period or other people. `sample` asks this part of the people only."""

    active: Active = Active()
    unit: Literal["day", "week", "month"] = "day"
    cumulative: bool = False
    shown: Literal["people", "share"] = "people"
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    compare: Comparison = None
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=MOST_VALUES)] = 5
    sample: Sample = None

    @field_validator("compare")
    @classmethod
    def _not_a_target(cls, compare: Comparison) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("A distribution has no target: compare it with a period or with other people.")
        return compare


class StickinessCell(Spec):
    """The people who were active on exactly `times` days (weeks, months) or on at least so many (`at_least`); None: on any. With `place`
    those of the so manyth value of the answer (one more than are shown: all other values); with `before` of what it is compared with."""

    times: Annotated[int, Field(ge=1)] | None = None
    at_least: bool = False
    before: bool = False
    place: Annotated[int, Field(ge=1, le=MOST_VALUES + 1)] | None = None
