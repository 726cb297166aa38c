"""What basket answers, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bihuan.analyse.basket.rules import NONE, Count, Counts, Item, Its, Key, Rule, Sure, Tally, items_of, rank, rules_of, scaled, sure_of
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.spread import change
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Warning_, sample_warning
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Side:
    """`baskets` of `people` hold on average `size` items (None: there are none), `several` of them two or more. `sure` is of a sample."""

    baskets: int
    people: int
    several: int
    size: float | None
    sure: Sure | None


@dataclass(frozen=True)
class BasketResult:
    """`baskets` of `people` hold on average `size` items (None: there are none), `several` of them two or more. `items` are those
    looked at, of `different` ones. `rules` are the ones shown, of `found` that are in baskets enough (and, unless asked for, more than
    chance). `lifts` are those of all pairs that are in baskets enough, by the places of their items.
    Of a sample, numbers of baskets and of people are estimates for everybody, `sure` of all baskets; `different` are those of the
    sample. `before` and `lifts_before` are of what it is compared with; `different` items are then of both together."""

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
    before: Side | None = None
    lifts_before: Mapping[tuple[int, int], float] = field(default_factory=dict)
    compared_with: Said | None = None
    warnings: tuple[Warning_, ...] = ()


def shape_basket(spec: BasketSpec, scope: Scope, rows: Rows) -> BasketResult:
    tally, extra = _tally(spec, rows)
    every = rules_of(spec, tally)
    telling = [rule for rule in every if rule.telling]
    rules = telling if telling and not spec.chance else every
    rules.sort(key=lambda rule: (-rank(rule, spec), -rule.together, -(rule.confidence or 0), rule.when, rule.then))
    now, different = _side(tally.mine, extra[:2], spec.sample), extra[2]
    pairs = [key for its in tally.mine if len(its) == 2 for key in [(its, its[1])]]
    return BasketResult(
        baskets=now.baskets,
        people=now.people,
        several=now.several,
        size=now.size,
        different=different,
        items=items_of(tally, spec.sample),
        rules=tuple(rules[: spec.top]),
        found=len(rules),
        lifts=_lifts(pairs, tally, tally.mine),
        kind=spec.basket,
        sure=now.sure,
        before=_side(tally.theirs, extra[3:], spec.sample) if tally.theirs else None,
        lifts_before=_lifts(pairs, tally, tally.theirs) if tally.theirs else {},
        compared_with=compare_said(spec.compare, scope) if spec.compare else None,
        warnings=(
            *_warnings(spec, len(tally.names), different, chance=bool(every) and not telling and not spec.chance),
            *_sampled(now, spec.sample),
        ),
    )


def _tally(spec: BasketSpec, rows: Rows) -> tuple[Tally, Sequence[int]]:
    """The rows' counts, and of all baskets how many have two items or more, how many items they have, and how many different ones."""
    mine: dict[Its, Count] = {(): NONE}
    theirs, shared = dict(mine), dict(mine)
    names: dict[int, str] = {}
    extra: Sequence[int] = (0, 0, 0, 0, 0)
    for row in rows:
        its, more = tuple(int(number) for number in row["its"]), [int(number) for number in row.get("more", ())]
        mine[its] = Count(int(row["baskets"]), int(row["people"]), *more[:1])
        theirs[its], shared[its] = Count(*more[1:4]), Count(*more[4:5])
        if len(its) == 1:
            names[its[0]] = row["name"]
        elif not its:
            extra = [int(number) for number in row["extra"]]
    return Tally(mine, theirs if spec.compare else None, shared, names), extra


def _side(counts: Counts, extra: Sequence[int], sample: float | None) -> Side:
    total, (several, lengths) = counts[()], extra
    return Side(
        baskets=scaled(total.baskets, sample),
        people=scaled(total.people, sample),
        several=scaled(several, sample),
        size=lengths / total.baskets if total.baskets else None,
        sure=sure_of(total, total, sample),
    )


def _lifts(pairs: Sequence[Key], tally: Tally, counts: Counts) -> dict[tuple[int, int], float]:
    fours = {(key[0][0], key[0][1]): tally.four(key, counts) for key in pairs}
    return {places: four.together * four.baskets / (four.when * four.then) for places, four in fours.items() if four.together}


def _sampled(now: Side, sample: float | None) -> tuple[Warning_, ...]:
    if now.sure is None:
        return ()
    between = {"low": round(now.sure.baskets.low), "high": round(now.sure.baskets.high)}
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


def cell_of(rule: Rule, *, then: bool = True, without: bool = False, before: bool = False) -> Mapping[str, Any]:
    """Who has a basket with all of a rule's items (not `then`: with those of `when`), or (`without`) with those of `when` but none with the
    other; `before`: of those that they are compared with."""
    items = (*rule.when, rule.then) if then and not without else rule.when
    found: dict[str, Any] = dict(zip(("first", "second", "third"), items, strict=False))
    return {**found, **({"without": rule.then} if without else {}), **({"before": True} if before else {})}


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
    if result.before is not None:
        columns += BEFORE
    rows = tuple((*_told(rule), *_surely(rule), *_beside(rule)) for rule in result.rules)
    people = {column.name: place for place, column in enumerate(columns) if column.name in ("people", "people_before")}
    cells = []
    for rule in result.rules:
        cell: list[Mapping[str, Any] | None] = [None] * len(columns)
        for name, place in people.items():
            cell[place] = cell_of(rule, before=name == "people_before")
        cells.append(tuple(cell))
    return Table(columns, rows, tuple(cells))


def _told(rule: Rule) -> tuple[Any, ...]:
    return (
        " + ".join(rule.when),
        rule.then,
        rule.together,
        rule.people,
        rule.support,
        rule.confidence,
        *(rule.lift or (None, None, None)),
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


BEFORE = (
    Column("together_before", "Baskets with all, compared", "number"),
    Column("people_before", "People with all, compared", "number"),
    Column("support_before", "Support, compared", "share"),
    Column("confidence_before", "Confidence, compared", "share"),
    Column("lift_before", "Lift (times), compared", "number"),
    Column("verdict_before", "More than chance, compared"),
    Column("support_change", "Change in support", "share"),
    Column("support_change_low", "Change in support, at least", "share"),
    Column("support_change_high", "Change in support, at most", "share"),
    Column("support_change_p", "Change in support: p, adjusted", "number"),
    Column("support_change_verdict", "Change in support: more than chance"),
    Column("confidence_change", "Change in confidence", "share"),
    Column("confidence_change_low", "Change in confidence, at least", "share"),
    Column("confidence_change_high", "Change in confidence, at most", "share"),
    Column("confidence_change_p", "Change in confidence: p, adjusted", "number"),
    Column("confidence_change_verdict", "Change in confidence: more than chance"),
    Column("lift_change", "Lift divided by the one compared with", "number"),
    Column("lift_change_low", "Lift divided by the one compared with, at least", "number"),
    Column("lift_change_high", "Lift divided by the one compared with, at most", "number"),
    Column("lift_change_p", "Lift divided by the one compared with: p, adjusted", "number"),
    Column("lift_change_verdict", "Lift divided by the one compared with: more than chance"),
)


def _beside(rule: Rule) -> tuple[Any, ...]:
    """What it is compared with, and by how much it changed."""
    before = rule.before
    if before is None:
        return ()
    lift = before.lift.estimate if before.lift else None
    told = (before.together, before.people, before.support, before.confidence, lift, before.verdict or None)
    changes = [(*one.by, one.p_value, one.verdict or None) if one else (None,) * 5 for one in before.changes.values()]
    return (*told, *(value for one in changes for value in one))


def headlines_basket(result: BasketResult) -> tuple[Headline, ...]:
    before = result.before
    share, other = _several(result), _several(before) if before else None
    size = None if result.size is None else round(result.size, 2)
    return (
        Headline("Baskets", result.baskets, change=change(result.baskets, before.baskets if before else None)),
        Headline("Items in a basket", size, change=change(result.size, before.size if before else None)),
        Headline("Baskets with two items or more", share, "share", change=change(share, other)),
        Headline("Rules found", result.found),
    )


def _several(side: BasketResult | Side) -> float | None:
    return side.several / side.baskets if side.baskets else None
