"""The filter tree: which events and which people a question is about, and the SQL condition it stands for.

A condition on an event looks at that event's own properties. A condition on people looks at the person behind it: at what they did, at
the segments they belong to, and at their properties, as these are *now* or as they were *when the event happened*. The tree is
spliced as it is: a saved segment is only a tree with a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ANY_EVENT = "*"  # as the name of an event: any that came from outside, so none of what Bihuan itself did

Op = Literal[
    # texts, and numbers where the value is one: any of the values
    "is", "is_not", "contains", "not_contains", "matches", "not_matches",
    # numbers, and texts that are one
    "gt", "ge", "lt", "le", "between",
    # lists: any of the values is an element
    "has", "not_has",
    # yes and no
    "is_true", "is_false",
    # times: a value is a day or an instant, or a number of days
    "before", "after", "in_last", "older",
    "set", "not_set",
]  # fmt: skip
WITHOUT_VALUE: frozenset[Op] = frozenset({"set", "not_set", "is_true", "is_false"})
Value = str | float | bool
Values = Annotated[tuple[Value, ...], Field(max_length=1_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]

LONGEST_PATTERN = 500
_UNKNOWN_TO_RE2 = re.compile(r"\(\?(?:[=!>(]|<[=!])|\\[1-9]|\(\?P=")


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Comparison(_Node):
    """`op` with `values`. What each means: `conditions.compare`."""

    op: Op = "is"
    values: Values = ()

    @model_validator(mode="after")
    def _can_be_compared(self) -> _Comparison:
        if self.op in ("matches", "not_matches"):
            for value in self.values:
                check_pattern(str(value))
        if self.op == "between" and self.values and len(self.values) != 2:
            raise ValueError("“Between” takes two values: the least and the greatest.")
        return self


class EventProperty(_Comparison):
    """The event's property `property` compares as `op` with `values`."""

    property: Name


class PersonProperty(_Comparison):
    """The person's property `person` compares as `op` with `values`: their present one, or (`as_of` "event") the one that they had
    when the event happened, what the event itself set included."""

    person: Name
    as_of: Literal["now", "event"] = "now"


class EventChoice(_Node):
    """An event of this name (`*`: any from outside) of which `filter` is true."""

    event: Name
    filter: Filter | None = None


class Did(_Node):
    """The person did event `did` (`where` true of it), or one of `also`, at least (`ge`), at most (`le`) or exactly (`eq`) `times` times
    in the last `days` days, today included. `le` and `eq` 0 include those who never did it."""

    did: Name
    op: Literal["ge", "le", "eq"] = "ge"
    times: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    days: Annotated[int, Field(ge=1, le=3660)] = 30
    where: Filter | None = None
    also: Annotated[tuple[EventChoice, ...], Field(max_length=20)] = ()


class InSegment(_Node):
    """The person belongs to the saved segment with this key."""

    segment: Annotated[str, Field(min_length=1, max_length=100)]


class InList(_Node):
    """The person is one of those kept under this name: a list of people as they once were (`engine.behind.keep`)."""

    list: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


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


Filter = EventProperty | PersonProperty | Did | InSegment | InList | All | Any | Not
EVERYTHING = All()

for _model in (EventChoice, Did, All, Any, Not):
    _model.model_rebuild()


def check_pattern(pattern: str) -> None:
    """Raise ValueError unless the store's regular expressions (RE2: no look-around, no back-references) understand `pattern`."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError("A pattern may have at most 500 characters.")
    if _UNKNOWN_TO_RE2.search(pattern):
        raise ValueError("A pattern can neither look around ((?=…), (?!…)) nor refer back (\\1).")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        raise ValueError("This is not a regular expression.") from None


def parts(tree: Filter) -> Iterator[Filter]:
    """The tree and every condition in it, those on what people did included."""
    yield tree
    match tree:
        case All():
            below: tuple[Filter | None, ...] = tree.all
        case Any():
            below = tree.any
        case Not():
            below = (tree.negated,)
        case Did():
            below = (tree.where, *(choice.filter for choice in tree.also))
        case _:
            below = ()
    for part in below:
        if part is not None:
            yield from parts(part)


def about_event(tree: Filter) -> EventProperty | PersonProperty | None:
    """The first condition that only an event can satisfy (its property, or a person's as of the event); None where people alone can be
    asked. What people did is about people, whatever it says of the event that they did."""
    match tree:
        case EventProperty():
            return tree
        case PersonProperty():
            return tree if tree.as_of == "event" else None
        case All() | Any():
            found = map(about_event, tree.all if isinstance(tree, All) else tree.any)
            return next((one for one in found if one is not None), None)
        case Not():
            return about_event(tree.negated)
    return None
