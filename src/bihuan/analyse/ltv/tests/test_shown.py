"""Lifetime value as its panel shows it: made from results by hand, no store needed."""

from __future__ import annotations

from datetime import date
from typing import Any

from bihuan.analyse.ltv.chart import chart_ltv, panel_ltv
from bihuan.analyse.ltv.models import Buying, Spending
from bihuan.analyse.ltv.result import Cohort, LtvPart, LtvResult, Prediction
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.breakdowns import ByPerson


def result(**more: Any) -> LtvResult:
    """Nobody's lifetime value, but for what a test gives."""
    empty: dict[str, Any] = {"cohorts": (), "curve": (), "customers": 50, "again": 40, "prediction": None, "missing": None}
    return LtvResult(**{**empty, "unit": "month", "horizon": 90, "parts": (), "breakdown": (), "names": {}, **more})


def test_purchases_that_are_expected_are_told_whole():
    buying, spending = Buying(1, 1, 1, 1, log_likelihood=0), Spending(1, 2, 1, log_likelihood=0)
    found = Prediction(days=90, purchases=2076.0284, value=100.0, alive=31.4, learned=50, buying=buying, spending=spending)
    facts = panel_ltv(result(prediction=found), Plain())["facts"]
    assert (facts[0]["title"], facts[0]["value"]) == ("Purchases expected", "2076 number")


def cohort(*values: float | None, complete: int) -> Cohort:
    """A cohort that has lived through the first `complete` ages."""
    complete_ages = tuple(age < complete for age in range(len(values)))
    return Cohort(date(2026, 1, 1), 50, values, complete_ages, None, 40, between=(None,) * len(values))


def test_the_chart_and_the_grids_end_with_what_is_known():
    known = result(curve=(3.0, 4.0, None, None, None), cohorts=(cohort(2.0, 3.0, 5.0, None, None, complete=1),))
    chart = chart_ltv(known, Plain()) or {}
    assert chart["xAxis"]["data"] == ["By month 0", "By month 1"]
    assert [line["data"] for line in chart["series"]] == [[3.0, 4.0], [2.0, None]]
    assert [line["showSymbol"] for line in chart["series"]] == [False, True]  # one age alone is a point
    panel = panel_ltv(known, Plain())
    assert panel["columns"] == ["By month 0", "By month 1", "By month 2"]
    assert [cell["running"] for cell in panel["cohorts"][0]["cells"]] == [False, True, True]


def test_the_grid_of_values_ends_with_the_last_age_that_all_of_some_value_have_lived_through():
    email = LtvPart((), (2.0, 3.0, None), 30, 10, None, "few", place=1, value="email", other=0)
    others = LtvPart((), (2.0, None, None), 20, 10, None, "few", place=2, value=None, other=1)
    broken_down = result(curve=(2.0, 3.0, None), parts=(email, others), breakdown=(ByPerson(person="medium"),))
    panel = panel_ltv(broken_down, Plain())
    assert panel["columns_of_parts"] == ["By month 0", "By month 1"]
    assert [(part["title"], len(part["cells"])) for part in panel["parts"]] == [("email", 2), ("1 other value", 2)]


def test_where_nobody_has_lived_through_an_age_there_is_no_chart():
    young = result(curve=(None, None), cohorts=(cohort(2.0, None, complete=0),))
    assert chart_ltv(young, Plain()) is None
    assert panel_ltv(young, Plain())["columns"] == ["By month 0"]
