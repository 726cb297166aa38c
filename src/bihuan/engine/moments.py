"""Days and instants as people write them into conditions: `2026-11-21`, `2026-11-21T18:30`, or seconds or milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.engine.periods import midnight

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def instant_of(value: str | float | bool, zone: str) -> tuple[int, int] | None:
    """(its first millisecond since 1970, the first one after it) of a day or an instant in `zone`; None when the text is neither."""
    text = str(value)
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return _milliseconds(midnight(day, zone)), _milliseconds(midnight(day + timedelta(days=1), zone))
        if _INSTANT.fullmatch(text):
            given = datetime.fromisoformat(text)
            at = _milliseconds(given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone)))
            return at, at + 1
    except (ValueError, OverflowError):
        return None
    return None


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)
