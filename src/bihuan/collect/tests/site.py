"""A data folder with an engine and a collector of its own, whose processes tests may kill."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bihuan.engine.config import Config
from bihuan.engine.schema import migrate
from bihuan.engine.store import Store

KEY = "wk_test"
PROJECT = 7
MODULES = {
    "engine": "bihuan.engine.embedded.process",
    "collector": "bihuan.collect.server",
    "forgetful collector": "bench.collect.forgetful",
    "collector with few keys": "bihuan.collect.tests.few_keys",
}


class Site:
    """`KEY` lets into project `PROJECT`, which is in Shanghai."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.config = Config(data=folder, collect_port=self.port)
        self.store = Store(self.config)
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {**os.environ, "BIHUAN_DATA": str(folder), "BIHUAN_COLLECT_PORT": str(self.port)}
        self.environment.pop("BIHUAN_EVENTS_URL", None)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        _definitions(folder)

    def start(self, *names: str) -> None:
        """Start the processes and wait until all of it answers."""
        for name in names:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", MODULES[name]], env=self.environment, stderr=subprocess.PIPE if name == "engine" else None
            )
            if name == "engine":
                _until(self.store.ready)
                migrate(self.store)

    def healthy(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/health")[0] == 200
        return False

    def until_healthy(self, seconds: float = 30.0) -> None:
        _until(self.healthy, seconds)

    def kill(self, name: str, signal_: signal.Signals = signal.SIGKILL) -> int:
        """End a process; returns its exit code."""
        process = self._processes.pop(name)
        process.send_signal(signal_)
        process.wait(30)
        if process.stderr is not None:
            process.stderr.close()
        return process.returncode

    def stop(self) -> None:
        for name in sorted(self._processes, key="engine".__eq__):  # the engine last
            self.kill(name, signal.SIGTERM)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def memory(self, name: str = "collector") -> float:
        """Resident megabytes of a process."""
        status = Path(f"/proc/{self.pid(name)}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], Any]:
        """One request; a body that is no bytes is sent as JSON. Returns status, headers and the decoded answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            text = response.read()
            named = {name.lower(): value for name, value in response.getheaders()}
            return response.status, named, json.loads(text) if text else None
        finally:
            connection.close()

    def text(self, path: str) -> tuple[str, str]:
        """What a GET answers that is no JSON: its Content-Type and itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.headers["Content-Type"], response.read().decode()
        finally:
            connection.close()

    def rows(self, columns: str, table: str = "events", order: str = "1") -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.store.fetch(f"SELECT {columns} FROM {table} ORDER BY {order}").rows]


@contextlib.contextmanager
def running(folder: Path, collector: str = "collector") -> Iterator[Site]:
    """A site with both its processes, ended afterwards."""
    site = Site(folder)
    try:
        site.start("engine", collector)
        site.until_healthy()
        yield site
    finally:
        site.stop()


def _definitions(folder: Path) -> None:
    """The tables of the definitions' database that the collector reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(folder / "bihuan.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE govern_project (id INTEGER PRIMARY KEY, key TEXT, timezone TEXT)")
        connection.execute("CREATE TABLE govern_writekey (digest TEXT, project_id INTEGER, revoked_at TEXT, last_used_at TEXT)")
        connection.execute("CREATE TABLE catalog_definition (project_id INTEGER, kind TEXT, key TEXT, state TEXT, spec TEXT)")
        connection.execute("CREATE TABLE collect_webhooksecret (project_id INTEGER, webhook TEXT, secret TEXT, until TEXT)")
        connection.execute(
            "CREATE TABLE collect_webhookdelivery (id INTEGER PRIMARY KEY, project_id INTEGER, webhook TEXT, at TEXT, fate TEXT, "
            "detail TEXT, stored INTEGER, known INTEGER, quarantined INTEGER, ignored INTEGER, body TEXT)"
        )
        connection.execute("INSERT INTO govern_project VALUES (?, 'shop', 'Asia/Shanghai')", (PROJECT,))
        connection.execute("INSERT INTO govern_writekey VALUES (?, ?, NULL, NULL)", (hashlib.sha256(KEY.encode()).hexdigest(), PROJECT))


def _until(condition: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come up in time"
        time.sleep(0.02)
