"""A process as one table, and its key numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.process.parts import Part
from bihuan.analyse.process.result import Activity, Edge, ProcessResult, Times, Variant
from bihuan.engine.breakdowns import cells_of, columns_of
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
    """A row for each activity, connection, variant and deviation; times are of service, waiting, and whole cases. Broken down, then the
    same for each part, and one of all its cases: shares are of these."""
    cases = result.whole.cases
    found: list[tuple[Row, Cell]] = []
    if not cases:
        return Table(_columns(result), ())
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
    nothing = (None,) * len(result.breakdown)
    found = [((*nothing, *row), cell) for row, cell in found]
    for part in result.parts:
        value = cells_of(part.value, result.breakdown)
        found += [((*value, *row), cell) for row, cell in _part(part, result)]
    columns = _columns(result)
    return Table(columns, tuple(row for row, _ in found), tuple(_cells(columns, row, cell) for row, cell in found))


def _columns(result: ProcessResult) -> tuple[Column, ...]:
    return (*columns_of(result.breakdown), *COLUMNS)


def _part(part: Part, result: ProcessResult) -> list[tuple[Row, Cell]]:
    whole, cell = part.whole, part_cell(part)
    share = whole.cases / result.whole.cases
    times = (whole.mean, whole.median, whole.durations[4] if whole.durations else None, part.lost if whole.cases else None)
    before = part.before.cases if part.before else None
    found: list[tuple[Row, Cell]] = [(("cases", None, None, whole.executions, whole.cases, whole.people, share, *times, before), cell)]
    for way in result.variants:
        number, before = part.ways[way.names], part.before_ways[way.names] if part.before else None
        if number or before:
            share = number / whole.cases if whole.cases else 0.0
            row: Row = ("variant", " → ".join(way.names), None, number, number, None, share, None, None, None, None, before)
            found.append((row, {**variant_cell(way), **cell}))
    for (name, following), spent in part.spent.items():
        if spent.number:
            kind = "activity" if following is None else "connection"
            row = (kind, name, following, spent.number, None, None, None, None, spent.median, None, spent.lost, None)
            found.append((row, {**link_cell(name, following), **cell}))
    return found


def part_cell(part: Part) -> Cell:
    if part.value is None:
        return {"other": True}
    return {"value": part.value} if part.value else {"none": True}


def link_cell(name: str, following: str | None) -> Cell:
    return {"activity": name} if following is None else {"activity": name, "next": following}


def activity_cell(activity: Activity) -> Cell:
    return {"activity": activity.name}


def edge_cell(edge: Edge) -> Cell:
    return {"activity": edge.name, "next": edge.next}


def variant_cell(variant: Variant) -> Cell:
    return {f"variant.{place}": name for place, name in enumerate(variant.names)}


def _cells(columns: tuple[Column, ...], row: Row, cell: Cell) -> Cells:
    return tuple(cell if column.name == "people" and number else None for column, number in zip(columns, row, strict=True))


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
