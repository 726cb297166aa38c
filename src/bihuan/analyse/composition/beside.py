"""The same part of two groups of people: both shares, their difference with its interval, and whether it is more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bihuan.analyse.statistics import ALPHA, NORMAL, Interval, Share, benjamini_hochberg, share_difference, share_p_value

Verdict = Literal["", "more", "less"]


@dataclass(frozen=True)
class Beside:
    """`people` of those compared with have the values of a part, `shared` of them are asked about, too; `share` of all compared with.

    `change` is the share of those asked about less this one, with its 95 % interval (None: one side is nobody). `p_value` is of "it is
    chance that they differ", adjusted for all parts of the answer; `verdict` says where that is at most 0.05. `number` is the sum,
    average or median asked for.
    """

    people: int
    shared: int
    share: float | None
    change: Interval | None
    p_value: float | None
    verdict: Verdict = ""
    number: float | None = None


def beside(mine: Share, theirs: Share, both: Share, number: float | None = None) -> Beside:
    """`both` are those of `mine` and `theirs` who are in the two groups."""
    change, p_value = difference(mine, theirs, both)
    share = theirs.rate if theirs.people else None
    return Beside(theirs.converted, both.converted, share, change, p_value, number=number)


def difference(mine: Share, theirs: Share, both: Share) -> tuple[Interval | None, float | None]:
    """The one share less the other, and how likely chance makes as much.

    Of two groups apart by the score (Miettinen and Nurminen). Where one is a part of the other it is compared with the rest: the
    difference is then that to the rest, times the part that the rest is. Where they overlap those in both are the same on both sides,
    so they take from the variance what they have in common (their covariance); one person with the values and one without are added to
    each side, by which the interval holds for small shares, too (Agresti and Caffo).
    """
    if not mine.people or not theirs.people:
        return None, None
    if not both.people:
        return share_difference(mine, theirs), share_p_value(mine, theirs)
    if both.people == mine.people or both.people == theirs.people:
        return _of_a_part(mine, theirs, both)
    change = mine.rate - theirs.rate
    one, other = (Share(side.converted + 1, side.people + 2) for side in (mine, theirs))
    covariance = both.converted - (one.rate + other.rate) * both.converted + both.people * one.rate * other.rate
    covariance /= one.people * other.people
    variance = sum(side.rate * (1 - side.rate) / side.people for side in (one, other)) - 2 * covariance
    error = math.sqrt(max(variance, 0.0))
    middle = one.rate - other.rate
    if not error:
        return Interval(change, change, change), 1.0
    half = NORMAL.inv_cdf(1 - ALPHA / 2) * error
    low, high = min(change, max(-1.0, middle - half)), max(change, min(1.0, middle + half))
    return Interval(change, low, high), math.erfc(abs(middle) / error / math.sqrt(2))


def _of_a_part(mine: Share, theirs: Share, both: Share) -> tuple[Interval | None, float | None]:
    inside, whole = (mine, theirs) if both.people == mine.people else (theirs, mine)
    rest = Share(whole.converted - inside.converted, whole.people - inside.people)
    if not rest.people:
        return Interval(0.0, 0.0, 0.0), 1.0
    found = share_difference(inside, rest) if inside is mine else share_difference(rest, inside)
    return found.times(rest.people / whole.people) if found else None, share_p_value(inside, rest)


def tested(several: Sequence[Beside]) -> list[Beside]:
    """The same with p-values adjusted for how many they are, and what these say."""
    adjusted = benjamini_hochberg([1.0 if one.p_value is None else one.p_value for one in several])
    return [
        one if one.p_value is None or one.change is None else replace(one, p_value=p_value, verdict=_verdict(one.change, p_value))
        for one, p_value in zip(several, adjusted, strict=True)
    ]


def _verdict(change: Interval, p_value: float) -> Verdict:
    if p_value > ALPHA:
        return ""
    return "more" if change.estimate > 0 else "less"
