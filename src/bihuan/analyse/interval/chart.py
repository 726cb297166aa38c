"""Intervals as ECharts options (boxes by time or value, and bars of how many took how long), with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bihuan.analyse.bars import MOST_SHOWN, bars_chart, several, two
from bihuan.analyse.interval.result import BEGINS, IntervalPart, IntervalResult
from bihuan.analyse.over_time import Shown, lines_chart, lines_grid
from bihuan.analyse.parts import part_title
from bihuan.analyse.spread import Spread, range_said, used
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

UNITS = ((86_400, "{number} d"), (3600, "{number} h"), (60, "{number} min"), (1, "{number} s"))
NOW = {"color": "rgba(20, 184, 166, 0.2)", "borderColor": "palette:0"}
THEN = {"color": "rgba(148, 163, 184, 0.2)", "borderColor": "#94a3b8"}

QUARTERS = {1: "Quickest quarter", 2: "Second quarter", 3: "Third quarter", 4: "Slowest quarter"}

Box = tuple[str, Mapping[str, Any], Spread, Spread | None]  # title, whose people, numbers, and those that they are compared with


def chart_interval(result: IntervalResult, reader: Reader) -> dict[str, Any] | None:
    """A box for each bucket, or for each value when broken down: from the first quartile to the third, with the median in it, and lines to
    the 10th and the 90th of a hundred. What it is compared with stands beside it, paler; what may still change is paler too."""
    boxes = _boxes(result, reader)
    longest = max((spread.p90 or 0.0 for _, _, *both in boxes for spread in both if spread), default=0.0)
    if not any(spread and spread.many for _, _, *both in boxes for spread in both):
        return None
    size, unit = _unit(longest)
    series = [_series(reader.say("This period"), [box[:3] for box in boxes], size, result, NOW, reader, {})]
    if result.everybody.before is not None and result.compared_with is not None:
        msgid, values = result.compared_with
        beside = [(title, cell, before or Spread()) for title, cell, _, before in boxes]
        series.append(_series(reader.say(msgid, **values), beside, size, result, THEN, reader, {"before": True}))
    return {
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "show": len(series) > 1},
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": {"type": "category", "data": [title for title, *_ in boxes]},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": reader.say(unit, number="{value}")}},
        "series": series,
    }


def _unit(longest: float) -> tuple[int, str]:
    """What so many seconds are best said in."""
    return next(((size, unit) for size, unit in UNITS if longest >= size), UNITS[-1])


def chart_by_time(result: IntervalResult, reader: Reader) -> dict[str, Any] | None:
    """The median of each value by time; None when nothing is broken down."""
    longest = max((spread.median or 0.0 for part in result.parts for spread in part.buckets), default=0.0)
    size, unit = _unit(longest)
    return lines_chart(_started(result), _passed(result), result, reader, size=size, unit=unit)


def _passed(result: IntervalResult) -> list[Shown]:
    return [Shown(bucket.day, bucket.open) for bucket in result.buckets if bucket.state != "future"]


def _started(result: IntervalResult) -> list[IntervalPart]:
    return [part for part in result.parts if part.now.many]


def _boxes(result: IntervalResult, reader: Reader) -> list[Box]:
    if result.breakdown:
        return [
            (part_title(part, result, reader), {"place": part.place}, part.now, part.before)
            for part in result.parts[:MOST_SHOWN]
        ]  # fmt: skip
    everybody = result.everybody
    befores = everybody.buckets_before or [None] * len(result.buckets)
    return [
        (reader.show(bucket.day, "day"), {"bucket": bucket.day.isoformat()}, now, before)
        for bucket, now, before in zip(result.buckets, everybody.buckets, befores, strict=True)
        if bucket.state != "future"
    ]


def _series(
    name: str,
    boxes: Sequence[tuple[str, Mapping[str, Any], Spread]],
    size: int,
    result: IntervalResult,
    style: Mapping[str, str],
    reader: Reader,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    fading = [] if result.breakdown else [bucket.open for bucket in result.buckets if bucket.state != "future"]
    data: list[Any] = []
    for place, (_, cell, spread) in enumerate(boxes):
        quantiles = (spread.p10, spread.p25, spread.median, spread.p75, spread.p90)
        value = [None if each is None else round(each / size, 3) for each in quantiles]
        paler = {"itemStyle": {**style, "opacity": 0.5}} if fading and fading[place] and not more else {}
        data.append({"value": value if spread.many else [], "cell": {**cell, **more}, **paler})
    return {
        "type": "boxplot",
        "name": name,
        "data": data,
        "color": style["borderColor"],
        "itemStyle": {**style, "borderWidth": 1.5},
        "boxWidth": [6, 36],
        "dimensions": ["", *map(reader.say, ("10th percentile", "First quartile", "Median", "Third quartile", "90th percentile"))],
    }


def chart_bars(result: IntervalResult, reader: Reader) -> dict[str, Any] | None:
    """How many intervals were how long: a bar for each range, what it is compared with paler; when broken down, each value's shares."""
    everybody, before = result.everybody.now, result.everybody.before
    shown = used([everybody, *([before] if before else [])])
    cells = [_cell(result, at) for at in range(len(result.bars))]
    titles = [range_said(bar, "seconds", reader) for bar in result.bars]
    if result.parts:
        series = several([(part, part.place, part.now) for part in result.parts], result, cells, shown, reader)
    else:
        series = two(everybody, before, result.compared_with, cells, shown, reader)
    return bars_chart(titles, shown, series, share=bool(result.parts))


def _cell(result: IntervalResult, at: int) -> dict[str, float]:
    """Whose intervals are in a bar, as fields of `IntervalCell`."""
    least, below = result.bars[at]
    return {name: value for name, value in (("least", least), ("below", below)) if value is not None}


def panel_interval(result: IntervalResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the boxes, the bars, the quarters that the quartiles part, and each value or bucket with its numbers."""
    everybody = result.everybody
    return {
        "chart": chart_interval(result, reader),
        "bars": chart_bars(result, reader),
        "rows": [_bar(result, at, reader) for at in used([everybody.now, *([everybody.before] if everybody.before else [])])],
        "quarters": [
            {"number": number, "title": reader.say(QUARTERS[number]), "range": " – ".join(reader.show(end, "seconds") for end in ends)}
            for number, ends in enumerate(everybody.now.quarters, 1)
            if everybody.now.many
        ],
        "breakdown": heading(result.breakdown, reader),
        "compared": reader.say(result.compared_with[0], **result.compared_with[1]) if result.compared_with else "",
        "day": reader.say(BEGINS[result.day]),
        "parts": [
            {"title": part_title(part, result, reader), "where": f"cell.place={part.place}", **_shown(part.now, part.before, reader)}
            for part in result.parts[:MOST_SHOWN]
        ],
        "by_time": chart_by_time(result, reader),
        "over_time": lines_grid(_started(result), _passed(result), result, reader, "seconds"),
        "buckets": _shown_buckets(result, reader),
        "open": result.open,
    }


def _shown_buckets(result: IntervalResult, reader: Reader) -> list[dict[str, Any]]:
    everybody = result.everybody
    befores = everybody.buckets_before or [None] * len(result.buckets)
    return [
        {
            "title": reader.show(bucket.day, "day"),
            "where": f"cell.bucket={bucket.day.isoformat()}",
            "open": bucket.open,
            "cut": bucket.state == "cut",
            **_shown(now, before, reader),
        }
        for bucket, now, before in reversed(list(zip(result.buckets, everybody.buckets, befores, strict=True)))
        if bucket.state != "future"
    ]


def _bar(result: IntervalResult, at: int, reader: Reader) -> dict[str, str]:
    now, before = result.everybody.now, result.everybody.before
    return {
        "title": range_said(result.bars[at], "seconds", reader),
        "where": "&".join(f"cell.{name}={value!r}" for name, value in _cell(result, at).items()),
        "many": reader.show(now.bars[at], "number"),
        "share": reader.show(now.shares[at], "share"),
        "people": reader.show(now.bar_people[at], "number"),
        "before": reader.show(before.bars[at], "number") if before else "",
        "before_share": reader.show(before.shares[at], "share") if before else "",
    }


def _shown(spread: Spread, before: Spread | None, reader: Reader) -> dict[str, str]:
    times = {"least": spread.least, "p10": spread.p10, "p25": spread.p25, "median": spread.median}
    times |= {"p75": spread.p75, "p90": spread.p90, "greatest": spread.greatest, "mean": spread.mean}
    return {
        "many": reader.show(spread.many, "number"),
        "people": reader.show(spread.people, "number"),
        **{name: reader.show(value, "seconds") for name, value in times.items()},
        "many_before": reader.show(before.many, "number") if before else "",
        "median_before": reader.show(before.median, "seconds") if before else "",
    }
