"""Who an event belongs to: links between what a device and a user did, and what is refused."""

from __future__ import annotations

import time
from typing import Any

from bihuan.collect.tests.conftest import Send
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.visible import PERSON

NOW = int(time.time() * 1000)


def people(store: Store, scope: Scope) -> dict[str, int]:
    """The person of each event of the test's project, by the event's name."""
    rows = store.fetch(f"SELECT event, {PERSON} AS person FROM events WHERE project_id = {{p:UInt32}}", {"p": scope.project_id}).rows
    return {row["event"]: row["person"] for row in rows}


def traits(store: Store, scope: Scope) -> dict[str, str]:
    sql = """SELECT name, argMax(value, (NOT once, rank)) AS value FROM traits WHERE project_id = {p:UInt32} GROUP BY name"""
    return {row["name"]: row["value"] for row in store.fetch(sql, {"p": scope.project_id}).rows}


def refused(store: Store, scope: Scope) -> list[dict[str, Any]]:
    sql = "SELECT reason, detail FROM quarantine WHERE project_id = {p:UInt32}"
    return list(store.fetch(sql, {"p": scope.project_id}).rows)


def test_what_a_device_did_before_the_log_in_belongs_to_the_user(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "Before", "anonymous_id": "device"})
    send({"name": "After", "anonymous_id": "device", "user_id": "ann"})
    send({"name": "Elsewhere", "user_id": "ann"}, {"name": "Later", "anonymous_id": "device"})
    found = people(store, scope)
    assert len(set(found.values())) == 1
    assert 0 not in found.values()


def test_a_second_user_on_a_device_stays_a_person_of_their_own(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "Ann", "anonymous_id": "tablet", "user_id": "ann"})
    send({"name": "Bob", "anonymous_id": "tablet", "user_id": "bob"})
    send({"name": "Device", "anonymous_id": "tablet"})
    found = people(store, scope)
    assert found["Ann"] != found["Bob"]
    assert found["Device"] == found["Ann"]


def test_an_event_without_ids_is_of_nobody(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "Nobody"})
    assert people(store, scope) == {"Nobody": 0}


def test_the_same_text_as_user_and_as_device_is_two_ids_and_so_it_is_in_two_projects(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "User", "user_id": "x"}, {"name": "Device", "anonymous_id": "x"})
    found = people(store, scope)
    assert found["User"] != found["Device"]


def test_alias_links_an_earlier_anonymous_id_also_one_never_seen(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "Before", "anonymous_id": "temp"})
    send({"alias_from": "temp", "user_id": "ann", "store": False}, {"alias_from": "unseen", "user_id": "ann", "store": False})
    send({"name": "Ann", "user_id": "ann"}, {"name": "Unseen", "anonymous_id": "unseen"})
    assert len(set(people(store, scope).values())) == 1


def test_alias_of_an_id_to_itself_changes_nothing(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "A", "user_id": "ann"})
    send({"alias_from": "ann", "user_id": "ann", "store": False})
    assert refused(store, scope) == []
    assert store.fetch("SELECT count() AS n FROM person_links WHERE project_id = {p:UInt32}", {"p": scope.project_id}).rows[0]["n"] == 0


def test_two_identified_users_are_never_made_one_by_a_client_and_the_refusal_is_recorded(send: Send, store: Store, scope: Scope) -> None:
    send({"name": "Ann", "user_id": "ann"}, {"name": "Bob", "user_id": "bob"})
    send({"alias_from": "ann", "user_id": "bob", "store": False})
    found = people(store, scope)
    assert found["Ann"] != found["Bob"]
    (record,) = refused(store, scope)
    assert record["reason"] == "merge_refused"
    assert "“ann” and “bob”" in record["detail"]


def test_the_newest_trait_holds_in_whatever_order_they_come_and_a_first_one_stays(send: Send, store: Store, scope: Scope) -> None:
    send({"user_id": "ann", "at": NOW, "traits": {"plan": "pro"}, "store": False})
    send({"user_id": "ann", "at": NOW - 1000, "traits": {"plan": "free", "city": "北京"}, "store": False})
    send({"user_id": "ann", "at": NOW, "traits_once": {"from": "ads", "plan": "x"}, "store": False})
    send({"user_id": "ann", "at": NOW - 500, "traits_once": {"from": "mail"}, "store": False})
    assert traits(store, scope) == {"plan": '"pro"', "city": '"北京"', "from": '"mail"'}


def test_numbers_and_links_are_known_after_a_restart(store: Store, scope: Scope, writer: Writer, send: Send) -> None:
    send({"name": "A", "user_id": "ann", "anonymous_id": "device"})
    numbers = dict.fromkeys(people(store, scope).values())
    writer.close()
    with Writer(store, writer.zones, first_person=writer.memory.people.next) as second:
        from bihuan.collect.tests.conftest import event

        second.submit([event(scope, name="B", anonymous_id="device"), event(scope, name="C", user_id="bob", anonymous_id="device")]).result(
            30
        )
    found = people(store, scope)
    assert found["B"] == found["A"]
    assert found["A"] in numbers
    assert found["C"] != found["A"]
