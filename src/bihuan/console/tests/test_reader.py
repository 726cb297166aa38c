"""How values are written for readers of both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bihuan.console.reader import PageReader, number, share

ENGLISH = PageReader("en", "Asia/Shanghai", "CNY")
CHINESE = PageReader("zh-hans", "Asia/Shanghai", "CNY")
NOON = datetime(2026, 3, 15, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind", "english", "chinese"),
    [
        (541_909, "number", "541,909", "541,909"),
        (-3, "number", "−3", "−3"),
        (2.5, "number", "2.5", "2.5"),
        (0.000123456, "number", "0.000123", "0.000123"),
        (1e-9, "number", "0", "0"),
        (None, "number", "–", "–"),
        (float("nan"), "number", "–", "–"),
        (9_747_747.93, "money", "CN¥9,747,747.93", "¥9,747,747.93"),
        (-1, "money", "−CN¥1.00", "−¥1.00"),
        (0.324, "share", "32.4%", "32.4%"),
        (0.0012, "share", "0.12%", "0.12%"),
        (0.035, "seconds", "35 ms", "35 毫秒"),
        (0, "seconds", "0 s", "0 秒"),
        (320, "seconds", "5 min 20 s", "5 分 20 秒"),
        (3 * 86_400 + 4 * 3_600 + 59, "seconds", "3 d 4 h", "3 天 4 小时"),
        (3_599.7, "seconds", "1 h", "1 小时"),
        (NOON, "time", "15 Mar 2026 12:05", "2026年3月15日 12:05"),
        (date(2026, 3, 15), "day", "15 Mar 2026", "2026年3月15日"),
        (0, "person", "Nobody", "未识别"),
        (12, "person", "Person 12", "用户 12"),
        (True, "text", "yes", "是"),
        ("Order", "text", "Order", "Order"),
    ],
)
def test_a_value_reads_well_in_both_languages(value, kind, english, chinese):
    assert ENGLISH.show(value, kind) == english
    assert CHINESE.show(value, kind) == chinese


def test_a_currency_without_cents_has_none():
    assert PageReader("en", "Asia/Tokyo", "JPY").show(1234.4, "money") == "JP¥1,234"


def test_an_unknown_currency_is_named():
    assert PageReader("en", "UTC", "CHF").show(5, "money") == "CHF 5.00"


def test_a_sentence_has_its_places_filled_with_written_values():
    assert ENGLISH.say("{rows} rows read", rows=12_345) == "12,345 rows read"
    assert CHINESE.say("{rows} rows read", rows=12_345) == "读取 12,345 行"


def test_a_count_goes_with_its_word():
    for count, english in ((0, "0 other values"), (1, "1 other value"), (1200, "1,200 other values")):
        assert ENGLISH.counted("{count} other value", "{count} other values", count) == english
        assert CHINESE.counted("{count} other value", "{count} other values", count) == f"其他 {count:,} 个取值"


def test_braces_in_a_value_do_no_harm():
    assert ENGLISH.say("{name}, previous period", name="{rows}") == "{rows}, previous period"


@pytest.mark.parametrize(("value", "text"), [(0.5, "+50.0%"), (-0.5, "−50.0%"), (0.0, "0%"), (0.00001, "0%")])
def test_a_change_has_its_sign(value, text):
    assert share(value, signed=True) == text


@pytest.mark.parametrize("value", [1, 10, 999, 1000, 0.5, 12.345, 1e15])
def test_a_number_keeps_its_value(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=1e-3)
