"""A writer on the test run's engine, and what tests ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect.events import Event, Outcome
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

# Above the numbers that other tests use directly: links are one dictionary for the whole store.
FIRST_PERSON = 1_000_000


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store, lambda _project: ZoneInfo("Asia/Shanghai"), first_person=FIRST_PERSON) as made:
        assert made.ready(30)
        yield made


Send = Callable[..., Outcome]


@pytest.fixture
def send(writer: Writer, scope: Scope) -> Send:
    """`send(event, …)`: each a dict of `Event` fields, completed; returns when all are stored."""

    def submit(*events: dict[str, Any]) -> Outcome:
        return writer.submit([event(scope, **given) for given in events]).result(30)

    return submit


def event(scope: Scope, **given: Any) -> Event:
    """An event of the test's project; without a key it has one of its own."""
    filled = {
        "project_id": scope.project_id,
        "source": "test",
        "at": int(time.time() * 1000),
        "name": "Seen",
        "key": str(time.monotonic_ns()),
    }
    return Event(**{**filled, **given})


def stored(store: Store, scope: Scope, columns: str = "event", order: str = "ts, event_key") -> list[tuple[Any, ...]]:
    """What is stored of the test's project, in order of time."""
    sql = f"SELECT {columns} FROM events WHERE project_id = {{project:UInt32}} ORDER BY {order}"
    return [tuple(row.values()) for row in store.fetch(sql, {"project": scope.project_id}).rows]
