"""What has come in is a list: it has no chart."""

from __future__ import annotations

from typing import Any

from bihuan.engine.question import Reader


def no_chart(result: object, reader: Reader) -> dict[str, Any] | None:
    return None
