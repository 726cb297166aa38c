"""How far an import has come that goes on later: a value that the rows grow by, kept as JSON, and taken back by an overlap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bihuan.collect.imports.errors import ImportProblem

Value = int | float | str | date | datetime


@dataclass(frozen=True)
class Cursor:
    """The greatest value that is stored; of times those without a zone stay without one, as the source means them."""

    value: Value

    @classmethod
    def of(cls, value: Any) -> Cursor | None:
        """From a row's value; None when the row has none. Raises ImportProblem for what has no order."""
        if isinstance(value, Decimal):
            value = int(value) if value == value.to_integral_value() else float(value)
        if value is None or (isinstance(value, int | float | str | date) and not isinstance(value, bool)):
            return None if value is None else cls(value)
        raise ImportProblem(
            "The cursor column holds {kind}: choose one with times, days, numbers or texts that only grow.", kind=type(value).__name__
        )

    @classmethod
    def typed(cls, text: str) -> Cursor:
        """As somebody types it: a number, a time, else a text."""
        for read in (int, float, datetime.fromisoformat):
            try:
                return cls(read(text))
            except ValueError:
                continue
        return cls(text)

    @classmethod
    def from_json(cls, document: dict[str, Any] | None) -> Cursor | None:
        if not document:
            return None
        value = document["value"]
        read = {"time": datetime.fromisoformat, "day": date.fromisoformat}.get(document["kind"])
        return cls(read(value) if read else value)

    def to_json(self) -> dict[str, Any]:
        if isinstance(self.value, datetime):
            return {"kind": "time", "value": self.value.isoformat()}
        if isinstance(self.value, date):
            return {"kind": "day", "value": self.value.isoformat()}
        return {"kind": "text" if isinstance(self.value, str) else "number", "value": self.value}

    def before(self, overlap: float) -> Cursor:
        """So much earlier: seconds of a time, the number itself of a number. A text that is no time stays as it is."""
        value = self.value
        if not overlap:
            return self
        if isinstance(value, datetime):
            return Cursor(value - timedelta(seconds=overlap))
        if isinstance(value, date):
            return Cursor(value - timedelta(days=-(-overlap // 86_400)))
        if isinstance(value, int):
            return Cursor(value - int(overlap))
        if isinstance(value, float):
            return Cursor(value - overlap)
        return Cursor(_earlier_text(value, overlap))

    def __str__(self) -> str:
        if isinstance(self.value, datetime):
            return (self.value.astimezone(UTC) if self.value.tzinfo else self.value).isoformat(" ", "seconds")
        return str(self.value)


def _earlier_text(text: str, overlap: float) -> str:
    """SQLite keeps times as texts: one that is written as ISO 8601 is written so again."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    earlier = moment - timedelta(seconds=overlap)
    if len(text) == 10:
        return earlier.date().isoformat()
    return earlier.isoformat(text[10], "microseconds" if "." in text else "seconds")
