"""What lifetime value asks: which event is a purchase, what it is worth, whose value, and how far ahead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from bihuan.analyse.purchase import Purchase
from bihuan.engine.breakdowns import Breakdowns, of_people
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec

MOST_VALUES = 50


def _of_the_person(given: object) -> object:
    """A number to break down by is the person's here, unless it says otherwise."""
    every = given if isinstance(given, list | tuple) else () if given is None else (given,)
    return tuple({"of": "person", **one} if isinstance(one, Mapping) and "number" in one else one for one in every)


class LtvSpec(Spec):
    """What customers who first did `purchase` in `period` have brought since, by cohort (`unit` of their first purchase) and age
    (whole units since it), up to the age `ages`; and what they will bring in the next `horizon` days.

    `filter` must hold of every purchase. All purchases up to today count, also those after the period. A customer's purchases belong
    together, so customers are broken down by what is the person's own: a present property, a segment, the first channel. `sample` asks
    this part of the people only.
    """

    purchase: Purchase
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=365)
    unit: Literal["day", "week", "month"] = "month"
    ages: Annotated[int, Field(ge=1, le=60)] = 12
    horizon: Annotated[int, Field(ge=1, le=1825)] = 90
    breakdown: Annotated[Breakdowns, BeforeValidator(_of_the_person)] = ()
    top: Annotated[int, Field(ge=1, le=MOST_VALUES)] = 5
    sample: Sample = None

    @field_validator("breakdown")
    @classmethod
    def _of_people(cls, breakdown: Breakdowns) -> Breakdowns:
        if not of_people(breakdown):
            raise ValueError(
                "Choose something of the person as they are now: an event's values may differ between one customer's purchases."
            )
        return breakdown


class LtvCell(Spec):
    """Customers of the cohort that begins on `cohort` (None: of all), all of them or only those who bought once, or again; with `place`,
    those of the so manyth value of the answer, most customers first (one more than are shown: all other values)."""

    cohort: date | None = None
    bought: Literal["all", "once", "again"] = "all"
    place: Annotated[int, Field(ge=1, le=MOST_VALUES + 1)] | None = None
