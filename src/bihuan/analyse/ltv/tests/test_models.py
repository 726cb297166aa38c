"""The models against what their authors published of the customers of CDNOW."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from bihuan.analyse.ltv import LTV
from bihuan.analyse.ltv.models import Buying, fit_buying, fit_spending
from bihuan.analyse.ltv.spec import LtvSpec
from bihuan.analyse.purchase import Purchase
from bihuan.engine.periods import Between

FOLDER = Path(os.environ.get("BIHUAN_SHARED_DATA") or Path(__file__).parents[6] / "shared" / "data") / "cdnow"
END = date(1997, 9, 30)  # of the first 39 weeks, from which the papers learn


@pytest.fixture(scope="module")
def customers() -> list[dict[date, float]]:
    """What each customer of the published sample of one in ten spent on which day."""
    if not FOLDER.exists():
        pytest.skip(f"the data are not shipped with Bihuan; they were looked for in {FOLDER} (see BIHUAN_SHARED_DATA)")
    orders: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for line in (FOLDER / "CDNOW_sample.txt").read_text().splitlines():
        _, customer, day, _, dollars = line.split()
        at = datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        if at <= END:
            orders[customer][at] += float(dollars)
    return list(orders.values())


@pytest.mark.shared_data
def test_buying_has_the_published_parameters(customers):
    again = [len(days) - 1 for days in customers]
    last = [(max(days) - min(days)).days / 7 for days in customers]
    known = [(END - min(days)).days / 7 for days in customers]
    found = fit_buying(again, last, known, [1] * len(customers))
    assert found is not None
    assert [round(each, 3) for each in (found.r, found.alpha, found.a, found.b)] == [0.243, 4.414, 0.793, 2.426]
    assert round(found.log_likelihood, 1) == -9582.4


@pytest.mark.shared_data
def test_spending_has_the_published_parameters(customers):
    repeat = [(len(days) - 1, sum(days.values()) - days[min(days)]) for days in customers if len(days) > 1]
    assert len(repeat) == 946
    found = fit_spending([again for again, _ in repeat], [worth / again for again, worth in repeat])
    assert found is not None
    assert [round(found.p, 2), round(found.gamma, 2)] == [6.25, 15.44]
    assert found.q == pytest.approx(3.74, abs=0.005)


@pytest.mark.shared_data
def test_groups_say_as_much_as_customers(customers):
    with (FOLDER / "cdnow_customers_summary.csv").open() as file:
        rows = [(int(row["frequency"]), float(row["recency"]), float(row["T"])) for row in csv.DictReader(file)]
    groups: dict[tuple[int, float, float], int] = defaultdict(int)
    for row in rows:
        groups[row] += 1
    one_by_one = fitted(rows, [1] * len(rows))
    together = fitted(list(groups), list(groups.values()))
    assert together.r == pytest.approx(one_by_one.r, rel=1e-4)
    assert together.log_likelihood == pytest.approx(one_by_one.log_likelihood, abs=1e-4)


def fitted(rows: list[tuple[int, float, float]], customers: list[int]) -> Buying:
    again, last, known = zip(*rows, strict=True)
    found = fit_buying(again, last, known, customers)
    assert found is not None
    return found


def test_expected_purchases_are_what_a_simulation_of_the_model_gives():
    """Customers drawn from the model; of those with the same past, the mean future is what the formula says."""
    dice = np.random.default_rng(5)
    model = Buying(r=0.8, alpha=3.0, a=0.9, b=2.0, log_likelihood=0)
    people, known, ahead = 400_000, 12.0, 12.0
    rate, leaves = dice.gamma(model.r, 1 / model.alpha, people), dice.beta(model.a, model.b, people)
    at, again, last, future = (np.zeros(people) for _ in range(4))
    alive = np.ones(people, dtype=bool)
    while alive.any():
        at[alive] += dice.exponential(1 / rate[alive])
        alive &= at <= known + ahead
        past = alive & (at <= known)
        again[past] += 1
        last[past] = at[past]
        future[alive & (at > known)] += 1
        alive &= dice.random(people) >= leaves
    for bought in (0, 1, 3):
        same = again == bought
        expected = model.purchases(ahead, again[same], last[same], np.full(same.sum(), known)).mean()
        error = future[same].std() / np.sqrt(same.sum())
        assert abs(future[same].mean() - expected) < 4 * error


def test_a_customer_who_bought_once_is_alive_and_one_long_silent_is_hardly():
    model = Buying(r=0.243, alpha=4.414, a=0.793, b=2.426, log_likelihood=0)
    alive = model.alive(np.array([0.0, 10.0, 10.0]), np.array([0.0, 38.0, 12.0]), np.array([38.0] * 3))
    assert alive[0] == 1
    assert alive[1] > 0.9
    assert alive[2] < 0.01


def test_too_few_teach_nothing():
    assert fit_buying([1] * 29 + [0] * 500, [1.0] * 29 + [0.0] * 500, [5.0] * 529, [1] * 529) is None
    assert fit_spending([1] * 29, [5.0] * 29) is None


@pytest.mark.shared_data
def test_asked_of_the_store_the_published_parameters_come_back(customers, engine, scope, first_person):
    """All the way: events in, statement, groups, fit. The prediction is the sum over customers one by one."""
    rows = [(first_person + n, day, worth) for n, days in enumerate(customers) for day, worth in days.items()]
    ats = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) for _, day, _ in rows]
    columns: dict[str, tuple[str, list[Any]]] = {
        "project_id": ("UInt32", [scope.project_id] * len(rows)),
        "event": ("LowCardinality(String)", ["Order"] * len(rows)),
        "day": ("Date", [day for _, day, _ in rows]),
        "person_id": ("UInt32", [person for person, _, _ in rows]),
        "ts": ("DateTime64(3, 'UTC')", ats),
        "event_key": ("UInt64", list(range(len(rows)))),
        "revenue": ("Nullable(Float64)", [worth for _, _, worth in rows]),
    }
    engine.store.insert("events", list(columns), [values for _, values in columns.values()], [kind for kind, _ in columns.values()])
    spec = LtvSpec(
        purchase=Purchase(event="Order"), period=Between(since=date(1997, 1, 1), until=END), horizon=39 * 7, unit="week", ages=39
    )
    at_the_end = replace(scope, zone="UTC", now=datetime(1997, 9, 30, 23, tzinfo=UTC))
    result = engine.ask(LTV, spec, at_the_end).result
    found = result.prediction
    assert [round(each, 3) for each in (found.buying.r, found.buying.alpha, found.buying.a, found.buying.b)] == [0.243, 4.414, 0.793, 2.426]
    assert [round(found.spending.p, 2), round(found.spending.gamma, 2)] == [6.25, 15.44]
    assert (result.customers, result.again, found.learned) == (2357, 946, 2357)
    again = np.array([len(days) - 1.0 for days in customers])
    last = np.array([(max(days) - min(days)).days / 7 for days in customers])
    known = np.array([(END - min(days)).days / 7 for days in customers])
    worth = np.array([sum(days.values()) - days[min(days)] for days in customers])
    each = found.buying.purchases(39, again, last, known)
    mean = found.spending.p * (found.spending.gamma + worth) / (found.spending.p * again + found.spending.q - 1)
    assert found.purchases == pytest.approx(each.sum())
    assert found.value == pytest.approx((each * mean).sum())
    assert sum(cohort.expected * cohort.customers for cohort in result.cohorts) == pytest.approx(found.value)


def simulated(many: int = 3_000) -> tuple[Any, Any, Any]:
    """Customers of the very model (r 0.5, alpha 4, a 0.8, b 2.4): how often they bought again, when last, for how long they are known."""
    chance = np.random.default_rng(7)
    rates, leaving, known = chance.gamma(0.5, 1 / 4, many), chance.beta(0.8, 2.4, many), chance.uniform(5, 40, many)
    again, last = np.zeros(many), np.zeros(many)
    for customer in range(many):
        at = 0.0
        while (at := at + chance.exponential(1 / rates[customer])) <= known[customer]:
            again[customer] += 1
            last[customer] = at
            if chance.random() < leaving[customer]:
                break
    return again, last, known


def test_the_search_along_the_slopes_ends_where_the_one_without_them_does(monkeypatch):
    again, last, known = simulated()
    worth = np.random.default_rng(8).gamma(6, 1, int((again > 0).sum())) * 5
    searched, real = set(), optimize.minimize

    def fitted(*, lost: bool) -> list[float]:
        def minimize(loss: Any, start: Any, *, method: str, **how: Any) -> Any:
            searched.add(method)
            found = real(loss, start, method=method, **how)
            found.fun = float("nan") if lost and method == "L-BFGS-B" else found.fun
            return found

        monkeypatch.setattr("scipy.optimize.minimize", minimize)
        buying, spending = fit_buying(again, last, known, np.ones(len(again))), fit_spending(again[again > 0], worth)
        assert buying is not None
        assert spending is not None
        return [buying.r, buying.alpha, buying.a, buying.b, buying.log_likelihood, spending.p, spending.q, spending.gamma]

    quickly = fitted(lost=False)
    assert searched == {"L-BFGS-B"}
    assert fitted(lost=True) == pytest.approx(quickly, rel=1e-3)
    assert "Nelder-Mead" in searched
