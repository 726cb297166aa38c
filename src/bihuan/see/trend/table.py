"""A trend as a table: a row for each bucket; or, as a pivot, a row for each value of the first breakdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bihuan.engine.breakdowns import OTHER, cells_of, columns_of, order_key, ordered, value_said, values_of
from bihuan.engine.periods import Unit
from bihuan.engine.question import Column, Kind, Table
from bihuan.see.trend.result import Line, Number, TrendResult

FIRST_COLUMN: Mapping[Unit, tuple[str, Kind]] = {
    "hour": ("Hour", "time"),
    "day": ("Day", "day"),
    "week": ("Week from", "day"),
    "month": ("Month from", "day"),
    "quarter": ("Quarter from", "day"),
    "year": ("Year from", "day"),
}
BEFORE, OTHER_SIDE = "{name}, previous period", "{name}, to compare"


def table_trend(result: TrendResult) -> Table:
    """A row for each bucket: its beginning, then each line's number and, when compared, that of what it is compared with."""
    if result.look in ("pivot", "map") and result.breakdown:
        return _pivot(result)
    title, kind = FIRST_COLUMN[result.unit]
    columns, taken = [Column("time", title, kind)], {"time"}
    cells: list[tuple[Any, ...]] = [tuple(start if result.unit == "hour" else start.date() for start in result.buckets)]
    behind: list[tuple[Mapping[str, Any] | None, ...]] = [(None,) * len(result.buckets)]
    for line in result.lines:
        for column, values in _columns(line, result):
            columns.append(Column(_unique(column.name, taken), column.title, column.kind, column.values))
            cells.append(values)
            behind.append(_people(line, result) if values is line.values else (None,) * len(values))
    if not result.lines:
        return Table(tuple(columns), ())
    return Table(tuple(columns), tuple(zip(*cells, strict=True)), tuple(zip(*behind, strict=True)))


def _people(line: Line, result: TrendResult) -> tuple[Mapping[str, Any] | None, ...]:
    """For each bucket, whose people its number is made of."""
    part = {} if line.part is None else {"part": line.part}
    return tuple(
        {"series": line.series, "at": start.isoformat(), **part} if line.listed and value else None
        for start, value in zip(result.buckets, line.values, strict=True)
    )


def _columns(line: Line, result: TrendResult) -> Iterator[tuple[Column, tuple[Number, ...]]]:
    said = line.title.format(**line.title_values)
    yield Column(said, line.title, line.kind, line.title_values), line.values
    if result.compared:
        title = BEFORE if result.before else OTHER_SIDE
        yield Column(title.format(name=said), title, line.kind, {"name": said}), line.previous
    if line.intervals:
        for title, which in (("{name}, at least", "low"), ("{name}, at most", "high")):
            ends = tuple(None if interval is None else getattr(interval, which) for interval in line.intervals)
            yield Column(title.format(name=said), title, line.kind, {"name": said}), ends


def _pivot(result: TrendResult) -> Table:
    """The whole period: the values of the first breakdowns down, those of the last one (of several) or the series across."""
    down = result.breakdown[:-1] if len(result.breakdown) > 1 else result.breakdown
    across = result.breakdown[-1] if len(result.breakdown) > 1 else None
    rows: dict[tuple[str, ...], dict[tuple[int, str], Number]] = {}
    heads: dict[tuple[int, str], Column] = {}
    for line in result.lines:
        values = cells_of(line.part, result.breakdown)
        head = (line.series, values[-1] if across is not None else "")
        heads.setdefault(head, _head(line, result, head[1]))
        rows.setdefault(values[:-1] if across is not None else values, {})[head] = line.total
    if across is not None and ordered([across]):
        heads = dict(sorted(heads.items(), key=lambda item: (item[0][0], item[0][1] == OTHER, order_key(item[0][1], [across]))))
    taken = {column.name for column in columns_of(down)}
    columns = [Column(_unique(column.name, taken), column.title, column.kind, column.values) for column in heads.values()]
    return Table(
        (*columns_of(down), *columns),
        tuple((*row, *(found.get(head) for head in heads)) for row, found in rows.items()),
    )


def _head(line: Line, result: TrendResult, value: str) -> Column:
    overall = next(each for each in result.overall if each.series == line.series)
    name = overall.title.format(**overall.title_values)
    if len(result.breakdown) < 2:
        return Column(name, overall.title, line.kind, overall.title_values)
    if line.rest:
        said = "other values"
    else:
        msgid, values = value_said(values_of(line.part or "", result.breakdown)[-1], result.breakdown[-1], result.names)
        said = msgid.format(**values)
    return Column(f"{name}: {said}" if len(result.overall) > 1 else said, "{value}", line.kind, {"value": said})


def _unique(name: str, taken: set[str]) -> str:
    """The name, with a number behind it when it is taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} {number}"
    taken.add(found)
    return found
