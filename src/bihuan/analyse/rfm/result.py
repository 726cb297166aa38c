"""What RFM answers, each number defined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bihuan.analyse.composition.beside import Beside, beside, tested
from bihuan.analyse.parts import Estimated
from bihuan.analyse.purchase import all_spent, customers_warning
from bihuan.analyse.rfm.spec import Group, RfmSpec
from bihuan.analyse.rfm.sql import GROUPS, group_of, levels
from bihuan.analyse.statistics import Share
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Interval, Warning_, lows_and_highs, sample_warning
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

TITLES: Mapping[Group, str] = {
    "champion": "Champions",
    "loyal": "Valuable, to grow",
    "lapsing": "Valuable, to keep",
    "lost_valuable": "Valuable, to win back",
    "regular": "Regulars",
    "newcomer": "Newcomers",
    "fading": "Fading",
    "lost": "Lost",
}
NONE = "none"


@dataclass(frozen=True)
class Members:
    """Customers of a group: how many, their `share` of all (None of nobody), what they bought for in all (`worth`), and on average how many
    days ago they last bought, how often, and for how much (None of nobody). `beside`: the same group of who they are compared with.
    `worth_sure`: of a sample, where `worth` lies."""

    group: Group
    customers: int
    share: float | None
    worth: float
    days_ago: float | None
    purchases: float | None
    money: float | None
    beside: Beside | None = None
    worth_sure: Interval | None = None


@dataclass(frozen=True)
class RfmResult(Estimated):
    """`groups` in their order, also those without customers. `grid[(recency score, frequency score)]` counts customers; `levels` are how
    many scores each has. `cuts` are the values at which recency (days), frequency and money were cut.

    `moves[(before, now)]` counts customers, "none" where they had bought nothing in the time; None when not asked for.

    With a comparison all of this is of the customers of the segment `named`; `said` is what they are compared with, `others` customers.
    Of a `sample`, numbers of customers and what they bought for in all are estimates for everybody; all else is the sample's, the cuts too.
    """

    customers: int
    groups: tuple[Members, ...]
    grid: Mapping[tuple[int, int], int]
    levels: tuple[int, int]
    cuts: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    moves: Mapping[tuple[str, str], int] | None
    named: str | None = None
    said: Said | None = None
    others: int = 0
    sample: float | None = None

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        return (*sample_warning(self.sample), *customers_warning(self.sure(self.customers)))

    def together(self, groups: Iterable[Group]) -> int:
        """The customers of several groups."""
        seen = sum(self.seen(one.customers) for one in self.groups if one.group in groups)
        return seen if self.sample is None else round(seen / self.sample)


def shape_rfm(spec: RfmSpec, scope: Scope, rows: Rows) -> RfmResult:
    scores = [row for row in rows if row["part"] == "scores"]
    cuts = next(row for row in rows if row["part"] == "cuts")
    mine: dict[Group, list[Mapping[str, Any]]] = {group: [] for group in GROUPS.values()}
    moves: Counter[tuple[str, str]] = Counter()
    grid: Counter[tuple[int, int]] = Counter()
    for row in scores if spec.compare is None else [row for row in scores if row["mine"]]:
        now, was = (group_of(spec, (row[f"{when}r"], row[f"{when}f"], row[f"{when}m"])) for when in ("", "was_"))
        moves[was or NONE, now or NONE] += row["customers"]
        if now is not None:
            mine[now].append(row)
            grid[row["r"], row["f"]] += row["customers"]
    everybody = sum(grid.values())
    groups = tuple(_members(group, members, everybody, spec.sample) for group, members in mine.items())
    if spec.compare is not None:
        theirs = _counts(spec, [row for row in scores if row["theirs"]])
        both = _counts(spec, [row for row in scores if row["theirs"] and row["mine"]])
        groups = _beside(groups, theirs, both)
    return RfmResult(
        customers=everybody,
        groups=groups,
        grid=dict(grid),
        levels=(levels(spec), levels(spec, "frequency")),
        cuts=(tuple(cuts["recency_cuts"]), tuple(cuts["frequency_cuts"]), tuple(cuts["money_cuts"])),
        moves=dict(moves) if spec.moved_since is not None else None,
        named=scope.segment_names.get(spec.compare.segment, spec.compare.segment) if spec.compare else None,
        said=compare_said(spec.compare, scope) if spec.compare else None,
        others=theirs.total() if spec.compare else 0,
    )


def _counts(spec: RfmSpec, scores: Rows) -> Counter[Group]:
    """How many customers each group has now."""
    found: Counter[Group] = Counter()
    for row in scores:
        group = group_of(spec, (row["r"], row["f"], row["m"]))
        if group is not None:
            found[group] += int(row["customers"])
    return found


def _beside(groups: tuple[Members, ...], theirs: Counter[Group], both: Counter[Group]) -> tuple[Members, ...]:
    """The groups beside those of the people that they are compared with, tested as the eight comparisons that they are."""
    customers = sum(one.customers for one in groups)
    sides = [
        beside(Share(one.customers, customers), Share(theirs[one.group], theirs.total()), Share(both[one.group], both.total()))
        for one in groups
    ]
    return tuple(replace(one, beside=side) for one, side in zip(groups, tested(sides), strict=True))


def table_rfm(result: RfmResult) -> Table:
    """One row a group; with a comparison also that of the others, and the difference of the shares; of a sample where the estimates lie."""
    columns: tuple[Column, ...] = (
        Column("group", "Customer group"),
        Column("customers", "Customers", "number"),
        Column("share", "Share", "share"),
        Column("worth", "Bought for in all", "money"),
        Column("days_ago", "Last bought, days ago", "number"),
        Column("purchases", "Purchases of each", "number"),
        Column("money", "Bought for, each", "money"),
    )
    if result.said is not None:
        columns += OF_OTHERS
    if result.sample is not None:
        columns += SURE if result.said is None else (*SURE, *SURE_OF_OTHERS)
    if not result.customers and not result.others:
        return Table(columns, ())
    rows: list[tuple[Any, ...]] = []
    cells: list[tuple[Mapping[str, Any] | None, ...]] = []
    for one in result.groups:
        row: tuple[Any, ...] = (TITLES[one.group], one.customers, one.share, one.worth, one.days_ago, one.purchases, one.money)
        linked: tuple[Mapping[str, Any] | None, ...] = (None, {"group": one.group}, *(None,) * 5)
        if (other := one.beside) is not None:
            change = tuple(other.change) if other.change else (None, None, None)
            row = (*row, other.people, other.share, *change, other.p_value, other.verdict or None)
            linked = (*linked, {"group": one.group, "before": True}, *(None,) * 6)
        rows.append((*row, *_bounds(one, result)))
        cells.append((*linked, *(None,) * (len(columns) - len(linked))))
    return Table(columns, tuple(rows), tuple(cells))


def _bounds(one: Members, result: RfmResult) -> tuple[float | None, ...]:
    """Of a sample, where the numbers lie."""
    if result.sample is None:
        return ()
    others = [result.sure(one.beside.people)] if one.beside is not None else []
    return lows_and_highs([result.sure(one.customers), one.worth_sure, *others])


SURE = (
    Column("customers_low", "Customers, at least", "number"),
    Column("customers_high", "Customers, at most", "number"),
    Column("worth_low", "Bought for in all, at least", "money"),
    Column("worth_high", "Bought for in all, at most", "money"),
)
SURE_OF_OTHERS = (
    Column("other_customers_low", "Customers compared with, at least", "number"),
    Column("other_customers_high", "Customers compared with, at most", "number"),
)


OF_OTHERS = (
    Column("other_customers", "Customers compared with", "number"),
    Column("other_share", "Share compared with", "share"),
    Column("change", "Difference of shares", "share"),
    Column("change_low", "Difference of shares, at least", "share"),
    Column("change_high", "Difference of shares, at most", "share"),
    Column("change_p_value", "p of the difference, adjusted", "number"),
    Column("change_verdict", "Difference more than chance"),
)


def headlines_rfm(result: RfmResult) -> tuple[Headline, ...]:
    valuable = [one for one in result.groups if one.group in ("champion", "loyal", "lapsing", "lost_valuable")]
    worth = sum(one.worth for one in result.groups)
    return (
        Headline("Customers", result.customers),
        Headline("Champions", result.together(("champion",))),
        Headline("Valuable and at risk", result.together(("lapsing", "lost_valuable"))),
        Headline("Share of what the valuable bought", sum(one.worth for one in valuable) / worth if worth else None, "share"),
        *((Headline("Customers compared with", result.others),) if result.said is not None else ()),
    )


def _members(group: Group, rows: list[Mapping[str, Any]], everybody: int, sample: float | None) -> Members:
    customers, worth = sum(row["customers"] for row in rows), sum(row["worth"] for row in rows)
    return Members(
        group=group,
        customers=customers,
        share=customers / everybody if everybody else None,
        worth=worth,
        days_ago=sum(row["days_ago"] for row in rows) / customers if customers else None,
        purchases=sum(row["purchases"] for row in rows) / customers if customers else None,
        money=worth / customers if customers else None,
        worth_sure=all_spent(worth, sum(row["squares"] for row in rows), min(row["least"] for row in rows), sample)
        if sample is not None and customers
        else None,
    )
