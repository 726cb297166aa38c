"""What basket answers, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.basket.rules import NONE, Count, Item, Rule, Sure, rank, rules_of, scaled, sure_of
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.engine.meta import Warning_, sample_warning
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class BasketResult:
    """`baskets` of `people` hold on average `size` items (None: there are none), `several` of them two or more. `items` are those
    looked at, of `different` ones. `rules` are the ones shown, of `found` that are in baskets enough (and, unless asked for, more than
    chance). `lifts` are those of all pairs that are in baskets enough, by the places of their items.
    Of a sample, numbers of baskets and of people are estimates for everybody, `sure` of all baskets; `different` are those of the
    sample."""

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
    sure: Sure | None = None
    warnings: tuple[Warning_, ...] = ()


def shape_basket(spec: BasketSpec, scope: Scope, rows: Rows) -> BasketResult:
    counts: dict[tuple[int, ...], Count] = {(): NONE}
    names: dict[int, str] = {}
    extra: Sequence[int] = (0, 0, 0)
    for row in rows:
        its = tuple(int(number) for number in row["its"])
        counts[its] = Count(int(row["baskets"]), int(row["people"]), *map(int, row.get("more", ())))
        if len(its) == 1:
            names[its[0]] = row["name"]
        elif not its:
            extra = [int(number) for number in row["extra"]]
    every, total = list(rules_of(spec, counts, names)), counts[()]
    sure = [rule for rule in every if rule.verdict == "more"]
    rules = sure if sure and not spec.chance else every
    rules.sort(key=lambda rule: (-rank(rule, spec), -rule.together, -rule.confidence, rule.when, rule.then))
    return BasketResult(
        baskets=scaled(total.baskets, spec.sample),
        people=scaled(total.people, spec.sample),
        several=scaled(extra[0], spec.sample),
        size=extra[1] / total.baskets if total.baskets else None,
        different=extra[2],
        items=tuple(_item(names[number], counts[number,], total, spec.sample) for number in sorted(names)),
        rules=tuple(rules[: spec.top]),
        found=len(rules),
        lifts={
            (its[0], its[1]): both.baskets * total.baskets / (counts[its[0],].baskets * counts[its[1],].baskets)
            for its, both in counts.items()
            if len(its) == 2
        },
        kind=spec.basket,
        sure=sure_of(total, total, spec.sample),
        warnings=(
            *_warnings(spec, len(names), extra[2], chance=bool(every) and not sure and not spec.chance),
            *_sampled(total, spec.sample),
        ),
    )


def _item(name: str, count: Count, total: Count, sample: float | None) -> Item:
    share = count.baskets / total.baskets
    return Item(name, scaled(count.baskets, sample), scaled(count.people, sample), share, sure_of(count, total, sample))


def _sampled(total: Count, sample: float | None) -> tuple[Warning_, ...]:
    sure = sure_of(total, total, sample)
    if sure is None:
        return ()
    between = {"low": round(sure.baskets.low), "high": round(sure.baskets.high)}
    return (*sample_warning(sample), ("There are between {low} and {high} baskets, with 95 % confidence.", between))


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
    columns: tuple[Column, ...] = (
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
    if result.sure is not None:
        columns += SURE
    rows = tuple((*_told(rule), *_surely(rule)) for rule in result.rules)
    cells = tuple((None, None, None, cell_of(rule), *(None,) * (len(columns) - 4)) for rule in result.rules)
    return Table(columns, rows, cells)


def _told(rule: Rule) -> tuple[Any, ...]:
    return (
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


SURE = (
    Column("together_low", "Baskets with all, at least", "number"),
    Column("together_high", "Baskets with all, at most", "number"),
    Column("people_low", "People with all, at least", "number"),
    Column("people_high", "People with all, at most", "number"),
    Column("support_low", "Support, at least", "share"),
    Column("support_high", "Support, at most", "share"),
    Column("confidence_low", "Confidence, at least", "share"),
    Column("confidence_high", "Confidence, at most", "share"),
)


def _surely(rule: Rule) -> tuple[float | None, ...]:
    """Of a sample, where the numbers lie."""
    if rule.sure is None:
        return ()
    counted = (rule.sure.baskets, rule.sure.people)
    shares = (rule.sure.share, rule.sure.confidence)
    return (
        *(round(bound) for each in counted for bound in (each.low, each.high)),
        *(bound for each in shares for bound in ((each.low, each.high) if each else (None, None))),
    )


def headlines_basket(result: BasketResult) -> tuple[Headline, ...]:
    return (
        Headline("Baskets", result.baskets),
        Headline("Items in a basket", None if result.size is None else round(result.size, 2)),
        Headline("Baskets with two items or more", result.several / result.baskets if result.baskets else None, "share"),
        Headline("Rules found", result.found),
    )
