"""From the sums of both arms to what a campaign changed, and how sure that is; each number is defined here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bihuan.act.lift import statistics as stats
from bihuan.act.lift.spec import LiftSpec
from bihuan.act.lift.statistics import Interval, Mean, Share
from bihuan.engine.question import Column, Headline, Kind, Rows, Scope, Table


@dataclass(frozen=True)
class Arm:
    """The people of one arm: how many, how many of them reached the goal, how often, the mean and the sample variance of their
    value (0 without the goal), how many have had the whole window, and the share that had
    converted by the end of each day after assignment, of the days that have begun for everybody."""

    people: int = 0
    converted: int = 0
    goals: int = 0
    mean: float = 0.0
    variance: float = 0.0
    complete: int = 0
    curve: tuple[float, ...] = ()

    @property
    def rate(self) -> float | None:
        """The share of the arm's people who reached the goal at least once; None without people."""
        return self.converted / self.people if self.people else None


@dataclass(frozen=True)
class LiftResult:
    """What the treated arm did more than the held-out arm.

    `difference`  goal rate (or mean value per person) of the treated less that of the held out, with its 95 % interval
    `relative`    the same as a fraction of the held-out arm's
    `extra`       `difference` times the treated people: goals (or value) that would not have been without the campaign
    `p_value`     of "the campaign changed nothing", two-sided
    `ratio_p_value`  of "people fell into the arms as intended"; None when that was not asked
    `smallest`    the smallest difference that these arms would show four times out of five
    `in_both`     people set apart because they were assigned to both arms
    """

    measure: Literal["people", "value"]
    window: int
    treated: Arm
    held: Arm
    difference: Interval | None
    relative: Interval | None
    extra: Interval | None
    p_value: float | None
    ratio_p_value: float | None
    smallest: float | None
    in_both: int = 0
    warnings: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())

    @property
    def ratio_broken(self) -> bool:
        """Whether the arms differ from the intended sizes by more than chance allows."""
        return self.ratio_p_value is not None and self.ratio_p_value < stats.SRM_ALARM

    @property
    def significant(self) -> bool:
        return self.p_value is not None and self.p_value < stats.ALPHA

    @property
    def complete(self) -> float:
        """The share of people who have had the whole window."""
        people = self.treated.people + self.held.people
        return (self.treated.complete + self.held.complete) / people if people else 0.0


def shape_lift(spec: LiftSpec, scope: Scope, rows: Rows) -> LiftResult:
    """The result of the statement's rows: one an arm."""
    arms = {str(row["arm"]): _arm(row, scope) for row in rows}
    treated, held = arms.get("treatment", Arm()), arms.get("holdout", Arm())
    both = arms.get("both", Arm()).people
    measured = _values(treated, held) if spec.goal.measure == "value" else _shares(treated, held)
    difference, relative, p_value, smallest = measured
    return LiftResult(
        measure=spec.goal.measure,
        window=spec.window,
        treated=treated,
        held=held,
        difference=difference,
        relative=relative,
        extra=difference.times(treated.people) if difference else None,
        p_value=p_value,
        ratio_p_value=stats.sample_ratio_p_value(treated.people, held.people, spec.holdout) if spec.holdout else None,
        smallest=smallest,
        in_both=both,
        warnings=(("{count} people belong to both arms because ids were joined later; they are left out.", {"count": both}),)
        if both
        else (),
    )


def _arm(row: Mapping[str, Any], scope: Scope) -> Arm:
    people = int(row["people"])
    begun = (scope.now - row["newest"]).days + 1
    return Arm(
        people=people,
        converted=int(row["converted"]),
        goals=int(row["goals"]),
        mean=float(row["mean"]),
        variance=float(row["variance"]),
        complete=int(row["complete"]),
        curve=tuple(int(count) / people for count in row["by_day"][: max(0, begun)]),
    )


Measured = tuple[Interval | None, Interval | None, float | None, float | None]


def _shares(treated: Arm, held: Arm) -> Measured:
    first, second = Share(treated.converted, treated.people), Share(held.converted, held.people)
    people = first.people + second.people
    smallest = stats.smallest_visible_lift(people, second.people / people, second.rate) if people else None
    return stats.share_difference(first, second), stats.share_ratio(first, second), stats.share_p_value(first, second), smallest


def _values(treated: Arm, held: Arm) -> Measured:
    first, second = Mean(treated.people, treated.mean, treated.variance), Mean(held.people, held.mean, held.variance)
    return (
        stats.mean_difference(first, second),
        stats.mean_ratio(first, second),
        stats.mean_p_value(first, second),
        stats.smallest_visible_difference(first, second),
    )


def table_lift(result: LiftResult) -> Table:
    """One row an arm and one for the difference with its bounds."""
    kind: Kind = "money" if result.measure == "value" else "share"
    columns = (
        Column("arm", "Group"),
        Column("people", "People", "number"),
        Column("converted", "Reached the goal", "number"),
        Column("rate", "Value per person" if result.measure == "value" else "Goal rate", kind),
        Column("low", "95 % from", kind),
        Column("high", "95 % to", kind),
    )
    rows: list[tuple[Any, ...]] = []
    for name, arm in (("treatment", result.treated), ("holdout", result.held)):
        rows.append((name, arm.people, arm.converted, arm.mean if result.measure == "value" else arm.rate, None, None))
    if result.difference:
        rows.append(("lift", None, None, *result.difference))
    return Table(columns, tuple(rows))


def headlines_lift(result: LiftResult) -> tuple[Headline, ...]:
    """Both arms' goal and the lift."""
    value = result.measure == "value"
    kind: Kind = "money" if value else "share"
    lift = result.difference.estimate if result.difference else None
    shown = Headline("Lift", lift, "money") if value else Headline("Lift, points", None if lift is None else round(lift * 100, 2))
    return (
        Headline("Got the campaign", result.treated.mean if value else result.treated.rate, kind),
        Headline("Held out", result.held.mean if value else result.held.rate, kind),
        shown,
        Headline("Relative lift", result.relative.estimate if result.relative else None, "share"),
    )
