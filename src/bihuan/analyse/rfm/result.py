"""What RFM answers, each number defined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.rfm.spec import Group, RfmSpec
from bihuan.analyse.rfm.sql import GROUPS, group_of, levels
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
    days ago they last bought, how often, and for how much (None of nobody)."""

    group: Group
    customers: int
    share: float | None
    worth: float
    days_ago: float | None
    purchases: float | None
    money: float | None


@dataclass(frozen=True)
class RfmResult:
    """`groups` in their order, also those without customers. `grid[(recency score, frequency score)]` counts customers; `levels` are how
    many scores each has. `cuts` are the values at which recency (days), frequency and money were cut.

    `moves[(before, now)]` counts customers, "none" where they had bought nothing in the time; None when not asked for.
    """

    customers: int
    groups: tuple[Members, ...]
    grid: Mapping[tuple[int, int], int]
    levels: tuple[int, int]
    cuts: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    moves: Mapping[tuple[str, str], int] | None


def shape_rfm(spec: RfmSpec, scope: Scope, rows: Rows) -> RfmResult:
    scores = [row for row in rows if row["part"] == "scores"]
    cuts = next(row for row in rows if row["part"] == "cuts")
    mine: dict[Group, list[Mapping[str, Any]]] = {group: [] for group in GROUPS.values()}
    moves: Counter[tuple[str, str]] = Counter()
    grid: Counter[tuple[int, int]] = Counter()
    for row in scores:
        now, was = (group_of(spec, (row[f"{when}r"], row[f"{when}f"], row[f"{when}m"])) for when in ("", "was_"))
        moves[was or NONE, now or NONE] += row["customers"]
        if now is not None:
            mine[now].append(row)
            grid[row["r"], row["f"]] += row["customers"]
    everybody = sum(grid.values())
    return RfmResult(
        customers=everybody,
        groups=tuple(_members(group, members, everybody) for group, members in mine.items()),
        grid=dict(grid),
        levels=(levels(spec), levels(spec, "frequency")),
        cuts=(tuple(cuts["recency_cuts"]), tuple(cuts["frequency_cuts"]), tuple(cuts["money_cuts"])),
        moves=dict(moves) if spec.moved_since is not None else None,
    )


def table_rfm(result: RfmResult) -> Table:
    """One row a group."""
    columns = (
        Column("group", "Customer group"),
        Column("customers", "Customers", "number"),
        Column("share", "Share", "share"),
        Column("worth", "Bought for in all", "money"),
        Column("days_ago", "Last bought, days ago", "number"),
        Column("purchases", "Purchases of each", "number"),
        Column("money", "Bought for, each", "money"),
    )
    if not result.customers:
        return Table(columns, ())
    rows = tuple((TITLES[one.group], one.customers, one.share, one.worth, one.days_ago, one.purchases, one.money) for one in result.groups)
    return Table(columns, rows, tuple((None, {"group": one.group}, None, None, None, None, None) for one in result.groups))


def headlines_rfm(result: RfmResult) -> tuple[Headline, ...]:
    valuable = [one for one in result.groups if one.group in ("champion", "loyal", "lapsing", "lost_valuable")]
    at_risk = [one for one in result.groups if one.group in ("lapsing", "lost_valuable")]
    worth = sum(one.worth for one in result.groups)
    return (
        Headline("Customers", result.customers),
        Headline("Champions", _customers(one for one in result.groups if one.group == "champion")),
        Headline("Valuable and at risk", _customers(at_risk)),
        Headline("Share of what the valuable bought", sum(one.worth for one in valuable) / worth if worth else None, "share"),
    )


def _customers(members: Iterable[Members]) -> int:
    return sum(one.customers for one in members)


def _members(group: Group, rows: list[Mapping[str, Any]], everybody: int) -> Members:
    customers, worth = sum(row["customers"] for row in rows), sum(row["worth"] for row in rows)
    return Members(
        group=group,
        customers=customers,
        share=customers / everybody if everybody else None,
        worth=worth,
        days_ago=sum(row["days_ago"] for row in rows) / customers if customers else None,
        purchases=sum(row["purchases"] for row in rows) / customers if customers else None,
        money=worth / customers if customers else None,
    )
