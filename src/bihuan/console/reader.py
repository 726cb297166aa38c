"""The reader of a page: numbers, money, shares, durations, times and texts in their language and the project's zone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from bihuan.engine.question import Kind

NOTHING = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYMBOLS = {
    "CNY": "CN¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "JP¥",
    "HKD": "HK$",
    "TWD": "NT$",
    "KRW": "₩",
    "SGD": "S$",
    "AUD": "A$",
}
_CHINESE_SYMBOLS = {**_SYMBOLS, "CNY": "¥", "USD": "US$", "AUD": "AU$"}
_WHOLE_CURRENCIES = frozenset({"JPY", "KRW", "VND", "CLP"})


@dataclass(frozen=True)
class PageReader:
    """Implements `engine.question.Reader`. `language` is a Django language code: "en" or "zh-hans"."""

    language: str = "en"
    zone: str = "UTC"
    currency: str = ""

    @property
    def chinese(self) -> bool:
        return self.language.startswith("zh")

    def say(self, msgid: str, **values: Any) -> str:
        """The text in the reader's language with `{name}` places filled; numbers among the values are written as the reader does."""
        with translation.override(self.language):
            text = translation.gettext(msgid) if msgid else ""
        return self._filled(text, values) if values else text

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        """The text that goes with `count`, with its places filled: 1 other value, 2 other values."""
        with translation.override(self.language):
            text = translation.ngettext(one, several, count)
        return self._filled(text, {"count": count, **values})

    def show(self, value: Any, kind: Kind) -> str:
        """A value as the reader writes it; nothing, and what is not a number, is a dash."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return NOTHING
        writers: dict[Kind, Callable[[Any], str]] = {
            "number": number,
            "money": self.money,
            "share": share,
            "seconds": self.duration,
            "time": self.time,
            "day": self.day,
            "person": self.person,
        }
        return writers.get(kind, self.text)(value)

    def text(self, value: Any) -> str:
        if isinstance(value, bool):
            return self.say("yes") if value else self.say("no")
        return str(value)

    def money(self, value: float) -> str:
        """An amount in the project's currency."""
        digits = 0 if self.currency in _WHOLE_CURRENCIES else 2
        symbols = _CHINESE_SYMBOLS if self.chinese else _SYMBOLS
        symbol = symbols.get(self.currency, f"{self.currency} " if self.currency else "")
        return f"{'−' if value < 0 else ''}{symbol}{abs(value):,.{digits}f}"

    def duration(self, seconds: float) -> str:
        """A duration with its two largest units: `3 d 4 h`, `5 min 20 s`, `30 ms`."""
        sign, rest = ("−" if seconds < 0 else ""), abs(seconds)
        names = ("天", "小时", "分", "秒") if self.chinese else ("d", "h", "min", "s")
        if 0 < rest < 1:
            return f"{sign}{max(1, round(rest * 1000))} {'毫秒' if self.chinese else 'ms'}"
        if rest < 10:
            return f"{sign}{number(round(rest, 1))} {names[3]}"
        rest = round(rest) if rest < 3600 else round(rest / 60) * 60
        parts = []
        for size, name in zip((86400, 3600, 60, 1), names, strict=True):
            count, rest = divmod(int(rest), size)
            if count:
                parts.append(f"{count:,} {name}")
        return sign + " ".join(parts[:2])

    def time(self, value: datetime) -> str:
        """An instant in the project's time zone, to the minute."""
        local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(ZoneInfo(self.zone))
        return f"{self.day(local.date())} {local:%H:%M}"

    def day(self, value: date) -> str:
        if isinstance(value, datetime):
            value = value.date()
        if self.chinese:
            return f"{value.year}年{value.month}月{value.day}日"
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"

    def person(self, value: Any) -> str:
        return self.say("Nobody") if value == 0 else self.say("Person {number}", number=str(value))

    def _filled(self, text: str, values: Mapping[str, Any]) -> str:
        return text.format(**{name: self._place(value) for name, value in values.items()})

    def _place(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float | datetime | date):
            return str(value)
        if isinstance(value, datetime):
            return self.time(value)
        return self.day(value) if isinstance(value, date) else number(value)


def number(value: float) -> str:
    """Whole numbers as they are, others with at most three decimals (more for small ones), thousands apart, a true minus."""
    size = abs(value)
    if not math.isfinite(size):
        return NOTHING
    if float(value).is_integer():
        text = f"{int(size):,}"
    else:
        digits = 3 if size >= 1 else min(6, 3 - math.floor(math.log10(size)) - 1)
        text = f"{size:,.{digits}f}".rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and text != "0" else text


def share(value: float, *, signed: bool = False) -> str:
    """A fraction in percent with one decimal, with two below one percent."""
    percent = abs(value) * 100
    text = f"{percent:,.{2 if 0 < percent < 1 else 1}f}"
    zero = not text.strip("0.,")
    sign = "" if zero else "−" if value < 0 else "+" if signed else ""
    return f"{sign}{'0' if zero else text}%"


def reader_of(request: HttpRequest) -> PageReader:
    """The reader of this request: the language chosen, zone and currency of the project that the page is about."""
    member = getattr(request, "member", None)
    project = getattr(member, "project", None)
    language = translation.get_language() or settings.LANGUAGE_CODE
    return PageReader(language, getattr(project, "timezone", "UTC"), getattr(project, "currency", ""))


def reader_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives every request its `reader`, found at first use, after the view's door has said which project it is about."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.reader = SimpleLazyObject(lambda: reader_of(request))  # type: ignore[attr-defined]
        return get_response(request)

    return middleware
