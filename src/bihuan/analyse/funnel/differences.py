"""How two funnels differ: in the conversion of each step from the one before it, and in that of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bihuan.analyse.differences import Difference, adjusted, compared
from bihuan.analyse.statistics import Share


class Counted(Protocol):
    """A step: `people` did it, `dropped` of those at the required step before did not."""

    @property
    def people(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def number(self) -> int: ...


def of_steps(now: Sequence[Counted], before: Sequence[Counted], *, overlapping: bool) -> tuple[Difference, ...]:
    """The difference of each step after the first."""
    return adjusted(
        [
            compared(
                one.number, Share(one.people, one.people + one.dropped), Share(other.people, other.people + other.dropped), overlapping
            )
            for one, other in zip(now[1:], before[1:], strict=True)
        ]
    )


def of_whole(now: Sequence[Counted], before: Sequence[Counted], *, overlapping: bool) -> Difference:
    """The difference of the last step's share of the first."""
    return compared(None, Share(now[-1].people, now[0].people), Share(before[-1].people, before[0].people), overlapping)
