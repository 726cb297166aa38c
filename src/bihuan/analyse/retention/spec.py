"""What retention asks: which event makes people part of a cohort, which one counts as coming back, and how time is cut."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing


class Doing(Choosing):
    """Any of the chosen events."""


class RetentionSpec(Spec):
    """How many of those who did `start` did `return` in the same day, week or month and in each of the `periods` that follow.

    `mode` says who is in a cohort: `first_ever` those who did `start` in it for the first time of all, `recurring` everybody who did
    `start` in it. Cohorts are the whole calendar days, weeks (from Monday) or months that `period` touches. `filter` must hold of both
    events. (`return` is a Python word: the field is `return` in every document, `returning` in code.)
    """

    start: Doing
    returning: Annotated[Doing, Field(alias="return")]
    mode: Literal["first_ever", "recurring"] = "first_ever"
    unit: Literal["day", "week", "month"] = "day"
    periods: Annotated[int, Field(ge=1, le=100)] = 7
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 5
