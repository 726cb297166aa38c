"""What lifetime value answers, each number defined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, Literal

from bihuan.analyse.ltv.models import FEWEST, Buying, Spending, fit_buying, fit_spending
from bihuan.analyse.ltv.spec import LtvSpec
from bihuan.analyse.parts import Estimated
from bihuan.analyse.purchase import customers_warning, each_spent
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.meta import Interval, Warning_, lows_and_highs, sample_warning
from bihuan.engine.periods import Unit, bucket_day, next_bucket_day
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

DAYS_A_WEEK = 7
NOTHING = 1e-6  # purchases: less than none by more than this is no rounding
Missing = Literal["few", "worthless", "unfit"]


@dataclass(frozen=True)
class Cohort(Estimated):
    """Customers whose first purchase fell into the bucket that begins on `day`; `again` of them bought more than once.

    `values`, by age: what a customer has brought on average up to the end of that age (None: nobody is that old). `complete`, by age:
    whether the whole cohort has lived through it, so that the number will not grow. `expected` is what a customer will bring on average
    over the horizon (None without a prediction).

    Of a `sample`, `customers` and `again` are estimates for everybody, and `between` says of each of `values` where it lies (None of one
    customer).
    """

    day: date
    customers: int
    values: tuple[float | None, ...]
    complete: tuple[bool, ...]
    expected: float | None
    again: int
    between: tuple[Interval | None, ...] = ()
    sample: float | None = None


@dataclass(frozen=True)
class Prediction:
    """What all customers together are expected to do in the next `days` days: `purchases`, worth `value`. `alive` is how many customers
    are expected to still buy at all. `buying` and `spending` are the fitted models, learned from `learned` of the customers (of those who
    were asked)."""

    days: int
    purchases: float
    value: float
    alive: float
    learned: int
    buying: Buying
    spending: Spending


@dataclass(frozen=True)
class Customers(Estimated):
    """Some customers: their `cohorts` in order; `curve`, by age: what a customer brings on average up to its end, each age's part from the
    cohorts that have lived through it (None where none has). `customers` in all, of whom `again` bought more than once.

    `prediction` None is explained by `missing`: too `few` bought again; too few of those that the models learn from did, for anything
    of worth (`worthless`); or the models found no parameters that make sense (`unfit`). `missing` is None where there is a prediction,
    and where there is nobody.

    Of a `sample`, numbers of customers and what is predicted of all of them are estimates for everybody; averages are the sample's.
    """

    cohorts: tuple[Cohort, ...]
    curve: tuple[float | None, ...]
    customers: int
    again: int
    prediction: Prediction | None
    missing: Missing | None
    sample: float | None = field(default=None, kw_only=True)

    @property
    def brought(self) -> float | None:
        """What a customer has brought up to the last age of the curve (None without one)."""
        return next((value for value in reversed(self.curve) if value is not None), None)

    @property
    def expected(self) -> float | None:
        """What a customer is expected to bring over the horizon, on average (None without a prediction)."""
        seen = self.seen(self.customers)
        return self.prediction.value * (self.sample or 1) / seen if self.prediction and seen else None

    @property
    def bought_again(self) -> float | None:
        """Which part of the customers bought again (None of nobody)."""
        seen = self.seen(self.customers)
        return self.seen(self.again) / seen if seen else None


@dataclass(frozen=True)
class LtvPart(Customers):
    """The customers with `value` ('' when they have none), or (`value` None) all those of the `other` values that are not shown alone.
    `place` is where it stands in the answer. Its prediction is from models of its own."""

    place: int
    value: str | None
    other: int


@dataclass(frozen=True)
class LtvResult(Customers):
    """All customers; and when broken down `parts` of them, most customers first, the rest last. `horizon` is for how many days it is
    predicted."""

    unit: Unit
    horizon: int
    parts: tuple[LtvPart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        found = [*sample_warning(self.sample), *customers_warning(self.sure(self.customers))]
        if self.missing:
            found.append((MISSING[self.missing], {"count": self.seen(self.again)}))
        if self.prediction and self.prediction.learned < self.customers:
            known = {"learned": self.prediction.learned, "customers": self.customers}
            found.append(("The prediction learned from {learned} of {customers} customers, and is about all of them.", known))
        silent = sum(part.prediction is None for part in self.parts)
        if silent and self.prediction:
            shown = {"count": silent, "parts": len(self.parts)}
            found.append((SILENT, shown))
        return tuple(found)


SILENT = "For {count} of the {parts} values nothing is predicted: too few of their customers bought again, or the models do not fit."
MISSING: Mapping[Missing, str] = {
    "few": "Too few customers bought again to predict: {count}, and it takes 30.",
    "worthless": "Too few of the customers that the models learn from bought again for anything of worth: it takes 30.",
    "unfit": "Nothing is predicted: the models do not fit how these customers buy.",
}


def shape_ltv(spec: LtvSpec, scope: Scope, rows: Rows) -> LtvResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(int(row.get("place", 0)), []).append(row)
    found = {place: _customers(spec, scope, mine) for place, mine in sorted(places.items())}
    parts = []
    for place, mine in places.items():
        if place:
            one = next(row for row in mine if row["part"] == "observed")
            is_other = place > spec.top
            others = max(row["rank"] for row in mine) - spec.top if is_other else 0
            parts.append(LtvPart(**vars(found[place]), place=place, value=None if is_other else str(one["named"]), other=others))
    parts.sort(key=lambda part: part.place)
    return LtvResult(
        **vars(found[0]),
        unit=spec.unit,
        horizon=spec.horizon,
        parts=tuple(parts),
        breakdown=spec.breakdown,
        names=scope.segment_names,
    )


def table_ltv(result: LtvResult) -> Table:
    """One row a cohort: its size, what a customer brought by each age, and what one is expected to bring. When broken down, the same of
    each value, after a row (without a cohort) of all its customers; and how many bought again. Of a sample, also where all of that lies."""
    ages = range(max((len(cohort.values) for cohort in result.cohorts), default=0))
    named = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *named,
        Column("cohort", "Cohort", "day"),
        Column("customers", "Customers", "number"),
        *((Column("again", "Customers who bought again", "number"),) if named else ()),
        *(Column(f"age_{age}", AGES[result.unit], "money", {"number": age}) for age in ages),
        Column("expected", "Expected over the horizon", "money"),
        *_bound_columns(result, ages),
    )
    rows: list[tuple[Any, ...]] = []
    cells: list[tuple[Mapping[str, Any] | None, ...]] = []
    if not named:
        rows += [
            (cohort.day, cohort.customers, *cohort.values, cohort.expected, *_bounds(cohort, ages, again=False))
            for cohort in result.cohorts
        ]
        cells += [(None, {"cohort": cohort.day.isoformat()}, *(None,) * (len(columns) - 2)) for cohort in result.cohorts]
    for part in result.parts:
        value = cells_of(part.value, result.breakdown)
        rows.append((*value, None, part.customers, part.again, *part.curve, part.expected, *_bounds(part, ages)))
        rows += [(*value, each.day, each.customers, each.again, *each.values, each.expected, *_bounds(each, ages)) for each in part.cohorts]
        for cohort in ({}, *({"cohort": each.day.isoformat()} for each in part.cohorts)):
            whose = {"place": part.place, **cohort}
            cells.append((*(None for _ in value), None, whose, {**whose, "bought": "again"}, *(None,) * (len(columns) - len(value) - 3)))
    return Table(columns, tuple(rows), tuple(cells))


def _bounds(one: Cohort | Customers, ages: range, *, again: bool = True) -> tuple[float | None, ...]:
    """Of a sample, where the numbers lie: how many customers, how many of them bought again, and the averages of a cohort."""
    if one.sample is None:
        return ()
    averages = one.between if isinstance(one, Cohort) else (None,) * len(ages)
    return lows_and_highs([one.sure(one.customers), *([one.sure(one.again)] if again else []), *averages])


def _bound_columns(result: LtvResult, ages: range) -> tuple[Column, ...]:
    if result.sample is None:
        return ()
    least, most = AT_LEAST[result.unit], AT_MOST[result.unit]
    return (
        Column("customers_low", "Customers, at least", "number"),
        Column("customers_high", "Customers, at most", "number"),
        *(AGAIN if result.parts else ()),
        *(
            column
            for age in ages
            for column in (
                Column(f"age_{age}_low", least, "money", {"number": age}),
                Column(f"age_{age}_high", most, "money", {"number": age}),
            )
        ),
    )


AGAIN = (
    Column("again_low", "Customers who bought again, at least", "number"),
    Column("again_high", "Customers who bought again, at most", "number"),
)
AT_LEAST: Mapping[str, str] = {
    "day": "By day {number}, at least",
    "week": "By week {number}, at least",
    "month": "By month {number}, at least",
}
AT_MOST: Mapping[str, str] = {
    "day": "By day {number}, at most",
    "week": "By week {number}, at most",
    "month": "By month {number}, at most",
}
AGES: Mapping[str, str] = {"day": "By day {number}", "week": "By week {number}", "month": "By month {number}"}


def headlines_ltv(result: LtvResult) -> tuple[Headline, ...]:
    found = result.prediction
    return (
        Headline("Customers", result.customers),
        Headline("Brought by a customer so far", result.brought, "money"),
        Headline("Bought again", result.bought_again, "share"),
        Headline("Expected in {days} days", found.value if found else None, "money", values={"days": found.days if found else 0}),
        Headline("Customers who still buy", round(found.alive) if found else None),
    )


def later(day: date, unit: str, units: int) -> date:
    """The day so many units after `day`; a month after the 31st ends with its month, as the store's `age` has it."""
    if unit != "month":
        return day + timedelta(days=units * (DAYS_A_WEEK if unit == "week" else 1))
    month = day.month - 1 + units
    first = date(day.year + month // 12, month % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), next_bucket_day(first, "month") - timedelta(days=1))


def _customers(spec: LtvSpec, scope: Scope, rows: Sequence[Mapping[str, Any]]) -> Customers:
    observed = [row for row in rows if row["part"] == "observed"]
    groups = next((row for row in rows if row["part"] == "groups"), NOBODY)
    repeaters = next((row for row in rows if row["part"] == "repeaters"), NOBODY)
    prediction, expected, missing = _prediction(spec, scope, groups, repeaters)
    sizes: dict[date, int] = {}
    brought: dict[tuple[date, int], float] = {}
    squares: dict[tuple[date, int], float] = {}
    for row in observed:
        if row["age"] == 0:
            sizes[row["cohort"]] = int(row["customers"])
        brought[row["cohort"], int(row["age"])] = float(row["value"])
        squares[row["cohort"], int(row["age"])] = float(row.get("squares", 0))
    again: dict[date, int] = dict.fromkeys(sizes, 0)
    for known, bought, number in zip(groups["known_days"], groups["bought"], groups["number"], strict=True):
        again[_first_of(spec, scope, known)] += int(number) if bought else 0
    cohorts = tuple(_cohort(spec, scope, day, sizes[day], brought, squares, expected.get(day), again[day]) for day in sorted(sizes))
    return Customers(cohorts, _curve(cohorts, brought), int(groups["customers"]), sum(again.values()), prediction, missing)


NOBODY: Mapping[str, Any] = {"customers": 0, **dict.fromkeys(("bought", "last_days", "known_days", "number", "fitted", "worth"), ())}


def _first_of(spec: LtvSpec, scope: Scope, known: int) -> date:
    """The cohort of who has been known for so many days."""
    return bucket_day(scope.today - timedelta(days=int(known)), spec.unit)


def _cohort(
    spec: LtvSpec,
    scope: Scope,
    day: date,
    size: int,
    brought: Mapping[tuple[date, int], float],
    squares: Mapping[tuple[date, int], float],
    expected: float | None,
    again: int,
) -> Cohort:
    period, now = scope.period(spec.period), scope.today
    oldest = max(day, period.since)
    youngest = min(next_bucket_day(day, spec.unit) - timedelta(days=1), period.until, now)
    ages = range(spec.ages + 1)
    reached = [later(oldest, spec.unit, age) <= now for age in ages]
    totals, totals_of_squares = (list(accumulate(each.get((day, age), 0.0) for age in ages)) for each in (brought, squares))
    means = [each_spent(total, square, size, spec.sample) for total, square in zip(totals, totals_of_squares, strict=True)]
    return Cohort(
        day=day,
        customers=size,
        values=tuple(total / size if there else None for total, there in zip(totals, reached, strict=True)),
        complete=tuple(later(youngest, spec.unit, age + 1) <= now + timedelta(days=1) for age in ages),
        expected=expected / size if expected is not None else None,
        again=again,
        between=tuple(mean if there else None for mean, there in zip(means, reached, strict=True)),
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
) -> tuple[Prediction | None, dict[date, float], Missing | None]:
    """What is expected of all customers, and of each cohort together; or why nothing is."""
    import numpy as np

    again, customers, worth = (np.array(groups[name], dtype=float) for name in ("bought", "number", "worth"))
    last, known = (np.array(groups[name], dtype=float) / DAYS_A_WEEK for name in ("last_days", "known_days"))
    learned = np.array(groups["fitted"], dtype=float)
    if not len(again):
        return None, {}, None
    if customers[again > 0].sum() < FEWEST:
        return None, {}, "few"
    if min(learned[again > 0].sum(), len(repeaters["bought"])) < FEWEST:
        return None, {}, "worthless"
    buying, spending = fit_buying(again, last, known, learned), fit_spending(repeaters["bought"], repeaters["worth"])
    if buying is None or spending is None or spending.mean is None:
        return None, {}, "unfit"
    each = buying.purchases(spec.horizon / DAYS_A_WEEK, again, last, known)
    expected: dict[date, float] = {}
    cohorts = np.array([_first_of(spec, scope, days).toordinal() for days in groups["known_days"]])
    for cohort in np.unique(cohorts):
        own = cohorts == cohort
        expected[date.fromordinal(int(cohort))] = spending.total(each[own], customers[own], again[own], worth[own])
    found = Prediction(
        days=spec.horizon,
        purchases=float(each @ customers),
        value=spending.total(each, customers, again, worth),
        alive=float(buying.alive(again, last, known) @ customers),
        learned=int(learned.sum()),
        buying=buying,
        spending=spending,
    )
    if not all(map(math.isfinite, (found.purchases, found.value, found.alive))) or each.min() < -NOTHING:
        return None, {}, "unfit"
    return found, expected, None
