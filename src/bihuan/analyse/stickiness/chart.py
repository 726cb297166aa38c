"""Stickiness as an ECharts option, and as a table with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.parts import between_said, part_title
from bihuan.analyse.stickiness.result import MEANS, TIMES, Spread, StickinessPart, StickinessResult
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

PALE = 0.35
SHADES = 9
MOST_SHOWN = 20


def chart_stickiness(result: StickinessResult, reader: Reader) -> dict[str, Any] | None:
    """A bar for each number of days, what it is compared with paler; when broken down a line for each value, in shares."""
    now, before = result.everybody.now, result.everybody.before
    if not now.people and not (before and before.people):
        return None
    share = result.shown == "share" or bool(result.parts)
    axis: dict[str, Any] = {"type": "value", "min": 0}
    if share:
        axis["axisLabel"] = {"formatter": "percent"}
    return {
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 24, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", **({"valueFormatter": "percent"} if share else {}), "axisPointer": {"type": "shadow"}},
        "xAxis": {
            "type": "category",
            "name": reader.say(TIMES[result.unit]),
            "nameLocation": "middle",
            "nameGap": 28,
            "data": [_times(times, result, reader) for times in range(1, len(now.exactly) + 1)],
        },
        "yAxis": axis,
        "series": _parts(result, reader) if result.parts else _bars(result, reader, share),
    }


def _bars(result: StickinessResult, reader: Reader, share: bool) -> list[dict[str, Any]]:
    found = [_bar(reader.say("This period"), result, result.everybody.now, share, {}, 1)]
    if result.everybody.before is not None and result.compared_with is not None:
        msgid, values = result.compared_with
        found.append(_bar(reader.say(msgid, **values), result, result.everybody.before, share, {"before": True}, PALE))
    return found


def _bar(name: str, result: StickinessResult, spread: Spread, share: bool, cell: Mapping[str, Any], opacity: float) -> dict[str, Any]:
    values = spread.shares(result.cumulative) if share else spread.counts(result.cumulative)
    more = {"at_least": True} if result.cumulative else {}
    data = [{"value": value, "cell": {**cell, **more, "times": times}} for times, value in enumerate(values, 1)]
    return {"type": "bar", "name": name, "data": data, "color": "palette:0", "itemStyle": {"opacity": opacity}, "barMaxWidth": 36}


def _parts(result: StickinessResult, reader: Reader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, part in enumerate(result.parts[:MOST_SHOWN]):
        style = {"type": "line", "color": f"palette:{number % 10}", "showSymbol": len(part.now.exactly) <= 31}
        name = part_title(part, result, reader)
        found.append({**style, "name": name, "data": list(part.now.shares(result.cumulative)), "lineStyle": {"width": 2}})
    return found


def _times(times: int, result: StickinessResult, reader: Reader) -> str:
    return reader.say("{times} or more", times=times) if result.cumulative else reader.show(times, "number")


def panel_stickiness(result: StickinessResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the chart, each number of days with its people, and each value's mean and shares."""
    everybody = result.everybody
    return {
        "chart": chart_stickiness(result, reader),
        "sampled": result.sample is not None,
        "times": reader.say(TIMES[result.unit]),
        "mean": reader.say(MEANS[result.unit]),
        "compared": reader.say(result.compared_with[0], **result.compared_with[1]) if result.compared_with else "",
        "rows": _rows(result, reader),
        "breakdown": heading(result.breakdown, reader),
        "columns": [_times(times, result, reader) for times in range(1, len(everybody.now.exactly) + 1)],
        "cumulative": result.cumulative,
        "parts": [_shown_part(part, result, reader) for part in result.parts[:MOST_SHOWN]],
    }


def _rows(result: StickinessResult, reader: Reader) -> list[dict[str, Any]]:
    now, before = result.everybody.now, result.everybody.before
    sure, sure_at_least = now.sure(False), now.sure(True)
    sure_before = before.sure(False) if before else (None,) * len(sure)
    return [
        {
            "times": at + 1,
            "people": reader.show(people, "number"),
            "share": reader.show(now.shares(False)[at], "share"),
            "at_least": reader.show(now.at_least[at], "number"),
            "at_least_share": reader.show(now.shares(True)[at], "share"),
            "sure": between_said(sure[at], reader),
            "sure_at_least": between_said(sure_at_least[at], reader),
            "sure_before": between_said(sure_before[at], reader),
            "before": reader.show(before.exactly[at], "number") if before else "",
            "before_share": reader.show(before.shares(False)[at], "share") if before else "",
        }
        for at, people in enumerate(now.exactly)
    ]


def _shown_part(part: StickinessPart, result: StickinessResult, reader: Reader) -> dict[str, Any]:
    shares = part.now.shares(result.cumulative)
    most = max((share for share in shares if share), default=1.0)
    mean, before = part.now.mean, part.before.mean if part.before else None
    return {
        "title": part_title(part, result, reader),
        "place": part.place,
        "people": reader.show(part.now.people, "number"),
        "mean": reader.show(None if mean is None else round(mean, 2), "number"),
        "mean_before": reader.show(None if before is None else round(before, 2), "number"),
        "cells": [
            {"times": times, "share": reader.show(share, "share"), "heat": round(share / most * SHADES) if share else 0}
            for times, share in enumerate(shares, 1)
        ],
    }
