"""What broken-down answers have in common: how one of their parts is called."""

from __future__ import annotations

from typing import Protocol

from bihuan.engine.question import Reader

OTHER = "(other)"  # the value of the last part in a table


class Part(Protocol):
    """The answer for some of the people: everybody (`value` None), those with `value` ('' when they have none), or those of the `other`
    values that are not shown alone (`value` None again)."""

    @property
    def value(self) -> str | None: ...
    @property
    def other(self) -> int: ...


def part_title(part: Part, reader: Reader) -> str:
    """How a reader calls the part."""
    if part.value is None:
        return reader.say("{count} other values", count=part.other) if part.other else reader.say("Everybody")
    return part.value or reader.say("(none)")


def part_value(part: Part) -> str:
    """How a table names the part."""
    return OTHER if part.value is None else part.value
