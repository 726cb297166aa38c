"""What lifetime value answers, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from bihuan.analyse.ltv.models import Buying, Spending, fit_buying, fit_spending
from bihuan.analyse.ltv.spec import LtvSpec
from bihuan.engine.periods import Unit, bucket_day, next_bucket_day
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

DAYS_A_WEEK = 7


@dataclass(frozen=True)
class Cohort:
    """Customers whose first purchase fell into the bucket that begins on `day`.

    `values`, by age: what a customer has brought on average up to the end of that age (None: nobody is that old). `complete`, by age:
    whether the whole cohort has lived through it, so that the number will not grow. `expected` is what a customer will bring on average
    over the horizon (None without a prediction).
    """

    day: date
    customers: int
    values: tuple[float | None, ...]
    complete: tuple[bool, ...]
    expected: float | None


@dataclass(frozen=True)
class Prediction:
    """What all customers together are expected to do in the next `days` days: `purchases`, worth `value`. `alive` is how many customers
    are expected to still buy at all. `buying` and `spending` are the fitted models, learned from `learned` of the customers."""

    days: int
    purchases: float
    value: float
    alive: float
    learned: int
    buying: Buying
    spending: Spending


@dataclass(frozen=True)
class LtvResult:
    """`cohorts` in order; `curve`, by age: what a customer brings on average up to its end, each age's part from the cohorts that have
    lived through it (None where none has). `customers` in all, of whom `again` bought more than once; `prediction` None when there is too
    little to learn from."""

    unit: Unit
    cohorts: tuple[Cohort, ...]
    curve: tuple[float | None, ...]
    customers: int
    again: int
    prediction: Prediction | None

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found: list[tuple[str, Mapping[str, Any]]] = []
        if self.customers and self.prediction is None:
            found.append(("Too few customers bought again to predict: {count}, and it takes 30.", {"count": self.again}))
        if self.prediction and self.prediction.learned < self.customers:
            known = {"learned": self.prediction.learned, "customers": self.customers}
            found.append(("The prediction learned from {learned} of {customers} customers, and is about all of them.", known))
        return tuple(found)


def shape_ltv(spec: LtvSpec, scope: Scope, rows: Rows) -> LtvResult:
    observed = [row for row in rows if row["part"] == "observed"]
    groups = next(row for row in rows if row["part"] == "groups")
    repeaters = next(row for row in rows if row["part"] == "repeaters")
    prediction, expected = _prediction(spec, scope, groups, repeaters)
    sizes: dict[date, int] = {}
    brought: dict[tuple[date, int], float] = {}
    for row in observed:
        if row["age"] == 0:
            sizes[row["cohort"]] = int(row["customers"])
        brought[row["cohort"], int(row["age"])] = float(row["value"])
    cohorts = tuple(_cohort(spec, scope, day, sizes[day], brought, expected.get(day)) for day in sorted(sizes))
    again = sum(number for number, bought in zip(groups["number"], groups["bought"], strict=True) if bought)
    return LtvResult(spec.unit, cohorts, _curve(cohorts, brought), int(groups["customers"]), again, prediction)


def table_ltv(result: LtvResult) -> Table:
    """One row a cohort: its size, what a customer brought by each age, and what one is expected to bring."""
    ages = range(max((len(cohort.values) for cohort in result.cohorts), default=0))
    columns = (
        Column("cohort", "Cohort", "day"),
        Column("customers", "Customers", "number"),
        *(Column(f"age_{age}", AGES[result.unit], "money", {"number": age}) for age in ages),
        Column("expected", "Expected over the horizon", "money"),
    )
    rows = tuple((cohort.day, cohort.customers, *cohort.values, cohort.expected) for cohort in result.cohorts)
    cells = tuple((None, {"cohort": cohort.day.isoformat()}, *(None for _ in ages), None) for cohort in result.cohorts)
    return Table(columns, rows, cells)


AGES: Mapping[str, str] = {"day": "By day {number}", "week": "By week {number}", "month": "By month {number}"}


def headlines_ltv(result: LtvResult) -> tuple[Headline, ...]:
    last = next((value for value in reversed(result.curve) if value is not None), None)
    found = result.prediction
    return (
        Headline("Customers", result.customers),
        Headline("Brought by a customer so far", last, "money"),
        Headline("Bought again", result.again / result.customers if result.customers else None, "share"),
        Headline("Expected in {days} days", found.value if found else None, "money", values={"days": found.days if found else 0}),
        Headline("Customers who still buy", found.alive if found else None),
    )


def later(day: date, unit: str, units: int) -> date:
    """The day so many units after `day`; a month after the 31st ends with its month, as the store's `age` has it."""
    if unit != "month":
        return day + timedelta(days=units * (DAYS_A_WEEK if unit == "week" else 1))
    month = day.month - 1 + units
    first = date(day.year + month // 12, month % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), next_bucket_day(first, "month") - timedelta(days=1))


def _cohort(spec: LtvSpec, scope: Scope, day: date, size: int, brought: Mapping[tuple[date, int], float], expected: float | None) -> Cohort:
    period, now = scope.period(spec.period), scope.today
    oldest = max(day, period.since)
    youngest = min(next_bucket_day(day, spec.unit) - timedelta(days=1), period.until, now)
    ages = range(spec.ages + 1)
    reached = [later(oldest, spec.unit, age) <= now for age in ages]
    totals = accumulate(brought.get((day, age), 0.0) for age in ages)
    return Cohort(
        day=day,
        customers=size,
        values=tuple(total / size if there else None for total, there in zip(totals, reached, strict=True)),
        complete=tuple(later(youngest, spec.unit, age + 1) <= now + timedelta(days=1) for age in ages),
        expected=expected / size if expected is not None else None,
    )


def _curve(cohorts: Sequence[Cohort], brought: Mapping[tuple[date, int], float]) -> tuple[float | None, ...]:
    curve: list[float | None] = []
    total = 0.0
    for age in range(max((len(cohort.values) for cohort in cohorts), default=0)):
        whole = [cohort for cohort in cohorts if cohort.complete[age]]
        people = sum(cohort.customers for cohort in whole)
        if not people:
            break
        total += sum(brought.get((cohort.day, age), 0.0) for cohort in whole) / people
        curve.append(total)
    longest = max((len(cohort.values) for cohort in cohorts), default=0)
    return (*curve, *[None] * (longest - len(curve)))


def _prediction(
    spec: LtvSpec, scope: Scope, groups: Mapping[str, Any], repeaters: Mapping[str, Any]
) -> tuple[Prediction | None, dict[date, float]]:
    """What is expected of all customers, and of each cohort together."""
    import numpy as np

    again, customers, worth = (np.array(groups[name], dtype=float) for name in ("bought", "number", "worth"))
    last, known = (np.array(groups[name], dtype=float) / DAYS_A_WEEK for name in ("last_days", "known_days"))
    learned = np.array(groups["fitted"], dtype=float)
    buying = fit_buying(again, last, known, learned)
    spending = fit_spending(repeaters["bought"], repeaters["worth"])
    if buying is None or spending is None:
        return None, {}
    each = buying.purchases(spec.horizon / DAYS_A_WEEK, again, last, known)
    expected: dict[date, float] = {}
    cohorts = np.array([bucket_day(scope.today - timedelta(days=int(days)), spec.unit).toordinal() for days in groups["known_days"]])
    for cohort in np.unique(cohorts):
        own = cohorts == cohort
        expected[date.fromordinal(int(cohort))] = spending.total(each[own], customers[own], again[own], worth[own])
    return Prediction(
        days=spec.horizon,
        purchases=float(each @ customers),
        value=spending.total(each, customers, again, worth),
        alive=float(buying.alive(again, last, known) @ customers),
        learned=int(learned.sum()),
        buying=buying,
        spending=spending,
    ), expected
