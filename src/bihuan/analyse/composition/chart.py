"""Composition as ECharts options, and as tables with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.composition.beside import Beside
from bihuan.analyse.composition.result import ELSE, CompositionResult, Part, Property, by_said, cell_of, in_order, said
from bihuan.analyse.composition.spec import By
from bihuan.analyse.parts import between_said, others_said, rounded
from bihuan.engine.breakdowns import ByPerson
from bihuan.engine.question import Reader

MOST_BARS = 20
MOST_TELLING = 12
LEAST_PEOPLE = 5  # a value that fewer have is never among the most telling
SHADES = 9
VERDICTS = {"more": "More often than chance", "less": "More rarely than chance"}
CHANGES = {"more": "A greater share, by more than chance", "less": "A smaller share, by more than chance"}
KINDS = {
    "text": "texts",
    "number": "numbers, in ranges",
    "time": "times, by month",
    "list": "lists",
    "unique": "almost every value another",
}


def chart_composition(result: CompositionResult, reader: Reader) -> dict[str, Any] | None:
    """Of one property the share of each value beside that of the base; of two a bar with its parts each; of all the most telling values."""
    if not result.people:
        return None
    if result.scanned:
        return _telling(result, reader) if result.compared else None
    if len(result.by) == 1:
        return _shares(result, reader)
    return _stacked(result, reader) if len(result.by) == 2 else None


def _shares(result: CompositionResult, reader: Reader) -> dict[str, Any]:
    parts = result.parts[:MOST_BARS]
    mine = [{"value": part.share, "cell": cell_of(part)} for part in parts]
    series = [{"type": "bar", "name": reader.say("These people"), "barMaxWidth": 18, "data": mine}]
    if result.compared:
        theirs = [{"value": part.base_share, "cell": cell_of(part, base=True)} for part in parts]
        series.append({"type": "bar", "name": reader.say("Base"), "barMaxWidth": 18, "data": theirs, "color": "#94a3b8"})
    if result.said is not None:
        other = [{"value": part.beside.share if part.beside else None, "cell": cell_of(part, before=True)} for part in parts]
        name = reader.say(result.said[0], **result.said[1])
        series.insert(1, {"type": "bar", "name": name, "barMaxWidth": 18, "data": other, "color": "#f59f00"})
    titles = [_value(part.values[0], result.by[0], result, reader, part.others) for part in parts]
    return {
        **_lying(titles),
        "xAxis": {"type": "value", "axisLabel": {"formatter": "percent"}},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "percent"},
        "series": series,
    }


def _stacked(result: CompositionResult, reader: Reader) -> dict[str, Any] | None:
    rows, columns = _axes(result)
    found = {part.values: part for part in result.parts}
    series = []
    for column in columns[:MOST_BARS]:
        data = []
        for row in rows[:MOST_BARS]:
            part = found.get((row, column))
            data.append({"value": part.people, "cell": cell_of(part)} if part else {"value": 0})
        name = _value(column, result.by[1], result, reader)
        series.append({"type": "bar", "stack": "people", "barMaxWidth": 28, "name": name, "data": data})
    return {
        **_lying([_value(row, result.by[0], result, reader) for row in rows[:MOST_BARS]]),
        "xAxis": {"type": "value"},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "series": series,
    }


def most_telling(result: CompositionResult) -> list[tuple[Property, Part]]:
    """The values that differ most from the base among those that differ by more than chance, the highest TGI first. That a property is not
    known tells little of people: it is left to the property's own table."""
    found = [
        (one, part)
        for one in result.properties
        for part in one.parts
        if part.verdict
        and part.values[0] not in (ELSE, "=")
        and part.index is not None
        and result.seen(max(part.people, part.base_people)) >= LEAST_PEOPLE
    ]
    strongest = sorted(found, key=lambda each: -abs((each[1].share or 0) - (each[1].base_share or 0)))[:MOST_TELLING]
    return sorted(strongest, key=lambda each: -(each[1].index.estimate if each[1].index else 0))


def most_changed(result: CompositionResult) -> list[tuple[Property, Part]]:
    """The values whose share differs most from that of those compared with, among those that differ by more than chance."""
    found = [
        (abs(part.beside.change.estimate), one, part)
        for one in result.properties
        for part in one.parts
        if part.beside is not None and part.beside.verdict and part.beside.change is not None and part.values[0] != ELSE
    ]
    ordered = sorted(found, key=lambda each: (-each[0], each[1].name, each[2].values))
    return [(one, part) for _, one, part in ordered[:MOST_TELLING]]


def _telling(result: CompositionResult, reader: Reader) -> dict[str, Any] | None:
    telling = most_telling(result)
    if not telling:
        return None
    titles = [f"{one.name} · {_value(part.values[0], ByPerson(person=one.name), result, reader)}" for one, part in telling]
    data = []
    for one, part in telling:
        assert part.index is not None
        more = part.verdict == "more"
        data.append(
            {
                "value": round(part.index.estimate, 1),
                "cell": cell_of(part, name=one.name),
                "itemStyle": {"color": "#0ca678" if more else "#d6336c"},
            }
        )
    base = {"silent": True, "symbol": "none", "label": {"show": False}, "data": [{"xAxis": 100}]}
    return {
        **_lying(titles),
        "legend": {"show": False},
        "xAxis": {"type": "value", "min": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "series": [{"type": "bar", "name": "TGI", "barMaxWidth": 18, "label": {"show": True}, "markLine": base, "data": data}],
    }


def _lying(titles: Sequence[str]) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 32, "top": 32, "bottom": 8, "containLabel": True},
        "legend": {"top": 0},
        "yAxis": {"type": "category", "inverse": True, "data": list(titles), "axisLabel": {"width": 160, "overflow": "truncate"}},
    }


def panel_composition(result: CompositionResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: a table of the parts, a pivot of two properties, or all properties with their parts."""
    return {
        "chart": chart_composition(result, reader),
        "compared": result.compared,
        "other": reader.say(result.said[0], **result.said[1]) if result.said else "",
        "changed": [_told(one, part, result, reader) for one, part in most_changed(result)],
        "scanned": result.scanned,
        "sampled": result.sample is not None,
        "headings": [_heading(one, reader) for one in result.by],
        "measure": reader.say(_measure(result), name=result.value) if result.value is not None and not result.scanned else "",
        "parts": [_row(part, result, reader) for part in result.parts],
        "pivot": _pivot(result, reader) if len(result.by) == 2 else None,
        "telling": [_told(one, part, result, reader) for one, part in most_telling(result)],
        "properties": [_property(one, result, reader) for one in result.properties],
    }


def _measure(result: CompositionResult) -> str:
    return {"sum": "Sum of {name}", "avg": "{name} per person", "median": "Median of {name}"}[result.measure]


def _heading(one: By, reader: Reader) -> str:
    msgid, values = by_said(one)
    return reader.say(msgid, **values)


def _value(value: str, one: By, result: CompositionResult, reader: Reader, others: int = 0) -> str:
    if value == ELSE and others:
        return others_said(others, reader)
    msgid, values = said(value, one, result.names)
    return reader.say(msgid, **values)


def _row(part: Part, result: CompositionResult, reader: Reader, name: str | None = None) -> dict[str, Any]:
    by: Sequence[By] = result.by if name is None else (ByPerson(person=name),)
    others = part.others if len(part.values) == 1 else 0
    return {
        "titles": [_value(value, one, result, reader, others) for value, one in zip(part.values, by, strict=True)],
        **_counts(part, reader),
        "sure": between_said(result.sure(part.people), reader),
        "people_at": query(cell_of(part, name=name)),
        "base_at": query(cell_of(part, base=True, name=name)),
        "beside": {**_beside(part.beside, reader), "at": query(cell_of(part, before=True, name=name))} if part.beside else None,
        "number": reader.show(rounded(part.number), "number"),
        "base_number": reader.show(rounded(part.base_number), "number"),
    }


def _counts(part: Part, reader: Reader) -> dict[str, Any]:
    found = part.index
    low, high = (None, None) if found is None else (found.low, found.high)
    return {
        "people": reader.show(part.people, "number"),
        "share": reader.show(part.share, "share"),
        "base_people": reader.show(part.base_people, "number"),
        "base_share": reader.show(part.base_share, "share"),
        "tgi": reader.show(None if found is None else round(found.estimate), "number"),
        "interval": "" if low is None or high is None else f"{reader.show(round(low), 'number')} – {reader.show(round(high), 'number')}",
        "verdict": part.verdict,
        "hint": reader.say(VERDICTS[part.verdict]) if part.verdict else "",
    }


def _beside(found: Beside, reader: Reader) -> dict[str, Any]:
    change = found.change
    return {
        "people": reader.show(found.people, "number"),
        "share": reader.show(found.share, "share"),
        "change": _points(change.estimate) if change else "",
        "interval": f"{_points(change.low)} – {_points(change.high)}" if change and change.low is not None else "",
        "verdict": found.verdict,
        "hint": reader.say(CHANGES[found.verdict]) if found.verdict else "",
        "number": reader.show(rounded(found.number), "number"),
    }


def _points(change: float | None) -> str:
    if change is None:
        return ""
    points = round(change * 100, 1)
    return f"{'+' if points > 0 else '−' if points < 0 else ''}{abs(points):.1f}"


def _told(one: Property, part: Part, result: CompositionResult, reader: Reader) -> dict[str, Any]:
    return {"name": one.name, **_row(part, result, reader, one.name)}


def _property(one: Property, result: CompositionResult, reader: Reader) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": reader.say(KINDS[one.kind]),
        "people": reader.show(one.people, "number"),
        "coverage": reader.show(result.seen(one.people) / result.seen(result.people) if result.people else None, "share"),
        "v": reader.show(None if one.v is None else round(one.v, 3), "number"),
        "differs": one.differs,
        "parts": [_row(part, result, reader, one.name) for part in one.parts],
        "distinct": reader.show(one.distinct, "number"),
        "unique": one.kind == "unique",
    }


def _axes(result: CompositionResult) -> tuple[list[str], list[str]]:
    rows = list(dict.fromkeys(part.values[0] for part in result.parts))
    first = {value: place for place, value in reversed(list(enumerate(part.values[1] for part in result.parts)))}
    columns = list(first)
    size = {value: sum(part.people for part in result.parts if part.values[1] == value) for value in columns}
    along = in_order(result.by[1])
    columns.sort(key=lambda value: (value == ELSE, value == "=", 0 if along else -size[value], first[value] if not along else value))
    return rows, columns


def _pivot(result: CompositionResult, reader: Reader) -> dict[str, Any]:
    rows, columns = _axes(result)
    found = {part.values: part for part in result.parts}
    most = max((part.people for part in result.parts), default=0) or 1
    return {
        "columns": [_value(column, result.by[1], result, reader) for column in columns],
        "rows": [
            {
                "title": _value(row, result.by[0], result, reader),
                "cells": [
                    {
                        **_counts(part, reader),
                        "query": query(cell_of(part)),
                        "heat": round(part.people / most * SHADES),
                    }
                    if (part := found.get((row, column))) is not None
                    else None
                    for column in columns
                ],
            }
            for row in rows
        ],
    }


def query(cell: Mapping[str, Any] | None) -> str:
    """What the address of the people behind a number says of it; '' where they are not told."""
    return urlencode([(f"cell.{name}", "true" if value is True else str(value)) for name, value in (cell or {}).items()])
