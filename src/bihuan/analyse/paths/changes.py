"""What is different on the other side: both shares of each link, drop-off and whole way, and whether chance could make as much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bihuan.analyse.statistics import ALPHA, NORMAL, Interval, Share, benjamini_hochberg, difference, independence_p_value, share_difference

Kind = Literal["link", "end", "way"]
Verdict = Literal["", "more", "less"]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """`ways` of `people` on this side, and `before_ways` of `before_people` on the other, go a link (`names`: from, to; None: nodes not
    shown alone), have nothing further at a node (`end`), or are a whole way (`more`: and go on).

    `share` and `before_share` are of all ways on their side, or of all people where these are measured (None: there are none). `change` is
    the one less the other with its 95 % interval, `p_value` that of "chance makes as much", for how many are looked at (Benjamini and
    Hochberg); `verdict` says where that is at most 0.05.
    """

    kind: Kind
    place: int
    names: tuple[str | None, ...]
    more: bool
    cell: Mapping[str, Any]
    ways: int
    people: int
    before_ways: int
    before_people: int
    share: float | None
    before_share: float | None
    change: Interval | None
    p_value: float | None
    verdict: Verdict = ""


@dataclass(frozen=True)
class Sums:
    """How many it is on each side (`mine`, `theirs`), and how many `shared` of these are on both; and the sums over people and sides of the
    square of each one's number (`squares`), and of that number times all their ways on the side (`products`)."""

    mine: int
    theirs: int
    shared: int
    squares: int
    products: int


def compared(one: Sums, every: Sums, *, by_person: bool) -> tuple[Interval | None, float | None]:
    """The share on this side less that on the other with its 95 % interval, and how likely chance alone makes as much.

    The ways of a person are alike, so that many of them tell less than as many people's: numbers are divided by how many times as great
    the variance is as it were of as many people (the design effect of Rao and Scott; at least 1). Where a number that chance would give is
    under 5, the p-value is that of Fisher's exact test.
    """
    if not every.mine or not every.theirs:
        return None, None
    effect = design_effect(one, every) if by_person else 1.0
    mine, theirs, both = Share(one.mine, every.mine), Share(one.theirs, every.theirs), Share(one.shared, every.shared)
    if not both.people:
        found, p_value = _apart(mine, theirs, effect)
    elif both.people == mine.people:
        rest, p_value = _apart(mine, _less(theirs, mine), effect)
        found = rest.times(1 - mine.people / theirs.people)
    elif both.people == theirs.people:
        rest, p_value = _apart(_less(mine, theirs), theirs, effect)
        found = rest.times(1 - theirs.people / mine.people)
    else:
        found, p_value = _overlapping(mine, theirs, both, effect)
    change = mine.rate - theirs.rate
    low, high = (change if bound is None else bound for bound in (found.low, found.high))
    return Interval(change, min(change, low), max(change, high)), p_value


NOTHING = Interval(0.0, 0.0, 0.0)


def _less(whole: Share, part: Share) -> Share:
    return Share(whole.converted - part.converted, whole.people - part.people)


def _apart(mine: Share, theirs: Share, effect: float) -> tuple[Interval, float]:
    """Of two groups that have nothing in common."""
    if not mine.people or not theirs.people:
        return NOTHING, 1.0
    one, other = (Share(round(side.converted / effect), max(1, round(side.people / effect))) for side in (mine, theirs))
    found = share_difference(one, other) or NOTHING
    return found, independence_p_value(one.converted, one.people, one.converted + other.converted, one.people + other.people)


def _overlapping(mine: Share, theirs: Share, both: Share, effect: float) -> tuple[Interval, float]:
    """Of two groups some of which are the same: the interval is as many times wider as the effect says."""
    found, p_value = difference(mine, theirs, both)
    if found is None or p_value is None or found.low is None or found.high is None:
        return NOTHING, 1.0
    wider = math.sqrt(effect)
    bounds = (max(-1.0, min(1.0, found.estimate + (bound - found.estimate) * wider)) for bound in (found.low, found.high))
    sureness = -NORMAL.inv_cdf(p_value / 2) if p_value > 1e-300 else 37.0  # standard errors
    return Interval(found.estimate, *bounds), math.erfc(sureness / wider / math.sqrt(2))


def design_effect(one: Sums, every: Sums) -> float:
    number = every.mine + every.theirs
    share = (one.mine + one.theirs) / number
    if not 0 < share < 1:
        return 1.0
    spread = one.squares - 2 * share * one.products + share * share * every.squares
    return max(1.0, spread / (number * share * (1 - share)))


def tested(several: Sequence[Change]) -> tuple[Change, ...]:
    """The greatest difference first, p-values for how many there are."""
    adjusted = benjamini_hochberg([1.0 if one.p_value is None else one.p_value for one in several])
    found = [
        one if one.p_value is None or one.change is None else replace(one, p_value=p_value, verdict=_verdict(one.change, p_value))
        for one, p_value in zip(several, adjusted, strict=True)
    ]
    return tuple(sorted(found, key=_order))


def _verdict(change: Interval, p_value: float) -> Verdict:
    if p_value > ALPHA:
        return ""
    return "more" if change.estimate > 0 else "less"


def _order(one: Change) -> tuple[Any, ...]:
    size = 0.0 if one.change is None else round(-abs(one.change.estimate), 12)
    return size, one.kind, one.place, tuple(name or "" for name in one.names), one.more
