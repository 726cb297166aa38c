"""A process as one table, and its key numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.process.result import Activity, Edge, ProcessResult, Times, Variant
from bihuan.engine.question import Column, Headline, Table

Cell = Mapping[str, Any]
Row = tuple[Any, ...]
Cells = tuple[Cell | None, ...]

COLUMNS = (
    Column("part", "Kind of row"),
    Column("activity", "Activity of the case"),
    Column("next", "Directly followed by"),
    Column("times", "Times", "number"),
    Column("cases", "Cases", "number"),
    Column("people", "People", "number"),
    Column("share", "Share of cases", "share"),
    Column("mean", "Mean time", "seconds"),
    Column("median", "Median time", "seconds"),
    Column("p90", "90 % at most", "seconds"),
    Column("lost", "Hours lost", "number"),
    Column("before", "Cases compared with", "number"),
)


def table_process(result: ProcessResult) -> Table:
    """A row for each activity, connection, variant and deviation; times are of service, waiting, and whole cases."""
    cases = result.whole.cases
    found: list[tuple[Row, Cell]] = []
    if not cases:
        return Table(COLUMNS, ())
    for one in result.activities:
        row = ("activity", one.name, None, one.executions, one.cases, one.people, one.cases / cases, *_told(one.service))
        found.append(((*row, _compared(result, one.before)), activity_cell(one)))
    for edge in result.edges:
        row = ("connection", edge.name, edge.next, edge.gone, edge.cases, edge.people, edge.cases / cases, *_told(edge.waiting))
        found.append(((*row, _compared(result, edge.before)), edge_cell(edge)))
    for way in result.variants:
        row = ("variant", " → ".join(way.names), None, way.cases, way.cases, way.people, way.share, None, way.median, None, None)
        found.append(((*row, _compared(result, way.before)), variant_cell(way)))
    for each in result.conformance.deviations if result.conformance else ():
        of = each.of
        row = (each.kind, each.activity, None, of.cases, of.cases, of.people, of.cases / cases, of.mean, of.median, None, each.hours)
        found.append(((*row, _compared(result, each.before)), {"deviation": each.kind, "activity": each.activity}))
    return Table(COLUMNS, tuple(row for row, _ in found), tuple(_cells(row, cell) for row, cell in found))


def activity_cell(activity: Activity) -> Cell:
    return {"activity": activity.name}


def edge_cell(edge: Edge) -> Cell:
    return {"activity": edge.name, "next": edge.next}


def variant_cell(variant: Variant) -> Cell:
    return {f"variant.{place}": name for place, name in enumerate(variant.names)}


def _cells(row: Row, cell: Cell) -> Cells:
    return tuple(cell if column.name == "people" and row[5] else None for column in COLUMNS)


def _told(times: Times) -> tuple[float | None, ...]:
    return (times.mean, times.median, times.p90, times.lost if times.number else None)


def _compared(result: ProcessResult, number: int) -> int | None:
    return number if result.before is not None else None


def headlines_process(result: ProcessResult) -> tuple[Headline, ...]:
    whole = result.whole
    found = [Headline("Cases", whole.cases, change=_change(result)), Headline("People", whole.people), Headline("Variants", whole.variants)]
    found.append(Headline("Median throughput time", whole.median, "seconds"))
    if result.complete_told and not result.only_complete:
        found.append(Headline("Complete cases", (whole.cases - whole.open) / whole.cases if whole.cases else None, "share"))
    if result.conformance:
        found.append(Headline("Keep the order", result.conformance.share, "share"))
    lost = sum(one.times.lost for one in result.bottlenecks)
    return (*found, Headline("Hours lost", round(lost, 1) if whole.cases else None))


def _change(result: ProcessResult) -> float | None:
    before = result.before
    return result.whole.cases / before.cases - 1 if before and before.cases else None
