"""What basket asks: what an item is, what makes several of them one basket, and which rules are worth showing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bihuan.analyse.visits import Gap
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

MOST_ITEMS = 200
MOST_OF_THREES = 30  # items among which rules of three are looked for
Rank = Literal["surest", "lift", "together", "confidence", "leverage", "support_change", "confidence_change", "lift_change"]
CHANGES: tuple[Rank, ...] = ("support_change", "confidence_change", "lift_change")
Item = Annotated[str, Field(min_length=1, max_length=2_000)]


class Bought(Choosing):
    """Any of the chosen events."""


class BasketSpec(Spec):
    """What is together in a basket more often than chance.

    An item is the property `item` of the events `of`; of a list each element; with `key`, where these are objects, the value under it.
    A `basket` is one event; or all events of a person with the same value of the property `same` (an order's number); or all of a person in
    a session (which ends after `gap` minutes without any event), on a day, or in the whole period.

    The `most` common items, those in the most baskets, are looked at. A rule says of a basket with one item that another is in it, with
    `size` 3 of two that a third is; those in `least` baskets or more are shown, the first `top` by `rank`: `surest` (the least that the
    lift is), `lift`, `together` (how many baskets), `confidence` or `leverage`. Without `chance` only those that are more than chance,
    and of three items only those that say more than two do. `sample` asks this part of the people only.

    With `compare` baskets of another period or of other people stand beside these. Items are then those in the most baskets of either side,
    and a rule is in `least` baskets of one of them. It may be ranked by what changed most, the least that the change is: its `support`,
    `confidence` or `lift`. Without `chance`, rules are shown that are more than chance on a side, or whose lift changed by more.
    """

    of: Bought
    item: Name
    key: Name | None = None
    basket: Literal["event", "same", "session", "day", "person"] = "event"
    same: Name | None = None
    gap: Gap = 30
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    most: Annotated[int, Field(ge=2, le=MOST_ITEMS)] = 100
    least: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    size: Annotated[int, Field(ge=2, le=3)] = 2
    chance: bool = False
    top: Annotated[int, Field(ge=1, le=500)] = 50
    compare: Comparison = None
    rank: Rank = "surest"
    sample: Sample = None

    @field_validator("compare")
    @classmethod
    def _not_a_target(cls, compare: Comparison) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("Baskets have no target: compare them with a period or with other people.")
        return compare

    @field_validator("rank")
    @classmethod
    def _changes_beside_something(cls, rank: Rank, info: ValidationInfo) -> Rank:
        if rank in CHANGES and info.data.get("compare") is None:
            raise ValueError("Say what these baskets are compared with: otherwise nothing changed.")
        return rank

    @model_validator(mode="after")
    def _whole(self) -> BasketSpec:
        if self.basket == "same" and self.same is None:
            raise ValueError("Say which property has the same value in one basket.")
        return self

    @property
    def threes(self) -> int:
        """Among how many items rules of three are looked for; 0: nowhere."""
        return min(self.most, MOST_OF_THREES) if self.size == 3 else 0


class BasketCell(Spec):
    """People with a basket that has these items (without any: with one at all), and with `without` no basket that has that one; with
    `before` of what it is compared with."""

    first: Item | None = None
    second: Item | None = None
    third: Item | None = None
    without: Item | None = None
    before: bool = False
