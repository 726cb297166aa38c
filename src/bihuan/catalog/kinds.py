"""The kinds of definitions and the document that each holds. Upper stages register theirs when their app is ready."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bihuan.engine.filters import EVERYTHING, Filter, about_event
from bihuan.govern.rights import Right


def _about_people(tree: Filter) -> Filter:
    if about_event(tree) is not None:
        raise ValueError("A segment is made of people: ask who did an event instead of a property of events.")
    return tree


class SegmentSpec(BaseModel):
    """The people of whom `filter` is true now."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
    filter: Annotated[Filter, AfterValidator(_about_people)] = EVERYTHING


Measure = Literal["events", "people", "sum", "average", "median", "p90", "distinct"]


class MetricSpec(BaseModel):
    """A number with one meaning: `measure` (of `property`, where it needs one) over events `event` of which `filter` is true.

    `kind` says how it reads; `good` which direction of change is good news.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
    event: Annotated[str, Field(min_length=1, max_length=200)]
    measure: Measure = "events"
    property: Annotated[str, Field(max_length=200)] = ""
    filter: Filter = EVERYTHING
    kind: Literal["number", "money", "seconds"] = "number"
    good: Literal["up", "down"] = "up"

    @model_validator(mode="after")
    def _has_its_property(self) -> MetricSpec:
        if not self.property and self.measure not in ("events", "people"):
            raise ValueError("Choose the property to measure.")
        return self


KINDS: dict[str, type[BaseModel]] = {}
RIGHTS: dict[str, Right] = {}


def register(kind: str, spec: type[BaseModel], *, right: Right = "define") -> None:
    """Make `kind` a kind of definition, which members with `right` may write."""
    KINDS[kind] = spec
    RIGHTS[kind] = right


register("segment", SegmentSpec)
register("metric", MetricSpec)
