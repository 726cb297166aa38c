"""What root cause asks: which number moved, between which two periods, and among what its causes are looked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from bihuan.engine.compare import Before, Other
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

Measure = Literal["count", "people", "sum", "rate", "revenue"]
MOST_DIMENSIONS = 12


def _listed(given: object) -> object:
    """One name alone is a list of one."""
    return (given,) if isinstance(given, str) else given


def _from_word(given: object) -> object:
    return {"to": given} if isinstance(given, str) else given


Names = Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(max_length=MOST_DIMENSIONS)]


class RootCauseSpec(Spec):
    """Why `measure` of the events `of` is another in `period` than in the one it is compared with.

    `count` their number; `people` who did them; `sum` of their property `value`; `revenue` the same, told as people, orders and value;
    `rate` how many `hits` there are for each of them. Causes are looked for among the typed properties of events (not with `only`), the
    properties `dimensions`, and the present properties `people` of persons. `top` values of each are shown alone.
    """

    of: Choosing
    measure: Measure = "count"
    value: Name = "revenue"
    hits: Choosing | None = None
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=7, complete=True)
    compare: Annotated[Before | Other, BeforeValidator(_from_word)] = Before(to="previous")
    dimensions: Names = ()
    people: Names = ()
    only: bool = False
    top: Annotated[int, Field(ge=1, le=50)] = 5

    @model_validator(mode="after")
    def _whole(self) -> RootCauseSpec:
        if self.measure == "rate" and self.hits is None:
            raise ValueError("A rate needs the events that are counted for each of the others.")
        if self.only and not (self.dimensions or self.people):
            raise ValueError("Say among which properties the cause should be looked for.")
        return self


class RootCauseCell(Spec):
    """The people of the part `value` ('' when `nothing`) of the dimension `by`, in the period or (`before`) in the other one. Without `by`:
    all of them."""

    by: str | None = None
    value: str | None = None
    nothing: bool = False
    before: bool = False
