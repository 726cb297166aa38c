"""The filter tree: which events and which people a question is about, and the SQL condition it stands for.

A condition on an event looks at that event's own properties; a condition on people looks at the person behind it, as they are
*now*. The tree is spliced as it is: a saved segment is only a tree with a name.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Op = Literal["is", "is_not", "contains", "not_contains", "gt", "ge", "lt", "le", "set", "not_set"]
Value = str | float | bool
Values = Annotated[tuple[Value, ...], Field(max_length=1_000)]


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventProperty(_Node):
    """The event's property `property` compares as `op` with any of `values` (`is`), or with the first (order)."""

    property: Annotated[str, Field(min_length=1, max_length=200)]
    op: Op = "is"
    values: Values = ()


class PersonProperty(_Node):
    """The person's present property `person` compares as `op` with `values`."""

    person: Annotated[str, Field(min_length=1, max_length=200)]
    op: Op = "is"
    values: Values = ()


class Did(_Node):
    """The person did event `did` (`where` true of it) at least (`ge`), at most (`le`) or exactly (`eq`) `times` times in the
    last `days` days, today included. `le` and `eq` 0 include those who never did it."""

    did: Annotated[str, Field(min_length=1, max_length=200)]
    op: Literal["ge", "le", "eq"] = "ge"
    times: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    days: Annotated[int, Field(ge=1, le=3660)] = 30
    where: Filter | None = None


class InSegment(_Node):
    """The person belongs to the saved segment with this key."""

    segment: Annotated[str, Field(min_length=1, max_length=100)]


class All(_Node):
    """Every condition holds; true when there is none."""

    all: tuple[Filter, ...] = ()


class Any(_Node):
    """At least one condition holds; false when there is none."""

    any: tuple[Filter, ...]


class Not(_Node):
    """The condition does not hold. (`not` is a Python word: the field is `not` in every document, `negated` in code.)"""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)
    negated: Annotated[Filter, Field(alias="not")]


Filter = EventProperty | PersonProperty | Did | InSegment | All | Any | Not
EVERYTHING = All()

for _model in (Did, All, Any, Not):
    _model.model_rebuild()
