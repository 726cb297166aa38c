"""What a distribution asks: what is counted of each person, or which numbers or texts of events, and into which bars they are put."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bihuan.analyse.spread import Cuts
from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import ANY_EVENT, EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

MOST_VALUES = 50
Measure = Literal["events", "days", "hours", "sum", "average", "min", "max", "distinct", "number", "text"]
OF_EVENTS: frozenset[Measure] = frozenset({"number", "text"})  # each event has one; of all others each person has
WHOLE: frozenset[Measure] = frozenset({"events", "days", "hours", "distinct"})
OF_NOTHING: frozenset[Measure] = frozenset({"events", "days", "hours"})


class Counted(Choosing):
    """Any of the chosen events; any event at all unless something is chosen."""

    event: Name = ANY_EVENT


class DistributionSpec(Spec):
    """How a number spreads over people, or a property over events; `filter` must hold of every event that is looked at.

    `measure` is of each person: how many `counted` events, on how many days or in how many hours of the clock, the sum, average, least or
    greatest of `property`, or how many different values it had; in all of `period`, or (`unit`) in each day, week or month by itself. Or it
    is of each event: the `number` or the `text` of `property`. `among` are those who did it, or all who were active, some of them 0 times.
    Bars begin at `cuts`, or where Bihuan finds them readable; of texts the `texts` most frequent are shown. `sample` asks this part of the
    people only.
    """

    counted: Counted = Counted()
    measure: Measure = "events"
    property: Name | None = None
    among: Literal["doers", "active"] = "doers"
    unit: Literal["period", "day", "week", "month"] = "period"
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    cuts: Cuts = ()
    texts: Annotated[int, Field(ge=1, le=MOST_VALUES)] = 20
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

    @model_validator(mode="after")
    def _fits_together(self) -> DistributionSpec:
        if self.property is None and self.measure not in OF_NOTHING:
            raise ValueError("Choose the property that is to be measured.")
        if self.measure == "days" and self.unit == "day":
            raise ValueError("In one day everybody is active on one day; choose a longer time.")
        if self.among == "active" and self.measure in OF_EVENTS:
            raise ValueError("Among people who were active, only what is of people can be counted.")
        return self


class DistributionCell(Spec):
    """The people whose number is at least `least` and less than `below`, or who did an event whose text is `text` (`no_text`: that has
    none; `rest`: whose text is not shown alone); in the day, week or month `bucket` (None: in any). With `place` those of the so manyth
    value of the answer (one more than are shown: all other values); with `before` of what it is compared with."""

    least: float | None = None
    below: float | None = None
    text: Annotated[str, Field(max_length=2_000)] | None = None
    no_text: bool = False
    rest: bool = False
    bucket: date | None = None
    before: bool = False
    place: Annotated[int, Field(ge=1, le=MOST_VALUES + 1)] | None = None
