"""Sessions as an ECharts option, and as values, entries and exits with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.bars import PALE, REST
from bihuan.analyse.parts import between_said, part_title
from bihuan.analyse.sessions.result import Bucket, Measures, Part, SessionsResult, part_cell
from bihuan.analyse.spread import change
from bihuan.engine.breakdowns import heading
from bihuan.engine.meta import Interval
from bihuan.engine.question import Kind, Reader

FEW = 31  # points of a line that are shown one by one


def chart_sessions(result: SessionsResult, reader: Reader) -> dict[str, Any] | None:
    """Sessions as bars (paler while the time runs), and the share that bounced as a line; dashed over them what they are compared with."""
    if not result.total.sessions and not (result.before and result.before.sessions):
        return None
    shown = [bucket for bucket in result.buckets if bucket.state != "future"]
    bars = [
        {
            "value": bucket.measures.sessions,
            "cell": {"bucket": bucket.day.isoformat()},
            **({"itemStyle": {"opacity": 0.5}} if bucket.state in ("running", "cut") else {}),
        }
        for bucket in shown
    ]
    return {
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, **({"type": "scroll"} if result.compared_with else {})},
        "tooltip": {"trigger": "axis", "valueFormatter": "count"},
        "xAxis": {"type": "category", "data": [reader.show(bucket.day, "day") for bucket in shown]},
        "yAxis": [
            {"type": "value"},
            {"type": "value", "min": 0, "max": 100, "splitLine": {"show": False}, "axisLabel": {"formatter": "{value} %"}},
        ],
        "series": [
            {"type": "bar", "name": reader.say("Sessions"), "data": bars},
            {
                "type": "line",
                "name": reader.say("Bounce rate, %"),
                "yAxisIndex": 1,
                "data": [_percent(bucket.measures) for bucket in shown],
                "showSymbol": len(shown) <= FEW,
            },
            *_laid_over(shown, result, reader),
        ],
    }


def _laid_over(shown: Sequence[Bucket], result: SessionsResult, reader: Reader) -> list[dict[str, Any]]:
    """The same of what it is compared with, each bucket at its counterpart."""
    if result.compared_with is None:
        return []
    msgid, values = result.compared_with
    beside = [(bucket, bucket.before or Measures()) for bucket in shown]
    sessions = [{"value": before.sessions, "cell": {"bucket": bucket.day.isoformat(), "before": True}} for bucket, before in beside]

    def line(title: str, data: list[Any], colour: str, opacity: float) -> dict[str, Any]:
        return {
            "type": "line",
            "name": reader.say("{name}, {other}", name=title, other=reader.say(msgid, **values)),
            "data": data,
            "color": colour,
            "lineStyle": {"width": 2, "type": "dashed", "opacity": opacity},
            "itemStyle": {"opacity": opacity},
            "showSymbol": len(shown) <= FEW,
        }

    return [
        line(reader.say("Sessions"), sessions, REST, 1),
        {**line(reader.say("Bounce rate, %"), [_percent(before) for _, before in beside], "palette:1", PALE), "yAxisIndex": 1},
    ]


def _percent(measures: Measures) -> float | None:
    return None if measures.bounce is None else round(measures.bounce * 100, 1)


def panel_sessions(result: SessionsResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the chart, both sides of what is compared, the values side by side, where sessions begin and end, and each
    bucket."""
    return {
        "chart": chart_sessions(result, reader),
        "asked_about": reader.say(result.asked_about[0], **result.asked_about[1]),
        "compared": reader.say(result.compared_with[0], **result.compared_with[1]) if result.compared_with else "",
        "sampled": "" if result.sample is None else reader.say("With 95 % confidence"),
        "totals": _totals(result, reader),
        "breakdown": heading(result.breakdown, reader),
        "parts": [{"title": part_title(part, result, reader), **_shown(part, part_cell(part), reader)} for part in result.parts],
        "entries": [_end(part, "entry", result.total, reader) for part in result.entries],
        "exits": [_end(part, "exit", result.total, reader) for part in result.exits],
        "buckets": [
            {
                "title": reader.show(bucket.day, "day"),
                "running": bucket.state in ("running", "cut"),
                **_shown(bucket, {"bucket": bucket.day.isoformat()}, reader),
            }
            for bucket in reversed(result.buckets)
            if bucket.state != "future"
        ],
    }


def _totals(result: SessionsResult, reader: Reader) -> list[dict[str, Any]]:
    """All sessions of both sides, a row for each number, and how sure a sample is of it; none where there is nothing to add."""
    now, before = result.total, result.before or Measures()
    if result.before is None and result.sample is None:
        return []

    def row(
        title: str,
        kind: Kind,
        here: float | None,
        there: float | None,
        between: Interval | None = None,
        cell: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {
            "between": between_said(between, reader),
            "title": reader.say(title),
            "now": reader.show(here, kind),
            "before": reader.show(there, kind),
            "change": _change(here, there, reader),
            "query": "" if cell is None else _query({"before": False, **cell}),
            "query_before": "" if cell is None else _query({"before": True, **cell}),
            "any": bool(here),
            "any_before": bool(there),
        }

    return [
        row("Sessions", "number", now.sessions, before.sessions, _sure(now, "sessions")),
        row("People", "number", now.people, before.people, _sure(now, "people"), {}),
        row("Events", "number", now.events, before.events, _sure(now, "events")),
        row("Sessions of a person", "number", now.each, before.each),
        row("Length, median", "seconds", now.median, before.median),
        row("Length, 90th percentile", "seconds", now.p90, before.p90),
        row("Length, mean", "seconds", now.mean, before.mean),
        row("Events of a session", "number", now.depth, before.depth),
        row("Bounces", "number", now.bounces, before.bounces, _sure(now, "bounces"), {"bounced": True}),
        row("Bounce rate", "share", now.bounce, before.bounce),
    ]


def _sure(measures: Measures, name: str) -> Interval | None:
    found: Interval | None = getattr(measures.sure, name, None)
    return found


def _change(now: float | None, before: float | None, reader: Reader) -> str:
    found = change(now, before)
    return f"{'+' if found and found > 0 else ''}{reader.show(found, 'share')}"


def _end(part: Part, name: str, total: Measures, reader: Reader) -> Mapping[str, Any]:
    cell = {f"{name}_other": True} if part.value is None else {name: part.value}
    title = reader.counted("{count} other", "{count} others", part.other) if part.value is None else part.value
    share = reader.show(part.measures.sessions / total.sessions if total.sessions else None, "share")
    return {"title": title, "rest": part.value is None, "share": share, **_shown(part, cell, reader)}


def _shown(one: Bucket | Part, cell: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """The numbers of a part or a bucket, and of what it is compared with."""
    found = _numbers(one.measures, cell, reader)
    if one.before is not None:
        found["change"] = _change(one.measures.sessions, one.before.sessions, reader)
        found["before"] = _numbers(one.before, {**cell, "before": True}, reader)
    return found


def _numbers(measures: Measures, cell: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    return {
        "any": bool(measures.sessions),
        "sure_sessions": _hint(_sure(measures, "sessions"), reader),
        "sure_people": _hint(_sure(measures, "people"), reader),
        "any_bounced": bool(measures.bounces),
        "sessions": reader.show(measures.sessions, "number"),
        "people": reader.show(measures.people, "number"),
        "each": reader.show(measures.each, "number"),
        "median": reader.show(measures.median, "seconds"),
        "p90": reader.show(measures.p90, "seconds"),
        "depth": reader.show(measures.depth, "number"),
        "bounces": _bounces(measures, reader),
        "query": _query(cell),
    }


def _hint(found: Interval | None, reader: Reader) -> str:
    """What is said when an estimate is pointed at."""
    return reader.say("{range}, with 95 % confidence", range=between_said(found, reader)) if found else ""


def _query(cell: Mapping[str, Any]) -> str:
    return urlencode([(f"cell.{name}", value) for name, value in cell.items()])


def _bounces(measures: Measures, reader: Reader) -> str:
    bounces = reader.show(measures.bounces, "number")
    return f"{bounces} ({reader.show(measures.bounce, 'share')})" if measures.bounces else bounces
