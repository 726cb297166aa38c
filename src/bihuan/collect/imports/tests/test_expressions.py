"""Expressions over columns: what they mean, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.expressions import parse

COLUMNS = {"a": 6.0, "b": 4.0, "Unit Price": 2.5, "price.net": 10.0, "数量": 3.0}


def value(text: str) -> float:
    return float(parse(text).evaluate(lambda name: np.array([COLUMNS[name]]))[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a * b", 24),
        ("a + b * 2", 14),
        ("(a + b) * 2", 20),
        ("a - b - 1", 1),
        ("a / b / 2", 0.75),
        ("-a + b", -2),
        ("a * -(b - 1)", -18),
        ("`Unit Price` * a", 15),
        ("price.net*数量", 30),
        ("a*0.5", 3),
    ],
)
def test_expressions_follow_the_rules_of_arithmetic(text: str, expected: float) -> None:
    assert value(text) == expected


def test_an_expression_knows_its_columns_in_order() -> None:
    assert parse("b * (a + b) - `Unit Price`").names == ("b", "a", "Unit Price")


def test_dividing_by_zero_and_a_missing_value_give_no_value() -> None:
    columns = {"a": np.array([1.0, np.nan, 6.0]), "b": np.array([0.0, 2.0, 3.0])}
    result = parse("a / b").evaluate(columns.__getitem__)
    assert np.isnan(result[:2]).all()
    assert result[2] == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "* a",
        "(a",
        "a)",
        "a b",
        "1 + 2",
        "a ** b",
        "a // b",
        "f(a)",
        "a[0]",
        "a; b",
        "__import__('os')",
        "a if b else a",
        "'a'",
        "a,b",
    ],
)
def test_anything_else_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ImportProblem) as problem:
        parse(text)
    assert text in str(problem.value)


def test_too_deep_and_too_long_expressions_are_refused() -> None:
    with pytest.raises(ImportProblem, match="too deeply"):
        parse("(" * 400 + "a" + ")" * 400)
    with pytest.raises(ImportProblem, match="at most"):
        parse("a + " * 400 + "a")


@given(st.text(max_size=40))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        names = parse(text).names
    except ImportProblem:
        return
    assert names
