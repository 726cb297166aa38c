"""The parts of a process side by side, written for the reader: their numbers, the ways they take, and where each waits and loses hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.parts import part_title
from bihuan.analyse.process.parts import Part
from bihuan.analyse.process.result import Bottleneck, ProcessResult, Variant
from bihuan.analyse.process.table import link_cell, part_cell, variant_cell
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

SHADES = 9
MOST_WAYS = 12
MOST_LINKS = 12


def panel_parts(result: ProcessResult, reader: Reader) -> Mapping[str, Any] | None:
    """None when nothing is broken down."""
    if not result.parts:
        return None
    lost = sum(part.lost for part in result.parts)
    links = result.bottlenecks[:MOST_LINKS]
    return {
        "heading": heading(result.breakdown, reader),
        "titles": [part_title(part, result, reader) for part in result.parts],
        "rows": [_row(part, lost, result, reader) for part in result.parts],
        "ways": _ways([way for way in result.variants[:MOST_WAYS] if way.cases], result.parts, reader),
        "waiting": [_waiting(one, result.parts, reader) for one in links],
        "lost": _all_lost(links, result.parts, reader),
    }


def _row(part: Part, lost: float, result: ProcessResult, reader: Reader) -> dict[str, Any]:
    whole, before = part.whole, part.before
    return {
        "title": part_title(part, result, reader),
        "rest": part.value is None,
        "cases": reader.show(whole.cases, "number"),
        "share": reader.show(whole.cases / result.whole.cases if result.whole.cases else None, "share"),
        "before": reader.show(before.cases, "number") if before else "",
        "before_median": reader.show(before.median, "seconds") if before else "",
        "variants": reader.show(whole.variants, "number"),
        "open": reader.show(whole.open / whole.cases if whole.cases else None, "share"),
        "median": reader.show(whole.median, "seconds"),
        "p90": reader.show(whole.durations[4] if whole.durations else None, "seconds"),
        "waiting": reader.show(None if part.waiting is None else part.waiting * 3600, "seconds"),
        "lost": hours(part.lost if whole.cases else None, reader),
        "lost_share": reader.show(part.lost / lost if lost else None, "share"),
        "lost_each": reader.show(None if part.lost_each is None else part.lost_each * 3600, "seconds"),
        "kept": reader.show(part.kept, "share"),
        "people": reader.show(whole.people, "number"),
        "query": query(part_cell(part)),
    }


def _ways(ways: Sequence[Variant], parts: Sequence[Part], reader: Reader) -> list[dict[str, Any]]:
    """The share of each part's cases that take each way, shaded beside the greatest of all."""
    most = max((part.ways.get(way.names, 0) / part.whole.cases for way in ways for part in parts if part.whole.cases), default=0.0)
    return [_way(way, parts, most, reader) for way in ways]


def _way(way: Variant, parts: Sequence[Part], most: float, reader: Reader) -> dict[str, Any]:
    cells = []
    for part in parts:
        number, cases = part.ways.get(way.names, 0), part.whole.cases
        cells.append(
            {
                "text": reader.show(number / cases if cases else None, "share"),
                "hint": reader.counted("in {count} case", "in {count} cases", number),
                "heat": round(number / cases / most * SHADES) if number else None,
                "query": query({**variant_cell(way), **part_cell(part)}) if number else "",
            }
        )
    return {"steps": folded(way.names), "share": reader.show(way.share, "share"), "cells": cells}


def _waiting(one: Bottleneck, parts: Sequence[Part], reader: Reader) -> dict[str, Any]:
    """The median of each part at one connection or activity, shaded where it is slower than that of all: darkest from twice on."""
    spent = [part.spent.get((one.name, one.next)) for part in parts]
    usual = one.times.median or 0.0
    return {
        "name": one.name,
        "next": one.next,
        "all": reader.show(one.times.median, "seconds"),
        "cells": [
            {
                "text": reader.show(each.median if each else None, "seconds"),
                "hint": reader.counted("{count} time", "{count} times", each.number if each else 0),
                "heat": _slower(each.median, usual) if each else None,
                "query": query({**link_cell(one.name, one.next), **part_cell(part)}) if each and each.number else "",
            }
            for part, each in zip(parts, spent, strict=True)
        ],
    }


def _slower(median: float | None, usual: float) -> int | None:
    if median is None or median <= usual:
        return None
    return SHADES if not usual else min(SHADES, max(1, round((median / usual - 1) * SHADES)))


def _all_lost(links: Sequence[Bottleneck], parts: Sequence[Part], reader: Reader) -> list[dict[str, Any]]:
    """The hours that each part loses there, shaded by how many a case of it loses."""
    each = {(one, place): _lost(one, part) / (part.whole.cases or 1) for one in links for place, part in enumerate(parts)}
    most = max(each.values(), default=0)
    return [
        {
            "name": one.name,
            "next": one.next,
            "all": hours(one.times.lost, reader),
            "cells": [
                {
                    "text": hours(_lost(one, part), reader),
                    "hint": reader.say("{time} of a case", time=reader.show(each[one, place] * 3600, "seconds")),
                    "heat": round(each[one, place] / most * SHADES) if most else None,
                    "query": query({**link_cell(one.name, one.next), **part_cell(part)}) if _lost(one, part) else "",
                }
                for place, part in enumerate(parts)
            ],
        }
        for one in links
    ]


def _lost(one: Bottleneck, part: Part) -> float:
    spent = part.spent.get((one.name, one.next))
    return spent.lost if spent else 0.0


def folded(names: Sequence[str], most: int = 14) -> list[dict[str, Any]]:
    """The steps of a way, what is done several times in a row once; the middle of a long one is left out."""
    found: list[dict[str, Any]] = []
    for name in names:
        if found and found[-1]["name"] == name:
            found[-1]["times"] += 1
        else:
            found.append({"name": name, "times": 1})
    if len(found) > most:
        found = [*found[: most - 4], {"name": f"… {len(found) - most + 1} …", "times": 1}, *found[-3:]]
    return found


def hours(value: float | None, reader: Reader) -> str:
    return reader.show(None if value is None else round(value, 1 if abs(value) >= 0.1 else 3), "number")


def query(cell: Mapping[str, Any]) -> str:
    """What the address of the cases behind a number says of it."""
    return urlencode([(f"cell.{name}", "true" if value is True else value) for name, value in cell.items()])
