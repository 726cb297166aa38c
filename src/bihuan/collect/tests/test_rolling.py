"""Days that are counted as wholes: their answers are those of their events, whatever comes late and whenever the writer ends."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any

import pytest

from bihuan.collect import rolling
from bihuan.collect.tests.conftest import Send, event
from bihuan.collect.writer import Writer
from bihuan.engine.ask import Engine
from bihuan.engine.daily import days_of
from bihuan.engine.errors import EngineError
from bihuan.engine.periods import Between
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import Choosing
from bihuan.engine.store import Store
from bihuan.engine.visible import Binder

DAY = "2026-01-05"
SEEN = Choosing(event="Seen")


catch_up = rolling.Rolling.catch_up


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days are counted when a test says so, while the writer waits, and then at once."""
    monkeypatch.setattr(rolling, "QUIET", 0.0)
    monkeypatch.setattr(rolling.Rolling, "catch_up", lambda *_: None)


def at(hour: int, day: str = DAY) -> int:
    return round(datetime.fromisoformat(f"{day}T{hour:02}:00:00+08:00").timestamp() * 1000)


def count_days(writer: Writer, scope: Scope) -> None:
    """All of the project's days that are over, now; other tests' projects are none of ours."""
    known = writer.memory.rolling
    known.waiting = {key: when for key, when in known.waiting.items() if key[0] == scope.project_id}
    for _ in range(20):
        known._not_before = 0.0
        catch_up(known, writer.store, writer.zones)


def told(engine: Engine, scope: Scope, choosing: Choosing = SEEN) -> list[tuple[str, int, int, int]]:
    """(day, events, of nobody, people), by way of days that are counted."""
    binder = Binder()
    sql = f"SELECT toString(day) AS at, events, nobody, bitmapCardinality(persons) AS people FROM {days_of([choosing], binder)} ORDER BY at"
    reads = Between(since=date(2026, 1, 1), until=date(2026, 1, 31))
    whole = engine.whole("test", Statement(sql, binder.params), scope.period(reads), scope)
    return [tuple(row.values()) for row in engine.store.fetch(whole.sql, whole.params, settings=engine.settings()).rows]


def whole_days(engine: Engine, scope: Scope) -> list[str]:
    return sorted(str(day) for day in engine.version(scope.project_id).whole)


def test_a_day_that_is_over_is_counted_once_and_read_no_more(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": at(8), "user_id": "ann"}, {"at": at(9), "user_id": "ann"}, {"at": at(9), "user_id": "ben"}, {"at": at(10)})
    send({"at": at(8), "name": "Sent", "source": "ledger", "user_id": "cai"}, {"at": at(8, "2026-01-06"), "user_id": "ben"})
    expected = [(DAY, 4, 1, 2), ("2026-01-06", 1, 0, 1)]
    assert told(engine, scope) == told(engine, scope, Choosing(event="*")) == expected
    assert whole_days(engine, scope) == []
    count_days(writer, scope)
    assert whole_days(engine, scope) == [DAY, "2026-01-06"]
    assert told(engine, scope) == told(engine, scope, Choosing(event="*")) == expected
    assert told(engine, scope, Choosing(event="Sent")) == [(DAY, 1, 0, 1)]
    period = Between(since=date(2026, 1, 5), until=date(2026, 1, 6))
    sql = engine.whole("test", Statement("SELECT persons FROM daily"), scope.period(period), scope).sql
    assert "FROM day_rollup" in sql
    assert "FROM events" not in sql


def test_a_day_that_is_not_over_is_not_counted(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": int(time.time() * 1000), "user_id": "ann"})
    count_days(writer, scope)
    assert whole_days(engine, scope) == []


def test_a_late_event_counts_at_once_and_the_day_is_counted_again(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": at(8), "user_id": "ann"})
    count_days(writer, scope)
    assert told(engine, scope) == [(DAY, 1, 0, 1)]
    send({"at": at(9), "user_id": "ben"})
    assert whole_days(engine, scope) == []
    assert told(engine, scope) == [(DAY, 2, 0, 2)]
    count_days(writer, scope)
    assert whole_days(engine, scope) == [DAY]
    assert told(engine, scope) == [(DAY, 2, 0, 2)]


def test_an_event_that_is_sent_again_leaves_the_day_whole(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": at(8), "user_id": "ann", "key": "once"})
    count_days(writer, scope)
    send({"at": at(8), "user_id": "ann", "key": "once"})
    assert whole_days(engine, scope) == [DAY]


def test_people_who_are_linked_later_are_one_also_in_counted_days(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": at(8), "anonymous_id": "tablet"}, {"at": at(9), "user_id": "ann"}, {"at": at(9), "user_id": "ben"})
    count_days(writer, scope)
    assert told(engine, scope) == [(DAY, 3, 0, 3)]
    send({"at": at(8, "2026-01-07"), "anonymous_id": "tablet", "user_id": "ann"})
    assert told(engine, scope) == [(DAY, 3, 0, 2), ("2026-01-07", 1, 0, 1)]
    assert whole_days(engine, scope) == [DAY]


def test_killed_before_a_late_event_is_stored_the_day_is_counted_again(
    store: Store, writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    send({"at": at(8), "user_id": "ann"})
    count_days(writer, scope)
    insert = Store.insert

    def dies(self: Store, table: str, *args: Any, **more: Any) -> None:
        if table == "events":
            raise SystemError("killed")
        insert(self, table, *args, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Store, "insert", dies)
        with pytest.raises(EngineError):
            writer.submit([event(scope, at=at(9), user_id="ben")]).result(10)
    assert whole_days(engine, scope) == []
    writer.close()
    with Writer(store, writer.zones, first_person=writer.memory.people.next) as second:
        assert second.ready(30)
        assert told(engine, scope) == [(DAY, 1, 0, 1)]
        second.submit([event(scope, at=at(9), user_id="ben")]).result(30)
        count_days(second, scope)
        assert told(engine, scope) == [(DAY, 2, 0, 2)]
        assert whole_days(engine, scope) == [DAY]


def test_counting_that_fails_is_tried_again_and_stores_events_meanwhile(
    writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    send({"at": at(8), "user_id": "ann"})

    def fails(*_: object) -> None:
        raise EngineError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(rolling, "roll", fails)
        count_days(writer, scope)
    send({"at": at(9), "user_id": "ben"})
    count_days(writer, scope)
    assert told(engine, scope) == [(DAY, 2, 0, 2)]
    assert whole_days(engine, scope) == [DAY]


def test_a_late_event_makes_kept_answers_old_but_counting_a_day_does_not(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": at(8), "user_id": "ann"})
    before = engine.version(scope.project_id)
    count_days(writer, scope)
    counted = engine.version(scope.project_id)
    assert (counted.state, len(before.whole), len(counted.whole)) == (before.state, 0, 1)
    send({"at": at(9), "user_id": "ben"})
    after = engine.version(scope.project_id)
    assert after.state != before.state
    assert after.whole == {}


def test_an_answer_about_days_that_are_over_does_not_grow_old_with_today(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    def depends(sql: str) -> object:
        return engine.version(scope.project_id).of(Statement(sql), scope.period(Between(since=date(2026, 1, 5), until=date(2026, 1, 5))))

    past = "SELECT count() FROM visible"
    other = "SELECT count() FROM history", "SELECT count() FROM visible WHERE person IN (SELECT person FROM traits_now)"
    send({"at": at(8), "user_id": "ann"})
    early = depends(past)
    count_days(writer, scope)
    before, others = depends(past), [depends(sql) for sql in other]
    send({"at": int(time.time() * 1000), "user_id": "ann"})
    assert early != before == depends(past)
    assert all(depends(sql) != one for sql, one in zip(other, others, strict=True))
    send({"at": at(9), "user_id": "ann"})
    late = depends(past)
    count_days(writer, scope)
    assert len({before, late, depends(past)}) == 3


def test_an_engine_that_has_written_nothing_since_it_began_knows_which_days_are_counted(
    writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    send({"at": at(8), "user_id": "ann"})
    count_days(writer, scope)
    monkeypatch.setattr(Store, "changes", lambda *_: frozenset({("", "a new life")}))
    assert whole_days(Engine(engine.store), scope) == [DAY]
