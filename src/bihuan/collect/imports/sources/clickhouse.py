"""Rows of a query to another ClickHouse by clickhouse-connect: streamed as Arrow blocks, within time-outs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.readers import Chunk, Reader, _check_names
from bihuan.collect.imports.sources.address import Address, explained
from bihuan.collect.imports.sources.statement import one_select
from bihuan.collect.imports.sources.tables import ROWS, TableReader, chunk_of_arrow

LONGEST = 3_600  # seconds that a query may take


class ClickHouseSource:
    """A query at `clickhouse://user@host:8123/database` (`clickhouses://` with TLS), by a cursor as a database's."""

    typed = True
    by_rows = False

    def __init__(self, address: Address, query: str, *, cursor: str = "") -> None:
        self.name = address.place
        self._address = address
        self._query = one_select(query, "clickhouse")
        self._cursor = cursor

    @contextmanager
    def open(self, *, encoding: str = "", delimiter: str = "", rows: int = 0, since: Cursor | None = None) -> Iterator[Reader]:
        import pyarrow as pa
        from clickhouse_connect.driver.exceptions import ClickHouseError

        with explained(self._address, ClickHouseError, OSError, pa.ArrowInvalid):
            client = self._client()
            try:
                yield self._reader(client, rows, since)
            finally:
                client.close()

    def _client(self) -> Any:
        from clickhouse_connect import get_client

        parts = urlsplit(self._address.place)
        secure = parts.scheme.endswith("s")
        return get_client(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8443 if secure else 8123),
            username=unquote(parts.username or "default"),
            password=self._address.password,
            database=parts.path.strip("/") or "default",
            interface="https" if secure else "http",
            autogenerate_session_id=False,
            query_retries=0,
            connect_timeout=10,
            send_receive_timeout=300,
        )

    def _reader(self, client: Any, rows: int, since: Cursor | None) -> Reader:
        settings = {"max_execution_time": LONGEST, "max_block_size": ROWS}
        described = client.query(f"SELECT * FROM ({self._query}\n) AS source LIMIT 0")
        names = list(described.column_names)
        _check_names(names)
        sql, params = self._statement(since, rows)
        return TableReader(self._numbered(client, sql, params, settings), names, self._cursor, lambda chunk: chunk)

    def _numbered(self, client: Any, sql: str, params: dict[str, Any], settings: dict[str, Any]) -> Iterator[Chunk]:
        first = 1
        with client.query_arrow_stream(sql, parameters=params, settings=settings, use_strings=True) as stream:
            for block in stream:
                for batch in block.to_batches(max_chunksize=ROWS) if hasattr(block, "to_batches") else [block]:
                    if batch.num_rows:
                        yield chunk_of_arrow(self._cursor, first, batch)
                        first += batch.num_rows

    def _statement(self, since: Cursor | None, rows: int) -> tuple[str, dict[str, Any]]:
        limit = f" LIMIT {int(rows)}" if rows else ""
        if not self._cursor:
            return f"SELECT * FROM ({self._query}\n) AS source{limit}", {}
        by = "`" + self._cursor.replace("\\", "\\\\").replace("`", "\\`") + "`"
        if since is None:
            return f"SELECT * FROM ({self._query}\n) AS source ORDER BY {by}{limit}", {}
        kind, value = _bound(since)
        return f"SELECT * FROM ({self._query}\n) AS source WHERE {by} >= {{since:{kind}}} ORDER BY {by}{limit}", {"since": value}


def _bound(since: Cursor) -> tuple[str, Any]:
    """The ClickHouse type of a cursor, and its value."""
    value = since.value
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return "DateTime64(6, 'UTC')", moment.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return "Date32", value
    if isinstance(value, str):
        return "String", value
    return ("Int64" if isinstance(value, int) else "Float64"), value
