"""Formulas: what they calculate, and that nothing but arithmetic is understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope
from bihuan.see.trend import TREND
from bihuan.see.trend.formula import FormulaError, Tree, calculate, letters, parse
from bihuan.see.trend.result import running
from bihuan.see.trend.spec import TrendSpec


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("A/B*100", {"A": 1, "B": 4}, 25),
        ("A / B * 100", {"A": 1, "B": 0}, None),
        ("A - B - 1", {"A": 10, "B": 2}, 7),
        ("a + b*2", {"A": 1, "B": 2}, 5),
        ("-(A + B) × 2", {"A": 1, "B": 2}, -6),
        ("A ÷ (B − 2)", {"A": 1, "B": 2}, None),
        ("2 * -A", {"A": 3}, -6),
        ("A + B", {"A": 1, "B": None}, None),
        (".5 * A", {"A": 3}, 1.5),
        ("A * 1000000", {"A": 1e308}, None),
    ],
)
def test_a_formula_is_calculated_as_in_school(text: str, values: dict[str, Any], expected: float | None) -> None:
    assert calculate(parse(text), values) == expected


@pytest.mark.parametrize(
    "text",
    ["", "A B", "A +", "(A", "A)", "A ** 2", "K", "AB", "__import__('os')", "1e9", "A;B", "()", "A" * 300, "(" * 40 + "A" + ")" * 40],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(FormulaError, match=r"\.$"):
        parse(text)


trees: st.SearchStrategy[Tree] = st.recursive(
    st.sampled_from(("A", "B", 2.0, 0.5)), lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner), max_leaves=8
)


def written(tree: Tree) -> str:
    return f"({written(tree[1])}{tree[0]}{written(tree[2])})" if isinstance(tree, tuple) else str(tree)


@given(trees, st.integers(-3, 3), st.integers(-3, 3))
def test_what_is_written_is_read_as_python_reads_it(tree: Tree, a: int, b: int) -> None:
    try:
        expected = eval(written(tree), {"A": a, "B": b})
    except ZeroDivisionError:
        expected = None
    assert calculate(parse(written(tree)), {"A": a, "B": b}) == (pytest.approx(expected) if expected is not None else None)


def test_the_letters_of_a_formula() -> None:
    assert letters(parse("A/(B+1)")) == {"A", "B"}


def test_a_formula_of_a_series_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="speaks of a series that there is not"):
        TrendSpec.model_validate({"series": [{}], "formulas": [{"formula": "A/B"}]})


def test_a_formula_is_a_line_of_its_own(engine: Engine, scope: Scope, write: Callable[..., None]) -> None:
    write((1, "View", "2026-03-14 10:00"), (2, "View", "2026-03-14 10:00"), (1, "Buy", "2026-03-14 11:00"), (1, "Buy", "2026-03-15 11:00"))
    document = {
        "series": [{"event": "Buy", "measure": "people"}, {"event": "View", "measure": "people"}],
        "formulas": [{"formula": "A/B", "kind": "share", "name": "Buyers of viewers"}],
        "period": {"last": 2},
        "only_formulas": True,
    }
    (line,) = engine.ask(TREND, TrendSpec.model_validate(document), scope).result.lines
    assert (line.title_values["name"], line.kind, line.values, line.total) == ("Buyers of viewers", "share", (0.5, None), 0.5)


def test_running_totals_and_means() -> None:
    assert running((1, 2, None, 3), None) == (1, 3, 3, 6)
    assert running((1, 2, None, 6), 2) == (1, 1.5, 2, 6)
    assert running((None, None), 2) == (None, None)
