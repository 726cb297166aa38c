"""Root cause as an ECharts option, and as sentences and tables with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.root_cause.result import Dimension, Part, RootCauseResult, cell_of, kind_of
from bihuan.engine.question import Reader


def chart_root_cause(result: RootCauseResult, reader: Reader) -> dict[str, Any] | None:
    """What each part of the first dimension adds to the change."""
    if not result.dimensions or result.change is None:
        return None
    first = result.dimensions[0]
    parts = list(reversed(first.parts))
    scale = 100 if result.measure == "rate" else 1  # points of a percent
    data = [{"value": round(part.added * scale, 6), **({"cell": dict(cell)} if (cell := cell_of(first, part)) else {})} for part in parts]
    return {
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "value"},
        "yAxis": {
            "type": "category",
            "data": [part_said(part, reader) for part in parts],
            "axisLabel": {"width": 140, "overflow": "truncate"},
        },
        "series": [{"type": "bar", "name": reader.say("Adds to the change"), "data": data}],
    }


def panel_root_cause(result: RootCauseResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the causes in sentences, the arithmetic, and the dimensions in their order."""
    kind = kind_of(result.measure)
    return {
        "chart": chart_root_cause(result, reader),
        "first": dimension_said(result.dimensions[0], reader) if result.dimensions else "",
        "since": reader.show(result.period.since, "day"),
        "until": reader.show(result.period.until, "day"),
        "was_since": reader.show(result.other.since, "day"),
        "was_until": reader.show(result.other.until, "day"),
        "undefined": result.change is None,
        "causes": [
            {
                "dimension": dimension_said(one, reader),
                "value": part_said(part, reader),
                "was": reader.show(part.was, kind),
                "now": reader.show(part.now, kind),
                "explains": reader.show(part.explains, "share"),
                "cell": _address(one, part),
            }
            for one, part in result.causes
        ],
        "effects": [
            {
                "title": reader.say(effect.title),
                "was": reader.show(effect.was, effect.kind),
                "now": reader.show(effect.now, effect.kind),
                "added": _signed(effect.added, result, reader),
            }
            for effect in result.effects
        ],
        "rated": result.measure == "rate",
        "dimensions": [_dimension(one, result, reader) for one in result.dimensions],
        "alike": ", ".join(by_said(by, reader) for by in result.alike),
    }


def dimension_said(one: Dimension, reader: Reader) -> str:
    return by_said(one.by, reader)


def by_said(by: str, reader: Reader) -> str:
    kind, _, name = by.partition(":")
    if kind == "event":
        return reader.say("Event")
    return reader.say("{name} (of people)", name=name) if kind == "person" else name


def part_said(part: Part, reader: Reader) -> str:
    if part.value is None:
        return reader.counted("{count} other", "{count} others", part.values)
    return part.value or reader.say("(none)")


def _dimension(one: Dimension, result: RootCauseResult, reader: Reader) -> Mapping[str, Any]:
    kind = kind_of(result.measure)
    return {
        "title": dimension_said(one, reader),
        "surprise": f"{one.score:.3f}",
        "explains": reader.show(one.explains, "share"),
        "values": reader.show(one.values, "number"),
        "within": _signed(one.within, result, reader),
        "mix": _signed(one.mix, result, reader),
        "parts": [
            {
                "title": part_said(part, reader),
                "cell": _address(one, part),
                "was": reader.show(part.was, kind),
                "now": reader.show(part.now, kind),
                "expected": reader.show(part.expected, kind),
                "added": _signed(part.added, result, reader),
                "within": _signed(part.within, result, reader),
                "mix": _signed(part.mix, result, reader),
                "explains": reader.show(part.explains, "share"),
                "surprise": f"{part.surprise:.3f}",
                "cause": part.cause,
                "spark": _spark(part, reader),
            }
            for part in one.parts
        ],
    }


def _address(one: Dimension, part: Part) -> str:
    """The fields of the part's cell as the end of an address."""
    cell = cell_of(one, part)
    return urlencode({f"cell.{name}": "true" if value is True else value for name, value in cell.items()}) if cell else ""


def _signed(value: float, result: RootCauseResult, reader: Reader) -> str:
    shown = reader.show(value, kind_of(result.measure))
    return f"+{shown}" if value > 0 else shown


def _spark(part: Part, reader: Reader) -> dict[str, Any] | None:
    """The part's days, the other period's before them."""
    if not part.days or len(part.days) + len(part.was_days) > 120:
        return None
    days: Sequence[float | None] = (*part.was_days, *part.days)
    now = [None] * len(part.was_days) + list(part.days)
    return {
        "animation": False,
        "grid": {"left": 1, "right": 1, "top": 3, "bottom": 3},
        "xAxis": {"type": "category", "show": False, "data": list(range(len(days)))},
        "yAxis": {"type": "value", "show": False},
        "series": [
            {"type": "line", "symbol": "none", "data": [*part.was_days, *[None] * len(part.days)], "lineStyle": {"type": "dotted"}},
            {"type": "line", "symbol": "none", "data": now},
        ],
    }
