"""The writer: each event once, whoever sends it again and whatever happens to the store."""

from __future__ import annotations

import time

import pytest

from bihuan.collect.events import Outcome
from bihuan.collect.tests.conftest import Send, event, stored
from bihuan.collect.writer import Writer
from bihuan.engine.errors import Unavailable
from bihuan.engine.question import Scope
from bihuan.engine.store import Store


def test_an_event_is_stored_with_its_properties_in_columns_and_canonical_json(send: Send, store: Store, scope: Scope) -> None:
    at = 1_767_196_800_123  # 2026-01-01 00:00:00.123 in Shanghai
    props = {"path": "/a", "revenue": "12.50", "b": 1.0, "a": {"z": [1.5, None], "y": "中\ud800"}, "n": float("nan")}
    assert send({"name": "Order", "at": at, "props": props, "key": "k1"}) == Outcome(stored=1)
    columns = "event, toString(day) AS day, toString(ts) AS ts, path, browser, revenue, props, source"
    assert stored(store, scope, columns) == [
        ("Order", "2026-01-01", "2025-12-31 16:00:00.123", "/a", "", 12.5, '{"a":{"y":"中�","z":[1.5,null]},"b":1,"n":null}', "test")
    ]


def test_the_same_key_of_the_same_source_counts_once(send: Send, store: Store, scope: Scope) -> None:
    assert send({"key": "a"}, {"key": "a"}, {"key": "b"}) == Outcome(stored=2, duplicates=1)
    assert send({"key": "a"}, {"key": "c"}, {"key": "a", "source": "other"}) == Outcome(stored=2, duplicates=1)
    assert len(stored(store, scope)) == 4


def test_a_key_is_known_after_a_restart(store: Store, scope: Scope, writer: Writer) -> None:
    writer.submit([event(scope, key="a", user_id="u")]).result(30)
    writer.close()
    with Writer(store, writer.zones, first_person=writer.memory.people.next) as second:
        assert second.submit([event(scope, key="a", user_id="u"), event(scope, key="b", user_id="u")]).result(30) == Outcome(1, 1)
        assert len(set(stored(store, scope, "person_id"))) == 1


def test_after_an_error_that_nobody_foresaw_the_writer_goes_on(
    store: Store, scope: Scope, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Store, "insert", lambda *args, **more: 1 / 0)
        with pytest.raises(Unavailable, match="send it again"):
            writer.submit([event(scope, key="a", user_id="u")]).result(10)
    assert writer.ready(30)
    assert writer.submit([event(scope, key="a", user_id="u"), event(scope, key="b", user_id="u")]).result(30) == Outcome(stored=2)
    assert len(stored(store, scope)) == 2


def test_a_second_writer_on_the_same_folder_says_who_has_it(writer: Writer) -> None:
    with pytest.raises(Unavailable, match=r"Another process \(\d+\) writes events"):
        Writer(writer.store, writer.zones).start()


def test_a_time_that_cannot_be_meant_goes_to_the_quarantine(send: Send, store: Store, scope: Scope) -> None:
    tomorrow = int(time.time() * 1000) + 2 * 86_400_000
    assert send({"at": 1_700_000_000}, {"at": tomorrow}, {"key": "good"}) == Outcome(stored=1, quarantined=2)
    sql = "SELECT reason FROM quarantine WHERE project_id = {project:UInt32}"
    assert [row["reason"] for row in store.fetch(sql, {"project": scope.project_id}).rows] == ["bad_time", "bad_time"]


def test_events_of_three_hundred_months_fit_into_one_batch(send: Send, store: Store, scope: Scope) -> None:
    month = 30 * 86_400_000
    assert send(*({"at": 950_000_000_000 + number * month} for number in range(300))) == Outcome(stored=300)
    assert len(stored(store, scope)) == 300
