"""The other side in the chart and the tables of paths: shares, the change in percentage points, and what changed most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.paths.changes import Change
from bihuan.analyse.paths.result import Node, PathsResult, Way
from bihuan.engine.question import Reader

RISE, FALL, QUIET = "palette:0", "palette:3", "#94a3b8"
COLOURS = {"more": RISE, "less": FALL, "": QUIET}
VERDICTS = {"more": "Rose by more than chance", "less": "Fell by more than chance", "": "Chance could make as much"}
MOST_CHANGES = 40
TALL = 0.05  # of all ways: a node that is as high as two lines
KINDS = {"link": "Goes on", "end": "Drops off", "way": "Whole way"}


def node_beside(node: Node, name: str, result: PathsResult, reader: Reader) -> dict[str, Any]:
    """How a node of the chart looks: under its name how its share has changed."""
    assert result.before is not None
    mine, theirs = (node.ways, node.before_ways) if result.measure == "ways" else (node.people, node.before_people)
    now, before = _share(mine, result.size(result)), _share(theirs, result.size(result.before))
    change = None if now is None or before is None else now - before
    lines = [name, _counted(mine, now, result, reader), _other(theirs, before, result, reader), _pointed(change, reader)]
    return {
        "itemStyle": {"color": "palette:7" if node.name is not None else QUIET},
        "label": {"formatter": f"{name}\n{points(change)}" if change is not None and (now or 0) >= TALL else name},
        "tooltip": {"formatter": "\n".join(line for line in lines if line)},
    }


def flow_beside(flow: Mapping[str, Any], one: Change, result: PathsResult, reader: Reader) -> dict[str, Any]:
    """How a flow looks: coloured where its share rose or fell by more than chance would make."""
    mine, theirs = (one.ways, one.before_ways) if result.measure == "ways" else (one.people, one.before_people)
    lines = [
        f"{flow['source']} → {flow['target']}",
        _counted(mine, one.share, result, reader),
        _other(theirs, one.before_share, result, reader),
        _pointed(one.change.estimate if one.change else None, reader),
        reader.say(VERDICTS[one.verdict]) if one.change else "",
    ]
    return {
        "lineStyle": {"color": COLOURS[one.verdict], "opacity": 0.55 if one.verdict else 0.2},
        "tooltip": {"formatter": "\n".join(line for line in lines if line)},
    }


def _counted(number: int, share: float | None, result: PathsResult, reader: Reader) -> str:
    text = "{count} ways, {share} of all" if result.measure == "ways" else "{count} people, {share} of all"
    return reader.say(text, count=reader.show(number, "number"), share=reader.show(share, "share"))


def _other(number: int, share: float | None, result: PathsResult, reader: Reader) -> str:
    return f"{other_said(result, reader)}: {_counted(number, share, result, reader)}"


def _pointed(change: float | None, reader: Reader) -> str:
    return "" if change is None else reader.say("{points} percentage points", points=points(change))


def other_said(result: PathsResult, reader: Reader) -> str:
    """What it is compared with; '' when it is with nothing."""
    return reader.say(result.compared[0], **result.compared[1]) if result.compared else ""


def points(change: float | None) -> str:
    """A difference of shares in percentage points."""
    if change is None:
        return ""
    rounded = round(change * 100, 1)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded):.1f}"


def ways_beside(one: Node | Way, result: PathsResult, reader: Reader) -> dict[str, Any]:
    """A row's ways on the other side, their share and its change."""
    if result.before is None:
        return {}
    now, before = _share(one.ways, result.ways), _share(one.before_ways, result.before.ways)
    return {
        "before": reader.show(before, "share"),
        "before_hint": reader.counted("{count} way", "{count} ways", one.before_ways),
        "before_query": query({**one.cell, "before": True}) if one.before_ways else "",
        "change": "" if now is None or before is None else points(now - before),
    }


def panel_beside(result: PathsResult, reader: Reader) -> dict[str, Any]:
    """What panel.html shows of the other side."""
    changes = [one for one in result.changes if one.change is not None]
    return {
        "compared": other_said(result, reader),
        "changes": [_changed(one, result, reader) for one in changes[:MOST_CHANGES]],
        "looked_at": reader.show(len(changes), "number"),
        "clear": reader.show(sum(bool(one.verdict) for one in changes), "number"),
    }


def _changed(one: Change, result: PathsResult, reader: Reader) -> dict[str, Any]:
    change = one.change
    assert change is not None
    by_ways = result.measure == "ways"
    names = [reader.say("Other") if name is None else name for name in one.names]
    return {
        "kind": reader.say("Begins" if one.kind == "end" and result.backwards else KINDS[one.kind]),
        "names": [f"{place} · {name}" for place, name in enumerate(names, one.place)] if one.place else names,
        "before_more": one.more and result.backwards,
        "after_more": one.more and not result.backwards and not result.between,
        "share": reader.show(one.share, "share"),
        "before_share": reader.show(one.before_share, "share"),
        "number": reader.show(one.ways if by_ways else one.people, "number"),
        "before_number": reader.show(one.before_ways if by_ways else one.before_people, "number"),
        "people": reader.counted("{count} person", "{count} people", one.people),
        "before_people": reader.counted("{count} person", "{count} people", one.before_people),
        "query": query(one.cell) if one.people else "",
        "before_query": query({**one.cell, "before": True}) if one.before_people else "",
        "change": points(change.estimate),
        "interval": f"{points(change.low)} – {points(change.high)}",
        "verdict": one.verdict,
        "hint": reader.say(VERDICTS[one.verdict]),
    }


def query(cell: Mapping[str, Any]) -> str:
    """What the address of the people behind a number says of it."""
    told: list[tuple[str, Any]] = []
    for name, value in cell.items():
        told += [(f"{name}.{place}", each) for place, each in enumerate(value)] if isinstance(value, list) else [(name, value)]
    return urlencode([(f"cell.{name}", value) for name, value in told])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
