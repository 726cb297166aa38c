"""Lifetime value as its panel shows it: made from results by hand, no store needed."""

from __future__ import annotations

from typing import Any

from bihuan.analyse.ltv.chart import panel_ltv
from bihuan.analyse.ltv.models import Buying, Spending
from bihuan.analyse.ltv.result import LtvResult, Prediction
from bihuan.analyse.tests.test_shown import Plain


def result(**more: Any) -> LtvResult:
    """Nobody's lifetime value, but for what a test gives."""
    empty: dict[str, Any] = {"cohorts": (), "curve": (), "customers": 50, "again": 40, "prediction": None, "missing": None}
    return LtvResult(**{**empty, "unit": "month", "horizon": 90, "parts": (), "breakdown": (), "names": {}, **more})


def test_purchases_that_are_expected_are_told_whole():
    models = {"buying": Buying(1, 1, 1, 1, log_likelihood=0), "spending": Spending(1, 2, 1, log_likelihood=0)}
    found = Prediction(days=90, purchases=2076.0284, value=100.0, alive=31.4, learned=50, **models)
    facts = panel_ltv(result(prediction=found), Plain())["facts"]
    assert (facts[0]["title"], facts[0]["value"]) == ("Purchases expected", "2076 number")
