"""Mending: what each step does, whoever sent the body; and a run that counts nothing twice and goes on after it was killed."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect.events import BadEvent, Event, Outcome, Rejected, event_key
from bihuan.collect.plan.check import Plan
from bihuan.collect.plan.spec import EventSpec
from bihuan.collect.quarantine import body_of
from bihuan.collect.quarantined.mending import Item, Mended, Step, judged, mended, read
from bihuan.collect.quarantined.replay import Run, counts, step, waiting
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.collect.tests.conftest import event, stored
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_790_000_000_000


def item(body: Any, source: str = "segment", key: str = "m1", number: int = 5) -> Item:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Item(number, source, "bad", event_key(1, source, key), text, NOW)


def after(body: Any, *steps: dict[str, Any]) -> Event:
    one = item(body)
    return mended(read(one, 1), [Step.model_validate(each) for each in steps], one, ZONE).event


CALL = {
    "type": "track",
    "event": "Ordr",
    "userId": "u",
    "messageId": "m1",
    "timestamp": "2026-03-01T00:00:00Z",
    "properties": {"a": "1,299.00"},
}


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"do": "rename_event", "to": "Order"}, "name", "Order"),
        ({"do": "rename", "property": "a", "to": "b"}, "props", {"b": "1,299.00"}),
        ({"do": "set", "property": "b", "to": "[1]"}, "props", {"a": "1,299.00", "b": [1]}),
        ({"do": "set", "property": "a", "to": "x y"}, "props", {"a": "x y"}),
        ({"do": "convert", "property": "a", "to": "number"}, "props", {"a": 1299}),
        ({"do": "convert", "property": "none", "to": "number"}, "props", {"a": "1,299.00"}),
        ({"do": "drop", "property": "a"}, "props", {}),
        ({"do": "time", "to": "received"}, "at", NOW),
        ({"do": "time", "to": "-8"}, "at", int(datetime(2026, 2, 28, 16, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)),
        ({"do": "user_id", "to": "v"}, "user_id", "v"),
        ({"do": "user_id"}, "user_id", None),
        ({"do": "anonymous_id", "property": "a"}, "anonymous_id", "1,299.00"),
    ],
)
def test_a_step_does_what_it_says(given: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(after(CALL, given), name) == value


def test_a_time_without_an_offset_is_in_the_projects_zone() -> None:
    found = after({**CALL, "properties": {"when": "2026-03-01 08:00"}}, {"do": "time", "property": "when"})
    assert datetime.fromtimestamp(found.at / 1000, ZONE).isoformat() == "2026-03-01T08:00:00+08:00"


def test_a_value_that_cannot_be_converted_says_so() -> None:
    with pytest.raises(BadEvent, match=r"no boolean can be made"):
        after(CALL, {"do": "convert", "property": "a", "to": "boolean"})


def test_the_key_is_the_clients_own_whichever_field_it_stands_in() -> None:
    for body in (CALL, {**CALL, "messageId": "x", "uuid": "m1"}, {"event": "a", "properties": {"$insert_id": "m1", "distinct_id": "u"}}):
        assert read(item(body), 1).event_key == event_key(1, "segment", "m1")
    assert read(Item(5, "segment", "bad", 0, '{"event":"a"}', NOW), 1).event.key == "quarantine-5"


def test_what_was_cut_or_is_no_event_is_told_so() -> None:
    for text in ('{"event": "a… (200000 characters)', "[1]", "nothing"):
        with pytest.raises(BadEvent):
            read(item(text), 1)


def test_the_canonical_event_comes_back_whole_and_a_row_of_an_import_with_its_number() -> None:
    sent = Event(project_id=1, key="m1", source="segment", at=NOW, name="Order", user_id="u", props={"a": 1}, traits={"city": "x"})
    assert read(item(body_of(sent)), 1) == Mended(sent, event_key(1, "segment", "m1"))
    row = read(item({"event_key": 77, "name": "Order", "at": NOW, "props": '{"a":1}', "path": "/x", "revenue": 5.0}), 1)
    assert (row.event_key, row.event.props) == (77, {"a": 1, "path": "/x", "revenue": 5.0})


def test_what_would_not_be_taken_says_why() -> None:
    strict = EventSpec.model_validate({"event": "Order", "policy": "quarantine", "properties": [{"name": "a", "required": True}]})
    plan = Plan({}, [strict.model_dump(mode="json")])
    assert "must have “a”" in judged(after(CALL, {"do": "rename_event", "to": "Order"}, {"do": "drop", "property": "a"}), NOW, plan)
    assert judged(after(CALL, {"do": "rename_event", "to": "Order"}), NOW, plan) == ""


class Direct:
    """A collector that hands everything to a writer, and may die after it."""

    def __init__(self, writer: Writer, *, dies: bool = False) -> None:
        self.writer, self.dies = writer, dies

    def send(self, events: Any) -> Outcome:
        found = self.writer.submit(list(events)).result(30)
        if self.dies:
            raise RuntimeError("killed")
        return found

    def send_columns(self, table: Any, **more: Any) -> Outcome:
        return self.writer.submit_columns(table, **more).result(30)


def make_run(scope: Scope, number: int, *steps: dict[str, Any], discard: bool = False) -> Run:
    payload = {
        "spec": QuarantinedSpec(reason="bad").model_dump(),
        "steps": steps,
        "until": int(time.time() * 1000) + 1000,
        "discard": discard,
    }
    return Run.of(number, scope.project_id, "Asia/Shanghai", payload)


@pytest.fixture
def kept_out(writer: Writer, scope: Scope) -> list[Rejected]:
    calls = [{**CALL, "messageId": f"m{number}", "properties": {"price": "9" if number else "much"}} for number in range(5)]
    rejected = [
        Rejected(project_id=scope.project_id, source="segment", reason="bad", detail="", key=str(call["messageId"]), body=json.dumps(call))
        for call in calls
    ]
    writer.submit([event(scope, key="m4", source="segment", name="Order")], rejected).result(30)
    return rejected


def test_a_run_stores_each_event_once_though_it_is_killed_and_run_again_and_the_client_sends_it_again(
    writer: Writer, store: Store, scope: Scope, kept_out: list[Rejected]
) -> None:
    time.sleep(0.01)
    steps = ({"do": "rename_event", "to": "Order"}, {"do": "convert", "property": "price", "to": "number"})
    run = make_run(scope, 1, *steps)
    run = run._replace(until=int(time.time() * 1000))
    with pytest.raises(RuntimeError, match="killed"):
        step(store, Direct(writer, dies=True), run, None)  # type: ignore[arg-type]
    assert len(stored(store, scope)) == 4
    assert step(store, Direct(writer), run, None) == 5  # type: ignore[arg-type]
    assert step(store, Direct(writer), run, None) == 0  # type: ignore[arg-type]
    assert counts(store, scope.project_id, 1) == {"stored": 3, "duplicate": 1, "refused": 1}
    again = [event(scope, key=f"m{number}", source="segment", name="Order") for number in range(1, 5)]
    assert writer.submit(again).result(30) == Outcome(duplicates=4)
    assert [one.number for one in waiting(store, make_run(scope, 2), 10)] == [one.number for one in waiting(store, make_run(scope, 3), 10)]
    assert len(waiting(store, make_run(scope, 2), 10)) == 1


def test_what_is_discarded_waits_no_longer(writer: Writer, store: Store, scope: Scope, kept_out: list[Rejected]) -> None:
    run = make_run(scope, 1, discard=True)
    assert step(store, Direct(writer), run, None) == 5  # type: ignore[arg-type]
    assert counts(store, scope.project_id, 1) == {"discarded": 5}
    assert waiting(store, make_run(scope, 2), 10) == []
    assert len(stored(store, scope)) == 1
