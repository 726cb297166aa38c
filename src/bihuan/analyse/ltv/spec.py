"""What lifetime value asks: which event is a purchase, what it is worth, whose value, and how far ahead."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from bihuan.analyse.purchase import Purchase
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class LtvSpec(Spec):
    """What customers who first did `purchase` in `period` have brought since, by cohort (`unit` of their first purchase) and age
    (whole units since it), up to the age `ages`; and what they will bring in the next `horizon` days.

    `filter` must hold of every purchase. All purchases up to today count, also those after the period.
    """

    purchase: Purchase
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=365)
    unit: Literal["day", "week", "month"] = "month"
    ages: Annotated[int, Field(ge=1, le=60)] = 12
    horizon: Annotated[int, Field(ge=1, le=1825)] = 90


class LtvCell(Spec):
    """Customers of the cohort that begins on `cohort` (None: of all), all of them or only those who bought once, or again."""

    cohort: date | None = None
    bought: Literal["all", "once", "again"] = "all"
