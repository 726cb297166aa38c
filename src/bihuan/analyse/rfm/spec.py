"""What RFM asks: which event is a purchase and what it is worth, over how long, and where high begins."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bihuan.analyse.purchase import Purchase
from bihuan.engine.compare import Groups
from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.meta import Sample
from bihuan.engine.question import Spec

Cuts = Annotated[tuple[float, ...], Field(min_length=1, max_length=9)]
Group = Literal["champion", "loyal", "lapsing", "lost_valuable", "regular", "newcomer", "fading", "lost"]
MOST_LEVELS = 10


class Quantiles(BaseModel):
    """Each of the three is cut into `levels` levels of about as many customers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    levels: Annotated[int, Field(ge=2, le=MOST_LEVELS)] = 5


class Fixed(BaseModel):
    """The three are cut at these values, rising: `recency` in days, `frequency` in purchases, `money` in the project's currency. A value
    that is greater than k of the cuts has level k + 1; of recency, where less is better, the levels count from the other end."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    recency: Cuts
    frequency: Cuts
    money: Cuts

    @model_validator(mode="after")
    def _rising(self) -> Fixed:
        for cuts in (self.recency, self.frequency, self.money):
            if list(cuts) != sorted(set(cuts)):
                raise ValueError("The cuts must rise.")
        return self


class RfmSpec(Spec):
    """Customers by how long ago they last did `purchase` (recency), on how many days (frequency) and for how much (money), in the
    last `days` days, today included. `filter` must hold of every purchase. `moved_since`: beside it the groups as they were so many
    days ago, at the same cuts. `compare`: the customers of a segment, and beside them those of another, everybody or everybody else; the
    cuts are those of all customers then too, so that a group means the same on both sides. `sample` asks this part of the people only."""

    purchase: Purchase
    filter: Filter = EVERYTHING
    days: Annotated[int, Field(ge=1, le=3660)] = 365
    cuts: Quantiles | Fixed = Quantiles()
    moved_since: Annotated[int, Field(ge=1, le=1830)] | None = None
    compare: Groups | None = None
    sample: Sample = None


class RfmCell(Spec):
    """Customers of the group `group` (None: of all), or with these scores; with `was`, those who were in that group before ("none": in
    none). With `before` those of the people that they are compared with."""

    group: Group | None = None
    was: Group | Literal["none"] | None = None
    recency: Annotated[int, Field(ge=1, le=MOST_LEVELS)] | None = None
    frequency: Annotated[int, Field(ge=1, le=MOST_LEVELS)] | None = None
    before: bool = False
