"""Lifecycle as ECharts options: bars that end in those who stayed away, a line for each state; and every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.lifecycle.result import STATES, LifecyclePart, LifecycleResult, Stage
from bihuan.analyse.lifecycle.spec import State
from bihuan.analyse.parts import between_said, part_title
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

TITLES: Mapping[State, str] = {"new": "New", "returning": "Returning", "resurrected": "Resurrected", "dormant": "Dormant"}
COLOURS: Mapping[State, str] = {"new": "palette:4", "returning": "palette:0", "resurrected": "palette:2", "dormant": "palette:3"}
STACKED: tuple[State, ...] = ("returning", "resurrected", "new", "dormant")
UNFINISHED = 0.5
GRID = {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True}


def chart_lifecycle(result: LifecycleResult, reader: Reader) -> dict[str, Any] | None:
    """One bar for each period, its states on top of each other and the dormant below zero; a running one is paler."""
    if not result.people:
        return None
    stages = _begun(result.everybody)
    return {
        "grid": GRID,
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "category", "axisTick": {"show": False}, "data": [reader.show(stage.day, "day") for stage in stages]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "name": reader.say(TITLES[state]),
                "stack": "people",
                "color": COLOURS[state],
                "barMaxWidth": 36,
                "data": [_bar(stage, state) for stage in stages],
            }
            for state in STACKED
        ],
    }


def _bar(stage: Stage, state: State) -> dict[str, Any]:
    people = getattr(stage, state)
    item: dict[str, Any] = {"value": -people if state == "dormant" else people, "cell": {"day": stage.day.isoformat(), "state": state}}
    return item if stage.complete else {**item, "itemStyle": {"opacity": UNFINISHED}}


def chart_states(result: LifecycleResult, reader: Reader) -> dict[str, Any] | None:
    """A line for each state over time, its unfinished end dashed."""
    stages = _begun(result.everybody)
    if not result.people or len(stages) < 3:
        return None
    series: list[dict[str, Any]] = []
    running = not stages[-1].complete
    for state in STATES:
        values = [getattr(stage, state) for stage in stages]
        style = {"type": "line", "name": reader.say(TITLES[state]), "color": COLOURS[state], "symbolSize": 5}
        done = [*values[:-1], None] if running else values
        series.append({**style, "data": done, "lineStyle": {"width": 2}, "showSymbol": len(stages) <= 31})
        if running:
            end = [*[None] * (len(values) - 2), *values[-2:]]
            series.append({**style, "data": end, "lineStyle": {"width": 2, "type": "dashed"}, "showSymbol": False})
    return {
        "grid": GRID,
        "legend": {"top": 0, "data": [reader.say(TITLES[state]) for state in STATES]},
        "tooltip": {"trigger": "axis", "formatter": "lines"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": [reader.show(stage.day, "day") for stage in stages]},
        "yAxis": {"type": "value", "min": 0},
        "series": series,
    }


def panel_lifecycle(result: LifecycleResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: both charts, each period's numbers (the newest first), and the last whole period of each value."""
    stages = _begun(result.everybody)
    latest = result.everybody.latest
    return {
        "chart": chart_lifecycle(result, reader),
        "sampled": result.sample is not None,
        "lines": chart_states(result, reader),
        "stages": [_row(stage, reader) for stage in reversed(stages)],
        "running": any(not stage.complete for stage in stages),
        "breakdown": heading(result.breakdown, reader),
        "latest": reader.show(latest.day, "day") if latest else "",
        "parts": [
            {"title": part_title(part, result, reader), "place": part.place, **_row(part.latest, reader)}
            for part in result.parts
            if part.latest
        ],
    }


def _row(stage: Stage, reader: Reader) -> dict[str, Any]:
    return {
        "day": stage.day.isoformat(),
        "when": reader.show(stage.day, "day"),
        "states": [
            {"state": state, "text": reader.show(getattr(stage, state), "number"), "sure": between_said(stage.sure(state), reader)}
            for state in STATES
        ],
        "active": reader.show(stage.active, "number"),
        "sure": between_said(stage.sure("active"), reader),
        "stayed": reader.show(stage.stayed, "share"),
        "quick_ratio": reader.show(None if stage.quick_ratio is None else round(stage.quick_ratio, 2), "number"),
        "running": not stage.complete,
    }


def _begun(part: LifecyclePart) -> list[Stage]:
    return [stage for stage in part.stages if stage.new is not None]
