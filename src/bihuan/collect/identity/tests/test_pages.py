"""The pages of identity, as their readers see and use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from bihuan.catalog.definitions import save_definition
from bihuan.catalog.kinds import Measure, MetricSpec, SegmentSpec
from bihuan.collect.client import Collector
from bihuan.collect.identity import Done, Wanted
from bihuan.collect.writer import Writer
from bihuan.engine.filters import Did
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.govern.models import AuditEntry
from bihuan.govern.tests.cast import Cast


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.fixture
def shop(cast: Cast, scope: Scope, send: Callable[..., object], writer: Writer, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A shop whose decisions are made by this test's writer: Ann and Bob, whom a client called one, and Bob's device."""
    monkeypatch.setattr(Collector, "decide", lambda _self, wanted: _decided(writer, wanted))
    send({"name": "Buy", "user_id": "ann", "traits": {"city": "Rome"}}, {"name": "Buy", "user_id": "bob", "anonymous_id": "cookie"})
    send({"alias_from": "ann", "user_id": "bob", "store": False})
    save_definition(member=cast.alice, kind="segment", key="buyers", name="Buyers", spec=SegmentSpec(filter=Did(did="Buy")))
    measures: tuple[tuple[str, Measure], ...] = (("Customers", "people"), ("Purchases", "events"))
    for name, measure in measures:
        save_definition(member=cast.alice, kind="metric", name=name, spec=MetricSpec(event="Buy", measure=measure))
    return cast


def _decided(writer: Writer, wanted: Wanted) -> Done:
    return writer.decide(wanted).result(30)


def number(store: Store, scope: Scope, kind: str, text: str) -> int:
    sql = "SELECT max(person_id) AS n FROM person_ids WHERE project_id = {p:UInt32} AND id_type = {t:String} AND id = {i:String}"
    return int(store.fetch(sql, {"p": scope.project_id, "t": kind, "i": text}).rows[0]["n"])


def test_a_proposal_is_looked_at_confirmed_and_undone_with_its_numbers_before_and_after(shop: Cast, store: Store, scope: Scope) -> None:
    owner = shop.client(shop.alice)
    seen = text(owner.get("/p/shop/identity/"))
    assert "Look and merge" in seen
    (href,) = re.findall(r'href="(/p/shop/identity/merge/\?one=[^"]*act=[^"]*)"', seen)
    preview = text(owner.get(href.replace("&amp;", "&")))
    for expected in ("ann", "bob", "cookie", "Rome", "Buyers", "Everybody known"):
        assert expected in preview
    assert re.search(r"“Buyers” </td> <td[^>]*>2</td> <td[^>]*>1</td>", preview)
    assert re.search(r"“Customers”, last 30 days </td> <td[^>]*>2</td> <td[^>]*>1</td>", preview)
    assert "Purchases" not in preview, "events stay what they are"
    ann, bob = number(store, scope, "user", "ann"), number(store, scope, "user", "bob")
    act = re.findall(r"act=(\d+)", href)[0]
    done = owner.post("/p/shop/identity/merge/", {"one": ann, "other": bob, "act": act, "why": "same phone"}, follow=True)
    assert "cookie" in text(done)
    assert "same phone" in text(owner.get("/p/shop/identity/log/?which=merges"))
    assert "Look and merge" not in text(owner.get("/p/shop/identity/"))
    again = owner.post("/p/shop/identity/merge/", {"one": ann, "other": bob}, follow=True)
    assert "one person already" in text(again)
    merge = store.fetch("SELECT act FROM identity_log WHERE project_id = {p:UInt32} AND kind = 'merge'", {"p": scope.project_id}).rows[0][
        "act"
    ]
    undoing = text(owner.get(f"/p/shop/identity/log/{merge}/"))
    assert re.search(r"“Buyers” </td> <td[^>]*>1</td> <td[^>]*>2</td>", undoing)
    assert undoing.split("Then", 1)[1].count("1 event") == 2, "both persons are shown as they would be"
    owner.post(f"/p/shop/identity/log/{merge}/", {"verb": "undo", "why": "two people after all"})
    assert "Look and merge" in text(owner.get("/p/shop/identity/"))
    assert "cookie" not in text(owner.get(f"/p/shop/identity/people/{ann}/"))
    assert AuditEntry.objects.filter(object_kind="identity").count() == 2


def test_a_proposal_can_be_dismissed_and_a_link_undone_and_allowed_again(shop: Cast, store: Store, scope: Scope) -> None:
    owner = shop.client(shop.alice)
    acts = {
        row["kind"]: row["act"]
        for row in store.fetch("SELECT kind, act FROM identity_log WHERE project_id = {p:UInt32}", {"p": scope.project_id}).rows
    }
    owner.post("/p/shop/identity/do/", {"verb": "dismiss", "act": acts["propose"]})
    assert "Nothing to decide" in text(owner.get("/p/shop/identity/"))
    bob = number(store, scope, "user", "bob")
    assert f"log/{acts['link']}/" in text(owner.get(f"/p/shop/identity/people/{bob}/"))
    owner.post(f"/p/shop/identity/log/{acts['link']}/", {"verb": "undo"})
    page = text(owner.get(f"/p/shop/identity/log/{acts['link']}/"))
    assert "Let them be linked again" in page
    owner.post("/p/shop/identity/do/", {"verb": "allow", "act": acts["link"], "back": "/p/shop/identity/log/"})
    assert "May link again" in text(owner.get("/p/shop/identity/log/?which=undone"))
    for query, expected in (
        ("id=ann", "Merge proposed"),
        ("by=alice", "Undone"),
        (f"person={bob}", "Linked"),
        ("which=shared", "Nothing like that"),
    ):
        assert expected in text(owner.get(f"/p/shop/identity/log/?{query}"))


def test_rules_are_kept_with_revisions_and_junk_ids_that_link_people_are_offered_to_be_undone(
    shop: Cast, send: Callable[..., object]
) -> None:
    send({"name": "Buy", "user_id": "test-account", "anonymous_id": "c9"})
    owner = shop.client(shop.alice)
    values = {"shared_after": "3", "many_devices": "10", "most_devices": "50", "junk": "TEST-Account\n"}
    assert "Save" in text(owner.get("/p/shop/identity/rules/"))
    assert owner.post("/p/shop/identity/rules/", {**values, "shared_after": "0"}).status_code == 422
    owner.post("/p/shop/identity/rules/", values)
    assert "Undo its links" in text(owner.get("/p/shop/identity/"))


def test_looking_needs_no_more_than_view_and_deciding_needs_act(shop: Cast, store: Store, scope: Scope) -> None:
    viewer = shop.client(shop.vera)
    seen = text(viewer.get("/p/shop/identity/"))
    assert "ann" in seen
    assert "Look and merge" not in seen
    assert viewer.get("/p/shop/identity/merge/").status_code == 403
    assert viewer.post("/p/shop/identity/do/", {"verb": "dismiss", "act": "1"}).status_code == 403
    link = store.fetch("SELECT act FROM identity_log WHERE project_id = {p:UInt32} AND kind = 'link'", {"p": scope.project_id}).rows[0][
        "act"
    ]
    assert viewer.post(f"/p/shop/identity/log/{link}/", {"verb": "undo"}).status_code == 403
    assert viewer.get("/p/shop/identity/log/999/").status_code == 404
    assert viewer.get("/p/shop/identity/people/4000000000/").status_code == 404


@pytest.mark.parametrize("page", ["", "log/", "merge/", "rules/"])
def test_the_pages_speak_chinese(shop: Cast, page: str) -> None:
    client = shop.client(shop.alice)
    client.cookies["bihuan_language"] = "zh-hans"
    assert "用户身份" in text(client.get(f"/p/shop/identity/{page}"))
