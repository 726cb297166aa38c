"""The store as the rest of Bihuan sees it: ClickHouse over HTTP by clickhouse-connect, embedded or not; errors as sentences."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from bihuan.engine import touched
from bihuan.engine.config import Config
from bihuan.engine.errors import Busy, Cancelled, EngineError, TooLarge, Unavailable

if TYPE_CHECKING:
    import pyarrow as pa

_CODE = re.compile(r"[Cc]ode:? (\d+)")
_NAME = re.compile(r"\(([A-Z][A-Z_]{3,60})\)")
CHANGES = """
SELECT
  table AS name,
  if(any(partition_id) = 'all' AND engine LIKE '%Replacing%', 0, sum(rows)) AS rows,
  toInt64(max(max_block_number)) AS inserts,
  toInt64(max(toInt64(data_version) - min_block_number)) AS changes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table, engine
UNION ALL
SELECT name, element_count, toInt64(toUnixTimestamp(last_successful_update_time)), reinterpretAsInt64(loading_duration)
FROM system.dictionaries WHERE database = currentDatabase()
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """The rows of an answer, with what it cost the store."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    rows_read: int
    seconds: float


class Store:
    """A store that threads may share: each thread gets a client of its own, and a new one when the engine came back elsewhere."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._local = threading.local()
        self._http = PoolManager(retries=Retry(1, redirect=False), timeout=Timeout(connect=5, read=30), maxsize=100)

    def url(self) -> str:
        """Where the store is: the configured address, else what the embedded engine announced."""
        if self.config.events_url:
            return self.config.events_url
        announced = self.config.announced("engine")
        if announced is None:
            raise Unavailable("The event store is not running; start it with `bihuan serve`.")
        return str(announced["url"])

    def fetch(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        query_id: str = "",
    ) -> Fetched:
        """Run a SELECT and return its rows."""
        begun = time.perf_counter()
        result = self._call(
            "query",
            sql,
            parameters=dict(params or {}),
            settings=_with_id(settings, query_id),
            tz_mode="aware",
        )
        names = tuple(result.column_names)
        rows = tuple(dict(zip(names, row, strict=True)) for row in result.result_rows)
        return Fetched(names, rows, int(result.summary.get("read_rows", 0)), time.perf_counter() - begun)

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None, *, settings: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a SELECT and return an Arrow table."""
        return self._call("query_arrow", sql, parameters=dict(params or {}), settings=dict(settings or {}), use_strings=True)

    def raw(self, sql: str, fmt: str, params: Mapping[str, Any] | None = None) -> bytes:
        """Run a SELECT and return its answer as the bytes of a ClickHouse format: for millions of plain numbers."""
        return bytes(self._call("raw_query", sql, parameters=dict(params or {}), fmt=fmt))

    def command(self, sql: str, params: Mapping[str, Any] | None = None, *, settings: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing."""
        self._call("command", sql, parameters=dict(params or {}), settings=dict(settings or {}))

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        data: Sequence[Sequence[Any]],
        types: Sequence[str],
        *,
        token: str = "",
    ) -> None:
        """Insert columns of values (one sequence a column); returns when they are on disk.

        The same `token` twice inserts once: what failed without an answer may be tried again with its token.
        """
        if not data or not len(data[0]):
            return
        settings = {"insert_deduplication_token": token} if token else {}
        settings |= touched.of_rows(table, columns, data)
        self._call(
            "insert",
            table,
            data,
            column_names=list(columns),
            column_type_names=list(types),
            column_oriented=True,
            settings=settings,
        )

    def insert_arrow(self, table: str, data: pa.Table, *, token: str = "") -> None:
        """Insert an Arrow table, as `insert` does."""
        self._call("insert_arrow", table, data, settings={"insert_deduplication_token": token} if token else {})

    def changes(self, project_id: int | None = None) -> frozenset[tuple[Any, ...]]:
        """For each table or dictionary that was written, (its name, …): another tuple whenever it was written again. The embedded engine
        counts what comes by, from 0 in each of its lives ("": what it can tell no table of); a server tells it from its parts, where a
        merge is no change: it takes replaced rows away, and gives a part the lowest of its parts' numbers.

        Of a project, the embedded engine leaves out what touched others alone, and tells of `events` by the marks of their names, too
        (`touched`)."""
        if self.config.events_url:
            return frozenset(tuple(row.values()) for row in self.fetch(CHANGES).rows)
        parts = urlsplit(self.url())
        try:
            asked = "" if project_id is None else f"?project={project_id}"
            counted = self._http.request(
                "GET", f"http://{parts.hostname}:{parts.port}/changes{asked}", headers={"x-clickhouse-key": unquote(parts.password or "")}
            ).json()
            return frozenset((name, counted["life"], number) for name, number in {"": 0, **counted["tables"]}.items())
        except (HTTPError, ValueError, LookupError) as error:
            raise explain(error) from error

    def cancel(self, query_id: str) -> None:
        """Stop the running question with this id, if it still runs."""
        if not re.fullmatch(r"[\w-]{1,100}", query_id):
            raise EngineError("That is not the id of a question.")
        self._call("command", f"KILL QUERY WHERE query_id = '{query_id}' ASYNC")

    def ready(self) -> bool:
        """Whether the store answers now."""
        try:
            self.fetch("SELECT 1")
        except EngineError:
            return False
        return True

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(self._client(), method)(*args, **kwargs)
        except EngineError:
            raise
        except Exception as error:
            self._local.client = None
            raise explain(error) from error

    def _client(self) -> Any:
        url = self.url()
        client = getattr(self._local, "client", None)
        if client is None or self._local.url != url:
            client = self._local.client = _connect(url)
            self._local.url = url
        return client


def _connect(url: str) -> Any:
    from clickhouse_connect import get_client
    from clickhouse_connect.driver import _backendclient

    # It would go through each statement in Python, word by word for 1 to 9 ms, to see that it only reads; `fetch` is for nothing else.
    setattr(_backendclient, "_query_is_read_only", lambda query: True)  # noqa: B010
    parts = urlsplit(url)
    return get_client(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 8123,
        username=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or "default",
        interface="https" if parts.scheme.endswith("s") else "http",
        compress=False,
        autogenerate_session_id=False,
        query_retries=0,
        connect_timeout=5,
        send_receive_timeout=600,
    )


def _with_id(settings: Mapping[str, Any] | None, query_id: str) -> dict[str, Any]:
    merged = dict(settings or {})
    if query_id:
        merged["query_id"] = query_id
    return merged


def explain(error: Exception) -> EngineError:
    """The error of the store as one of ours, with a sentence that says what to do. Its own words may hold addresses and values that
    the reader must not see: they go to the log alone."""
    text = str(error)
    found = _CODE.search(text)
    code = int(found.group(1)) if found else 0
    if code == 241:
        return TooLarge("This question needs more memory than one question may take: choose a shorter period, fewer steps or no breakdown.")
    if code in (159, 160):
        return TooLarge("This question takes longer than one question may: choose a shorter period, fewer steps or no breakdown.")
    if code == 394:
        return Cancelled("The question was cancelled.")
    if code == 202:
        return Busy("Many questions are being answered just now; ask again in a moment.")
    if code in (243, 74, 76, 75, 499):
        log.error("The store cannot write or read its disk: %s", text)
        return Unavailable("The event store cannot write or read its disk; its log says more.")
    if code:
        log.error("The store refused a statement: %s", text)
        name = _NAME.search(text)
        return EngineError(
            "The event store could not answer this (its error {code}); the log has its words.",
            code=f"{code} {name.group(1)}" if name else code,
        )
    return Unavailable("The event store does not answer just now; it is starting again. Try again in a moment.")
