"""The same part of two groups of people: both shares, their difference with its interval, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, difference

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
