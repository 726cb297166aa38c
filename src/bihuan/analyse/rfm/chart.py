"""RFM as an ECharts option, and as groups, a grid and moves with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.composition.beside import Beside
from bihuan.analyse.parts import between_said, rounded
from bihuan.analyse.rfm.result import NONE, TITLES, RfmResult
from bihuan.engine.question import Reader

CHANGES = {"more": "A greater share, by more than chance", "less": "A smaller share, by more than chance"}
SHADES = 9
PALER = 0.45


def chart_rfm(result: RfmResult, reader: Reader) -> dict[str, Any] | None:
    """One area a group, as large as its customers; with a comparison a bar for its share on each side."""
    if result.said is not None:
        return _bars(result, reader)
    if not result.customers:
        return None
    data = [
        {"name": reader.say(TITLES[one.group]), "value": one.customers, "cell": {"group": one.group}}
        for one in result.groups
        if one.customers
    ]
    return {
        "tooltip": {},
        "series": [
            {
                "type": "treemap",
                "roam": False,
                "nodeClick": False,
                "breadcrumb": {"show": False},
                "left": 0,
                "right": 0,
                "top": 0,
                "bottom": 0,
                "label": {"show": True, "formatter": "{b}\n{c}", "color": "palette:on"},
                "data": data,
            }
        ],
    }


def _bars(result: RfmResult, reader: Reader) -> dict[str, Any] | None:
    if result.said is None or not result.customers or not result.others:
        return None
    mine = [{"value": one.share, "cell": {"group": one.group}} for one in result.groups]
    theirs = [{"value": one.beside and one.beside.share, "cell": {"group": one.group, "before": True}} for one in result.groups]
    sides = ((result.named or "", mine, 1.0), (reader.say(result.said[0], **result.said[1]), theirs, PALER))
    return {
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "percent"},
        "xAxis": {"type": "value", "axisLabel": {"formatter": "percent"}},
        "yAxis": {"type": "category", "inverse": True, "data": [reader.say(TITLES[one.group]) for one in result.groups]},
        "series": [{"type": "bar", "name": name, "data": data, "itemStyle": {"opacity": opacity}} for name, data, opacity in sides],
    }


def panel_rfm(result: RfmResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the groups, the grid of recency and frequency, the cuts, and who moved where."""
    rows, columns = result.levels
    most = max(result.grid.values(), default=0) or 1
    return {
        "chart": chart_rfm(result, reader),
        "sampled": result.sample is not None,
        "named": result.named or "",
        "other": reader.say(result.said[0], **result.said[1]) if result.said else "",
        "groups": [
            {
                "group": one.group,
                "title": reader.say(TITLES[one.group]),
                "customers": reader.show(one.customers, "number"),
                "sure": between_said(result.sure(one.customers), reader),
                "share": reader.show(one.share, "share"),
                "worth": reader.show(one.worth, "money"),
                "worth_sure": between_said(one.worth_sure, reader, "money"),
                "days_ago": reader.show(rounded(one.days_ago, 1), "number"),
                "purchases": reader.show(rounded(one.purchases), "number"),
                "money": reader.show(one.money, "money"),
                "beside": _beside(one.beside, result, reader) if one.beside else None,
            }
            for one in result.groups
        ],
        "frequencies": list(range(1, columns + 1)),
        "grid": [
            {
                "recency": r,
                "cells": [
                    {
                        "frequency": f,
                        "customers": reader.show(result.grid.get((r, f), 0), "number"),
                        "sure": between_said(result.sure(result.grid.get((r, f), 0)), reader),
                        "heat": round(result.grid.get((r, f), 0) / most * SHADES),
                    }
                    for f in range(1, columns + 1)
                ],
            }
            for r in range(rows, 0, -1)
        ],
        "cuts": [
            {"title": reader.say(title), "values": " · ".join(reader.show(cut, kind) for cut in cuts)}  # type: ignore[arg-type]
            for title, cuts, kind in zip(
                ("Recency, days", "Frequency, purchases", "Money, spent"), result.cuts, ("number", "number", "money"), strict=True
            )
        ],
        "moves": _moves(result, reader) if result.moves is not None else None,
    }


def _beside(found: Beside, result: RfmResult, reader: Reader) -> Mapping[str, str]:
    """The same group of the others, and the difference of the shares in points with its interval."""
    change = found.change
    known = change is not None and change.low is not None
    return {
        "customers": reader.show(found.people, "number"),
        "sure": between_said(result.sure(found.people), reader),
        "share": reader.show(found.share, "share"),
        "change": _points(change.estimate) if change else "",
        "interval": f"{_points(change.low)} – {_points(change.high)}" if change and known else "",
        "verdict": found.verdict,
        "hint": reader.say(CHANGES[found.verdict]) if found.verdict else "",
    }


def _points(change: float | None) -> str:
    points = round((change or 0) * 100, 1)
    return f"{'+' if points > 0 else '−' if points < 0 else ''}{abs(points):.1f}"


def _moves(result: RfmResult, reader: Reader) -> Mapping[str, Any]:
    """Before (rows) and now (columns); who stayed is on the diagonal."""
    assert result.moves is not None
    titles: dict[str, str] = {key: reader.say(title) for key, title in TITLES.items()}
    titles[NONE] = reader.say("Nothing bought")
    keys = list(titles)
    most = max(result.moves.values(), default=0) or 1
    return {
        "columns": [titles[key] for key in keys],
        "rows": [
            {
                "title": titles[was],
                "cells": [
                    {
                        "was": was,
                        "group": "" if now == NONE else now,
                        "text": reader.show(number, "number") if (number := result.moves.get((was, now), 0)) else "",
                        "sure": between_said(result.sure(number), reader),
                        "heat": round(number / most * SHADES),
                        "stayed": was == now,
                    }
                    for now in keys
                ],
            }
            for was in keys
        ],
    }
