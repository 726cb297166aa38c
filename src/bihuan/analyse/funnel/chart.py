"""A funnel as an ECharts option, and as a panel of steps with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.funnel.result import TITLES, Durations, FunnelPart, FunnelResult, FunnelStep, cell_of
from bihuan.analyse.funnel.shown import (
    address,
    beside,
    comparison,
    drivers_chart,
    drivers_panel,
    shown_difference,
    trend_chart,
    trend_panel,
)
from bihuan.analyse.parts import between_said, part_title
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

MOST_SHOWN = 20
BESIDE = {"position": "right", "color": "palette:text", "opacity": 1}  # a number beside its bar


def chart_funnel(result: FunnelResult, reader: Reader) -> dict[str, Any] | None:
    """One bar for each step: who reached it, and paler who was lost since the step before; or one bar for each value and step, or for both
    of what is compared; or the trend, or what goes with success, where that is asked for."""
    if result.trend:
        return trend_chart(result, result.trend, reader)
    if result.drivers:
        return drivers_chart(result.drivers, reader)
    if not result.everybody.entered:
        return None
    if result.compared and not result.parts:
        return beside(result, reader)
    return _compared(result, reader) if result.parts else _bars(result, reader)


def _bars(result: FunnelResult, reader: Reader) -> dict[str, Any]:
    part = result.everybody
    reached = [
        {
            "value": step.people,
            "label": {"show": not _narrow(step), "position": "insideLeft", "formatter": reader.show(step.from_start, "share")},
            "cell": cell_of(part, step),
        }
        for step in part.steps
    ]
    solid = {"type": "bar", "stack": "people", "barMaxWidth": 36, "data": reached, "name": reader.say(TITLES[result.counted])}
    lost = {
        "type": "bar",
        "stack": "people",
        "barMaxWidth": 36,
        "data": [
            {
                "value": step.dropped,
                "label": {"show": _narrow(step), **BESIDE, "formatter": reader.show(step.from_start, "share")},
                "cell": cell_of(part, step, "dropped"),
            }
            for step in part.steps
        ],
        "name": reader.say("Dropped off"),
        "color": "#94a3b8",
        "itemStyle": {"opacity": 0.3},
    }
    return {**_layout([step.title for step in part.steps]), "xAxis": {"type": "value"}, "series": [solid, lost]}


def _narrow(step: FunnelStep) -> bool:
    """Whether a bar may be too short for its number, which then stands beside it."""
    return (step.from_start or 0) < 0.3


def _compared(result: FunnelResult, reader: Reader) -> dict[str, Any]:
    titles = [step.title for step in result.everybody.steps]
    series = [
        {"type": "bar", "name": part_title(part, result, reader), "barMaxWidth": 24, "data": [step.from_start for step in part.steps]}
        for part in result.parts[:MOST_SHOWN]
    ]
    layout = _layout(titles)
    layout["tooltip"]["valueFormatter"] = "percent"
    return {**layout, "xAxis": {"type": "value", "max": 1, "axisLabel": {"formatter": "percent"}}, "series": series}


def _layout(titles: list[str]) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 24, "top": 32, "bottom": 8, "containLabel": True},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "yAxis": {"type": "category", "inverse": True, "data": titles, "axisLabel": {"width": 140, "overflow": "truncate"}},
    }


def panel_funnel(result: FunnelResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the steps of everybody, the values side by side, and how long it took."""
    everybody = result.everybody
    last = everybody.steps[-1].since_start
    return {
        "sampled": result.sample is not None,
        "steps": [_step(everybody, step, reader) for step in everybody.steps],
        "breakdown": heading(result.breakdown, reader),
        "columns": [step.title for step in everybody.steps],
        "parts": [_part(part, result, reader) for part in result.parts[:MOST_SHOWN]],
        "chart": _compared(result, reader) if result.parts and everybody.entered else None,
        "times": _times(result, last, reader) if last else None,
        "quantiles": _quantiles(last, reader) if last else [],
        "comparison": comparison(result, reader),
        "trend": trend_panel(result, result.trend, reader) if result.trend else None,
        "drivers": drivers_panel(result, result.drivers, reader) if result.drivers else None,
    }


def _behind(part: FunnelPart, step: FunnelStep, state: str = "reached") -> str:
    return address(cell_of(part, step, state))


def _step(part: FunnelPart, step: FunnelStep, reader: Reader) -> dict[str, Any]:
    before = step.since_previous
    return {
        "number": step.number,
        "title": step.title,
        "optional": step.optional,
        "people": reader.show(step.people, "number"),
        "sure": between_said(step.sure, reader),
        "reached": _behind(part, step),
        "left": _behind(part, step, "dropped"),
        "from_start": reader.show(step.from_start, "share"),
        "width": round((step.from_start or 0) * 100, 2),
        "lost_width": round(((step.from_start or 0) / step.from_previous if step.from_previous else 0) * 100, 2),
        "from_previous": reader.show(step.from_previous, "share"),
        "dropped": reader.show(step.dropped, "number"),
        "lost": reader.show(1 - step.from_previous if step.from_previous is not None else None, "share"),
        "median": reader.show(before.median, "seconds") if before else "",
    }


def _part(part: FunnelPart, result: FunnelResult, reader: Reader) -> dict[str, Any]:
    last = part.steps[-1].since_start
    return {
        "title": part_title(part, result, reader),
        "entered": reader.show(part.entered, "number"),
        "entered_sure": between_said(part.steps[0].sure, reader),
        "reached": _behind(part, part.steps[0]),
        "shares": [
            {
                "share": reader.show(step.from_start, "share"),
                "people": _number(step, reader),
                "reached": _behind(part, step),
                "heat": round((step.from_start or 0) * 9),
            }
            for step in part.steps[1:]
        ],
        "median": reader.show(last.median, "seconds") if last else reader.show(None, "seconds"),
        "difference": shown_difference(part.whole, reader) if part.whole else None,
    }


def _number(step: FunnelStep, reader: Reader) -> str:
    people, sure = reader.show(step.people, "number"), between_said(step.sure, reader)
    return f"{people} ({sure})" if sure else people


def _quantiles(times: Durations, reader: Reader) -> list[dict[str, str]]:
    named = (
        ("10 % within", times.p10),
        ("25 % within", times.p25),
        ("Half within", times.median),
        ("75 % within", times.p75),
        ("90 % within", times.p90),
    )
    return [{"title": reader.say(title), "value": reader.show(value, "seconds")} for title, value in named]


def _times(result: FunnelResult, times: Durations, reader: Reader) -> dict[str, Any]:
    """How many people took how long from the first step to the last; empty bars at both ends are left out."""
    used = [place for place, people in enumerate(times.histogram) if people]
    shown = range(used[0], used[-1] + 1)
    return {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "category", "data": [_bar_title(result.bars[place], reader) for place in shown]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "type": "bar",
                "name": reader.say(TITLES[result.counted]),
                "barCategoryGap": "10%",
                "data": [times.histogram[place] for place in shown],
            },
        ],
    }


def _bar_title(bar: tuple[int, int | None], reader: Reader) -> str:
    begins, ends = bar
    if ends is None:
        return reader.say("from {time}", time=reader.show(begins, "seconds"))
    return reader.say("under {time}", time=reader.show(ends, "seconds"))
