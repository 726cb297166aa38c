"""Rules: what is together, by how much more often than chance, beside what it is compared with, and how sure a sample is of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from bihuan.analyse.basket.beside import Change, Four, lift_ratio
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, difference, independence_p_value, index, wilson
from bihuan.engine import meta

Its = tuple[int, ...]  # numbers of items, rising
Key = tuple[Its, int]  # of all items of a rule, and of the one that it ends with


class Count(NamedTuple):
    """So many `baskets` of so many `people`; of a sample also the sum, over people, of the `squares` of how many are theirs."""

    baskets: int = 0
    people: int = 0
    squares: int = 0


Counts = Mapping[Its, Count]  # all baskets by no numbers
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
    """In how many `baskets` `name` is, which `share` of all these are (None: there are none), and how many `people` have one of them.
    `sure` is of a sample; `before` is what it is compared with, and `change` the share less that one."""

    name: str
    baskets: int
    people: int
    share: float | None
    sure: Sure | None = None
    before: Item | None = None
    change: Change | None = None


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Of the baskets with one or two items, how many have another.

    `together` baskets of `people` have all of them; `when_baskets` have those that it begins with, `then_baskets` the other. `support`:
    the share of all baskets that have all; `confidence`: of those with what it begins with. `lift` is the confidence divided by the share
    of all baskets that have the other, with its 95 % interval: 1 where the one says nothing of the other. `leverage`: by which share of all
    baskets there are more of them together than chance would give. `conviction`: how much more often the rule would be wrong if it were
    chance; None where it is never wrong. (All None where there is nothing to divide by.) `p_value` is of "it is chance", adjusted for all
    rules that could have been found; `verdict` where that is at most 0.05. `sure` is of a sample.
    """

    together: int
    people: int
    when_baskets: int
    then_baskets: int
    support: float | None
    confidence: float | None
    lift: Interval | None
    leverage: float | None
    conviction: float | None
    p_value: float
    sure: Sure | None = None

    @property
    def verdict(self) -> str:
        """more, less, or '' where it may be chance."""
        if self.p_value > ALPHA or self.lift is None:
            return ""
        return "more" if self.lift.estimate > 1 else "less"


@dataclass(frozen=True, kw_only=True)
class Beside(Numbers):
    """The same of what a rule is compared with, and by how much its support, its confidence and its lift are others now (None: a side has
    nothing to divide by)."""

    support_change: Change | None
    confidence_change: Change | None
    lift_change: Change | None

    @property
    def changes(self) -> Mapping[str, Change | None]:
        return {"support": self.support_change, "confidence": self.confidence_change, "lift": self.lift_change}


@dataclass(frozen=True, kw_only=True)
class Rule(Numbers):
    """Of the baskets with all of `when`, how many have `then`; `before` is what that is compared with."""

    when: tuple[str, ...]
    then: str
    before: Beside | None = None

    @property
    def telling(self) -> bool:
        """More than chance on one of the sides, or the lift is another one by more than chance."""
        if self.verdict == "more":
            return True
        return self.before is not None and (
            self.before.verdict == "more" or bool(self.before.lift_change and self.before.lift_change.verdict)
        )


@dataclass(frozen=True)
class Tally:
    """All counts of an answer: of what is asked about, of what it is compared with (None: nothing), and of the baskets on both sides."""

    mine: Counts
    theirs: Counts | None
    shared: Counts
    names: Mapping[int, str]

    def four(self, key: Key, counts: Counts) -> Four:
        its, then = key
        return Four(*(counts[each].baskets for each in (its, _without(key), (then,), ())))

    def among(self, spec: BasketSpec, its: Its) -> int:
        """How many pairs, or threes, could have been found."""
        return math.comb(len(self.names), 2) if len(its) == 2 else math.comb(min(spec.threes, len(self.names)), 3)


def rules_of(spec: BasketSpec, tally: Tally) -> list[Rule]:
    """All rules that are in baskets enough; of two items that say a third, only those that say it oftener than either of them alone (on one
    of the sides), unless all are asked for."""
    sides = [tally.mine] if tally.theirs is None else [tally.mine, tally.theirs]
    keys: list[Key] = [(its, then) for its in tally.mine if len(its) == 2 for then in its]
    keys += [
        (its, then)
        for its in tally.mine
        if len(its) == 3
        for then in its
        if spec.chance or any(_says_more((its, then), counts) for counts in sides)
    ]
    chances = [_adjusted(spec, tally, keys, partial(_p_value, counts=counts), _direction) for counts in sides]
    besides = _besides(spec, tally, keys, chances[1]) if tally.theirs is not None else {}
    return [
        Rule(
            when=tuple(tally.names[number] for number in _without(key)),
            then=tally.names[key[1]],
            before=besides.get(key),
            **_numbers(key, tally.mine, chances[0][key], spec.sample),
        )
        for key in keys
    ]


def item_of(number: int, tally: Tally, sample: float | None, p_value: float = 1.0) -> Item:
    """An item on its sides; `p_value` is of "its share is the same on both", adjusted."""
    name, theirs = tally.names[number], tally.theirs
    item = _item(name, tally.mine, number, sample)
    if theirs is None:
        return item
    by, _ = share_change((number,), (), tally)
    change = None if by is None else Change(by, p_value, 0.0)
    return Item(name, item.baskets, item.people, item.share, item.sure, _item(name, theirs, number, sample), change)


def items_of(tally: Tally, sample: float | None) -> tuple[Item, ...]:
    """In the order of their numbers."""
    numbers = sorted(tally.names)
    if tally.theirs is None:
        return tuple(item_of(number, tally, sample) for number in numbers)
    found = [share_change((number,), (), tally)[1] for number in numbers]
    adjusted = benjamini_hochberg([1.0 if one is None else one for one in found])
    return tuple(item_of(number, tally, sample, p_value) for number, p_value in zip(numbers, adjusted, strict=True))


def share_change(its: Its, within: Its, tally: Tally) -> tuple[Interval | None, float | None]:
    """Of the baskets with the items `within`, the share that has those of `its`, less the same of the other side."""
    assert tally.theirs is not None
    mine, theirs, both = (Share(each[its].baskets, each[within].baskets) for each in (tally.mine, tally.theirs, tally.shared))
    return difference(mine, theirs, both)


def sure_of(count: Count, among: Count, sample: float | None, within: Count | None = None) -> Sure | None:
    """How sure a sample is of `count` baskets of `among`; `within` are those with what a rule begins with."""
    if sample is None:
        return None
    return Sure(
        baskets=meta.at_least_seen(count.baskets, count.squares, sample),
        people=meta.at_least_seen(count.people, count.people, sample),
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
            return (rule.lift.low if rule.lift else None) or 0.0
        case "lift":
            return rule.lift.estimate if rule.lift else 0.0
        case "together":
            return rule.together
        case "confidence":
            return rule.confidence or 0.0
        case "leverage":
            return rule.leverage or 0.0
        case _:
            change = rule.before.changes[spec.rank.removesuffix("_change")] if rule.before else None
            return change.least if change else -1.0


def _without(key: Key) -> Its:
    return tuple(number for number in key[0] if number != key[1])


def _direction(key: Key) -> Hashable:
    """What has one test: a pair is the same both ways, of three items each is said by the two others."""
    return key[0] if len(key[0]) == 2 else key


def _adjusted(
    spec: BasketSpec, tally: Tally, keys: Sequence[Key], p_of: Callable[[Key], float | None], family: Callable[[Key], Hashable]
) -> dict[Key, float]:
    """The p-values of all rules, each test once, adjusted for all of its kind that could have been found: pairs, or threes."""
    found: dict[Key, float] = {}
    for size in (2, 3):
        tests: dict[Hashable, float] = {}
        mine = [key for key in keys if len(key[0]) == size]
        for key in mine:
            if family(key) not in tests:
                p_value = p_of(key)
                tests[family(key)] = 1.0 if p_value is None else p_value
        if mine:
            times = len({family((mine[0][0], then)) for then in mine[0][0]})
            adjusted = benjamini_hochberg(list(tests.values()), times * tally.among(spec, mine[0][0]))
            of_test = dict(zip(tests, adjusted, strict=True))
            found |= {key: of_test[family(key)] for key in mine}
    return found


def _besides(spec: BasketSpec, tally: Tally, keys: Sequence[Key], chances: Mapping[Key, float]) -> dict[Key, Beside]:
    theirs = tally.theirs
    assert theirs is not None

    def lifts(key: Key) -> tuple[Interval | None, float | None]:
        return lift_ratio(*(tally.four(key, counts) for counts in (tally.mine, theirs, tally.shared)))

    def supports(key: Key) -> tuple[Interval | None, float | None]:
        return share_change(key[0], (), tally)

    def confidences(key: Key) -> tuple[Interval | None, float | None]:
        return share_change(key[0], _without(key), tally)

    def changes(of: Callable[[Key], tuple[Interval | None, float | None]], family: Callable[[Key], Hashable], neutral: float) -> Changes:
        found = {key: of(key) for key in keys}
        adjusted = _adjusted(spec, tally, keys, lambda key: found[key][1], family)
        return {key: None if by is None else Change(by, adjusted[key], neutral) for key, (by, _) in found.items()}

    support = changes(supports, lambda key: key[0], 0.0)
    confidence = changes(confidences, lambda key: key, 0.0)
    lift = changes(lifts, _direction, 1.0)
    return {
        key: Beside(
            support_change=support[key],
            confidence_change=confidence[key],
            lift_change=lift[key],
            **_numbers(key, theirs, chances[key], spec.sample),
        )
        for key in keys
    }


Changes = dict[Key, Change | None]


def _says_more(key: Key, counts: Counts) -> bool:
    its, then = key
    when = counts[_without(key)].baskets
    if not when:
        return False
    confidence = counts[its].baskets / when
    return all(confidence > counts[min(one, then), max(one, then)].baskets / counts[one,].baskets for one in _without(key))


def _p_value(key: Key, counts: Counts) -> float:
    its, then = key
    return independence_p_value(counts[its].baskets, counts[_without(key)].baskets, counts[then,].baskets, counts[()].baskets)


def _numbers(key: Key, counts: Counts, p_value: float, sample: float | None) -> dict[str, Any]:
    """The fields of `Numbers`."""
    its, then = key
    together, baskets, when, then_baskets = (counts[each].baskets for each in (its, (), _without(key), (then,)))
    confidence, support = together / when if when else None, together / baskets if baskets else None
    expected = then_baskets / baskets if baskets else 0.0
    return {
        "together": scaled(together, sample),
        "people": scaled(counts[its].people, sample),
        "when_baskets": scaled(when, sample),
        "then_baskets": scaled(then_baskets, sample),
        "support": support,
        "confidence": confidence,
        "lift": index(Share(together, when), Share(then_baskets, baskets), Share(together, when)),
        "leverage": None if support is None else support - when / baskets * expected,
        "conviction": (1 - expected) / (1 - confidence) if confidence is not None and together < when else None,
        "p_value": p_value,
        "sure": sure_of(counts[its], counts[()], sample, counts[_without(key)]),
    }


def _item(name: str, counts: Counts, number: int, sample: float | None) -> Item:
    count, total = counts[number,], counts[()]
    share = count.baskets / total.baskets if total.baskets else None
    return Item(name, scaled(count.baskets, sample), scaled(count.people, sample), share, sure_of(count, total, sample))


def _wilson(count: Count, among: Count) -> meta.Interval:
    found = wilson(Share(count.baskets, among.baskets))
    return meta.Interval(0.0, 1.0) if found is None or found.low is None or found.high is None else meta.Interval(found.low, found.high)
