"""Rules: what is together, by how much more often than chance, and how sure a sample is of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, independence_p_value, index, wilson
from bihuan.engine import meta


class Count(NamedTuple):
    """So many `baskets` of so many `people`; of a sample also the sum, over people, of the `squares` of how many are theirs."""

    baskets: int = 0
    people: int = 0
    squares: int = 0


Counts = Mapping[tuple[int, ...], Count]  # by the numbers of items, rising; all baskets by none
NONE = Count()


@dataclass(frozen=True)
class Sure:
    """Where the numbers of everybody lie with 95 % confidence that a sample estimates: those of `baskets` and `people` by how much people
    differ (Horvitz and Thompson; at least those of the sample there are), the `share` of baskets and the `confidence` by Wilson's score."""

    baskets: meta.Interval
    people: meta.Interval
    share: meta.Interval
    confidence: meta.Interval | None = None


@dataclass(frozen=True)
class Item:
    """In how many `baskets` `name` is, which `share` of all these are, and how many `people` have one of them. `sure` is of a sample."""

    name: str
    baskets: int
    people: int
    share: float
    sure: Sure | None = None


@dataclass(frozen=True)
class Rule:
    """Of the baskets with all of `when`, how many have `then`.

    `together` baskets of `people` have all of them; `when_baskets` have `when`, `then_baskets` have `then`. `support`: the share of all
    baskets that have all; `confidence`: of those with `when`. `lift` is the confidence divided by the share of all baskets that have
    `then`, with its 95 % interval: 1 where the one says nothing of the other. `leverage`: by which share of all baskets there are more
    of them together than chance would give. `conviction`: how much more often the rule would be wrong if it were chance; None where it
    is never wrong. `p_value` is of "it is chance", adjusted for all rules that could have been found; `verdict` where that is at most
    0.05. `sure` is of a sample.
    """

    when: tuple[str, ...]
    then: str
    together: int
    people: int
    when_baskets: int
    then_baskets: int
    support: float
    confidence: float
    lift: Interval
    leverage: float
    conviction: float | None
    p_value: float
    sure: Sure | None = None

    @property
    def verdict(self) -> str:
        """more, less, or '' where it may be chance."""
        if self.p_value > ALPHA:
            return ""
        return "more" if self.lift.estimate > 1 else "less"


def rules_of(spec: BasketSpec, counts: Counts, names: Mapping[int, str]) -> Iterator[Rule]:
    """All rules that are in baskets enough; of two items that say a third, only those that say it oftener than either of them alone, unless
    all are asked for."""
    pairs = [its for its in counts if len(its) == 2]
    sides = [(its, then) for its in pairs for then in its]
    threes = [(its, then) for its in counts if len(its) == 3 for then in its if spec.chance or _says_more(its, then, counts)]
    items, among = len(names), min(spec.threes, len(names))
    adjusted = dict(zip(pairs, benjamini_hochberg([_p_value(its, its[0], counts) for its in pairs], math.comb(items, 2)), strict=True))
    adjusted_threes = benjamini_hochberg([_p_value(its, then, counts) for its, then in threes], 3 * math.comb(among, 3))
    for its, then in sides:
        yield _rule(its, then, counts, names, adjusted[its], spec.sample)
    for (three, then), p_value in zip(threes, adjusted_threes, strict=True):
        yield _rule(three, then, counts, names, p_value, spec.sample)


def sure_of(count: Count, among: Count, sample: float | None, within: Count | None = None) -> Sure | None:
    """How sure a sample is of `count` baskets of `among`; `within` are those with what a rule begins with."""
    if sample is None:
        return None
    return Sure(
        baskets=_sure(count.baskets, count.squares, sample),
        people=_sure(count.people, count.people, sample),
        share=_wilson(count, among),
        confidence=_wilson(count, within) if within else None,
    )


def scaled(count: int, sample: float | None) -> int:
    """What so many of the sample say of all."""
    return round(meta.scaled(count, sample) or 0)


def rank(rule: Rule, spec: BasketSpec) -> float:
    """The greater, the earlier it is shown."""
    match spec.rank:
        case "surest":
            return rule.lift.low or 0.0
        case "lift":
            return rule.lift.estimate
        case "together":
            return rule.together
        case "confidence":
            return rule.confidence
        case "leverage":
            return rule.leverage


def _without(its: tuple[int, ...], then: int) -> tuple[int, ...]:
    return tuple(number for number in its if number != then)


def _says_more(its: tuple[int, ...], then: int, counts: Counts) -> bool:
    when = _without(its, then)
    confidence = counts[its].baskets / counts[when].baskets
    return all(confidence > counts[min(one, then), max(one, then)].baskets / counts[one,].baskets for one in when)


def _p_value(its: tuple[int, ...], then: int, counts: Counts) -> float:
    when = _without(its, then)
    return independence_p_value(counts[its].baskets, counts[when].baskets, counts[then,].baskets, counts[()].baskets)


def _rule(its: tuple[int, ...], then: int, counts: Counts, names: Mapping[int, str], p_value: float, sample: float | None) -> Rule:
    when = _without(its, then)
    together, baskets, when_baskets, then_baskets = (counts[each].baskets for each in (its, (), when, (then,)))
    lift = index(Share(together, when_baskets), Share(then_baskets, baskets), Share(together, when_baskets))
    assert lift is not None
    confidence, expected = together / when_baskets, then_baskets / baskets
    return Rule(
        when=tuple(names[number] for number in when),
        then=names[then],
        together=scaled(together, sample),
        people=scaled(counts[its].people, sample),
        when_baskets=scaled(when_baskets, sample),
        then_baskets=scaled(then_baskets, sample),
        support=together / baskets,
        confidence=confidence,
        lift=lift,
        leverage=together / baskets - when_baskets / baskets * expected,
        conviction=(1 - expected) / (1 - confidence) if together < when_baskets else None,
        p_value=p_value,
        sure=sure_of(counts[its], counts[()], sample, counts[when]),
    )


def _sure(count: int, squares: int, sample: float) -> meta.Interval:
    found = meta.sure(count, squares, sample)
    assert found is not None
    return meta.Interval(max(float(count), found.low), found.high)


def _wilson(count: Count, among: Count) -> meta.Interval:
    found = wilson(Share(count.baskets, among.baskets))
    return meta.Interval(0.0, 1.0) if found is None or found.low is None or found.high is None else meta.Interval(found.low, found.high)
