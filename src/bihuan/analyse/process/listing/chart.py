"""The list of a process' cases as its panel shows it: their ways folded, every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.process.listing.result import ProcessCases
from bihuan.analyse.process.side_by_side import folded
from bihuan.engine.question import Reader

MOST_SHOWN = 200
MOST_STEPS = 40  # of a way; the middle of a longer one is left out


def panel_cases(result: ProcessCases, reader: Reader) -> Mapping[str, Any]:
    """A row for each of the first cases."""
    return {
        "named": result.named,
        "cases": [
            {
                "id": one.id,
                "person": one.person,
                "person_said": reader.show(one.person, "person"),
                "steps": folded(one.names, MOST_STEPS),
                "took": reader.show(one.seconds, "seconds"),
                "begin": reader.show(one.begin, "time"),
                "activities": reader.show(len(one.names), "number"),
                "complete": reader.show(one.complete, "text"),
            }
            for one in result.cases[:MOST_SHOWN]
        ],
    }
