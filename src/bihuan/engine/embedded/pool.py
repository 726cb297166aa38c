"""Threads that run statements on chDB, in three lanes, so that a slow question holds up neither writing nor cancelling."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chdb.state.sqlitelike import Connection

Lane = Literal["ask", "write", "control"]
Done = Callable[[], None] | None
_CODE = re.compile(r"^(?:Streaming insert \w+ failed: )?(Code: (\d+)\. .*)", re.DOTALL)


class Refused(Exception):
    """The lane is full."""


class StatementFailed(Exception):
    """ClickHouse's own error: `code` is its number, 0 if it gave none."""

    def __init__(self, text: str) -> None:
        found = _CODE.match(text)
        super().__init__(found.group(1) if found else text or "The engine gave no reason.")
        self.code = int(found.group(2)) if found else 0


@dataclass(frozen=True)
class Outcome:
    """The bytes of an answer, and what it cost."""

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    seconds: float = 0.0


@dataclass
class _Lane:
    threads: int
    limit: int
    pool: ThreadPoolExecutor
    waiting: int = 0


@dataclass
class Pool:
    """`concurrency` questions at once and `queue_limit` more that wait; one writer; one for control. `options` go to chDB as it opens."""

    folder: Path
    options: Mapping[str, Any]
    concurrency: int
    queue_limit: int
    _local: threading.local = field(default_factory=threading.local)
    _open: list[Connection] = field(default_factory=list)
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, threads, limit in (
            ("ask", self.concurrency, self.queue_limit),
            ("write", 1, 1000),
            ("control", 1, 1000),
        ):
            self._lanes[name] = _Lane(threads, limit, ThreadPoolExecutor(threads, thread_name_prefix=name))
        self._connection()  # opens, or fails, before anybody is served
        self._spool = self.folder / "inserts"
        shutil.rmtree(self._spool, ignore_errors=True)  # what a killed engine left
        self._spool.mkdir(mode=0o700)

    async def query(self, lane: Lane, sql: str, fmt: str, params: Mapping[str, str], done: Done = None) -> Outcome:
        """Run a statement whose answer comes in `fmt`. `done` is called when it has run, also when nobody waits for it any more."""
        return await self._submit(lane, lambda connection: _query(connection, sql, fmt, params), done)

    async def insert(self, sql: str, fmt: str, data: bytes, done: Done = None) -> Outcome:
        """Insert `data`, which is in `fmt`; `sql` ends before FORMAT. Returns when it is on disk."""
        return await self._submit("write", lambda connection: _insert(connection, sql, fmt, data, self._spool), done)

    async def _submit(self, lane_name: str, work: Callable[[Connection], Outcome], done: Done) -> Outcome:
        lane = self._lanes[lane_name]
        if lane.waiting >= lane.threads + lane.limit:
            raise Refused(lane_name)
        lane.waiting += 1
        try:
            future = asyncio.get_running_loop().run_in_executor(lane.pool, self._work, work, done)
            return await asyncio.shield(future)
        except RuntimeError as error:
            raise StatementFailed(str(error)) from error
        finally:
            lane.waiting -= 1

    def _work(self, work: Callable[[Connection], Outcome], done: Done) -> Outcome:
        try:
            return work(self._connection())
        finally:
            if done is not None:
                done()

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            options = "&".join(f"{key}={value}" for key, value in self.options.items())
            connection = self._local.connection = Connection(f"{self.folder}?{options}")
            self._open.append(connection)
        return connection

    def close(self) -> None:
        """Let running statements end, then release the folder."""
        for lane in self._lanes.values():
            lane.pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._open:
            connection.close()


def _query(connection: Connection, sql: str, fmt: str, params: Mapping[str, str]) -> Outcome:
    try:
        result = connection.query(sql, fmt, params=dict(params))
    except Exception as error:
        raise StatementFailed(str(error)) from error
    return Outcome(result.bytes() or b"", result.storage_rows_read(), result.storage_bytes_read(), 0, result.elapsed())


def _insert(connection: Connection, sql: str, fmt: str, data: bytes, spool: Path) -> Outcome:
    """Insert by way of a file: chDB's streaming insert reports success even when the part could not be written to the disk."""
    try:
        with tempfile.NamedTemporaryFile(dir=spool) as file:
            file.write(data)
            file.flush()
            path = file.name.replace("\\", "\\\\").replace("'", "\\'")
            try:
                done = connection.query(f"{sql} SELECT * FROM file('{path}', '{fmt}')")
            except Exception as error:
                raise StatementFailed(str(error)) from error
    except OSError as error:  # said with ClickHouse's number for a full disk, so that the log tells what is the matter
        raise StatementFailed(f"Code: 243. The disk of the event store cannot be written: {error.strerror}.") from error
    return Outcome(b"", 0, 0, done.storage_rows_read(), done.elapsed())
