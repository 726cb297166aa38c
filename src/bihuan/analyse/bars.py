"""How many numbers fall into each bar, as an ECharts option: now beside before, or several values beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bihuan.analyse.parts import Broken, Part, part_title
from bihuan.analyse.spread import Spread
from bihuan.engine.compare import Said
from bihuan.engine.question import Reader

MOST_SHOWN = 20
PALE = 0.35
REST = "#94a3b8"  # of what is not shown alone

Cells = Sequence[Mapping[str, Any]]  # whose numbers are in each bar, as fields of the question's cell


def bars_chart(
    titles: Sequence[str], shown: range, series: Sequence[Mapping[str, Any]], *, share: bool, lying: bool = False
) -> dict[str, Any] | None:
    """The bars of `shown`, called `titles`, standing or `lying`; None when there are none."""
    if not shown:
        return None
    axis: dict[str, Any] = {"axisLabel": {"formatter": "percent"}} if share else {"minInterval": 1}
    values: dict[str, Any] = {"type": "value", "min": 0, **axis}
    names: dict[str, Any] = {"type": "category", "data": [titles[at] for at in shown]}
    if lying:
        names |= {"inverse": True, "axisLabel": {"width": 140, "overflow": "truncate", "interval": 0}}
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll", "show": len(series) > 1},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, **({"valueFormatter": "percent"} if share else {})},
        "xAxis": values if lying else names,
        "yAxis": names if lying else values,
        "series": list(series),
    }


def two(now: Spread, before: Spread | None, compared: Said | None, cells: Cells, shown: range, reader: Reader) -> list[dict[str, Any]]:
    """How many there are now, and beside it, paler, of what that is compared with."""
    one = {"type": "bar", "color": "palette:0", "barCategoryGap": "20%", "barMaxWidth": 64}
    data = [{"value": now.bars[at], "cell": cells[at], **_rest(cells[at])} for at in shown]
    found = [{**one, "name": reader.say("This period"), "data": data}]
    if before is not None and compared is not None:
        data = [{"value": before.bars[at], "cell": {**cells[at], "before": True}} for at in shown]
        found.append({**one, "name": reader.say(compared[0], **compared[1]), "itemStyle": {"opacity": PALE}, "data": data})
    return found


def _rest(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {"itemStyle": {"color": REST}} if cell.get("rest") else {}


def several(parts: Sequence[tuple[Part, int, Spread]], result: Broken, cells: Cells, shown: range, reader: Reader) -> list[dict[str, Any]]:
    """Each value's shares as a line; a part comes with its place in the answer."""
    found = []
    for number, (part, place, spread) in enumerate(parts[:MOST_SHOWN]):
        data = [{"value": spread.shares[at], "cell": {**cells[at], "place": place}} for at in shown]
        found.append({"type": "line", "name": part_title(part, result, reader), "color": f"palette:{number % 10}", "data": data})
    return found
