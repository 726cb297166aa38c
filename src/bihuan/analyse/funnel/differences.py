"""Whether two funnels differ by more than chance would make: each conversion of both with its interval, the difference, and a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, share_difference, share_p_value, wilson


class Counted(Protocol):
    """A step: `people` did it, `dropped` of those at the required step before did not."""

    @property
    def people(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def number(self) -> int: ...


@dataclass(frozen=True)
class Difference:
    """One conversion on both sides: that of step `step` from the required step before it, or (`step` None) of the whole funnel.

    `now` and `before` have Wilson's intervals, `change` (now - before) that of Miettinen and Nurminen. `p_value` is that of the test that
    the interval of the change is turned round from (None: nobody is there to compare); `adjusted` is it for how many steps, or values,
    are compared at once, by Benjamini and Hochberg.
    """

    step: int | None
    now: Interval | None
    before: Interval | None
    change: Interval | None
    p_value: float | None
    adjusted: float | None

    @property
    def clear(self) -> bool:
        """Whether it is more than chance would make."""
        return self.adjusted is not None and self.adjusted < ALPHA


def of_steps(now: Sequence[Counted], before: Sequence[Counted], *, overlapping: bool) -> tuple[Difference, ...]:
    """The difference of each step after the first."""
    return adjusted(
        [
            difference(
                one.number, Share(one.people, one.people + one.dropped), Share(other.people, other.people + other.dropped), overlapping
            )
            for one, other in zip(now[1:], before[1:], strict=True)
        ]
    )


def of_whole(now: Sequence[Counted], before: Sequence[Counted], *, overlapping: bool) -> Difference:
    """The difference of the last step's share of the first."""
    return difference(None, Share(now[-1].people, now[0].people), Share(before[-1].people, before[0].people), overlapping)


def difference(step: int | None, now: Share, before: Share, overlapping: bool) -> Difference:
    """Where those of `before` are everybody, those of `now` among them, `now` is tested against the rest: the difference of the shares is
    then that to the rest, times the part that the rest is."""
    other, part = before, 1.0
    if overlapping:
        other = Share(before.converted - now.converted, before.people - now.people)
        part = other.people / before.people if before.people else 0.0
    change = share_difference(now, other) if other.people > 0 and 0 <= other.converted <= other.people else None
    p_value = share_p_value(now, other) if change else None
    return Difference(step, wilson(now), wilson(before), change.times(part) if change else None, p_value, p_value)


def adjusted(several: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same, their p-values for how many there are."""
    tested = [one.p_value for one in several if one.p_value is not None]
    values = iter(benjamini_hochberg(tested))
    return tuple(one if one.p_value is None else replace(one, adjusted=next(values)) for one in several)
