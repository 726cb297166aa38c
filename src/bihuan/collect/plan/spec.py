"""The documents of the tracking plan: one for each event (kind `event`), and one of what holds for all of them (kind `plan`).

One document an event, because events have different owners and change at different times: each has its own history, two people
change two events without meeting, and in a file the difference stands at the event that changed.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bihuan.collect.events import MAX_NAME
from bihuan.collect.plan.check import Policy
from bihuan.collect.plan.patterns import BadPattern, compiled

PLAN_KEY = "plan"  # of the only definition of kind `plan`
MOST_PROPERTIES = 300

Type = Literal["any", "string", "number", "integer", "boolean", "array", "object", "time"]
TYPES: tuple[Type, ...] = ("any", "string", "number", "integer", "boolean", "array", "object", "time")


def _pattern(text: str) -> str:
    if text:
        try:
            compiled(text)
        except BadPattern as error:
            raise ValueError(str(error)) from None
    return text


def separate(given: Any) -> Any:
    """In a form, allowed values are one text: a line or a comma between two."""
    return [one for one in re.split(r"\s*[\n,，、|]\s*", given.strip()) if one] if isinstance(given, str) else given


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class PropertyRule(_Document):
    """A declared property: its type, whether every event must have it (null and "" are as if it were not there), and which values may
    come: one of `allowed` (as text), like `pattern` (a regular expression of the whole), from `least` to `most`."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    type: Type = "any"
    required: bool = False
    allowed: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=200), BeforeValidator(separate)] = ()
    pattern: Annotated[str, Field(max_length=500), AfterValidator(_pattern)] = ""
    least: Annotated[float | None, Field(allow_inf_nan=False)] = None
    most: Annotated[float | None, Field(allow_inf_nan=False)] = None
    description: Annotated[str, Field(max_length=1000)] = ""
    owner: Annotated[str, Field(max_length=200)] = ""
    example: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _can_hold(self) -> PropertyRule:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("The least value is greater than the greatest.")
        if (self.least is not None or self.most is not None) and self.type not in ("any", "number", "integer"):
            raise ValueError("Only a number has a least and a greatest value.")
        if self.pattern and self.type not in ("any", "string", "time"):
            raise ValueError("Only a text can be like a pattern.")
        return self


def _different(rules: tuple[PropertyRule, ...]) -> tuple[PropertyRule, ...]:
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError("A property stands there twice.")
    return rules


Rules = Annotated[tuple[PropertyRule, ...], Field(max_length=MOST_PROPERTIES), AfterValidator(_different)]


class EventSpec(_Document):
    """A declared event. `policy`: take it unchecked, take it and count what is wrong, or keep it in the quarantine; `undeclared` is the
    same for properties that nobody declared (`inherit`: as the plan says)."""

    event: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    policy: Policy = "warn"
    undeclared: Literal["inherit", "accept", "warn", "quarantine"] = "inherit"
    owner: Annotated[str, Field(max_length=200)] = ""
    properties: Rules = ()


class PlanSpec(_Document):
    """What holds for all events: what becomes of undeclared ones and of undeclared properties, and `properties` that all events have."""

    undeclared_events: Policy = "accept"
    undeclared_properties: Policy = "accept"
    properties: Rules = ()
