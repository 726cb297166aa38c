"""RFM as an ECharts option, and as groups, a grid and moves with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.rfm.result import NONE, TITLES, RfmResult
from bihuan.engine.question import Reader

SHADES = 9


def chart_rfm(result: RfmResult, reader: Reader) -> dict[str, Any] | None:
    """One area a group, as large as its customers."""
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
                "label": {"show": True, "formatter": "{b}\n{c}"},
                "data": data,
            }
        ],
    }


def panel_rfm(result: RfmResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the groups, the grid of recency and frequency, the cuts, and who moved where."""
    rows, columns = result.levels
    most = max(result.grid.values(), default=0) or 1
    return {
        "chart": chart_rfm(result, reader),
        "groups": [
            {
                "group": one.group,
                "title": reader.say(TITLES[one.group]),
                "customers": reader.show(one.customers, "number"),
                "share": reader.show(one.share, "share"),
                "worth": reader.show(one.worth, "money"),
                "days_ago": reader.show(one.days_ago, "number"),
                "purchases": reader.show(one.purchases, "number"),
                "money": reader.show(one.money, "money"),
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
                        "heat": round(number / most * SHADES),
                        "stayed": was == now,
                    }
                    for now in keys
                ],
            }
            for was in keys
        ],
    }
