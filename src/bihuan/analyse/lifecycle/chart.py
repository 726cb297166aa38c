"""Lifecycle as ECharts options: bars that end in those who stayed away, a line for each state; and every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bihuan.analyse.lifecycle.result import STATES, TITLES, LifecyclePart, LifecycleResult, Stage
from bihuan.analyse.lifecycle.spec import State
from bihuan.analyse.parts import between_said, part_title
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

COLOURS: Mapping[State, str] = {"new": "palette:4", "returning": "palette:0", "resurrected": "palette:2", "dormant": "palette:3"}
STACKED: tuple[State, ...] = ("returning", "resurrected", "new", "dormant")
UNFINISHED = 0.5
PALE = 0.35
GRID = {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True}


def chart_lifecycle(result: LifecycleResult, reader: Reader) -> dict[str, Any] | None:
    """One bar for each period, its states on top of each other and the dormant below zero; a running one is paler. What it is compared with
    is beside it, paler too; groups of people are shown by shares, as they are not equally many."""
    if not result.people:
        return None
    stages = _begun(result.everybody)
    series = [_bars(state, reader.say(TITLES[state]), stages, stages, result) for state in STACKED]
    if result.compared_with:
        others = [result.everybody.beside(stage) for stage in stages]
        series += [_bars(state, _compared_name(state, result, reader), stages, others, result, before=True) for state in STACKED]
    shares: dict[str, Any] = {"valueFormatter": "percent"} if result.groups else {}
    return {
        "grid": GRID,
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, **shares},
        "xAxis": {"type": "category", "axisTick": {"show": False}, "data": [reader.show(stage.day, "day") for stage in stages]},
        "yAxis": {**_axis(result), **({"min": -1, "max": 1, "interval": 0.5} if result.groups else {})},
        "series": series,
    }


def _axis(result: LifecycleResult) -> dict[str, Any]:
    return {"type": "value", **({"axisLabel": {"formatter": "percent"}} if result.groups else {})}


def _bars(
    state: State, name: str, stages: Sequence[Stage], shown: Sequence[Stage | None], result: LifecycleResult, *, before: bool = False
) -> dict[str, Any]:
    """A state of all `shown`, each in the place of its stage."""
    data = [_bar(stage, one, state, result, before) for stage, one in zip(stages, shown, strict=True)]
    more: dict[str, Any] = {"itemStyle": {"opacity": PALE}} if before else {}
    stack = "before" if before else "people"
    return {"type": "bar", "name": name, "stack": stack, "color": COLOURS[state], "barMaxWidth": 36, "data": data, **more}


def _bar(stage: Stage, shown: Stage | None, state: State, result: LifecycleResult, before: bool) -> dict[str, Any] | None:
    value = _value(shown, state, result)
    if shown is None or value is None:
        return None
    cell = {"day": stage.day.isoformat(), "state": state, **({"before": True} if before else {})}
    item: dict[str, Any] = {"value": -value if state == "dormant" else value, "cell": cell}
    return item if before or shown.complete else {**item, "itemStyle": {"opacity": UNFINISHED}}


def _value(stage: Stage | None, state: State, result: LifecycleResult) -> float | None:
    """What is drawn of a stage."""
    if stage is None:
        return None
    number: float | None = stage.share(state) if result.groups else getattr(stage, state)
    return number


def chart_states(result: LifecycleResult, reader: Reader) -> dict[str, Any] | None:
    """A line for each state over time, its unfinished end dashed, and what it is compared with paler."""
    stages = _begun(result.everybody)
    if not result.people or len(stages) < 3:
        return None
    series: list[dict[str, Any]] = []
    running = not stages[-1].complete
    for state in STATES:
        values = [_value(stage, state, result) for stage in stages]
        style = {"type": "line", "name": reader.say(TITLES[state]), "color": COLOURS[state], "symbolSize": 5}
        done = [*values[:-1], None] if running else values
        if result.compared_with:
            series.append(_line_before(state, stages, result, reader))
        series.append({**style, "data": done, "lineStyle": {"width": 2}, "showSymbol": len(stages) <= 31})
        if running:
            end = [*[None] * (len(values) - 2), *values[-2:]]
            series.append({**style, "data": end, "lineStyle": {"width": 2, "type": "dashed"}, "showSymbol": False})
    return {
        "grid": GRID,
        "legend": {"top": 0, "data": _legend(result, reader)},
        "tooltip": {"trigger": "axis", "formatter": "shares" if result.groups else "lines"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": [reader.show(stage.day, "day") for stage in stages]},
        "yAxis": {**_axis(result), "min": 0},
        "series": series,
    }


def _line_before(state: State, stages: Sequence[Stage], result: LifecycleResult, reader: Reader) -> dict[str, Any]:
    return {
        "type": "line",
        "name": _compared_name(state, result, reader),
        "color": COLOURS[state],
        "symbolSize": 5,
        "data": [_value(result.everybody.beside(stage), state, result) for stage in stages],
        "lineStyle": {"width": 2, "opacity": PALE},
        "itemStyle": {"opacity": PALE},
        "showSymbol": len(stages) <= 31,
    }


def _legend(result: LifecycleResult, reader: Reader) -> list[str]:
    beside = [_compared_name(state, result, reader) for state in STATES] if result.compared_with else []
    return [*(reader.say(TITLES[state]) for state in STATES), *beside]


def _other(result: LifecycleResult, reader: Reader) -> str:
    """How a reader calls what it is compared with."""
    return reader.say(result.compared_with[0], **result.compared_with[1]) if result.compared_with else ""


def _compared_name(state: State, result: LifecycleResult, reader: Reader) -> str:
    return reader.say("{name}, {other}", name=reader.say(TITLES[state]), other=_other(result, reader))


def panel_lifecycle(result: LifecycleResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: both charts, each period's numbers (the newest first), and the last whole period of each value; below each of
    these what it is compared with."""
    stages = _begun(result.everybody)
    latest = result.everybody.latest
    return {
        "chart": chart_lifecycle(result, reader),
        "sampled": result.sample is not None,
        "lines": chart_states(result, reader),
        "compared": _other(result, reader),
        "shares": result.groups,
        "stages": [
            {"place": None, **_row(stage, result, reader), **_row_before(stage, result.everybody, result, reader)}
            for stage in reversed(stages)
        ],
        "running": any(not stage.complete for stage in stages),
        "stops": result.compared_with is not None and not result.groups,
        "breakdown": heading(result.breakdown, reader),
        "latest": reader.show(latest.day, "day") if latest else "",
        "parts": [
            {
                "title": part_title(part, result, reader),
                "place": part.place,
                **_row(part.latest, result, reader),
                **_row_before(part.latest, part, result, reader),
            }
            for part in result.parts
            if part.latest
        ],
    }


def _row(stage: Stage, result: LifecycleResult, reader: Reader) -> dict[str, Any]:
    return {
        "day": stage.day.isoformat(),
        "when": reader.show(stage.day, "day"),
        "states": [
            {"state": state, "text": _people(stage, state, result, reader), "sure": between_said(stage.sure(state), reader)}
            for state in STATES
        ],
        "active": reader.show(stage.active, "number"),
        "sure": between_said(stage.sure("active"), reader),
        "stayed": reader.show(stage.stayed, "share"),
        "quick_ratio": reader.show(None if stage.quick_ratio is None else round(stage.quick_ratio, 2), "number"),
        "running": not stage.complete,
    }


def _people(stage: Stage, state: State, result: LifecycleResult, reader: Reader) -> str:
    """How many are in a state; of groups also their share: 120 (12.3%)."""
    people = reader.show(getattr(stage, state), "number")
    return f"{people} ({reader.show(stage.share(state), 'share')})" if result.groups else people


def _row_before(stage: Stage, part: LifecyclePart, result: LifecycleResult, reader: Reader) -> dict[str, Any]:
    """The row below: what the stage is compared with, if there is anything, `beside` is how it is called."""
    other = part.beside(stage)
    if other is None or other.new is None:
        return {}
    row = _row(other, result, reader)
    return {"before": row, "beside": _other(result, reader) if result.groups else row["when"]}


def _begun(part: LifecyclePart) -> list[Stage]:
    return [stage for stage in part.stages if stage.new is not None]
