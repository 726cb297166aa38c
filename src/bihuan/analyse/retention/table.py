"""Retention as one table: its cohorts by column, and where it is compared all of them together on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from bihuan.analyse.retention.result import Beside, Cell, Cohort, RetentionPart, RetentionResult
from bihuan.engine.breakdowns import cells_of, columns_of
from bihuan.engine.question import Column, Table

SURE = (
    Column("size_low", "People, at least", "number"),
    Column("size_high", "People, at most", "number"),
    Column("people_low", "Came back, at least", "number"),
    Column("people_high", "Came back, at most", "number"),
)
Line = tuple[tuple[Any, ...], tuple[Any, ...]]  # a row, and whose people its numbers count


def table_retention(result: RetentionResult) -> Table:
    """One row for each cell that has begun: of everybody, or of each value; none when nobody started. Compared, each column has one more,
    without a cohort: of all that count on both sides, with the difference."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("cohort", "Cohort", "time" if result.unit == "hour" else "day"),
        Column("size", "People", "number"),
        Column("after", "Periods later", "number"),
        Column("people", "Came back", "number"),
        Column("share", "Share", "share"),
        Column("complete", "Complete"),
        Column("away", "Did not come back", "number"),
    )
    if result.valued is not None:
        columns += (Column("value", "{name}, in all", "number", {"name": result.valued}),)
    if result.sample is not None:
        columns += SURE
    if result.compared:
        columns += _compared_columns(result)
    lines = []
    for part in (result.parts or (result.everybody,)) if _anybody(result.everybody) else ():
        named = cells_of(part.value, result.breakdown) if value else ()
        lines += [((*named, *row), (*[None] * len(named), *links)) for row, links in _lines(part, result)]
    return Table(columns, tuple(row for row, _ in lines), tuple(links for _, links in lines))


def _anybody(part: RetentionPart) -> bool:
    return part.size > 0 or any(cohort.size for cohort in part.before)


def _lines(part: RetentionPart, result: RetentionResult) -> Iterator[Line]:
    for column, beside in enumerate(part.beside):
        if beside.now.of or beside.before.of:
            yield _together(part, column, beside, result)
    for cohort in part.cohorts:
        for column, cell in enumerate(cohort.cells):
            if cell.people is not None:
                yield _cell(part, cohort, column, cell, cell.people, result)


def _cell(part: RetentionPart, cohort: Cohort, column: int, cell: Cell, people: int, result: RetentionResult) -> Line:
    when = cohort.start if result.unit == "hour" else cohort.day
    row: tuple[Any, ...] = (when, cohort.size, result.columns[column][0], people, cell.share, cell.complete, cohort.size - people)
    whose = cell_of(part, cohort, result.unit)
    links: tuple[Any, ...] = (None, whose, None, {**whose, "after": column}, None, None, {**whose, "after": column, "came": False})
    more: list[Any] = [cell.value] if result.valued is not None else []
    if result.sample is not None:
        more += [bound for sure in (cohort.sure, cell.sure) for bound in ((sure.low, sure.high) if sure else (None, None))]
    nothing = [None] * (len(_compared_columns(result)) if result.compared else 0)
    return (*row, *more, *nothing), (*links, *[None] * len(more), *nothing)


def _together(part: RetentionPart, column: int, beside: Beside, result: RetentionResult) -> Line:
    """All cohorts that count on both sides; `size` is those of whom the share is taken."""
    now, before, one = beside.now, beside.before, beside.difference
    bounds = [interval[1:] if interval else (None, None) for interval in (one.now, one.before, one.change)]
    row = (None, result.of_all(now.of), result.columns[column][0], result.of_all(now.came), now.weighted, True, None)
    other = (result.of_all(before.of), result.of_all(before.came))
    compared = (*other, *bounds[0], before.weighted, *bounds[1], one.change and one.change.estimate, *bounds[2], one.adjusted)
    more = [None] * ((result.valued is not None) + len(SURE) * (result.sample is not None))
    of, came = cells_beside(part, column, result)
    links = (None, of, None, came, None, None, None, *more, {**of, "before": True}, {**came, "before": True}, *[None] * 9)
    if result.valued is None:
        return (*row, *more, *compared), links
    return (*row, *more, *compared, now.value, before.value), (*links, None, None)


def _compared_columns(result: RetentionResult) -> tuple[Column, ...]:
    found = (
        Column("size_before", "Compared: people", "number"),
        Column("people_before", "Compared: came back", "number"),
        Column("share_low", "Share, at least", "share"),
        Column("share_high", "Share, at most", "share"),
        Column("share_before", "Compared: share", "share"),
        Column("share_before_low", "Compared: at least", "share"),
        Column("share_before_high", "Compared: at most", "share"),
        Column("difference", "Difference", "share"),
        Column("difference_low", "Difference, at least", "share"),
        Column("difference_high", "Difference, at most", "share"),
        Column("p_value", "p of the difference, for all columns", "number"),
    )
    if result.valued is None:
        return found
    name = {"name": result.valued}
    each = (
        Column("value_each", "{name} of each person", "number", name),
        Column("value_each_before", "Compared: {name} of each", "number", name),
    )
    return (*found, *each)


def cell_of(part: RetentionPart, cohort: Cohort, unit: str) -> dict[str, Any]:
    """The fields of the cell that is a whole cohort."""
    start = f"{cohort.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if unit == "hour" else cohort.day.isoformat()
    return {"cohort": start, **_placed(part)}


def cells_beside(part: RetentionPart, column: int, result: RetentionResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the cells of a column of all cohorts that count in it: of whom the share is taken, and who came back."""
    of = {"over": column, **({"after": column - 1} if column and result.reference == "previous" else {}), **_placed(part)}
    return of, {**of, "after": column}


def _placed(part: RetentionPart) -> dict[str, Any]:
    return {"place": part.place} if part.place else {}
