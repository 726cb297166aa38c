"""The plan on the way into the store: on every path, once for each event, and also when the collector is killed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect.events import Outcome, event_key
from bihuan.collect.plan.check import Plan
from bihuan.collect.plan.spec import EventSpec, PlanSpec
from bihuan.collect.plan.unfinished import forget_unfinished
from bihuan.collect.tests.conftest import FIRST_PERSON, event, stored
from bihuan.collect.tests.site import KEY, PROJECT, running
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

ORDER = EventSpec.model_validate(
    {"event": "Order", "policy": "quarantine", "properties": [{"name": "amount", "type": "number", "required": True}]}
)
LOOK = EventSpec.model_validate({"event": "Look", "properties": [{"name": "page", "type": "string"}]})


@pytest.fixture
def writer(store: Store) -> Any:
    made = Plan(PlanSpec(undeclared_events="warn").model_dump(mode="json"), [one.model_dump(mode="json") for one in (ORDER, LOOK)])
    with Writer(store, lambda _project: ZoneInfo("Asia/Shanghai"), first_person=FIRST_PERSON, plans=lambda _project: made) as ready:
        assert ready.ready(30)
        yield ready


def violations(store: Store, scope: Scope) -> list[tuple[Any, ...]]:
    sql = """SELECT event, property, kind, verdict, app_version, event_key FROM plan_violations FINAL
    WHERE project_id = {project:UInt32} ORDER BY event, property, event_key"""
    return [tuple(row.values()) for row in store.fetch(sql, {"project": scope.project_id}).rows]


def quarantined(store: Store, scope: Scope) -> list[tuple[Any, ...]]:
    sql = "SELECT reason, detail FROM quarantine WHERE project_id = {project:UInt32} ORDER BY received_at, detail"
    return [tuple(row.values()) for row in store.fetch(sql, {"project": scope.project_id}).rows]


def test_each_policy_does_what_it_says_and_every_violation_is_noted(writer: Writer, store: Store, scope: Scope) -> None:
    sent = [
        event(scope, key="a", name="Order", props={"amount": 1}),
        event(scope, key="b", name="Order", props={"amount": "much", "app_version": "2.1"}),
        event(scope, key="c", name="Look", props={"page": 5}),
        event(scope, key="d", name="Lok"),
    ]
    assert writer.submit(sent).result(30) == Outcome(stored=3, quarantined=1)
    assert sorted(stored(store, scope)) == [("Lok",), ("Look",), ("Order",)]
    assert quarantined(store, scope) == [
        ("plan", '“amount” must be of type number and is "much": let the client send that, or convert it here.')
    ]
    assert [row[:5] for row in violations(store, scope)] == [
        ("Lok", "", "undeclared_event", "taken", ""),
        ("Look", "page", "wrong_type", "taken", ""),
        ("Order", "amount", "wrong_type", "quarantined", "2.1"),
    ]


def test_what_is_sent_again_is_noted_once_also_after_a_restart(writer: Writer, store: Store, scope: Scope) -> None:
    sent = [event(scope, key="b", name="Order", props={"amount": "x"}), event(scope, key="c", name="Look", props={"page": 5})]
    writer.submit(sent + sent).result(30)
    writer.submit(sent).result(30)
    writer.close()
    with Writer(store, writer.zones, first_person=writer.memory.people.next, plans=writer.plans) as second:
        assert second.submit(sent).result(30) == Outcome(duplicates=1, quarantined=1)
    assert len(violations(store, scope)) == 2


def test_an_event_that_was_taken_before_the_plan_became_strict_is_a_repeat_and_not_kept_out(
    writer: Writer, store: Store, scope: Scope
) -> None:
    strict, writer.plans = writer.plans, lambda _project: None
    sent = [event(scope, key="b", name="Order", props={"amount": "x"})]
    assert writer.submit(sent).result(30) == Outcome(stored=1)
    writer.plans = strict
    writer.submit(sent).result(30)
    assert quarantined(store, scope) == []
    assert violations(store, scope) == []


def test_rows_that_come_as_columns_are_held_to_the_plan_too(writer: Writer, store: Store, scope: Scope) -> None:
    columns: dict[str, list[Any]] = {
        "event_key": [event_key(scope.project_id, "file", str(number)) for number in range(4)],
        "name": ["Order", "Order", "Look", "Look"],
        "at": [int(time.time() * 1000)] * 4,
        "props": ['{"amount":2}', "{}", '{"page":[]}', '{"page":"/"}'],
        "app_version": ["1", "1", "2", None],
    }
    given = {name: list(values) for name, values in columns.items()}
    assert writer.submit_lists(given, project_id=scope.project_id, source="file").result(30) == Outcome(stored=3, quarantined=1)
    assert [row[:5] for row in violations(store, scope)] == [
        ("Look", "page", "wrong_type", "taken", "2"),
        ("Order", "amount", "missing", "quarantined", "1"),
    ]
    given = {name: list(values) for name, values in columns.items()}
    writer.submit_lists(given, project_id=scope.project_id, source="file").result(30)
    assert len(violations(store, scope)) == 2


def test_what_a_killed_commit_noted_of_events_that_it_did_not_store_is_taken_back(
    writer: Writer, store: Store, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.submit([event(scope, key="a", name="Look", props={"page": 1})]).result(30)
    insert = Store.insert

    def die(self: Store, table: str, *args: Any, **more: Any) -> None:
        if table == "events":
            raise RuntimeError("killed")
        insert(self, table, *args, **more)

    with monkeypatch.context() as killed:
        killed.setattr(Store, "insert", die)
        with pytest.raises(Exception, match="again"):
            writer.submit([event(scope, key="b", name="Look", props={"page": 2})]).result(30)
    assert writer.ready(30)
    forget_unfinished(store)
    assert [row[-1] for row in violations(store, scope)] == [event_key(scope.project_id, "test", "a")]


def test_the_collector_follows_a_change_of_the_plan_and_counts_once_though_it_is_killed(tmp_path: Path) -> None:
    def batch(keys: range) -> dict[str, Any]:
        call = {"type": "track", "event": "Look", "userId": "u", "properties": {"page": 5}}
        return {"batch": [{**call, "messageId": f"m{number}"} for number in keys], "writeKey": KEY}

    with running(tmp_path) as site:
        with contextlib.closing(sqlite3.connect(tmp_path / "bihuan.sqlite3")) as connection, connection:
            rows = [(PROJECT, "event", "look", "live", json.dumps(LOOK.model_dump(mode="json")))]
            connection.executemany("INSERT INTO catalog_definition VALUES (?, ?, ?, ?, ?)", rows)
        deadline = time.monotonic() + 20
        number = 1_000
        while not site.rows("count()", "plan_violations")[0][0]:
            assert time.monotonic() < deadline, "the collector did not take up the plan"
            site.request("POST", "/v1/batch", batch(range(number, number + 1)))
            number += 1
        before = site.rows("count()", "plan_violations FINAL")[0][0]
        for keys in (range(50), range(25, 75)):
            with contextlib.suppress(OSError):
                site.request("POST", "/v1/batch", batch(keys))
            site.kill("collector")
            site.start("collector")
            site.until_healthy()
            assert site.request("POST", "/v1/batch", batch(keys))[0] == 200
        assert site.rows("uniqExact(event_key), count()", "plan_violations FINAL")[0] == (before + 75, before + 75)
        assert site.rows("uniqExact(event_key)", "events")[0][0] >= before + 75


def test_plans_are_read_as_the_definitions_write_them(cast: Any) -> None:
    from django.db import connection

    from bihuan.catalog.definitions import save_definition
    from bihuan.collect.directory import PLANS
    from bihuan.collect.plan.read import Plans

    save_definition(member=cast.alice, kind="event", name="Order", spec=ORDER)
    save_definition(member=cast.alice, kind="plan", key="plan", name="Plan", spec=PlanSpec(undeclared_events="quarantine"))
    plans = Plans()
    with connection.cursor() as cursor:
        cursor.execute(PLANS)
        plans.take(cursor.fetchall())
    made = plans.of(cast.project.pk)
    assert made is not None
    assert made.check("Order", {})[0].kind == "missing"
    assert made.check("Ordr", {})[0].quarantine
