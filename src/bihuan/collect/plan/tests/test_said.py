"""What the plan said, in the reader's language."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from bihuan.collect.plan.check import Violation
from bihuan.collect.plan.enforce import FIXES, reasons
from bihuan.collect.plan.said import in_words


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


def test_what_is_not_of_the_plan_stays_as_it_is() -> None:
    with override("zh-hans"):
        assert in_words("“ts” is in the future.") == "“ts” is in the future."
        assert in_words("") == ""
