"""Times as clients send them, and the correction of their clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bihuan.collect.events import BadEvent

SECONDS_BELOW = 100_000_000_000  # a smaller number is seconds (until the year 5138), a larger one milliseconds (since 1973)


def milliseconds(value: Any, name: str) -> int | None:
    """A time in ISO 8601 (without a zone: UTC), or a number of seconds or milliseconds since 1970, as milliseconds. None for nothing.

    Raises BadEvent for anything else; `name` tells which field it was.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return round(value * 1000 if abs(value) < SECONDS_BELOW else value)
    except (ValueError, OverflowError):
        pass
    raise BadEvent("bad_time", f"{name} is not a time: write it in ISO 8601, as in 2026-03-15T08:30:00.000Z.")


def skew(sent: Any, received: int) -> int:
    """How far the sender's clock is behind ours, in ms: what to add to its times. 0 when it does not say when it sent."""
    try:
        at = milliseconds(sent, "sentAt")
    except BadEvent:
        return 0
    return 0 if at is None else received - at
