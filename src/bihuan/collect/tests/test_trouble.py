"""What is said while nothing can be stored, and that it ends by itself."""

from __future__ import annotations

import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from bihuan.collect import trouble
from bihuan.engine.config import Config

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
