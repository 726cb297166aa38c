"""What the collector said, in the reader's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import override

from bihuan.collect.plan.check import Violation
from bihuan.collect.plan.enforce import FIXES, reasons
from bihuan.collect.said import in_words
from bihuan.collect.said.sentences import KINDS, SENTENCES


@pytest.mark.parametrize("kind", FIXES)
def test_every_reason_of_the_plan_is_said_in_chinese_with_its_values(kind: str) -> None:
    wrong = Violation("订单 id", kind, "one of {a}", '"1, “x” must be 2"', quarantine=True)  # type: ignore[arg-type]
    detail = reasons("Order “Paid”", [wrong])
    with override("en"):
        assert in_words(detail) == detail
    with override("zh-hans"):
        said = in_words(detail)
    assert said != detail
    assert "must be of type" not in said
    assert all(value in said for value in ("订单 id", "Order “Paid”") if value in detail)


def test_several_reasons_are_each_said() -> None:
    wrong = [Violation("a", "missing", "", "", quarantine=True), Violation("b", "wrong_type", "number", '"x"', quarantine=False)]
    with override("zh-hans"):
        assert in_words(reasons("Order", wrong)).count("属性") == 2


def test_what_nobody_says_stays_as_it_is() -> None:
    with override("zh-hans"):
        assert in_words("“ts” is in the future.") == "“ts” is in the future."
        assert in_words("") == ""


COLLECT = Path(__file__).resolve().parents[2]
SAYING = ("BadEvent", "BadRequest", "Refused", "Forged")


def said_in_code() -> Iterator[tuple[str, str]]:
    """Every sentence that the collector's code gives to its errors, with a number at each place of a value."""
    for path in sorted(COLLECT.rglob("*.py")):
        if not {"tests", "imports", "said"} & set(path.relative_to(COLLECT).parts):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAYING:
                    for given in node.args:
                        if (text := _text(given)) and " " in text and text.replace("7", "").strip(": “”."):
                            yield f"{path.relative_to(COLLECT)}:{node.lineno}", text


def _text(given: ast.expr) -> str:
    match given:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)
    return ""


@pytest.mark.parametrize(("where", "text"), [pytest.param(*one, id=one[0]) for one in said_in_code()])
def test_everything_that_the_collector_says_is_said_in_chinese(where: str, text: str) -> None:
    with override("en"):
        assert in_words(text) == text
    with override("zh-hans"):
        assert in_words(text) != text, where


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_is_translated_with_its_places(sentence: str) -> None:
    with override("zh-hans"):
        said = in_words(sentence)
    assert said != sentence
    assert {part.split("}")[0] for part in said.split("{")[1:]} == {part.split("}")[0] for part in sentence.split("{")[1:]}


def test_what_stands_before_a_sentence_stays_and_what_is_found_is_named() -> None:
    with override("zh-hans"):
        assert in_words("“ids.cookie”: An id must be a text or a number.") == "“ids.cookie”: ID 必须是文本或数字。"
        assert in_words("item 3: for_each: at “data” there is an object, not a list.") == "item 3: for_each：“data” 处是对象，不是列表。"
        assert all(in_words(f"event: at “a” there is {kind}, not the name of an event.").count(kind) == 0 for kind in KINDS)
