"""Lifetime value broken down: each value's prediction is the one that its customers alone give, and is shown only where it can be."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from bihuan.analyse.ltv import LTV
from bihuan.analyse.ltv import result as shaped
from bihuan.analyse.ltv import sql as compiled
from bihuan.analyse.ltv.chart import panel_ltv
from bihuan.analyse.ltv.models import Spending, fit_buying
from bihuan.analyse.ltv.result import Customers, LtvResult
from bihuan.analyse.ltv.spec import LtvSpec
from bihuan.analyse.ltv.tests.test_exact import ROWS
from bihuan.analyse.tests.test_shown import Plain

ASKED: dict[str, Any] = {"purchase": {"event": "Buy"}, "period": {"since": "2025-11-01", "until": "2026-03-15"}, "ages": 4}
BY_CHANNEL = {**ASKED, "breakdown": {"channel": "first"}, "top": 2}
TODAY = date(2026, 3, 15)


@pytest.fixture
def customers(write, first_person):
    """`customers(channel, many, seed)`: so many who buy by the very model, all of a channel; each purchase worth `worth` or so."""
    numbers = iter(range(first_person, first_person + 1000))

    def make(medium: str, many: int, seed: int, worth: float = 20.0) -> None:
        chance = np.random.default_rng(seed)
        rows = []
        for _ in range(many):
            person, known = next(numbers), int(chance.integers(30, 130))
            rate, leaves, spends = chance.gamma(1.5, 1 / 20), chance.beta(0.8, 2.4), chance.gamma(6, worth / 6)
            at = 0.0
            while at <= known:
                day = TODAY - timedelta(days=known) + timedelta(days=int(at))
                props = {"utm_medium": medium, "revenue": round(float(chance.gamma(4, spends / 4)), 2)}
                rows.append((person, "Buy", day.isoformat(), props))
                at += 1 + chance.exponential(1 / rate)
                if chance.random() < leaves:
                    break
        write(*rows)

    return make


def told(found: Customers) -> list[float]:
    """Everything that is known of some customers, one number after the other."""
    one = found.prediction
    assert one is not None
    brought = [-1.0 if value is None else value for value in (*found.curve, found.expected, *(cohort.expected for cohort in found.cohorts))]
    buying, spending = one.buying, one.spending
    models = (buying.r, buying.alpha, buying.a, buying.b, spending.p, spending.q, spending.gamma)
    return [found.customers, found.again, *brought, one.purchases, one.value, one.alive, one.learned, *models]


def test_each_value_is_what_its_customers_alone_are(engine, scope, customers):
    customers("email", 150, 1)
    customers("cpc", 120, 2, worth=60)
    customers("affiliate", 90, 3)
    customers("social", 20, 4)
    result = engine.ask(LTV, LtvSpec.model_validate({**BY_CHANNEL, "top": 3}), scope).result
    assert [part.value for part in result.parts[:2]] == ["email", "paid_other"]

    def alone(*mediums: str) -> LtvResult:
        chosen = {"property": "utm_medium", "op": "is", "values": mediums}
        found: LtvResult = engine.ask(LTV, LtvSpec.model_validate({**ASKED, "filter": chosen}), scope).result
        return found

    assert told(result.parts[0]) == pytest.approx(told(alone("email")))
    assert told(result.parts[1]) == pytest.approx(told(alone("cpc")))
    assert told(result) == pytest.approx(told(engine.ask(LTV, LtvSpec.model_validate(ASKED), scope).result))
    others = engine.ask(LTV, LtvSpec.model_validate(BY_CHANNEL), scope).result.parts[2]
    assert (others.value, others.other, others.place) == (None, 2, 3)
    assert told(others) == pytest.approx(told(alone("affiliate", "social")))


def test_what_is_too_little_to_learn_from_is_said_and_not_predicted(engine, scope, customers):
    customers("email", 150, 1)
    customers("cpc", 20, 2)
    customers("affiliate", 90, 3, worth=0)
    answer = engine.ask(LTV, LtvSpec.model_validate(BY_CHANNEL), scope)
    email, affiliate, others = answer.result.parts
    assert (email.missing, affiliate.missing, others.missing) == (None, "worthless", "few")
    assert (affiliate.prediction, affiliate.expected, others.prediction) == (None, None, None)
    assert {cohort.expected for part in (affiliate, others) for cohort in part.cohorts} == {None}
    (warning,) = [values for text, values in answer.warnings if text.startswith("For {count}")]
    assert warning == {"count": 2, "parts": 3}
    panel = panel_ltv(answer.result, Plain())
    assert [part["expected"] for part in panel["parts"]][1:] == ["Too little", "Too few"]
    assert [part["value"] for part in panel["parts"]][1:] == ["", ""]
    assert [text.partition(":")[0] for text in panel["missing"]] == ["Too few", "Too little"]
    by_place = {cell["place"]: row[-1] for row, cells in zip(answer.table.rows, answer.table.cells, strict=True) if (cell := cells[2])}
    assert by_place[1] is not None
    assert (by_place[2], by_place[3]) == (None, None)


@pytest.mark.parametrize("wrong", ["no mean", "no buying", "no spending", "less than nothing", "no number"])
def test_a_model_that_makes_no_sense_predicts_nothing(engine, scope, customers, monkeypatch, wrong):
    customers("email", 150, 1)

    def buying(*given: Any) -> Any:
        found = fit_buying(*given)
        wrongly = {"no buying": None, "less than nothing": Shifted(found, -1.0), "no number": Shifted(found, float("nan"))}
        return wrongly.get(wrong, found)

    spending = {"no spending": None, "no mean": Spending(p=4.0, q=0.9, gamma=10.0, log_likelihood=0)}
    monkeypatch.setattr(shaped, "fit_buying", buying)
    if wrong in spending:
        monkeypatch.setattr(shaped, "fit_spending", lambda *_: spending[wrong])
    answer = engine.ask(LTV, LtvSpec.model_validate({**BY_CHANNEL, "horizon": 91}), scope)
    (email,) = answer.result.parts
    assert (answer.result.missing, answer.result.prediction, email.missing, email.prediction) == ("unfit", None, "unfit", None)
    assert {cohort.expected for cohort in answer.result.cohorts} == {None}
    assert [text for text, _ in answer.warnings] == ["Nothing is predicted: the models do not fit how these customers buy."]
    assert panel_ltv(answer.result, Plain())["parts"][0]["expected"] == "No fit"


class Shifted:
    """A model of buying whose purchases are off by so much."""

    def __init__(self, of: Any, by: float) -> None:
        self.of, self.by = of, by

    def purchases(self, *given: Any) -> Any:
        return self.of.purchases(*given) + self.by

    def alive(self, *given: Any) -> Any:
        return self.of.alive(*given)


def test_of_a_large_value_some_are_learned_from_and_all_are_predicted(engine, scope, customers, monkeypatch):
    customers("email", 150, 1)
    customers("cpc", 40, 2)
    whole = engine.ask(LTV, LtvSpec.model_validate({**BY_CHANNEL, "horizon": 92}), scope).result
    monkeypatch.setattr(compiled, "MOST_FITTED_APART", 100)
    rows = engine.ask(ROWS, LtvSpec.model_validate(BY_CHANNEL), scope).result
    groups = {row["place"]: row for row in rows if row["part"] == "groups"}
    repeaters = {row["place"]: row for row in rows if row["part"] == "repeaters"}
    assert [int(groups[place]["customers"]) for place in (0, 1, 2)] == [190, 150, 40]
    assert (sum(groups[0]["fitted"]), sum(groups[2]["fitted"])) == (190, 40)
    assert 40 < sum(groups[1]["fitted"]) < 110  # every second one, by a hash
    fitted_again = sum(many for many, bought in zip(groups[1]["fitted"], groups[1]["bought"], strict=True) if bought)
    assert len(repeaters[1]["bought"]) == fitted_again
    assert len(repeaters[0]["bought"]) == whole.again
