"""What answers have in common: how a part of a broken-down one is called, where the numbers of a sample's lie, and in how many digits a
number is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bihuan.engine.breakdowns import Breakdown, part_said
from bihuan.engine.meta import Interval, between
from bihuan.engine.question import Kind, Reader


class Part(Protocol):
    """The answer for some of the people: everybody (`value` None), those with `value` ('' when they have none), or those of the `other`
    values that are not shown alone (`value` None again)."""

    @property
    def value(self) -> str | None: ...
    @property
    def other(self) -> int: ...


class Broken(Protocol):
    """An answer that is broken down; `names` are the segments' by key."""

    @property
    def breakdown(self) -> Sequence[Breakdown]: ...
    @property
    def names(self) -> Mapping[str, str]: ...


class Estimated:
    """An answer whose numbers of people are estimates for everybody where only a `sample` of them was asked."""

    sample: float | None

    def seen(self, people: int) -> int:
        """How many of the sample a number of people was estimated from."""
        return people if self.sample is None else round(people * self.sample)

    def sure(self, people: int) -> Interval | None:
        """Where a number of people lies; None without a sample, and where it has nobody."""
        return between(self.seen(people), self.seen(people), self.sample)


def part_title(part: Part, result: Broken, reader: Reader) -> str:
    """How a reader calls the part."""
    if part.value is None:
        return others_said(part.other, reader) if part.other else reader.say("Everybody")
    return part_said(part.value, result.breakdown, reader, result.names)


def others_said(count: int, reader: Reader) -> str:
    """What so many values that are not shown alone are called together."""
    return reader.counted("{count} other value", "{count} other values", count)


def rounded(value: float | None, digits: int = 2) -> float | None:
    """A mean or a ratio in no more digits than it is read for."""
    return None if value is None else round(value, digits)


def between_said(interval: Interval | None, reader: Reader, kind: Kind = "number") -> str:
    """Where a number that a sample estimates lies: 1,840 – 2,160; '' without one."""
    if interval is None:
        return ""
    low, high = (round(bound) if kind == "number" else bound for bound in (interval.low, interval.high))
    return f"{reader.show(low, kind)} – {reader.show(high, kind)}"
