"""Fixtures that every test may use: a real engine of this test run, and a project of this test's own in it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings

from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.question import Scope
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS, migrate
from bihuan.engine.store import Store
from bihuan.engine.tests.environment import FOLDER

pytest_plugins = ["bihuan.govern.tests.cast", "bihuan.engine.tests.chromium"]
# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("bihuan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bihuan")
_project_numbers = itertools.count(1 + int(time.time()) % 1_000_000 * 1000)
_keys = itertools.count(1)
_people = itertools.count(1_000_000, 1_000)

Write = Callable[..., None]


@pytest.fixture(scope="session")
def config() -> Config:
    """The configuration of this test process, with a data folder that goes with it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return Config.from_env()


@pytest.fixture(scope="session")
def store(config: Config) -> Iterator[Store]:
    """The real store with its schema: `BIHUAN_TEST_EVENTS_URL`, or an embedded engine of our own."""
    process = None
    if not config.events_url:
        process = subprocess.Popen([sys.executable, "-m", "bihuan.engine.embedded.process"])
    opened = Store(config)
    deadline = time.monotonic() + 60
    while not opened.ready():
        assert time.monotonic() < deadline, "the engine did not start within 60 s"
        assert process is None or process.poll() is None, "the engine process ended"
        time.sleep(0.05)
    migrate(opened)
    # A writer goes on behind the highest number that it finds: behind this one it never gives, and links, those that tests make up.
    opened.command("INSERT INTO person_ids SELECT 0, 'user', 'the last that tests make up', 5000000, now64(3, 'UTC')")
    yield opened
    highest = opened.fetch("SELECT greatest(max(person_id), (SELECT max(person_id) FROM person_ids)) AS number FROM events").rows[0][
        "number"
    ]
    assert highest < 50_000_000, "a test made up huge person numbers; they are dense, and the map of people is an array of them all"
    if process is not None:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def engine(store: Store) -> Engine:
    return Engine(store)


@pytest.fixture
def scope() -> Scope:
    """A project of this test's own, in Shanghai, on Sunday 15 March 2026 at noon."""
    now = datetime(2026, 3, 15, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    return Scope(next(_project_numbers), "Asia/Shanghai", now, rights=frozenset({"view", "define"}))


@pytest.fixture
def first_person() -> int:
    """The first of a thousand person numbers of this test's own; dense, as the collector gives them: the map of people is an array."""
    return next(_people)


@pytest.fixture
def write(store: Store, scope: Scope) -> Write:
    """`write(*events)`: put events straight into the store. An event is (person number, name, time[, properties]); a time is an aware
    datetime or a text in the project's zone. Person numbers are the test's own: they are spread so that projects do not meet."""

    def insert(*events: tuple[int, str, Any] | tuple[int, str, Any, Mapping[str, Any]], source: str = "test") -> None:
        insert_events(store, scope, events, source)

    return insert


def insert_events(store: Store, scope: Scope, events: Any, source: str = "test") -> None:
    zone = ZoneInfo(scope.zone)
    names = ["project_id", "event", "day", "person_id", "ts", "event_key", *COLUMNS, *NUMBER_COLUMNS, "props", "source", "received_at"]
    types = ["UInt32", "LowCardinality(String)", "Date", "UInt32", "DateTime64(3, 'UTC')", "UInt64"]
    types += ["LowCardinality(String)"] * len(COLUMNS) + ["Nullable(Float64)"] * len(NUMBER_COLUMNS)
    types += ["String", "LowCardinality(String)", "DateTime64(3, 'UTC')"]
    rows: list[list[Any]] = []
    for person, name, at, *rest in events:
        props = dict(rest[0]) if rest else {}
        ts = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        ts = ts if ts.tzinfo else ts.replace(tzinfo=zone)
        columns = [str(props.pop(column, "")) for column in COLUMNS]
        numbers = [props.pop(column, None) for column in NUMBER_COLUMNS]
        text = json.dumps(props, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        row = [scope.project_id, name, ts.astimezone(zone).date(), person, ts.astimezone(UTC), next(_keys)]
        rows.append([*row, *columns, *numbers, text, source, datetime.now(UTC)])
    if rows:
        store.insert("events", names, [list(column) for column in zip(*rows, strict=True)], types)
