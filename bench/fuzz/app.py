"""The collector's whole ASGI application in this process, with a writer that plans each commit and stores nothing.

Everything that a request meets is the real thing: routes, bodies and their bounds, write keys out of a database, the protocol, tracking
plans, rows and effects, identity and the plan of the commit. Only the inserts are left out, so that thousands of requests fit in a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import MutableMapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from bench.fuzz.requests import LAST_PART, Request
from bihuan.collect.app import App
from bihuan.collect.commit import Commit
from bihuan.collect.directory import Directory
from bihuan.collect.web.visitors import Visitors
from bihuan.collect.webhooks.presets import PRESETS
from bihuan.collect.webhooks.spec import Signature
from bihuan.collect.writer import Writer
from bihuan.engine.config import Config
from bihuan.engine.store import Store

KEY = "wk_fuzz"
PROJECT = 7
SLOWEST = 2.0  # seconds of this process's time that an answer may take
FORGET = 20_000  # commits after which the writer forgets whom it met


class Found(Exception):
    """A request that was not answered as it must be."""


class Planning(Writer):
    """Answers when the commit is planned."""

    def _enqueue(self, waiting: Any) -> Future[Any]:
        group = [waiting]
        commit = self._planned(group)
        commit.remember(self.memory)
        _tell(group, commit)
        return waiting.future  # type: ignore[no-any-return]


class Harness:
    """Sends one request after another to an application of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _definitions(folder / "bihuan.sqlite3")
        self._config = Config(data=folder)
        self._directory = Directory(self._config)
        self._directory.refresh()
        self._loop = asyncio.new_event_loop()
        self._asked = 0
        self.statuses: dict[int, int] = {}
        logging.getLogger("bihuan.collect").addHandler(_Raising())
        self._begin()

    def send(self, request: Request) -> None:
        """Raises Found for a 5xx (but 503), an exception in the application, or an answer that takes too long."""
        self._asked += 1
        if self._asked % FORGET == 0:
            self._begin()
        began = time.process_time()
        try:
            status = self._loop.run_until_complete(self._ask(request))
        except Exception as error:
            raise Found(f"{type(error).__name__}: {error}") from error
        took = time.process_time() - began
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status >= 500 and status != 503:
            raise Found(f"{request.method} {request.path} was answered with {status}")
        if took > SLOWEST:
            raise Found(f"{request.method} {request.path} took {took:.1f} s")

    def _begin(self) -> None:
        writer = Planning(Store(self._config), self._directory.zone)
        writer._loaded.set()  # there is no store to learn from
        visitors = Visitors(self._config.run / "visitor-salts.json", self._directory.zone, 1)
        self._app = App(writer, self._directory, "token", visitors)

    async def _ask(self, request: Request) -> int:
        answered: list[MutableMapping[str, Any]] = []
        scope = {
            "type": "http",
            "method": request.method,
            "path": request.path,
            "query_string": request.query,
            "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in request.headers.items()],
            "client": ("127.0.0.1", 1),
        }

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            answered.append(message)

        await self._app(scope, receive, send)
        return int(answered[0]["status"])


class _Raising(logging.Handler):
    """What the application logs as an exception is one here too."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            raise Found(record.getMessage()) from record.exc_info[1]

    def handle(self, record: logging.LogRecord) -> bool:
        self.emit(record)
        return True


def _tell(group: list[Any], commit: Commit) -> None:
    from bihuan.collect.writer import _tell as tell

    tell(group, commit.fresh)


def _definitions(path: Path) -> None:
    """A project with a write key, and a webhook for each sender that Bihuan knows."""
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE govern_project (id INTEGER PRIMARY KEY, key TEXT, timezone TEXT)")
        database.execute("CREATE TABLE govern_writekey (digest TEXT, project_id INTEGER, revoked_at TEXT, last_used_at TEXT)")
        database.execute("CREATE TABLE catalog_definition (project_id INTEGER, kind TEXT, key TEXT, state TEXT, spec TEXT)")
        database.execute("CREATE TABLE collect_webhooksecret (project_id INTEGER, webhook TEXT, secret TEXT, until TEXT)")
        database.execute("INSERT INTO govern_project VALUES (?, 'shop', 'Asia/Shanghai')", (PROJECT,))
        database.execute("INSERT INTO govern_writekey VALUES (?, ?, NULL, NULL)", (hashlib.sha256(KEY.encode()).hexdigest(), PROJECT))
        for place, preset in enumerate(PRESETS):
            spec = preset.spec.model_copy(update={"signature": Signature(method="address", header="")})
            document = json.dumps(spec.model_dump(mode="json"))
            database.execute("INSERT INTO catalog_definition VALUES (?, 'webhook', ?, 'live', ?)", (PROJECT, f"hook{place}", document))
            database.execute("INSERT INTO collect_webhooksecret VALUES (?, ?, ?, NULL)", (PROJECT, f"hook{place}", LAST_PART))
