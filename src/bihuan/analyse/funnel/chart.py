"""A funnel as an ECharts option, and as a panel of steps with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.funnel.result import FunnelResult
from bihuan.engine.question import Reader


def chart_funnel(result: FunnelResult, reader: Reader) -> dict[str, Any] | None:
    return None


def panel_funnel(result: FunnelResult, reader: Reader) -> Mapping[str, Any]:
    return {}
