"""Retention as an ECharts option, and as a triangle with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.differences import p_said, points, short_points, with_bounds
from bihuan.analyse.parts import between_said, part_title
from bihuan.analyse.retention.result import Beside, Cell, Cohort, Mean, RetentionPart, RetentionResult, Usage
from bihuan.analyse.retention.table import cell_of, cells_beside
from bihuan.analyse.statistics import Interval as Estimate
from bihuan.engine.breakdowns import heading
from bihuan.engine.meta import Interval
from bihuan.engine.question import Reader

# What a column is called in a heading; 0 is the cohort's own.
COLUMNS = {"hour": "Hour {number}", "day": "Day {number}", "week": "Week {number}", "month": "Month {number}"}
UNITS = {"hour": "by the hour", "day": "by the day", "week": "by the week", "month": "by the month"}
MOST_SHOWN = 20
SHADES = 9
PALE = 0.45


def chart_retention(result: RetentionResult, reader: Reader) -> dict[str, Any] | None:
    """The mean share that came back in each column, between the ends of its interval, and the plain mean; or that of what it is compared
    with, between the ends of its own; or a line for each value, what it is compared with paler."""
    everybody = result.everybody
    if not everybody.size and not any(cohort.size for cohort in everybody.before):
        return None
    if result.parts:
        series = [line for number, part in enumerate(result.parts[:MOST_SHOWN]) for line in _of_value(part, number, result, reader)]
    elif result.compared:
        series = [
            *_between(reader.say("This"), [one.now for one in everybody.beside], "palette:0", reader),
            *_between(compared_name(result, reader), [one.before for one in everybody.beside], "palette:1", reader),
        ]
    else:
        curve = everybody.curve
        series = [
            _line(reader.say("Mean, each person alike"), [mean.weighted for mean in curve], colour="palette:0"),
            _line(reader.say("Mean, each cohort alike"), [mean.plain for mean in curve], kind="dashed", colour="palette:1"),
            *_ends(["At least, 95 %", "At most, 95 %"], curve, "palette:0", reader),
        ]
    option = _option(series, result, reader, "percent")
    if result.compared and not result.parts:  # the ends of intervals are told by their lines
        option["legend"]["data"] = [series[0]["name"], series[3]["name"]]
    return option


def _between(name: str, means: Sequence[Mean], colour: str, reader: Reader) -> list[dict[str, Any]]:
    """A side, and the ends of its interval."""
    line = _line(name, [mean.weighted for mean in means], colour=colour)
    return [
        line,
        *({**end, "name": f"{name} · {end['name']}"} for end in _ends(["At least, 95 %", "At most, 95 %"], means, colour, reader)),
    ]


def _ends(titles: Sequence[str], means: Sequence[Mean], colour: str, reader: Reader) -> list[dict[str, Any]]:
    return [
        _line(
            reader.say(title), [mean.interval[end] if mean.interval else None for mean in means], kind="dotted", opacity=0.6, colour=colour
        )
        for end, title in enumerate(titles)
    ]


def _of_value(part: RetentionPart, number: int, result: RetentionResult, reader: Reader) -> list[dict[str, Any]]:
    name = part_title(part, result, reader)
    if not part.beside:
        return [_line(name, [mean.weighted for mean in part.curve])]
    colour = f"palette:{number % 10}"
    before = _line(f"{name} · {compared_name(result, reader)}", [one.before.weighted for one in part.beside], opacity=PALE, colour=colour)
    return [_line(name, [one.now.weighted for one in part.beside], colour=colour), before]


def chart_value(result: RetentionResult, reader: Reader) -> dict[str, Any] | None:
    """What each person of the cohorts brought on average in each column; None when it is not asked."""
    everybody = result.everybody
    if result.valued is None or not (everybody.size or any(cohort.size for cohort in everybody.before)):
        return None
    if result.compared and not result.parts:
        now, before = ([side.value for side in sides] for sides in zip(*((one.now, one.before) for one in everybody.beside), strict=True))
        lines = [_line(reader.say("This"), now, colour="palette:0"), _line(compared_name(result, reader), before, colour="palette:1")]
        return _option(lines, result, reader, "short")
    parts = result.parts[:MOST_SHOWN] or (everybody,)
    series = [_line(part_title(part, result, reader), [mean.value for mean in part.curve]) for part in parts]
    return _option(series, result, reader, "short")


def compared_name(result: RetentionResult, reader: Reader) -> str:
    """What it is compared with."""
    return reader.say(result.compared[0], **result.compared[1]) if result.compared else ""


def _option(series: Sequence[Mapping[str, Any]], result: RetentionResult, reader: Reader, kind: str) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 24, "top": 32, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "valueFormatter": "percent" if kind == "percent" else "count"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": column_titles(result, reader)},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": kind}},
        "series": list(series),
    }


def _line(name: str, data: Sequence[float | None], kind: str = "solid", opacity: float = 1, colour: str = "") -> dict[str, Any]:
    style = {"width": 2 if opacity == 1 else 1, "type": kind, "opacity": opacity}
    line = {"type": "line", "name": name, "data": list(data), "lineStyle": style, "showSymbol": opacity == 1 and len(data) <= 31}
    return {**line, "color": colour} if colour else line


def column_titles(result: RetentionResult, reader: Reader) -> list[str]:
    return [
        reader.say(COLUMNS[result.unit], number=first if first == last else f"{first}–{last}")
        + ("+" if result.counts == "on_or_after" else "")
        for first, last in result.columns
    ]


def panel_retention(result: RetentionResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the curve, the triangle of everybody with its mean, the means of each value, and the same for the value."""
    darkest = _darkest(result.everybody)
    return {
        "chart": chart_retention(result, reader),
        "columns": column_titles(result, reader),
        "cohorts": [
            {
                "title": reader.show(cohort.start, "time") if result.unit == "hour" else reader.show(cohort.day, "day"),
                "key": cell_of(result.everybody, cohort, result.unit)["cohort"],
                "size": reader.show(cohort.size, "number"),
                "sure": _sure(cohort.sure, reader),
                "cells": [_cell(cell, darkest, reader) for cell in cohort.cells],
                "values": [_value(cell, cohort, reader) for cell in cohort.cells],
            }
            for cohort in result.everybody.cohorts
        ],
        "mean": _means(result.everybody.curve, darkest, reader),
        "previous": result.reference == "previous",
        "running": any(not cell.complete and cell.people is not None for cohort in result.everybody.cohorts for cell in cohort.cells),
        "breakdown": heading(result.breakdown, reader),
        "parts": [
            {
                "title": part_title(part, result, reader),
                "place": part.place,
                "size": reader.show(part.size, "number"),
                "means": _means(part.curve, darkest, reader),
                "before": _means([one.before for one in part.beside], darkest, reader),
            }
            for part in result.parts[:MOST_SHOWN]
        ],
        "size": reader.show(result.everybody.size, "number"),
        "valued": result.valued or "",
        "value_chart": chart_value(result, reader),
        "usage": _usage(result.usage, reader),
        "compared": compared_name(result, reader),
        "comparison": _comparison(result, reader) if result.compared else None,
    }


def _usage(usage: Usage | None, reader: Reader) -> str:
    """How often people come, in a sentence; "" when it is not asked."""
    if usage is None:
        return ""
    if usage.unit is None:
        return reader.say("Nobody came back on another day, so there is no habit to see yet.")
    return reader.say(
        "{people} people came on more than one day; half of them come every {days} days or more often. Follow them {unit}.",
        people=reader.show(usage.people, "number"),
        days=reader.show(usage.days, "number"),
        unit=reader.say(UNITS[usage.unit]),
    )


def _cell(cell: Cell, darkest: float, reader: Reader) -> dict[str, Any]:
    """A share that may still change is `running`; where there is nothing to show, all is empty."""
    if cell.share is None or cell.people is None:
        return {"share": "", "people": "", "heat": "", "running": False}
    return {
        "share": reader.show(cell.share, "share"),
        "people": " ".join(filter(None, (reader.show(cell.people, "number"), _sure(cell.sure, reader)))),
        "heat": _heat(cell.share, darkest),
        "running": not cell.complete,
    }


def _sure(sure: Interval | None, reader: Reader) -> str:
    """Between which numbers an estimate lies; "" where nothing is estimated."""
    said = between_said(sure, reader)
    return f"({said})" if said else ""


def _value(cell: Cell, cohort: Cohort, reader: Reader) -> dict[str, str]:
    """What the cohort brought in the column, for each of its people, and in all."""
    if cell.value is None or not cohort.size:
        return {"each": "", "all": ""}
    return {"each": reader.show(round(cell.value / cohort.size, 2), "number"), "all": reader.show(round(cell.value, 2), "number")}


def _means(curve: Sequence[Mean], darkest: float, reader: Reader) -> list[dict[str, Any]]:
    return [
        {
            "share": reader.show(mean.weighted, "share"),
            "interval": " – ".join(reader.show(end, "share") for end in mean.interval or ()),
            "heat": "" if mean.weighted is None else _heat(mean.weighted, darkest),
            "value": "" if mean.value is None else reader.show(round(mean.value, 2), "number"),
        }
        for mean in curve
    ]


def _darkest(part: RetentionPart) -> float:
    """The share with the darkest shade: the greatest after the cohorts' own period, which is mostly 100 % and would pale the rest."""
    shares = [cell.share for cohort in part.cohorts for cell in cohort.cells[1:] if cell.share]
    return max(shares, default=1.0)


def _heat(share: float, darkest: float) -> int:
    """A shade from 0 (nobody) to 9."""
    return min(SHADES, max(1, round(share / darkest * SHADES))) if share else 0


# --- Beside each other -----------------------------------------------------------------------------------------------------------------


def _comparison(result: RetentionResult, reader: Reader) -> dict[str, Any]:
    """Each column on both sides, and in a sentence which of them differs most surely."""
    titles = column_titles(result, reader)
    return {
        "name": compared_name(result, reader),
        "sentence": _sentence(result, titles, reader),
        "columns": [
            _shown_beside(column, title, one, result, reader)
            for column, (title, one) in enumerate(zip(titles, result.everybody.beside, strict=True))
        ],
        "valued": result.valued or "",
        "overlapping": result.overlapping,
        "shared": result.shared,
        "together": result.recurring,
        "untested": result.reference == "previous" and result.counts == "on",
    }


def _shown_beside(column: int, title: str, one: Beside, result: RetentionResult, reader: Reader) -> dict[str, Any]:
    of, came = cells_beside(result.everybody, column, result)
    return {
        "title": title,
        "sides": [
            _side(one.now, one.difference.now, came, of, result, reader),
            _side(one.before, one.difference.before, {**came, "before": "true"}, {**of, "before": "true"}, result, reader),
        ],
        "change": short_points(one.difference.change, reader),
        "p": p_said(one.difference.adjusted, reader),
        "clear": one.difference.clear,
        "better": bool(one.difference.change and one.difference.change.estimate > 0),
        "values": [reader.show(None if mean.value is None else round(mean.value, 2), "number") for mean in (one.now, one.before)],
    }


def _side(
    mean: Mean, share: Estimate | None, came: Mapping[str, Any], of: Mapping[str, Any], result: RetentionResult, reader: Reader
) -> dict[str, Any]:
    """One side of a column: its share, and of how many people how many came."""
    return {
        "share": with_bounds(share, reader),
        "came": _number(mean.came, came, result, reader),
        "of": _number(mean.of, of, result, reader),
    }


def _number(count: int, cell: Mapping[str, Any], result: RetentionResult, reader: Reader) -> dict[str, str]:
    """A number of people, and the address of who they are."""
    where = urlencode({f"cell.{name}": value for name, value in cell.items()})
    return {"number": reader.show(result.of_all(count), "number"), "cell": where}


def _sentence(result: RetentionResult, titles: Sequence[str], reader: Reader) -> str:
    tested = [
        (one.difference.adjusted, column) for column, one in enumerate(result.everybody.beside) if one.difference.adjusted is not None
    ]
    if not any(one.now.of and one.before.of for one in result.everybody.beside):
        return reader.say("Nothing is over yet on both sides: there is nothing to compare.")
    if not tested:
        return ""
    column = min(tested)[1]
    one = result.everybody.beside[column].difference
    if not one.clear:
        return reader.say("No single column differs by more than chance could make.")
    return reader.say(
        "The column that differs most surely is {column}: {now} came back, against {before} ({other}): {change} (p {p} for all columns).",
        column=titles[column],
        now=reader.show(one.now.estimate if one.now else None, "share"),
        before=reader.show(one.before.estimate if one.before else None, "share"),
        other=compared_name(result, reader),
        change=points(one.change, reader),
        p=p_said(one.adjusted, reader),
    )
