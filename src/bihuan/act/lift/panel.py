"""A lift as its panel shows it: the verdict, both arms, and the intervals drawn on a line with zero on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.act.lift.chart import chart_lift
from bihuan.act.lift.result import Arm, LiftResult
from bihuan.act.lift.statistics import Interval
from bihuan.act.lift.words import show_lift, show_p, show_relative, verdict
from bihuan.engine.question import Reader

EDGE = 6.0  # percent of the line that stays free at each end


@dataclass(frozen=True)
class ShownArm:
    """An arm in words; `width` of its bar in percent of the larger one."""

    title: str
    people: str
    converted: str
    rate: str
    width: float


@dataclass(frozen=True)
class Line:
    """An interval on a line: places in percent of its width; the bounds and the estimate as words."""

    title: str
    estimate: str
    bounds: str
    zero: float
    low: float
    high: float
    at: float
    tone: str

    @property
    def length(self) -> float:
        return self.high - self.low


def panel_lift(result: LiftResult, reader: Reader) -> Mapping[str, Any]:
    """What lift/panel.html shows."""
    return {
        "verdict": verdict(result, reader),
        "arms": _arms(result, reader),
        "lines": _lines(result, reader),
        "facts": _facts(result, reader),
        "chart": chart_lift(result, reader),
        "value": result.measure == "value",
    }


def _arms(result: LiftResult, reader: Reader) -> list[ShownArm]:
    def height(arm: Arm) -> float:
        return arm.mean if result.measure == "value" else arm.rate or 0.0

    most = max(height(result.treated), height(result.held)) or 1.0
    kind: Any = "money" if result.measure == "value" else "share"
    return [
        ShownArm(
            title=reader.say(title),
            people=reader.show(arm.people, "number"),
            converted=reader.show(arm.converted, "number"),
            rate=reader.show(height(arm) if arm.people else None, kind),
            width=max(0.0, height(arm)) / most * 100,
        )
        for title, arm in (("Got the campaign", result.treated), ("Held out", result.held))
    ]


def _lines(result: LiftResult, reader: Reader) -> list[Line]:
    lines = []
    if result.difference:
        shown = [show_lift(value, result, reader) for value in result.difference]
        lines.append(_line(reader.say("Lift"), result.difference, shown, reader))
    if result.relative:
        shown = [show_relative(value, reader) for value in result.relative]
        lines.append(_line(reader.say("Relative lift"), result.relative, shown, reader))
    return lines


def _line(title: str, interval: Interval, shown: list[str], reader: Reader) -> Line:
    low = interval.low if interval.low is not None else min(interval.estimate, 0.0) - abs(interval.estimate)
    high = interval.high if interval.high is not None else max(interval.estimate, 0.0) + abs(interval.estimate)
    least, most = min(low, 0.0), max(high, 0.0)
    span = (most - least) or 1.0

    def place(value: float) -> float:
        return EDGE + (value - least) / span * (100 - 2 * EDGE)

    bounds = reader.say("95 % interval {low} to {high}", low=shown[1], high=shown[2])
    tone = "up" if low > 0 else "down" if high < 0 else "open"
    return Line(title, shown[0], bounds, place(0.0), place(low), place(high), place(interval.estimate), tone)


def _facts(result: LiftResult, reader: Reader) -> list[tuple[str, str, str]]:
    """Title, value and what it means."""
    facts = []
    if result.extra:
        kind: Any = "money" if result.measure == "value" else "number"
        low, high = (reader.show(bound if kind == "money" or bound is None else round(bound), kind) for bound in result.extra[1:])
        value = result.extra.estimate if kind == "money" else round(result.extra.estimate)
        title = "Earned because of it" if kind == "money" else "People because of it"
        facts.append((reader.say(title), reader.show(value, kind), reader.say("95 % interval {low} to {high}", low=low, high=high)))
    if result.p_value is not None:
        meaning = reader.say("How often chance alone would give as much; below 0.05 counts as proved.")
        facts.append((reader.say("p-value"), show_p(result.p_value, reader), meaning))
    if result.ratio_p_value is not None:
        good = "Not as meant: do not trust the lift" if result.ratio_broken else "As meant"
        meaning = reader.say("Sizes of the groups against the draw; p {p}", p=show_p(result.ratio_p_value, reader, sign=True))
        facts.append((reader.say("Sample ratio"), reader.say(good), meaning))
    facts.append(
        (
            reader.say("Window over"),
            reader.show(result.complete, "share"),
            reader.say("of the people; {days} days each", days=result.window),
        )
    )
    return facts
