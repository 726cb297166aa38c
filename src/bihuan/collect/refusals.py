"""What was turned away at the door, for the page that says why an event is not here: bounded, told in portions, kept for a week."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import NamedTuple

from bihuan.engine.errors import EngineError
from bihuan.engine.store import Store

EVERY = 3.0  # seconds between two portions
MOST = 500  # different refusals in one portion; more are not kept
_TYPES = {
    "project_id": "UInt32",
    "at": "DateTime64(3, 'UTC')",
    "status": "UInt16",
    "code": "String",
    "detail": "String",
    "path": "String",
    "client": "String",
    "key_prefix": "String",
    "number": "UInt32",
}

log = logging.getLogger("bihuan.collect")


class Known(NamedTuple):
    """Whose request it is, as far as its write key tells."""

    project_id: int
    key_prefix: str


class _Refusal(NamedTuple):
    project_id: int
    status: int
    code: str
    detail: str
    path: str
    client: str
    key_prefix: str


asking: ContextVar[Known | None] = ContextVar("asking", default=None)  # of the request that is being answered


class Refusals:
    """Counts refusals and writes them from a thread of its own, so that no request waits for it. What the store does not take is lost:
    it is news, not data."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[_Refusal, int] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, status: int, code: str, detail: str, path: str, headers: Mapping[str, str]) -> None:
        """The request that is being answered was refused; nothing is kept of a stranger's."""
        known = asking.get()
        if known is None:
            return
        one = _Refusal(known.project_id, status, code, detail[:500], path[:200], headers.get("user-agent", "")[:200], known.key_prefix)
        with self._lock:
            if one in self._counts or len(self._counts) < MOST:
                self._counts[one] = self._counts.get(one, 0) + 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, name="refusals", daemon=True)
                self._thread.start()

    def write(self) -> None:
        """Write what has gathered."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if counts:
            now = datetime.now(UTC)
            rows = [(one.project_id, now, *one[1:], number) for one, number in counts.items()]
            self._store.insert("refusals", list(_TYPES), list(zip(*rows, strict=True)), list(_TYPES.values()))

    def _write_on(self) -> None:
        while True:
            time.sleep(EVERY)
            try:
                self.write()
            except EngineError as error:
                log.warning("Refusals could not be written: %s", error)
