"""What retention asks: which event makes people part of a cohort, which one counts as coming back, and how time is cut."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Before, Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing


class Doing(Choosing):
    """Any of the chosen events."""


def _numbers(given: object) -> object:
    """Numbers typed into one field, with commas or spaces between."""
    return tuple(filter(None, re.split(r"[,，、;；\s]+", given))) if isinstance(given, str) else given


MOST_VALUES = 50
Periods = Annotated[int, Field(ge=1, le=100)]
Brackets = Annotated[tuple[Periods, ...], BeforeValidator(_numbers), Field(max_length=30)]


class RetentionSpec(Spec):
    """How many of those who did `start` did `return` in the same hour, day, week or month and in each of the `periods` that follow.

    `mode` says who is in a cohort: `first_ever` those who did `start` in it for the first time of all, `recurring` everybody who did
    `start` in it. Cohorts are the whole calendar hours, days, weeks (from Monday) or months that `period` touches. With `clock`
    "calendar" the periods that follow are such ones too; with "exact" each person's own, counted from the moment of their start, a day
    being 24 hours. `brackets` are the last periods of wider columns in the place of `periods`: 1, 3, 7 are 1, 2-3 and 4-7.

    `counts` "on" is who came back in a column, "on_or_after" who did in it or a later one. `reference` is of what a share is taken: the
    cohort, or those who came back in the column before. With `value`, a property of the return events with a number, it is summed up
    too. `suggest` finds out how long people stay away between two uses. `filter` must hold of both events. `compare` puts the cohorts of
    another period, or of other people, beside these. `sample` asks this part of the people only. (`return` is a Python word: the field is
    `return` in every document, `returning` in code.)
    """

    start: Doing
    returning: Annotated[Doing, Field(alias="return")]
    mode: Literal["first_ever", "recurring"] = "first_ever"
    unit: Literal["hour", "day", "week", "month"] = "day"
    clock: Literal["calendar", "exact"] = "calendar"
    periods: Periods = 7
    brackets: Brackets = ()
    counts: Literal["on", "on_or_after"] = "on"
    reference: Literal["start", "previous"] = "start"
    value: Name | None = None
    suggest: bool = False
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
            raise ValueError("Retention has no target: compare it with a period or with other people.")
        return compare

    @model_validator(mode="after")
    def _possible(self) -> RetentionSpec:
        if list(self.brackets) != sorted(set(self.brackets)):
            raise ValueError("The periods at which columns end must rise.")
        if self.unit == "month" and self.clock == "exact":
            raise ValueError("Months differ in length: count them by the calendar.")
        if self.unit == "month" and isinstance(self.compare, Before) and self.compare.to == "week":
            raise ValueError("Cohorts of a month stand beside those of other months, not of weeks before.")
        return self

    @property
    def followed(self) -> int:
        """How many periods after its own a cohort is followed."""
        return self.brackets[-1] if self.brackets else self.periods

    @property
    def columns(self) -> tuple[tuple[int, int], ...]:
        """The first and the last period of each column; the cohort's own, 0, is the first."""
        ends = self.brackets or tuple(range(1, self.periods + 1))
        return ((0, 0), *((before + 1, end) for before, end in zip((0, *ends), ends, strict=False)))


class RetentionCell(Spec):
    """Those of the cohort that begins at `cohort` (a day, or an instant where hours are asked for; None: of any) who came back in the
    column `after` (None: all who started), or with `came` false those who did not. With `over` only of the cohorts that count in the mean
    of that column: it is over, on both sides where there are two. With `place` those of the so manyth value of the answer, most people
    first (one more than are shown: all other values); with `before` of what it is compared with."""

    cohort: datetime | None = None
    after: Annotated[int, Field(ge=0, le=100)] | None = None
    came: bool = True
    over: Annotated[int, Field(ge=0, le=100)] | None = None
    before: bool = False
    place: Annotated[int, Field(ge=1, le=MOST_VALUES + 1)] | None = None
