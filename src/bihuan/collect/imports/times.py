"""When a row happened: times of any usual form as milliseconds since 1970 UTC.

A time without an offset is local time of the zone. One that the clock showed twice (autumn) is its first occurrence; one that the clock
skipped (spring) is what the clock showed instead, moved by the gap. `Times.skipped` says where that was done.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from bihuan.collect.imports.errors import Reason, shown
from bihuan.collect.imports.values import Typed, Values

if TYPE_CHECKING:
    import numpy as np

Unit = Literal["auto", "s", "ms", "us", "ns", "excel"]
PER_MS = {"ms": 1.0, "us": 1_000.0, "ns": 1_000_000.0}
EARLIEST = 86_400_000  # the store's days begin with 1970 in every zone
LATEST = int(datetime(2149, 1, 1, tzinfo=UTC).timestamp() * 1000)  # and end with 2149
DAY = 86_400_000
EXCEL_EPOCH = 25_569  # 1970-01-01 as a spreadsheet counts
EXCEL_FIRST = 25_570
TOO_EARLY = Reason("The time is before 1970: check its unit and its format.")
TOO_LATE = Reason("The time is more than a day in the future: check its unit, its format and its zone.")
NO_TIME = Reason("The row has no time.")
_LOCAL = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?")
_CLOCK = re.compile(r"(.*?[\d日])\s*(上午|下午|AM|PM|am|pm)?\s*(\d{1,2}:\d{2}(?::\d{2})?)\s*(AM|PM|am|pm)?")
_NUMBER = re.compile(r"-?\d{1,25}(\.\d{1,25})?")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from here until their zone is applied


@dataclass(frozen=True)
class Times:
    """`ms` per row; `wrong` the rows without a usable time and why; `skipped` which rows stood where the clock skipped."""

    ms: np.ndarray
    wrong: dict[int, Reason]
    skipped: np.ndarray


@dataclass(frozen=True)
class _Moment:
    """One parsed time: ms since 1970, in UTC or as the local clock shows it."""

    ms: int
    local: bool


def read_times(values: Values, *, zone: str, now: int, pattern: str = "", unit: Unit = "auto") -> Times:
    """The times of a column, read at the instant `now` (ms)."""
    import numpy as np
    import pyarrow as pa

    if isinstance(values, Typed) and (pa.types.is_timestamp(values.values.type) or pa.types.is_date(values.values.type)):
        ms, local, filled = _arrow_moments(values.values)
        wrong = dict.fromkeys(np.flatnonzero(~filled).tolist(), NO_TIME)
    else:
        ms, local, wrong = _text_moments(values, pattern, unit)
    if local.any():
        ms[local], skipped_local = to_utc(ms[local], zone)
    skipped = np.zeros(len(ms), dtype=bool)
    if local.any():
        skipped[local] = skipped_local
    for mask, reason in ((ms < EARLIEST, TOO_EARLY), (ms > now + DAY, TOO_LATE)):
        for row in np.flatnonzero(mask).tolist():
            wrong.setdefault(row, reason)
    return Times(ms, wrong, skipped)


def to_utc(local_ms: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Local ms of the zone's clock as ms UTC, and which of them the clock skipped."""
    import numpy as np

    seconds, place = np.unique(local_ms // 1000, return_inverse=True)
    info = ZoneInfo(zone)
    offsets = np.empty(len(seconds), dtype=np.int64)
    skipped = np.zeros(len(seconds), dtype=bool)
    for index, second in enumerate(seconds.tolist()):
        if not 0 <= second < LATEST // 1000:
            offsets[index] = 0
            continue
        aware = (_EPOCH + timedelta(seconds=second)).replace(tzinfo=info)
        offset = aware.utcoffset() or timedelta()
        offsets[index] = offset // timedelta(milliseconds=1)
        skipped[index] = (aware - offset).replace(tzinfo=UTC).astimezone(info).replace(tzinfo=None) != aware.replace(tzinfo=None)
    return local_ms - offsets[place], skipped[place]


def _arrow_moments(values: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    assert isinstance(values, pa.Array)
    kind = values.type
    filled = np.asarray(values.is_valid())
    if pa.types.is_date(kind):
        ms = values.cast(pa.date64()).cast(pa.int64())
        local = True
    else:
        ms = values.cast(pa.int64())
        if kind.unit in ("us", "ns"):
            per = int(PER_MS[kind.unit])
            floored = pc.fill_null(ms, 0).to_numpy(zero_copy_only=False) // per
            return floored.astype(np.int64), np.full(len(floored), kind.tz is None), filled
        ms = pc.multiply(ms, 1000) if kind.unit == "s" else ms
        local = kind.tz is None
    return pc.fill_null(ms, 0).to_numpy(zero_copy_only=False).astype(np.int64).copy(), np.full(len(filled), local), filled


def _text_moments(values: Values, pattern: str, unit: Unit) -> tuple[np.ndarray, np.ndarray, dict[int, Reason]]:
    """Each distinct text is parsed once."""
    import numpy as np

    encoded = values.texts().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    moments = [parse_time(text, pattern, unit) for text in encoded.dictionary.to_pylist()]
    reasons: list[Reason | None] = [moment if isinstance(moment, Reason) else None for moment in moments]
    ms = np.array([0 if isinstance(moment, Reason) else moment.ms for moment in moments] + [0], dtype=np.int64)[codes]
    local = np.array([not isinstance(moment, Reason) and moment.local for moment in moments] + [False], dtype=bool)[codes]
    reasons.append(NO_TIME)
    bad = np.array([reason is not None for reason in reasons], dtype=bool)
    wrong = {row: reason for row in np.flatnonzero(bad[codes]).tolist() if (reason := reasons[codes[row]]) is not None}
    return ms, local, wrong


def parse_time(text: str, pattern: str = "", unit: Unit = "auto") -> _Moment | Reason:
    """One time: by the pattern if there is one, else ISO 8601, year-first dates, or seconds to nanoseconds since 1970."""
    if pattern:
        try:
            return _moment(datetime.strptime(text, pattern))  # noqa: DTZ007 - a pattern without a zone means local time
        except ValueError:
            return Reason("“{text}” is not a time of the form {pattern}.", {"text": shown(text), "pattern": pattern})
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if _NUMBER.fullmatch(text):
        return _epoch(text, unit)
    if (clock := _CLOCK.fullmatch(text)) and (half := clock[2] or clock[4]):
        text = f"{clock[1]} {_of_24(clock[3], half.lower() in ('下午', 'pm'))}"
    found = _LOCAL.fullmatch(text)
    try:
        if found is None:
            return _moment(datetime.fromisoformat(text.replace("/", "-") if re.match(r"\d{4}/", text) else text))
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        micro = int((found.group(7) or "").ljust(6, "0")[:6])
        return _moment(datetime(year, month, day, hour, minute, second, micro))  # noqa: DTZ001 - local time
    except (ValueError, OverflowError):
        message = "“{text}” is not a time that is understood: give its format, such as %d/%m/%Y %H:%M, or write it as 2026-03-15 12:30:00."
        return Reason(message, {"text": shown(text)})


def _of_24(clock: str, afternoon: bool) -> str:
    hour, _, rest = clock.partition(":")
    return f"{int(hour) % 12 + 12 * afternoon}:{rest}" if int(hour) <= 12 else clock


def _excel(number: float) -> _Moment:
    """Days since the last of 1899, as spreadsheets count (from March 1900 on)."""
    return _Moment(round((number - EXCEL_EPOCH) * DAY / 1000) * 1000, local=True)


def _moment(at: datetime) -> _Moment:
    if at.tzinfo is not None:
        return _Moment((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1), local=False)
    return _Moment((at - _EPOCH) // timedelta(milliseconds=1), local=True)


def _epoch(text: str, unit: Unit) -> _Moment | Reason:
    if unit == "auto" and len(text) == 8 and text[:2] in ("19", "20"):  # 20240104 is a day; as seconds it would be in 1970
        try:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            return Reason("“{text}” is neither a day nor a time.", {"text": text})
        return _Moment((day - _EPOCH.date()) // timedelta(milliseconds=1), local=True)
    number = float(text)
    if unit == "excel" or (unit == "auto" and EXCEL_FIRST <= number < DAY // 1000):  # as seconds it would be on the first day of 1970
        return _excel(min(number, 100_000.0))
    if unit == "auto":
        size = abs(number)
        unit = "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"
    ms = math.floor(round(number * 1000, 3) if unit == "s" else number / PER_MS[unit])
    return _Moment(max(min(ms, LATEST), 0), local=False)
