"""What attribution asks: which events are conversions and what they are worth, what counts as a touch point, how far back one looks, and
how credit is shared."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from bihuan.analyse.visits import Gap
from bihuan.analyse.window import Window
from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

Model = Literal["first", "last", "last_not_direct", "linear", "decay", "position", "markov", "shapley"]
MOST_IN_GAME = 12  # touch points among which the worth of every coalition is worked out


class Conversion(Choosing):
    """Any of the chosen events; it is worth `value`, a property with a number (None: conversions are only counted)."""

    value: Name | None = None


class Touch(Choosing):
    """Any of the chosen events is a touch point: each value of its property `by` one of its own, or (None) each event's name."""

    by: Name | None = None


class AttributionSpec(Spec):
    """Which touch points brought the `conversion`s of `period`, and how much of each.

    Touch points are `touches`, or, when there are none, what brought people to their visits: `by` the channel, the source or the
    campaign. A visit ends after `gap` minutes without event. Visits that came `direct`ly count like others ("include"), only where the
    path has nothing else ("alone"), or never ("exclude").

    Each conversion has a path of its own: the touch points of the same person in the `window` before it, with the same value of the
    property `held`; with `repeat` "reset" only those after the conversion before. `loops` "collapse": the same touch point several
    times in a row is one. `points` touch points stand alone, all others are one.

    All models are worked out; `model` is the one that is charted, compared and broken down. Time decay halves a touch point's weight
    with every `half_life` before the path's end; the position model gives `position_first` and `position_last` to a path's ends. Markov
    chains remember `order` touch points. The game of Shapley values says what a coalition of touch points is worth: the conversions of
    "paths" with nothing else in them, or the chance to convert in the "chain" when all others are gone. `filter` must hold of every
    event that is looked at.
    `breakdown` is of the conversion (of a path without one: of its last touch point); `top` values are shown alone. `sample` asks this
    part of the people only.
    """

    conversion: Conversion
    touches: Annotated[tuple[Touch, ...], Field(max_length=20)] = ()
    by: Literal["channel", "source", "campaign"] = "channel"
    gap: Gap = 30
    direct: Literal["include", "alone", "exclude"] = "include"
    held: Name | None = None
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    window: Window = Window(n=30)
    repeat: Literal["each", "reset"] = "each"
    loops: Literal["keep", "collapse"] = "keep"
    points: Annotated[int, Field(ge=1, le=50)] = 12
    model: Model = "markov"
    half_life: Window = Window(n=7)
    position_first: Annotated[float, Field(ge=0, le=1)] = 0.4
    position_last: Annotated[float, Field(ge=0, le=1)] = 0.4
    order: Annotated[int, Field(ge=1, le=3)] = 1
    game: Literal["paths", "chain"] = "paths"
    compare: Comparison = None
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 5
    sample: Sample = None

    @model_validator(mode="after")
    def _can_be_answered(self) -> AttributionSpec:
        if self.held and not self.touches:
            raise ValueError("Visits have no property that could be the same at the conversion: choose events as touch points.")
        if self.position_first + self.position_last > 1:
            raise ValueError("The first and the last touch point cannot have more than 100 % together.")
        if self.game == "chain" and self.points >= MOST_IN_GAME and not self.all_alone:
            raise ValueError("What every group is worth in the chain can be worked out for 11 touch points and the others: show fewer.")
        if isinstance(self.compare, Target):
            raise ValueError("A target is for trends: compare with another period or group.")
        return self

    @property
    def channels(self) -> bool:
        """Whether touch points are visits."""
        return not self.touches

    @property
    def all_alone(self) -> bool:
        """Whether every touch point stands alone: there are not many channels."""
        return self.channels and self.by == "channel"

    @property
    def models(self) -> tuple[Model, ...]:
        """Those that say something of their own: without visits nothing is direct."""
        return tuple(model for model in get_args(Model) if self.channels or model != "last_not_direct")

    @property
    def chosen(self) -> Model:
        """The model that is charted, compared and broken down."""
        return self.model if self.model in self.models else "last"


class AttributionCell(Spec):
    """People with a path: one that has the touch point `point` (its key) anywhere, first or last (`role`); that is exactly `path` (keys);
    that ends with a conversion, or not (`converted`); that is a conversion without any touch point (`untouched`); whose breakdown is
    `value` (`none`: has no value, `other`: one that is not shown alone). `beside`: in what the answer is compared with."""

    point: str | None = None
    role: Literal["any", "first", "last"] = "any"
    path: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    converted: bool | None = None
    untouched: bool = False
    value: str | None = None
    none: bool = False
    other: bool = False
    beside: bool = False
