"""A distribution as ECharts options (bars, and how they stack up over time), with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.bars import MOST_SHOWN, REST, bars_chart, several, two
from bihuan.analyse.distribution.result import Bar, DistributionPart, DistributionResult
from bihuan.analyse.over_time import Shown, lines_chart, lines_grid
from bihuan.analyse.parts import others_said, part_title
from bihuan.analyse.spread import Spread, range_said, used
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

SHADES = 9
MOST_STANDING = 8  # texts whose bars lie in a chart of usual height


def chart_distribution(result: DistributionResult, reader: Reader) -> dict[str, Any] | None:
    """A bar for each range or text, what it is compared with paler; when broken down, each value's shares."""
    everybody = result.everybody
    cells, titles, shown = [bar.cell for bar in result.bars], bar_titles(result, reader), _shown(result)
    if result.parts:
        series = several([(part, part.place, part.now) for part in result.parts], result, cells, shown, reader)
    else:
        series = two(everybody.now, everybody.before, result.compared_with, cells, shown, reader)
    return bars_chart(titles, shown, series, share=bool(result.parts), lying=result.measure == "text" and not result.parts)


def chart_by_time(result: DistributionResult, reader: Reader) -> dict[str, Any] | None:
    """Each bar's share of every day (week, month), one upon the other."""
    shown = _shown(result)
    buckets = [
        (bucket, spread)
        for bucket, spread in zip(result.buckets, result.everybody.buckets, strict=True)
        if bucket.state != "future"
    ]  # fmt: skip
    if not shown or not buckets:
        return None
    titles = bar_titles(result, reader)
    series = []
    for number, at in enumerate(shown):
        data = [
            {"value": spread.shares[at], "cell": {"bucket": bucket.day.isoformat(), **result.bars[at].cell}} for bucket, spread in buckets
        ]
        ranked = {"color": "palette:0", "itemStyle": {"opacity": round(0.15 + 0.85 * (number + 1) / len(shown), 3)}}
        named = {"color": REST if result.bars[at].text is None else f"palette:{number % 10}"}
        colour = ranked if result.bars[at].range else named
        series.append({"type": "bar", "stack": "all", "name": titles[at], "barMaxWidth": 36, "data": data, **colour})
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "valueFormatter": "percent", "axisPointer": {"type": "shadow"}, "confine": True},
        "xAxis": {"type": "category", "data": [reader.show(bucket.day, "day") for bucket, _ in buckets]},
        "yAxis": {"type": "value", "min": 0, "max": 1, "axisLabel": {"formatter": "percent"}},
        "series": series,
    }


def bar_titles(result: DistributionResult, reader: Reader) -> list[str]:
    return [_title(bar, result, reader) for bar in result.bars]


def panel_distribution(result: DistributionResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the bars, how they stack up over time, and each bar, value and bucket with its numbers."""
    shown, titles, everybody = _shown(result), bar_titles(result, reader), result.everybody
    return {
        "chart": chart_distribution(result, reader),
        "height": "large" if result.measure == "text" and len(shown) > MOST_STANDING and not result.parts else "medium",
        "by_time": chart_by_time(result, reader),
        "columns": [titles[at] for at in shown],
        "counted": reader.say(result.counted),
        "people_too": result.counted != "People",
        "numbers": result.measure != "text",
        "quantiles": _quantiles(everybody.now, reader),
        "compared": reader.say(result.compared_with[0], **result.compared_with[1]) if result.compared_with else "",
        "rows": [_row(result, at, titles[at], reader) for at in shown],
        "breakdown": heading(result.breakdown, reader),
        "parts": [
            {"title": part_title(part, result, reader), **_line(result, part.now, {"place": part.place}, reader)}
            for part in result.parts[:MOST_SHOWN]
        ],
        "lines": lines_chart(_counted(result), _passed(result), result, reader),
        "over_time": lines_grid(_counted(result), _passed(result), result, reader, "number"),
        "buckets": [
            {
                "title": reader.show(bucket.day, "day"),
                "running": bucket.state in ("running", "cut"),
                **_line(result, spread, {"bucket": bucket.day.isoformat()}, reader),
            }
            for bucket, spread in reversed(list(zip(result.buckets, everybody.buckets, strict=True)))
            if bucket.state != "future"
        ],
    }


def _passed(result: DistributionResult) -> list[Shown]:
    return [Shown(bucket.day, bucket.state in ("running", "cut")) for bucket in result.buckets if bucket.state != "future"]


def _counted(result: DistributionResult) -> list[DistributionPart]:
    """The values that have a median."""
    return [] if result.measure == "text" else [part for part in result.parts if part.now.many]


def _shown(result: DistributionResult) -> range:
    return used([spread for spread in (result.everybody.now, result.everybody.before) if spread])


def _title(bar: Bar, result: DistributionResult, reader: Reader) -> str:
    if bar.range is not None:
        return range_said(bar.range, result.reads, reader)
    if bar.text is None:
        return others_said(bar.other, reader)
    return bar.text or reader.say("(none)")


def _row(result: DistributionResult, at: int, title: str, reader: Reader) -> dict[str, str]:
    now, before = result.everybody.now, result.everybody.before
    return {
        "title": title,
        "where": _where(result.bars[at].cell),
        "many": reader.show(now.bars[at], "number"),
        "share": reader.show(now.shares[at], "share"),
        "people": reader.show(now.bar_people[at], "number"),
        "before": reader.show(before.bars[at], "number") if before else "",
        "before_share": reader.show(before.shares[at], "share") if before else "",
    }


def _line(result: DistributionResult, spread: Spread, whose: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """A value or a bucket with its numbers and the share of each bar."""
    most = max((share for share in spread.shares if share), default=1.0)
    return {
        "where": _where(whose),
        "many": reader.show(spread.many, "number"),
        "people": reader.show(spread.people, "number"),
        "mean": reader.show(spread.mean, "number"),
        "median": reader.show(spread.median, "number"),
        "p90": reader.show(spread.p90, "number"),
        "cells": [
            {
                "where": _where({**whose, **result.bars[at].cell}),
                "share": reader.show(spread.shares[at], "share"),
                "many": reader.show(spread.bars[at], "number"),
                "heat": round((spread.shares[at] or 0) / most * SHADES),
            }
            for at in _shown(result)
        ],
    }


def _quantiles(spread: Spread, reader: Reader) -> list[dict[str, str]]:
    named = (
        ("Least", spread.least),
        ("10th percentile", spread.p10),
        ("First quartile", spread.p25),
        ("Median", spread.median),
        ("Third quartile", spread.p75),
        ("90th percentile", spread.p90),
        ("Greatest", spread.greatest),
    )
    return [{"title": reader.say(title), "value": reader.show(value, "number")} for title, value in named if value is not None]


def _where(cell: Mapping[str, Any]) -> str:
    """The cell as a part of an address."""
    return urlencode([(f"cell.{name}", "true" if value is True else str(value)) for name, value in cell.items()])
