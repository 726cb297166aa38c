"""Conditions in words, in both languages."""

from __future__ import annotations

import pytest

from bihuan.catalog.in_words import in_words
from bihuan.console.reader import PageReader
from bihuan.engine.filters import All, Any, Did, Filter, InSegment, Not, PersonProperty


@pytest.mark.parametrize(
    ("tree", "english", "chinese"),
    [
        (All(), "everybody", "所有用户"),
        (Did(did="Buy"), "did Buy in the last 30 days", "最近 30 天内做过 Buy"),
        (Did(did="Buy", op="eq", times=0, days=7), "did not do Buy in the last 7 days", "最近 7 天内没有做过 Buy"),
        (Did(did="Buy", times=3), "did Buy at least 3 times in the last 30 days", "最近 30 天内做过 Buy 至少 3 次"),
        (PersonProperty(person="city", values=("上海", "北京")), "city is “上海” or “北京”", "city 是 “上海” 或 “北京”"),
        (Not(negated=Did(did="Buy", days=7)), "did not do Buy in the last 7 days", "最近 7 天内没有做过 Buy"),
        (Not(negated=InSegment(segment="vip")), "not: belongs to “Gold”", "不满足：属于“Gold”"),
        (
            All(all=(Did(did="Buy"), Any(any=(PersonProperty(person="a", op="set"), PersonProperty(person="b", op="ge", values=(2.0,)))))),
            "did Buy in the last 30 days and (a is set or b is at least 2)",
            "最近 30 天内做过 Buy 且 （a 有值 或 b 大于等于 2）",
        ),
    ],
)
def test_a_condition_reads_as_a_phrase_in_both_languages(tree: Filter, english: str, chinese: str) -> None:
    assert in_words(tree, PageReader("en"), {"vip": "Gold"}) == english
    assert in_words(tree, PageReader("zh-hans"), {"vip": "Gold"}) == chinese
