"""What stands beside a funnel, for the reader: the comparison in sentences and numbers, the trend, and what goes with success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.differences import Difference, p_said, points, short_points, with_bounds
from bihuan.analyse.funnel.drivers import Driver, Drivers, driver_cell
from bihuan.analyse.funnel.result import Course, FunnelPart, FunnelResult, Trend, cell_of
from bihuan.analyse.funnel.table import KINDS
from bihuan.analyse.parts import between_said, part_title
from bihuan.analyse.statistics import Interval
from bihuan.engine.question import Reader

MOST_UNCLEAR = 10
MOST_COURSES = 10
PALE = 0.35
LEAST_DRAWN = 0.01  # of odds ratios, and the same above


def address(cell: Mapping[str, Any] | None) -> str:
    """What the address of the people behind a number says of it; '' where they are not told apart."""
    return urlencode([(f"cell.{name}", "true" if value is True else str(value)) for name, value in (cell or {}).items()])


# --- Beside each other -----------------------------------------------------------------------------------------------------------------


def compared_name(result: FunnelResult, reader: Reader) -> str:
    """What it is compared with."""
    if result.compared is None:
        return ""
    msgid, values = result.compared
    return reader.say(msgid, **values)


def comparison(result: FunnelResult, reader: Reader) -> dict[str, Any] | None:
    everybody = result.everybody
    if result.compared is None or everybody.before is None:
        return None
    return {
        "name": compared_name(result, reader),
        "sentences": _sentences(result, reader),
        "steps": [_step(everybody, everybody.before, one, reader) for one in everybody.changes],
        "overlapping": result.overlapping,
        "together": result.counted != "people",
    }


def _step(now: FunnelPart, before: FunnelPart, one: Difference, reader: Reader) -> dict[str, Any]:
    assert one.step is not None
    step, other = now.steps[one.step - 1], before.steps[one.step - 1]
    return {
        "title": step.title,
        "people": reader.show(step.people, "number"),
        "people_before": reader.show(other.people, "number"),
        "sure": between_said(step.sure, reader),
        "sure_before": between_said(other.sure, reader),
        "cell": address(cell_of(now, step)),
        "cell_before": address(cell_of(now, step, before=True)),
        **shown_difference(one, reader),
    }


def shown_difference(one: Difference, reader: Reader) -> dict[str, Any]:
    """Both conversions and their difference, as texts."""
    return {
        "now": with_bounds(one.now, reader),
        "before": with_bounds(one.before, reader),
        "change": short_points(one.change, reader),
        "p": p_said(one.adjusted, reader),
        "clear": one.clear,
        "better": bool(one.change and one.change.estimate > 0),
    }


def _sentences(result: FunnelResult, reader: Reader) -> list[str]:
    """How the whole differs, and which step most surely does."""
    everybody, other = result.everybody, compared_name(result, reader)
    said = [_whole(everybody.whole, other, reader)] if everybody.whole else []
    clear = sorted((one for one in everybody.changes if one.clear), key=lambda one: one.adjusted or 0.0)
    if clear and clear[0].step is not None and len(everybody.changes) > 1:
        first = clear[0]
        assert first.step is not None
        said.append(
            reader.say(
                "The step that differs most surely is {step}: {now} go on to it, against {before}: {change} (p {p} for all steps).",
                step=everybody.steps[first.step - 1].title,
                now=_estimate(first.now, reader),
                before=_estimate(first.before, reader),
                change=points(first.change, reader),
                p=p_said(first.adjusted, reader),
            )
        )
    elif len(everybody.changes) > 1:
        said.append(reader.say("No single step differs by more than chance could make."))
    values = sorted((part for part in result.parts if part.whole and part.whole.clear), key=lambda part: part.whole.adjusted)  # type: ignore
    said += [_of_value(part, result, reader) for part in values[:3]]
    return said


def _whole(one: Difference, other: str, reader: Reader) -> str:
    if one.change is None:
        return reader.say("On one of the two sides nobody entered: there is nothing to compare.")
    verdict = (
        "{now} convert, against {before} ({other}): {change}. That is more than chance would make (p {p})."
        if one.clear
        else "{now} convert, against {before} ({other}): {change}. Chance alone could make such a difference (p {p})."
    )
    texts = {"now": _estimate(one.now, reader), "before": _estimate(one.before, reader), "other": other}
    return reader.say(verdict, **texts, change=points(one.change, reader), p=p_said(one.p_value, reader))


def _of_value(part: FunnelPart, result: FunnelResult, reader: Reader) -> str:
    assert part.whole
    return reader.say(
        "{value}: {now} convert, against {before}: {change} (p {p} for all values).",
        value=part_title(part, result, reader),
        now=_estimate(part.whole.now, reader),
        before=_estimate(part.whole.before, reader),
        change=points(part.whole.change, reader),
        p=p_said(part.whole.adjusted, reader),
    )


def _estimate(interval: Interval | None, reader: Reader) -> str:
    return reader.show(interval.estimate if interval else None, "share")


def beside(result: FunnelResult, reader: Reader) -> dict[str, Any]:
    """A chart of both: of those at the first step, how many did each."""
    assert result.everybody.before
    sides = ((reader.say("This"), result.everybody, 1.0), (compared_name(result, reader), result.everybody.before, PALE))
    series = [
        {
            "type": "bar",
            "name": name,
            "barMaxWidth": 24,
            "itemStyle": {"opacity": opacity},
            "data": [
                {"value": step.from_start, "cell": cell_of(part, step, before=part is result.everybody.before)} for step in part.steps
            ],
        }
        for name, part, opacity in sides
    ]
    return {
        "grid": {"left": 8, "right": 24, "top": 32, "bottom": 8, "containLabel": True},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "percent"},
        "xAxis": {"type": "value", "max": 1, "axisLabel": {"formatter": "percent"}},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [step.title for step in result.everybody.steps],
            "axisLabel": {"width": 140, "overflow": "truncate"},
        },
        "series": series,
    }


# --- Day by day ------------------------------------------------------------------------------------------------------------------------


def trend_chart(result: FunnelResult, trend: Trend, reader: Reader) -> dict[str, Any] | None:
    """Conversion by day of entry, everybody or the values, what it is compared with paler; days whose time is not over are dashed."""
    courses = (trend.courses[1:] or trend.courses)[:MOST_COURSES]
    if not any(counts[0] for course in courses for counts in (*course.counts, *course.before)):
        return None
    done = sum(bucket.state in ("whole", "cut") for bucket in trend.buckets)
    series: list[dict[str, Any]] = []
    for number, course in enumerate(courses):
        name, colour = _course_name(course, result, reader), f"palette:{number % 10}"
        if course.before:
            before = f"{name} · {compared_name(result, reader)}"
            series.append(_line(before, list(course.rates_before), colour, opacity=PALE))
        rates = [rate if bucket.state != "future" else None for rate, bucket in zip(course.rates, trend.buckets, strict=True)]
        if done:
            series.append(_line(name, [*rates[:done], *[None] * (len(rates) - done)], colour))
        if done < len(rates):
            series.append(_line(name, [*[None] * max(done - 1, 0), *rates[max(done - 1, 0) :]], colour, dashed=True))
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "data": list(dict.fromkeys(one["name"] for one in series))},
        "tooltip": {"trigger": "axis", "valueFormatter": "percent"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": [reader.show(bucket.start, "day") for bucket in trend.buckets]},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": "percent"}},
        "series": series,
    }


def _course_name(course: Course, result: FunnelResult, reader: Reader) -> str:
    return reader.say("Conversion") if course.value is None and not course.other else part_title(course, result, reader)


def _line(name: str, data: list[float | None], colour: str, *, opacity: float = 1.0, dashed: bool = False) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "data": data,
        "color": colour,
        "showSymbol": sum(one is not None for one in data) <= 31,
        "lineStyle": {"width": 2, "opacity": opacity, "type": "dashed" if dashed else "solid"},
        "itemStyle": {"opacity": opacity},
    }


OPEN = {
    "day": "{count} days are not over: people who entered on them may still convert.",
    "week": "{count} weeks are not over: people who entered in them may still convert.",
    "month": "{count} months are not over: people who entered in them may still convert.",
}


def trend_panel(result: FunnelResult, trend: Trend, reader: Reader) -> dict[str, Any]:
    open_ = sum(bucket.state == "open" for bucket in trend.buckets)
    return {
        "chart": trend_chart(result, trend, reader),
        "open": reader.say(OPEN[trend.unit], count=open_) if open_ else "",
        "people": result.counted == "people",
    }


# --- What goes with success ------------------------------------------------------------------------------------------------------------


def drivers_panel(result: FunnelResult, drivers: Drivers, reader: Reader) -> dict[str, Any]:
    """The drivers as rows: those that are more than chance, and the next ones."""
    clear = sum(one.clear for one in drivers.found)
    return {
        "step": result.everybody.steps[-1].title,
        "tried": reader.show(drivers.of_everybody(drivers.tried.people), "number"),
        "sampled": drivers.sample is not None,
        "share": reader.show(drivers.tried.rate if drivers.tried.people else None, "share"),
        "clear": clear,
        "least": reader.show(drivers.least, "number"),
        "looked_at": reader.show(len(drivers.found), "number"),
        "chart": drivers_chart(drivers, reader),
        "rows": [_driver(drivers, one, reader) for one in drivers.found[: clear + MOST_UNCLEAR]],
        "more": max(0, len(drivers.found) - clear - MOST_UNCLEAR),
    }


def _driver(drivers: Drivers, one: Driver, reader: Reader) -> dict[str, Any]:
    lost = one.having.people - one.having.converted
    return {
        "kind": reader.say(KINDS[one.kind]),
        "name": one.title,
        "clear": one.clear,
        "better": one.odds.estimate > 1,
        "succeeded": reader.show(drivers.of_everybody(one.having.converted), "number"),
        "succeeded_sure": between_said(drivers.sure(one.having.converted), reader),
        "lost": reader.show(drivers.of_everybody(lost), "number"),
        "lost_sure": between_said(drivers.sure(lost), reader),
        "with_it": reader.show(one.having.rate, "share"),
        "without": reader.show(one.lacking.rate, "share"),
        "lacking": reader.show(drivers.of_everybody(one.lacking.people), "number"),
        "lacking_sure": between_said(drivers.sure(one.lacking.people), reader),
        "odds": odds_said(one.odds, reader),
        "p": p_said(one.adjusted, reader),
        "cell": address(driver_cell(drivers.step, one)),
        "cell_lost": address(driver_cell(drivers.step, one, "dropped")),
    }


def odds_said(odds: Interval, reader: Reader) -> str:
    """× 2.3 (1.4 – 3.8)."""
    estimate, low, high = (reader.show(float(f"{bound or 0.0:.2g}"), "number") for bound in odds)
    return f"× {estimate} ({low} – {high})"


def drivers_chart(drivers: Drivers, reader: Reader) -> dict[str, Any] | None:
    """The odds ratios on a scale where ten times and a tenth are as far from the same, each with its interval."""
    shown = [one for one in drivers.found if one.clear][:12]
    if not shown:
        return None
    bounds: list[list[float | int | None]] = []
    for place, one in enumerate(shown):
        bounds += [[_within(one.odds.low), place], [_within(one.odds.high), place], [None, None]]
    return {
        "grid": {"left": 8, "right": 24, "top": 8, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "item"},
        "xAxis": {"type": "log", "min": LEAST_DRAWN, "max": 1 / LEAST_DRAWN},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [one.title for one in shown],
            "axisLabel": {"width": 160, "overflow": "truncate"},
        },
        "series": [
            {"type": "line", "name": reader.say("95 % interval"), "data": bounds, "showSymbol": False, "silent": True, "color": "#94a3b8"},
            {
                "type": "scatter",
                "name": reader.say("Odds ratio"),
                "symbolSize": 10,
                "data": [
                    {
                        "value": [_within(one.odds.estimate), place],
                        "cell": driver_cell(drivers.step, one),
                        "itemStyle": {"color": "palette:0" if one.odds.estimate > 1 else "palette:3"},
                    }
                    for place, one in enumerate(shown)
                ],
                "markLine": {"silent": True, "symbol": "none", "data": [{"xAxis": 1}], "label": {"show": False}},
            },
        ],
    }


def _within(bound: float | None) -> float:
    """A bound that can be drawn."""
    return float(f"{min(max(bound or 0.0, LEAST_DRAWN), 1 / LEAST_DRAWN):.4g}")
