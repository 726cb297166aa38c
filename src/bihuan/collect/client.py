"""How other processes of Bihuan hand events to the collector: over loopback, with its secret, acknowledged when on disk."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from bihuan.collect.events import Event, Outcome
from bihuan.collect.identity import Done, Wanted
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError, Unavailable

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 5_000
COLUMNS_BATCH = 20_000
AWAY = "The collector does not answer just now; it is starting again. Try again in a moment."


class Collector:
    """Sends events to the running collector. Threads need one each. `patience`: seconds to go on trying while it is away.

    Sending the same events again is harmless: their keys make them count once.
    """

    def __init__(self, config: Config, *, patience: float = 30.0) -> None:
        self._config = config
        self._patience = patience
        self._connection: http.client.HTTPConnection | None = None
        self._url = ""

    def send(self, events: Iterable[Event]) -> Outcome:
        """Hand over events; returns when all are on disk. Raises Unavailable when the collector stays away."""
        total = Outcome()
        for batch in _batches(events, BATCH):
            total += _outcome(self._post("/internal/events", msgspec.msgpack.encode(batch)))
        return total

    def send_columns(self, table: pa.Table, *, project_id: int, source: str) -> Outcome:
        """Hand over rows as `Writer.submit_columns` does; returns when all are on disk."""
        total = Outcome()
        for batch in table.to_batches(max_chunksize=COLUMNS_BATCH):
            columns = {name: column.to_pylist() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
            body = msgspec.msgpack.encode({"project_id": project_id, "source": source, "columns": columns})
            total += _outcome(self._post("/internal/columns", body))
        return total

    def decide(self, wanted: Wanted) -> Done:
        """Have done what somebody decided about people; it holds for every question when this returns."""
        return msgspec.json.decode(self._post("/internal/identity", msgspec.msgpack.encode(wanted)), type=Done)

    def close(self) -> None:
        """Let go of the connection; the next `send` makes a new one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _post(self, path: str, body: bytes) -> bytes:
        deadline = time.monotonic() + self._patience
        pause = 0.1
        while True:
            try:
                return self._try(path, body)
            except Unavailable:
                self.close()
                if time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _try(self, path: str, body: bytes) -> bytes:
        headers = {"X-Bihuan-Token": self._config.secret("collector-token"), "Content-Type": "application/msgpack"}
        try:
            connection = self._connect()
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(AWAY) from error
        if response.status == 200:
            return answer
        if response.status == 503:
            raise Unavailable(AWAY)
        raise EngineError("The collector refused the events: {text}", text=answer.decode(errors="replace")[:500])

    def _connect(self) -> http.client.HTTPConnection:
        announced = self._config.announced("collector")
        if announced is None:
            raise Unavailable("The collector is not running; start it with `bihuan serve`.")
        url = str(announced["url"])
        if self._connection is None or url != self._url:
            self.close()
            parts = urlsplit(url)
            self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=120)
            self._url = url
        return self._connection


_outcome = msgspec.json.Decoder(Outcome).decode


def _batches(events: Iterable[Event], size: int) -> Iterator[Sequence[Event]]:
    remaining = iter(events)
    while batch := list(islice(remaining, size)):
        yield batch
