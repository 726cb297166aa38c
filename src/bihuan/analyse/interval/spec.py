"""What intervals ask: between which events time is measured, how long it may be, and which intervals are looked at together."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bihuan.analyse.spread import Cuts
from bihuan.analyse.window import SECONDS, Window
from bihuan.analyse.window import Unit as TimeUnit
from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

MOST_VALUES = 50


class IntervalSpec(Spec):
    """The time from a `start` to the next `end` of the same person, at most `longest`; `filter` must hold of every event that is looked at.

    An end belongs to the starts since the end before it: to the last of them, or (`begins` "first") to the first. With `held` both have
    the same value of this property, which parts a person's events as if they were several people's. An interval belongs to the day of its
    start, or (`day` "end") of its end; `unit` is what it is shown by. A breakdown by what events say takes the start or (`value_of`) the
    end. Bars begin at `cuts`, in `cut_unit`s, or where Bihuan finds them readable. `sample` asks this part of the people only.
    """

    start: Choosing
    end: Choosing
    begins: Literal["last", "first"] = "last"
    longest: Window = Window(n=30)
    held: Name | None = None
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    day: Literal["start", "end"] = "start"
    unit: Literal["day", "week", "month"] = "day"
    cuts: Cuts = ()
    cut_unit: TimeUnit = "day"
    compare: Comparison = None
    breakdown: Breakdowns = ()
    value_of: Literal["start", "end"] = "start"
    top: Annotated[int, Field(ge=1, le=MOST_VALUES)] = 5
    sample: Sample = None

    @field_validator("compare")
    @classmethod
    def _not_a_target(cls, compare: Comparison) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("Intervals have no target: compare them with a period or with other people.")
        return compare

    @model_validator(mode="after")
    def _cuts_are_times(self) -> IntervalSpec:
        if self.cuts and self.cuts[0] < 0:
            raise ValueError("No interval is shorter than nothing: the bars begin at 0 or later.")
        return self

    @property
    def edges(self) -> tuple[float, ...]:
        """Where the bars begin, in milliseconds; empty when Bihuan is to find it."""
        return tuple(round(cut * SECONDS[self.cut_unit] * 1000, 6) for cut in self.cuts)


class IntervalCell(Spec):
    """The people with an interval of the day, week or month `bucket` (None: of any), of at least `least` and less than `below` seconds, in
    the quarter `quarter` (1: the shortest, up to the first quartile; each one beginning after the quartile that ends the one before). With
    `place` those of the so manyth value of the answer (one more than are shown: all other values); with `before` of what it is compared
    with."""

    bucket: date | None = None
    least: Annotated[float, Field(ge=0)] | None = None
    below: Annotated[float, Field(ge=0)] | None = None
    quarter: Annotated[int, Field(ge=1, le=4)] | None = None
    before: bool = False
    place: Annotated[int, Field(ge=1, le=MOST_VALUES + 1)] | None = None
