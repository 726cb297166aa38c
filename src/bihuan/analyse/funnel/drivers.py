"""What goes with success: for each thing that people had or did on their way, how much likelier those with it succeed, and how surely."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bihuan.analyse.statistics import ALPHA, Interval, Share, benjamini_hochberg, independence_p_value, odds_ratio
from bihuan.engine import meta
from bihuan.engine.question import Rows

Kind = Literal["event", "property", "person"]


@dataclass(frozen=True)
class Driver:
    """People who did the event `name` on their way, or whose first event (`property`), or who themselves (`person`), had `value` as `name`;
    or (`bounds`) a number from the first of these on and below the second (None: without end).

    `having` are those who tried to succeed with it, `lacking` those without, each with how many succeeded. `odds` is how many times as
    great the odds of success are with it (a half is added to all four numbers where one is 0), with Woolf's 95 % interval; `p_value` that
    of "it has nothing to do with success" (chi-square, Fisher's exact test for small numbers), `adjusted` the same for how many were looked
    at, by Benjamini and Hochberg.
    """

    kind: Kind
    name: str
    value: str
    having: Share
    lacking: Share
    odds: Interval
    p_value: float
    adjusted: float
    bounds: tuple[float | None, float | None] | None = None

    @property
    def title(self) -> str:
        """The event; or the property with its value, or between which numbers it is."""
        if self.kind == "event":
            return self.name
        if self.bounds is None:
            return f"{self.name} = {self.value}"
        low, high = self.bounds
        if low is None or high is None:
            return f"{self.name} < {_plain(high)}" if low is None else f"{self.name} ≥ {_plain(low)}"
        return f"{_plain(low)} ≤ {self.name} < {_plain(high)}"

    @property
    def said(self) -> str:
        """The value alone, a range as breakdowns write it; '' for an event."""
        if self.bounds is None:
            return self.value
        low, high = self.bounds
        return f"{'(-∞' if low is None else f'[{_plain(low)}'}, {'∞' if high is None else _plain(high)})"

    @property
    def clear(self) -> bool:
        return self.adjusted < ALPHA

    @property
    def sureness(self) -> float:
        """How far at least the odds are from the same, on the log scale: by the bound that is nearer; below 0 where 1 lies inside."""
        low, high = math.log(self.odds.low or 1e-300), math.log(self.odds.high or math.inf)
        return max(low, -high)


@dataclass(frozen=True)
class Drivers:
    """`step` is success, `tried` who came to the step before it and of these those who succeeded, without those who still may. `found`
    are those that so many have and have not, the surest first; there were `several` of them, looked at the most balanced ones. Of a
    `sample`, all of these are its people alone: `of_everybody` is what they say of all, and `sure` where that lies."""

    step: int
    tried: Share
    found: tuple[Driver, ...]
    several: int
    least: int
    sample: float | None = None

    def of_everybody(self, people: int) -> int:
        return round(meta.scaled(people, self.sample) or 0)

    def sure(self, people: int) -> meta.Interval | None:
        return meta.between(people, people, self.sample)


def shape_drivers(step: int, least: int, rows: Rows, sample: float | None = None) -> Drivers:
    every = next((row["people"] for row in rows if row["part"] == "driver" and row["place"] == 0), (0, 0))
    tried = Share(int(every[1]), int(every[0]))
    told = [row for row in rows if row["part"] == "driver" and row["place"] == 1]
    pairs = [_shares(row, tried) for row in told]
    p_values = [independence_p_value(one.converted, one.people, tried.converted, tried.people) for one, _ in pairs]
    found = []
    for row, (having, lacking), p_value, adjusted in zip(told, pairs, p_values, benjamini_hochberg(p_values), strict=True):
        kind, name, value, bounds = json.loads(row["value"])
        odds = odds_ratio(having, lacking)
        if odds is not None:
            between = (bounds[0], bounds[1]) if bounds else None
            found.append(Driver(kind, name, value, having, lacking, odds, p_value, adjusted, between))
    found.sort(key=lambda one: (not one.clear, -one.sureness, one.adjusted, one.kind, one.name, one.value, _from(one)))
    return Drivers(step, tried, tuple(found), int(told[0]["values"]) if told else 0, least, sample)


def _plain(number: float | None) -> str:
    return "" if number is None else str(int(number)) if float(number).is_integer() else repr(number)


def _from(one: Driver) -> float:
    return -math.inf if one.bounds is None or one.bounds[0] is None else one.bounds[0]


def _shares(row: Mapping[str, Any], tried: Share) -> tuple[Share, Share]:
    people, succeeded = (int(n) for n in row["people"])
    return Share(succeeded, people), Share(tried.converted - succeeded, tried.people - people)


def driver_cell(step: int, one: Driver, state: str = "reached") -> dict[str, Any]:
    """Those with it who succeeded, or did not, as fields of `FunnelCell`."""
    fields: dict[str, Any] = {"step": step, "driver": one.kind, "name": one.name, **({"having": one.value} if one.value else {})}
    if one.bounds is not None:
        fields |= {name: bound for name, bound in zip(("at_least", "below"), one.bounds, strict=True) if bound is not None}
    return {**fields, **({"state": state} if state != "reached" else {})}
