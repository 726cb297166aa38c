"""Days that are counted as wholes: their answers are those of their events, whatever comes late and whenever the writer ends."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any

import pytest

from bihuan.collect import rolling
from bihuan.collect import writer as writing
from bihuan.collect.identity import Wanted
from bihuan.collect.tests.conftest import Send, event
from bihuan.collect.writer import Writer
from bihuan.engine import person_map
from bihuan.engine.ask import Engine
from bihuan.engine.daily import days_of
from bihuan.engine.errors import EngineError
from bihuan.engine.periods import Between
from bihuan.engine.question import Scope, Statement
from bihuan.engine.rollup import settle
from bihuan.engine.selection import Choosing
from bihuan.engine.store import Store
from bihuan.engine.visible import PERSON, Binder

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
    known.linked = {project: when for project, when in known.linked.items() if project == scope.project_id}
    known.loose = []
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


def persons(engine: Engine, scope: Scope) -> list[list[int]]:
    """The people of each day."""
    reads = scope.period(Between(since=date(2026, 1, 1), until=date(2026, 1, 31)))
    whole = engine.whole("test", Statement("SELECT bitmapToArray(persons) AS whom FROM daily_any ORDER BY day"), reads, scope)
    return [row["whom"] for row in engine.store.fetch(whole.sql, whole.params).rows]


def settled(engine: Engine, scope: Scope) -> list[str]:
    """The days that need no look at links."""
    return sorted(str(day) for day, counted in engine.version(scope.project_id).whole.items() if counted.lacks is None)


def number(store: Store, scope: Scope, id: str) -> int:
    sql = "SELECT max(person_id) AS number FROM person_ids WHERE project_id = {p:UInt32} AND id = {id:String}"
    return int(store.fetch(sql, {"p": scope.project_id, "id": id}).rows[0]["number"])


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


def test_a_link_a_merge_and_its_undo_hold_at_once_in_days_that_were_settled_and_are_settled_again(
    writer: Writer, send: Send, engine: Engine, scope: Scope
) -> None:
    send({"at": at(8), "anonymous_id": "tablet"}, {"at": at(9), "user_id": "ann"}, {"at": at(9), "name": "Sold", "user_id": "ben"})
    count_days(writer, scope)
    assert settled(engine, scope) == [DAY]
    send({"at": at(8, "2026-01-07"), "anonymous_id": "tablet", "user_id": "ann"})
    one, other = number(engine.store, scope, "ann"), number(engine.store, scope, "ben")
    seen, sold, any_event = SEEN, Choosing(event="Sold"), Choosing(event="*")

    def people(*, now: list[str]) -> list[int]:
        told_now = [told(engine, scope, choosing)[0][3] for choosing in (seen, sold, any_event)]
        assert settled(engine, scope) == now
        count_days(writer, scope)
        assert settled(engine, scope) == [DAY, "2026-01-07"]
        assert [told(engine, scope, choosing)[0][3] for choosing in (seen, sold, any_event)] == told_now
        return told_now

    assert people(now=[]) == [1, 1, 2]
    merged = writer.decide(Wanted(project_id=scope.project_id, verb="merge", by="cai", one=one, other=other)).result(30).act
    assert people(now=["2026-01-07"]) == [1, 1, 1], "ben was there on one of the days"
    writer.decide(Wanted(project_id=scope.project_id, verb="undo", by="cai", act=merged)).result(30)
    assert people(now=[]) == [1, 1, 2]
    writer.decide(Wanted(project_id=scope.project_id, verb="redo", by="cai", act=merged)).result(30)
    writer.decide(Wanted(project_id=scope.project_id, verb="detach", by="cai", one=number(engine.store, scope, "tablet"))).result(30)
    assert people(now=[]) == [2, 1, 2]
    period = Between(since=date(2026, 1, 5), until=date(2026, 1, 5))
    assert "person_" not in engine.whole("test", Statement("SELECT persons FROM daily"), scope.period(period), scope).sql


def test_days_without_any_link_are_settled_and_a_link_of_who_came_later_leaves_them_so(
    writer: Writer, send: Send, engine: Engine, scope: Scope
) -> None:
    send({"at": at(8), "user_id": "ann"})
    send({"at": at(8, "2026-01-07"), "anonymous_id": "phone"})
    count_days(writer, scope)
    assert settled(engine, scope) == [DAY, "2026-01-07"]
    send({"at": at(9, "2026-01-08"), "anonymous_id": "phone", "user_id": "ben"})
    assert settled(engine, scope) == [DAY]
    assert [row[3] for row in told(engine, scope)] == [1, 1, 1]


def test_days_are_settled_when_no_more_links_come_or_after_an_hour(
    writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    send({"at": at(8), "anonymous_id": "tablet"}, {"at": at(9), "user_id": "ann"}, {"at": at(9), "anonymous_id": "phone"})
    count_days(writer, scope)
    monkeypatch.setattr(rolling, "QUIET", 600.0)
    now = time.monotonic()

    def settled_after(since: float, last: float) -> list[str]:
        writer.memory.rolling.linked[scope.project_id] = (now - since, now - last)
        count_days(writer, scope)
        return settled(engine, scope)

    send({"at": int(time.time() * 1000), "anonymous_id": "tablet", "user_id": "ann"})
    assert settled_after(3000, 0) == []
    assert settled_after(3000, 610) == [DAY]
    send({"at": int(time.time() * 1000), "anonymous_id": "phone", "user_id": "ann"})
    assert settled(engine, scope) == []
    assert settled_after(3610, 0) == [DAY]


@pytest.mark.parametrize("done", [0, 1])
def test_settling_that_breaks_off_anywhere_changes_no_answer_and_is_done_again(
    writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    send({"at": at(8), "anonymous_id": "tablet"}, {"at": at(9), "user_id": "ann"}, {"at": at(9), "anonymous_id": "phone"})
    count_days(writer, scope)
    send({"at": int(time.time() * 1000), "anonymous_id": "tablet", "user_id": "ann"})
    command = Store.command
    inserts: list[str] = []

    def dies(self: Store, sql: str, *args: Any, **more: Any) -> None:
        if len(inserts) == done:
            raise EngineError("killed")
        inserts.append(sql)
        command(self, sql, *args, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Store, "command", dies)
        count_days(writer, scope)
    assert len(inserts) == done
    assert settled(engine, scope) == []
    assert told(engine, scope)[0] == (DAY, 3, 0, 2)
    send({"at": int(time.time() * 1000), "anonymous_id": "phone", "user_id": "ann"})
    assert told(engine, scope)[0] == (DAY, 3, 0, 1)
    count_days(writer, scope)
    assert settled(engine, scope) == [DAY]
    assert told(engine, scope)[0] == (DAY, 3, 0, 1)


def test_a_day_that_is_whole_no_more_is_not_made_whole_by_settling(writer: Writer, send: Send, engine: Engine, scope: Scope) -> None:
    send({"at": at(8), "user_id": "ann"})
    count_days(writer, scope)
    send({"at": at(9), "user_id": "ben"})
    settle(engine.store, scope.project_id, [date(2026, 1, 5)], writer.memory.rolling.version + 1)
    assert whole_days(engine, scope) == []


def test_days_counted_before_there_were_settled_ones_are_right_and_are_settled(
    store: Store, writer: Writer, send: Send, engine: Engine, scope: Scope
) -> None:
    send({"at": at(8), "anonymous_id": "tablet"}, {"at": at(9), "user_id": "ann"}, {"at": at(9), "user_id": "ben"})
    send({"at": at(8, "2026-01-07"), "anonymous_id": "tablet", "user_id": "ann"})
    count_days(writer, scope)
    version, values = writer.memory.rolling.version + 1, {"p": scope.project_id}
    store.command(
        f"""INSERT INTO day_rollup (project_id, event, day, version, events, nobody, numbers)
        SELECT project_id, event, day, {version}, events, nobody, numbers FROM day_rollup FINAL WHERE project_id = {{p:UInt32}}""",
        values,
    )
    store.command(
        f"""INSERT INTO rolled_days (project_id, day, version, whole)
        SELECT project_id, day, {version}, whole FROM rolled_days FINAL WHERE project_id = {{p:UInt32}}""",
        values,
    )
    assert settled(engine, scope) == []
    assert [row[3] for row in told(engine, scope)] == [2, 1]
    writer.close()
    with Writer(store, writer.zones, first_person=writer.memory.people.next) as second:
        assert second.ready(30)
        count_days(second, scope)
    assert settled(engine, scope) == [DAY, "2026-01-07"]
    assert [row[3] for row in told(engine, scope)] == [2, 1]


def test_an_undo_that_was_killed_half_way_is_mended_for_settled_days_too(
    store: Store, writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    send({"at": at(8), "anonymous_id": "tablet"})
    send({"at": at(8, "2026-01-07"), "anonymous_id": "tablet", "user_id": "ann"})
    send({"at": at(8, "2026-01-08"), "user_id": "ann"}, {"at": at(8, "2026-01-08"), "anonymous_id": "tablet"})
    count_days(writer, scope)
    assert [row[3] for row in told(engine, scope)] == [1, 1, 1]
    insert = Store.insert

    def dies(self: Store, table: str, *args: Any, **more: Any) -> None:
        if table == "person_links":
            raise SystemError("killed")
        insert(self, table, *args, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Store, "insert", dies)
        tablet = number(store, scope, "tablet")
        with pytest.raises(EngineError):
            writer.decide(Wanted(project_id=scope.project_id, verb="detach", by="cai", one=tablet)).result(10)
        writer.close()
    with Writer(store, writer.zones, first_person=writer.memory.people.next) as second:
        assert second.ready(30)
        assert [row[3] for row in told(engine, scope)] == [1, 1, 2]
        assert persons(engine, scope)[0] == [tablet]


def test_no_day_is_counted_or_settled_while_a_link_is_stored_that_does_not_hold(
    writer: Writer, send: Send, engine: Engine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    send({"at": at(8), "anonymous_id": "tablet"})
    hold: list[bool] = []
    sql = f"SELECT countIf(canonical != {PERSON}) AS wrong FROM person_links WHERE project_id = {{p:UInt32}}"

    def fails(_: Store) -> None:
        raise EngineError("no room")

    def catches_up(_self: rolling.Rolling, store: Store, *_: object) -> None:
        hold.append(store.fetch(sql, {"p": scope.project_id}).rows[0]["wrong"] == 0)

    with monkeypatch.context() as broken:
        broken.setattr(writing, "GIVE_UP", 0.0)
        broken.setattr(person_map, "read_recent", fails)
        broken.setattr(rolling.Rolling, "catch_up", catches_up)
        with pytest.raises(EngineError):
            writer.submit([event(scope, anonymous_id="tablet", user_id="ann")]).result(30)
        assert writer.ready(30)
        send({"at": at(8)})
        send({"at": at(8)})
    assert hold
    assert all(hold)
