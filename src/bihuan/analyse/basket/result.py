"""What basket answers, each number defined."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, independence_p_value, index
from bihuan.engine.meta import Warning_
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

Together = Mapping[tuple[int, ...], tuple[int, int]]  # numbers of items, rising -> (baskets, people)


@dataclass(frozen=True)
class Item:
    """In how many `baskets` `name` is, which `share` of all these are, and how many `people` have one of them."""

    name: str
    baskets: int
    people: int
    share: float


@dataclass(frozen=True)
class Rule:
    """Of the baskets with all of `when`, how many have `then`.

    `together` baskets of `people` have all of them; `when_baskets` have `when`, `then_baskets` have `then`. `support`: the share of all
    baskets that have all; `confidence`: of those with `when`. `lift` is the confidence divided by the share of all baskets that have
    `then`, with its 95 % interval: 1 where the one says nothing of the other. `leverage`: by which share of all baskets there are more
    of them together than chance would give. `conviction`: how much more often the rule would be wrong if it were chance; None where it
    is never wrong. `p_value` is of "it is chance", adjusted for all rules that could have been found; `verdict` where that is at most
    0.05.
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

    @property
    def verdict(self) -> str:
        """more, less, or '' where it may be chance."""
        if self.p_value > ALPHA:
            return ""
        return "more" if self.lift.estimate > 1 else "less"


@dataclass(frozen=True)
class BasketResult:
    """`baskets` of `people` hold on average `size` items (None: there are none), `several` of them two or more. `items` are those
    looked at, of `different` ones. `rules` are the ones shown, of `found` that are in baskets enough (and, unless asked for, more than
    chance). `lifts` are those of all pairs that are in baskets enough, by the places of their items."""

    baskets: int
    people: int
    several: int
    size: float | None
    different: int
    items: tuple[Item, ...]
    rules: tuple[Rule, ...]
    found: int
    lifts: Mapping[tuple[int, int], float]
    kind: str
    warnings: tuple[Warning_, ...] = ()


def shape_basket(spec: BasketSpec, scope: Scope, rows: Rows) -> BasketResult:
    counts: dict[tuple[int, ...], tuple[int, int]] = {}
    names: dict[int, str] = {}
    extra: Sequence[int] = (0, 0, 0)
    for row in rows:
        its = tuple(int(number) for number in row["its"])
        counts[its] = int(row["baskets"]), int(row["people"])
        if len(its) == 1:
            names[its[0]] = row["name"]
        elif not its:
            extra = [int(number) for number in row["extra"]]
    baskets, people = counts.get((), (0, 0))
    items = tuple(Item(names[number], *counts[number,], counts[number,][0] / baskets) for number in sorted(names))
    every = list(_rules(spec, counts, names, baskets))
    sure = [rule for rule in every if rule.verdict == "more"]
    rules = sure if sure and not spec.chance else every
    rules.sort(key=lambda rule: (-_rank(rule, spec), -rule.together, -rule.confidence, rule.when, rule.then))
    return BasketResult(
        baskets=baskets,
        people=people,
        several=extra[0],
        size=extra[1] / baskets if baskets else None,
        different=extra[2],
        items=items,
        rules=tuple(rules[: spec.top]),
        found=len(rules),
        lifts={
            (its[0], its[1]): both * baskets / (counts[its[0],][0] * counts[its[1],][0])
            for its, (both, _) in counts.items()
            if len(its) == 2
        },
        kind=spec.basket,
        warnings=_warnings(spec, len(items), extra[2], chance=bool(every) and not sure and not spec.chance),
    )


def _rules(spec: BasketSpec, counts: Together, names: Mapping[int, str], baskets: int) -> Iterator[Rule]:
    """All rules that are in baskets enough; of two items that say a third, only those that say it oftener than either of them alone, unless
    all are asked for."""
    pairs = [its for its in counts if len(its) == 2]
    sides = [(its, then) for its in pairs for then in its]
    threes = [(its, then) for its in counts if len(its) == 3 for then in its if spec.chance or _says_more(its, then, counts)]
    items, among = len(names), min(spec.threes, len(names))
    values = [independence_p_value(counts[its][0], counts[its[0],][0], counts[its[1],][0], baskets) for its in pairs]
    adjusted = dict(zip(pairs, benjamini_hochberg(values, math.comb(items, 2)), strict=True))
    three_values = [independence_p_value(counts[its][0], counts[_without(its, then)][0], counts[then,][0], baskets) for its, then in threes]
    adjusted_threes = benjamini_hochberg(three_values, 3 * math.comb(among, 3))
    for its, then in sides:
        yield _rule(its, then, counts, names, baskets, adjusted[its])
    for (three, then), p_value in zip(threes, adjusted_threes, strict=True):
        yield _rule(three, then, counts, names, baskets, p_value)


def _without(its: tuple[int, ...], then: int) -> tuple[int, ...]:
    return tuple(number for number in its if number != then)


def _says_more(its: tuple[int, ...], then: int, counts: Together) -> bool:
    when = _without(its, then)
    confidence = counts[its][0] / counts[when][0]
    return all(confidence > counts[min(one, then), max(one, then)][0] / counts[one,][0] for one in when)


def _rule(its: tuple[int, ...], then: int, counts: Together, names: Mapping[int, str], baskets: int, p_value: float) -> Rule:
    when = _without(its, then)
    (together, people), when_baskets, then_baskets = counts[its], counts[when][0], counts[then,][0]
    lift = index(Share(together, when_baskets), Share(then_baskets, baskets), Share(together, when_baskets))
    assert lift is not None
    confidence, expected = together / when_baskets, then_baskets / baskets
    return Rule(
        when=tuple(names[number] for number in when),
        then=names[then],
        together=together,
        people=people,
        when_baskets=when_baskets,
        then_baskets=then_baskets,
        support=together / baskets,
        confidence=confidence,
        lift=lift,
        leverage=together / baskets - when_baskets / baskets * expected,
        conviction=(1 - expected) / (1 - confidence) if together < when_baskets else None,
        p_value=p_value,
    )


def _rank(rule: Rule, spec: BasketSpec) -> float:
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


def _warnings(spec: BasketSpec, items: int, different: int, *, chance: bool) -> tuple[Warning_, ...]:
    found: list[Warning_] = [("Nothing is together more often than chance: all of these rules may be chance.", {})] if chance else []
    if different > items:
        found.append(
            (
                "Only the {items} items that are in the most baskets are looked at; {count} others are not.",
                {"items": items, "count": different - items},
            )
        )
    if spec.threes and spec.threes < items:
        found.append(("Rules of three are looked for among the {items} items that are in the most baskets.", {"items": spec.threes}))
    return tuple(found)


# --- Shown ------------------------------------------------------------------------------------------------------------------------------


def cell_of(rule: Rule, *, then: bool = True, without: bool = False) -> Mapping[str, Any]:
    """Who has a basket with all of a rule's items (not `then`: with those of `when`), or (`without`) with those of `when` but none with the
    other."""
    items = (*rule.when, rule.then) if then and not without else rule.when
    found = dict(zip(("first", "second", "third"), items, strict=False))
    return {**found, "without": rule.then} if without else found


def table_basket(result: BasketResult) -> Table:
    """One row a rule."""
    columns = (
        Column("when", "With"),
        Column("then", "Also"),
        Column("together", "Baskets with all", "number"),
        Column("people", "People with all", "number"),
        Column("support", "Support", "share"),
        Column("confidence", "Confidence", "share"),
        Column("lift", "Lift (times)", "number"),
        Column("lift_low", "Lift, at least", "number"),
        Column("lift_high", "Lift, at most", "number"),
        Column("leverage", "Leverage", "share"),
        Column("conviction", "Conviction", "number"),
        Column("p_value", "p, adjusted", "number"),
        Column("verdict", "More than chance"),
    )
    rows = tuple(
        (
            " + ".join(rule.when),
            rule.then,
            rule.together,
            rule.people,
            rule.support,
            rule.confidence,
            *rule.lift,
            rule.leverage,
            rule.conviction,
            rule.p_value,
            rule.verdict or None,
        )
        for rule in result.rules
    )
    cells = tuple((None, None, None, cell_of(rule), *(None,) * 9) for rule in result.rules)
    return Table(columns, rows, cells)


def headlines_basket(result: BasketResult) -> tuple[Headline, ...]:
    return (
        Headline("Baskets", result.baskets),
        Headline("Items in a basket", None if result.size is None else round(result.size, 2)),
        Headline("Baskets with two items or more", result.several / result.baskets if result.baskets else None, "share"),
        Headline("Rules found", result.found),
    )
