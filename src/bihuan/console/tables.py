"""A result's table as a file or as Arrow: the same numbers for spreadsheets, programs and notebooks."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from bihuan.engine.question import Column, Kind, Table

if TYPE_CHECKING:
    import pyarrow as pa

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(table: Table) -> str:
    """The table as CSV with its column names; times in ISO 8601 (UTC). A text that a spreadsheet would run as a formula gets a '."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_harmless(column.name) for column in table.columns])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def to_parquet(table: Table) -> bytes:
    """The table as a Parquet file."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(to_arrow(table), out, compression="zstd")
    return out.getvalue()


def to_arrow_stream(table: Table) -> bytes:
    """The table as an Arrow IPC stream."""
    import pyarrow as pa

    out = io.BytesIO()
    data = to_arrow(table)
    with pa.ipc.new_stream(out, data.schema) as stream:
        stream.write_table(data)
    return out.getvalue()


def to_arrow(table: Table) -> pa.Table:
    """The table as Arrow; each field's metadata has the title and the kind of the column."""
    import pyarrow as pa

    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.columns]
    arrays = [
        pa.array(list(map(_plain, values)), _arrow_type(column.kind, values)) for column, values in zip(table.columns, columns, strict=True)
    ]
    fields = [
        pa.field(column.name, array.type, metadata={"title": column.title.format(**column.values), "kind": column.kind})
        for column, array in zip(table.columns, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def to_json_rows(table: Table) -> list[list[Any]]:
    """The rows for JSON: instants and days as ISO 8601 texts, what is no number as null."""
    return [[_json(value) for value in row] for row in table.rows]


def from_json(columns: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[Any]]) -> Table:
    """The table that `to_json_rows` and its columns came from."""
    shaped = tuple(Column(one["name"], one["title"], one["kind"]) for one in columns)
    read = [_READERS.get(column.kind, _as_it_is) for column in shaped]
    return Table(shaped, tuple(tuple(None if v is None else of(v) for of, v in zip(read, row, strict=True)) for row in rows))


def _as_it_is(value: Any) -> Any:
    return value


_READERS: Mapping[Kind, Any] = {"time": datetime.fromisoformat, "day": date.fromisoformat}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _cell(value: Any) -> Any:
    value = _json(value)
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat() if value.tzinfo else value.replace(tzinfo=UTC).isoformat()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _arrow_type(kind: Kind, values: Sequence[Any]) -> pa.DataType:
    import pyarrow as pa

    match kind:
        case "time":
            return pa.timestamp("ms", "UTC")
        case "day":
            return pa.date32()
        case "person":
            return pa.int64()
        case "number" if all(value is None or (isinstance(value, int) and not isinstance(value, bool)) for value in values):
            return pa.int64()
        case "number" | "money" | "share" | "seconds":
            return pa.float64()
        case _:
            return pa.string()
