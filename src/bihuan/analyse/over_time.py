"""How each value of a breakdown goes over time: a line of medians for each, and a grid with a column for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from bihuan.analyse.bars import REST
from bihuan.analyse.parts import Broken, part_title
from bihuan.analyse.spread import Spread
from bihuan.engine.question import Kind, Reader

MOST_LINES = 12


class Part(Protocol):
    """A value's numbers in each bucket; `place` is where it stands in the answer."""

    @property
    def place(self) -> int: ...
    @property
    def value(self) -> str | None: ...
    @property
    def other(self) -> int: ...
    @property
    def buckets(self) -> Sequence[Spread]: ...


@dataclass(frozen=True)
class Shown:
    """A bucket's first `day`; `running`: its numbers may still change."""

    day: date
    running: bool


def lines_chart(
    parts: Sequence[Part], buckets: Sequence[Shown], result: Broken, reader: Reader, *, size: float = 1, unit: str | None = None
) -> dict[str, Any] | None:
    """The median of each part in each bucket, in units of `size`, which `unit` says with "{number}"; a gap where there is none. None where
    nothing is broken down, or there is one bucket only."""
    if len(buckets) < 2 or not parts:
        return None
    series = []
    for number, part in enumerate(parts[:MOST_LINES]):
        data = [
            {
                "value": None if spread.median is None else round(spread.median / size, 3),
                "cell": {"place": part.place, "bucket": bucket.day.isoformat()},
                **({"itemStyle": {"opacity": 0.5}} if bucket.running else {}),
            }
            for bucket, spread in zip(buckets, part.buckets, strict=False)
        ]
        colour = REST if part.value is None else f"palette:{number % 10}"
        series.append({"type": "line", "name": part_title(part, result, reader), "color": colour, "connectNulls": False, "data": data})
    axis = {"axisLabel": {"formatter": reader.say(unit, number="{value}")}} if unit else {}
    return {
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {"type": "category", "data": [reader.show(bucket.day, "day") for bucket in buckets]},
        "yAxis": {"type": "value", "min": 0, **axis},
        "series": series,
    }


def lines_grid(parts: Sequence[Part], buckets: Sequence[Shown], result: Broken, reader: Reader, kind: Kind) -> Mapping[str, Any] | None:
    """The same as numbers of `kind`, the newest bucket first."""
    if len(buckets) < 2 or not parts:
        return None
    shown = parts[:MOST_LINES]
    rows = [
        {
            "title": reader.show(bucket.day, "day"),
            "cells": [_cell(part, part.buckets[at], bucket, reader, kind) for part in shown],
        }
        for at, bucket in enumerate(buckets)
    ]
    return {"titles": [part_title(part, result, reader) for part in shown], "rows": rows[::-1]}


def _cell(part: Part, spread: Spread, bucket: Shown, reader: Reader, kind: Kind) -> dict[str, Any]:
    if not spread.many:
        return {"text": "", "hint": "", "query": "", "running": False}
    return {
        "text": reader.show(spread.median, kind),
        "hint": reader.say("{count} numbers of {people} people", count=spread.many, people=spread.people),
        "query": f"cell.place={part.place}&cell.bucket={bucket.day.isoformat()}",
        "running": bucket.running,
    }
