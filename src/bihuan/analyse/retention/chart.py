"""Retention as an ECharts option, and as a triangle with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.retention.result import RetentionResult
from bihuan.engine.question import Reader


def chart_retention(result: RetentionResult, reader: Reader) -> dict[str, Any] | None:
    return None


def panel_retention(result: RetentionResult, reader: Reader) -> Mapping[str, Any]:
    return {}
