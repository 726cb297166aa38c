"""What composition asks: who, by which of their properties, and beside whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bihuan.engine.breakdowns import MOST, ByChannel, ByNumber, ByPerson, BySegment
from bihuan.engine.compare import Before, Comparison, Groups, Other, Target
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

MOST_VALUES = 50
MOST_CELLS = 5_000


class Did(Choosing):
    """Any of the chosen events, in the period."""


class Who(BaseModel):
    """People: everybody who has an id; of these only those in `segment`, those of whom `filter` (conditions on people) is true, and those
    who `did` one of these events in the period."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    segment: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    filter: Filter = EVERYTHING
    did: Did | None = None


class ByDate(BaseModel):
    """The day, month or year (`unit`) that the person's property `date` is in, on the project's clock; '' when it is no time."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    date: Name
    unit: Literal["day", "month", "year"] = "month"


class ByElement(BaseModel):
    """Each element of the person's property `elements`, a list: a person is counted with every one, once. What is no list is one alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    elements: Name


By = ByPerson | ByNumber | ByDate | ByElement | BySegment | ByChannel


def _listed(given: object) -> object:
    """One alone is a list of one; a number is a person's here."""
    if given is None:
        return ()
    every = given if isinstance(given, list | tuple) else (given,)
    return tuple({"of": "person", **one} if isinstance(one, Mapping) and "number" in one else one for one in every)


class CompositionSpec(Spec):
    """How many of the people `who` have which values of up to three of their properties `by`, and how many of the people `base` beside
    them. Without `by` all known properties are looked through.

    `as_of` says when a property is looked at: `now`, or at the `end` of `period`. Of each property the `top` values with the most people
    of `who` are shown alone. With `value`, a property with a number, its `measure` is taken over the people of each part too.

    `compare` puts other people of `who` beside them: those of another period, or of another segment. Their properties are looked at
    as of the same moment: what differs is who they are. `sample` asks this part of the people only.
    """

    who: Who = Who()
    base: Who = Who()
    by: Annotated[tuple[By, ...], BeforeValidator(_listed), Field(max_length=MOST)] = ()
    as_of: Literal["now", "end"] = "now"
    value: Name | None = None
    measure: Literal["sum", "avg", "median"] = "avg"
    period: PeriodSpec = Last(last=30)
    top: Annotated[int, Field(ge=1, le=MOST_VALUES)] = 10
    compare: Comparison = None
    sample: Sample = None

    @model_validator(mode="after")
    def _of_people(self) -> CompositionSpec:
        for one in self.by:
            if isinstance(one, ByPerson) and one.as_of != "now":
                raise ValueError("Say once for all properties whether they are those of now or of the period's end.")
            if (isinstance(one, ByNumber) and one.of != "person") or (isinstance(one, ByChannel) and one.channel != "first"):
                raise ValueError("People are told apart by what is the same for all of their events.")
        if len(set(self.by)) < len(self.by):
            raise ValueError("The same property is named twice.")
        if (self.top + 2) ** len(self.by) > MOST_CELLS:
            raise ValueError("Of three properties at most 15 values each can be shown.")
        if isinstance(self.compare, Target):
            raise ValueError("People can be compared with those of another period or segment, not with a number.")
        if isinstance(self.compare, Before | Other) and self.who.did is None:
            raise ValueError("Say what these people did in the period: otherwise those of another period are the same.")
        return self

    @property
    def compared(self) -> bool:
        """Whether the people asked about stand beside others."""
        return self.who != self.base or isinstance(self.compare, Groups)


class CompositionCell(Spec):
    """The people of `who` (or with `base` those of the base) in a part: with the value `first` of the first property, and so on; a value is
    "=" and its text ("=" alone: none), "*" is all that are not shown alone. With `name` the first value is one of that property, where all
    are looked through. `before`: those that they are compared with."""

    name: Name | None = None
    first: str | None = None
    second: str | None = None
    third: str | None = None
    base: bool = False
    before: bool = False

    @property
    def values(self) -> tuple[str | None, ...]:
        return self.first, self.second, self.third
