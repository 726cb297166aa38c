"""What is said while nothing can be stored, and that it ends by itself."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections import namedtuple
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.utils.translation import override

from bihuan.collect import health, trouble
from bihuan.collect.health import in_words
from bihuan.engine.config import Config
from bihuan.govern.tests.cast import Cast

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data=tmp_path)


def left(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**9, 10**9 - free, free))


def test_a_full_disk_is_told_with_what_is_left_and_ends_when_there_is_room(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    left(monkeypatch, 42_000_000)
    found = trouble.find(config, None)
    assert (found.kind, found.free, found.lasting) == ("disk_full", 42_000_000, True)
    assert "42 MB are left" in str(found)
    left(monkeypatch, 7_000_000)
    later = trouble.still(config, found)
    assert later is not None
    assert (later.since, later.free) == (found.since, 7_000_000)
    left(monkeypatch, 500_000_000)
    assert trouble.still(config, found) is None


def test_a_folder_that_cannot_be_written_is_told_as_such(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    assert trouble.find(config, None).kind == "read_only"


def test_a_store_that_errs_on_a_sound_disk_or_elsewhere_is_the_stores_own_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trouble.find(Config(data=tmp_path), None).kind == "store"
    left(monkeypatch, 0)
    found = trouble.find(Config(data=tmp_path, events_url="clickhouse://elsewhere"), None)
    assert (found.kind, found.lasting) == ("store", False)


def test_what_lasts_keeps_the_time_since_when(config: Config) -> None:
    first = trouble.find(config, None)
    assert trouble.find(config, first).since == first.since


def test_it_is_said_in_the_readers_language_and_the_projects_time() -> None:
    since = int(datetime(2026, 3, 8, 10, 32, tzinfo=UTC).timestamp() * 1000)
    found = trouble.Trouble("disk_full", since, "/data", 12_000_000)
    with override("en"):
        assert in_words(found, "Asia/Shanghai").startswith("The disk is full: 12 MB left. Events are being refused since 2026-03-08 18:32")
    with override("zh-hans"):
        assert "磁盘已满" in in_words(found, "Asia/Shanghai")
        for kind in ("read_only", "store"):
            assert "拒收" in in_words(trouble.Trouble(kind, since, "/data", 0), "UTC")


def test_home_sources_and_live_say_why_events_are_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with TroubledCollector() as url:
        announced = Config.announced
        monkeypatch.setattr(Config, "announced", lambda self, name: {"url": url} if name == "collector" else announced(self, name))
        client = cast.client(cast.vera)
        for page in ("home/needs/", "sources/", "live/"):
            assert "The disk is full: 12 MB left" in client.get(f"/p/shop/{page}").content.decode(), page
    assert health.trouble(Config(data=Path("/nowhere"))) is None  # nobody answers any more


class TroubledCollector:
    """Answers as a collector whose disk is full."""

    def __enter__(self) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = {
                    "status": "trouble",
                    "trouble": {"kind": "disk_full", "since": 1_773_000_000_000, "folder": "/data", "free": 12_000_000},
                }
                body = json.dumps(said).encode()
                self.send_response(503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
