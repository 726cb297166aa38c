"""Rows that are no file: batches of Arrow columns, or tuples of a database, as chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bihuan.collect.events import canonical
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.readers import Chunk, _contents, _row
from bihuan.collect.imports.values import Typed, Values

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 20_000  # of a chunk


class TableReader:
    """Chunks out of batches. `cursor` is the column that the rows are ordered by, if there is one."""

    total: int | None = None

    def __init__(self, batches: Iterable[Any], names: Sequence[str], cursor: str, chunk: Callable[[Any], Chunk]) -> None:
        if cursor and cursor not in names:
            raise ImportProblem("The query has no column “{name}” to go on by. It has: {columns}.", name=cursor, columns=", ".join(names))
        self.shape = "\x1f".join(names).encode()
        self._batches = batches
        self._chunk = chunk

    def chunks(self) -> Iterator[Chunk]:
        for batch in self._batches:
            yield self._chunk(batch)

    def done(self) -> float:
        """Nobody knows how much a query will still give."""
        return 0.0


def chunk_of_rows(names: Sequence[str], cursor: str, first: int, rows: Sequence[Sequence[Any]]) -> Chunk:
    """A chunk of a database's rows; `first` is the number of the first of them."""
    import numpy as np

    columns: dict[str, Values] = {name: Typed(array_of(values)) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    reached = Cursor.of(rows[-1][list(names).index(cursor)]) if cursor else None
    lines = np.arange(first, first + len(rows))
    return Chunk(columns, lines, (), partial(_texts, rows), lambda row: canonical(_plain_row(names, rows[row])), cursor=reached)


def chunk_of_arrow(cursor: str, first: int, batch: pa.RecordBatch) -> Chunk:
    """A chunk of an Arrow batch."""
    import numpy as np

    columns = {name: Typed(batch.column(place)) for place, name in enumerate(batch.schema.names)}
    reached = Cursor.of(batch.column(cursor)[-1].as_py()) if cursor else None
    lines = np.arange(first, first + batch.num_rows)
    return Chunk(columns, lines, (), partial(_contents, columns), partial(_row, batch), cursor=reached)


def array_of(values: Sequence[Any]) -> pa.Array:
    """A database's values as one Arrow array: of their own type where they have one in common, else as texts."""
    import pyarrow as pa

    try:
        made = pa.array(values, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([_plain(value) for value in values], pa.string())
    return (
        made if not pa.types.is_duration(made.type) and not pa.types.is_interval(made.type) else pa.array(map(_plain, values), pa.string())
    )


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return canonical(value) if isinstance(value, dict | list) else str(value)


def _plain_row(names: Sequence[str], row: Sequence[Any]) -> dict[str, str | None]:
    return dict(zip(names, map(_plain, row), strict=True))


def _texts(rows: Sequence[Sequence[Any]]) -> list[bytes]:
    """Each row's content for its key, whatever types its neighbours have."""
    return ["\x1f".join("\x1e2" if (text := _plain(value)) is None else text for value in row).encode(errors="replace") for row in rows]
