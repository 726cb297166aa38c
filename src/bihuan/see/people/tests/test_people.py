"""Who is listed, who is found, and what a reader may know of them."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bihuan.engine.ask import Engine
from bihuan.engine.filters import All, EventProperty
from bihuan.engine.question import Scope
from bihuan.see.people import PEOPLE
from bihuan.see.people.result import Person
from bihuan.see.people.spec import PeopleSpec
from bihuan.see.person import PERSON
from bihuan.see.person.spec import PersonSpec

# Person numbers are known to the whole store (links are by number), so each test takes fresh ones.
_numbers = itertools.count(10_000)


@pytest.fixture
def number() -> int:
    return next(_numbers)


@pytest.fixture
def introduce(store, scope):
    """`introduce(number, id, **traits)`: a user id and present properties of a person."""

    def write_identity(number: int, id_: str, /, kind: str = "user", **traits: Any) -> None:
        since = datetime(2026, 1, 5, tzinfo=UTC)
        store.insert(
            "person_ids",
            ["project_id", "id_type", "id", "person_id", "first_seen"],
            [[scope.project_id], [kind], [id_], [number], [since]],
            ["UInt32", "LowCardinality(String)", "String", "UInt32", "DateTime64(3, 'UTC')"],
        )
        for trait, value in traits.items():
            store.insert(
                "traits",
                ["project_id", "name", "person_id", "once", "value", "rank"],
                [[scope.project_id], [trait], [number], [False], [json.dumps(value)], [1]],
                ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"],
            )

    return write_identity


def listed(engine: Engine, scope: Scope, **spec: Any) -> tuple[Person, ...]:
    return engine.ask(PEOPLE, PeopleSpec(**spec), scope).result.people


def test_people_are_listed_by_when_they_were_last_here(engine, scope, write):
    write(
        (11, "View", "2026-03-10 10:00"),
        (12, "View", "2026-03-14 10:00"),
        (11, "View", "2026-03-11 10:00"),
        (0, "View", "2026-03-15 09:00"),
    )
    assert [(one.number, one.events) for one in listed(engine, scope)] == [(12, 1), (11, 2)]


def test_somebody_is_called_by_the_best_that_is_known(engine, scope, write, introduce, number):
    introduce(number, "u-1", name="Ada", email="ada@example.com")
    write((number, "View", "2026-03-14 10:00"))
    (one,) = listed(engine, scope)
    assert (one.name, one.email, one.ids) == ("Ada", "ada@example.com", 1)


@pytest.mark.parametrize("search", ["ada", "ADA@EXAMPLE", "u-7"])
def test_somebody_is_found_by_name_email_or_id_even_when_not_here_lately(engine, scope, write, introduce, number, search):
    introduce(number, "u-7", name="Ada", email="ada@example.com")
    introduce(number + 500, "other", name="Bea")
    write((number + 500, "View", "2026-03-14 10:00"))
    (found,) = listed(engine, scope, search=search)
    assert (found.number, found.events, found.last_seen) == (number, 0, None)


def test_a_hidden_property_finds_nobody_and_names_nobody(engine, scope, write, introduce, number):
    from dataclasses import replace

    introduce(number, "u-8", email="ada@example.com")
    write((number, "View", "2026-03-14 10:00"))
    hidden = replace(scope, hidden=frozenset({"email"}))
    assert listed(engine, hidden, search="ada@") == ()
    assert [(one.name, one.email) for one in listed(engine, hidden)] == [("u-8", "")]


def test_an_id_that_is_or_looks_like_what_is_hidden_is_shown_as_dots(engine, scope, write, introduce, number):
    from dataclasses import replace

    for kind, text in (
        ("user", "ada@example.com"),
        ("phone", "no phone"),
        ("device", "13800138000"),
        ("cookie", "c-1"),
        ("openid", "120013800138"),
    ):
        introduce(number, text, kind=kind)
    write((number, "View", "2026-03-14 10:00"))

    def shown(*hidden: str) -> list[str]:
        found = engine.ask(PERSON, PersonSpec(person=number), replace(scope, hidden=frozenset(hidden))).result
        assert [one.name for one in listed(engine, replace(scope, hidden=frozenset(hidden)))] == [found.name] if found.name else True
        return [found.name, *(text for _, text, _ in found.ids)]

    assert shown() == ["ada@example.com", "c-1", "13800138000", "120013800138", "no phone", "ada@example.com"]
    assert shown("email") == ["", "c-1", "13800138000", "120013800138", "no phone", "•••"]
    assert shown("phone") == ["ada@example.com", "c-1", "•••", "120013800138", "•••", "ada@example.com"]
    assert listed(engine, replace(scope, hidden=frozenset({"email"})), search="ada@") == ()


def test_conditions_narrow_the_list(engine, scope, write):
    write((21, "View", "2026-03-14 10:00", {"device": "mobile"}), (22, "View", "2026-03-14 10:00", {"device": "desktop"}))
    mobile = All(all=(EventProperty(property="device", values=("mobile",)),))
    assert [one.number for one in listed(engine, scope, filter=mobile)] == [21]


def test_a_long_list_says_that_there_are_more(engine, scope, write):
    write(*[(number, "View", "2026-03-14 10:00") for number in range(31, 36)])
    result = engine.ask(PEOPLE, PeopleSpec(limit=3), scope).result
    assert (len(result.people), result.whole) == (3, False)


def test_a_person_has_ids_properties_counts_and_the_latest_events(engine, scope, write, introduce, number):
    introduce(number, "u-9", name="Ada", vip=True)
    introduce(number, "anon-9", kind="anonymous")
    write(
        (number, "View", "2026-03-10 10:00", {"path": "/tea"}),
        (number, "Pay", "2026-03-11 10:00", {"revenue": 12.5, "items": ["a", "b"]}),
        (number + 500, "View", "2026-03-12 10:00"),
    )
    found = engine.ask(PERSON, PersonSpec(person=number), scope).result
    assert (found.name, found.total) == ("Ada", 2)
    assert [(kind, name) for kind, name, _since in found.ids] == [("anonymous", "anon-9"), ("user", "u-9")]
    assert found.traits == (("name", "Ada"), ("vip", "true"))
    assert found.event_names == (("Pay", 1), ("View", 1))
    assert [(one.event, one.properties) for one in found.events] == [
        ("Pay", (("items", '["a", "b"]'), ("revenue", "12.5"))),
        ("View", (("path", "/tea"),)),
    ]


def test_a_timeline_goes_on_before_an_instant_and_can_show_one_event(engine, scope, write, number):
    write(*[(number, "View" if day % 2 else "Pay", f"2026-03-{day:02} 10:00") for day in range(1, 9)])
    first = engine.ask(PERSON, PersonSpec(person=number, limit=3), scope).result
    assert [one.at.astimezone(UTC).day for one in first.events] == [8, 7, 6]
    assert first.more
    rest = engine.ask(PERSON, PersonSpec(person=number, limit=10, before=first.events[-1].at), scope).result
    assert [one.at.astimezone(UTC).day for one in rest.events] == [5, 4, 3, 2, 1]
    assert not rest.more
    assert {one.event for one in engine.ask(PERSON, PersonSpec(person=number, event="Pay"), scope).result.events} == {"Pay"}


def test_page_after_page_of_a_timeline_shows_each_event_of_one_instant_once(engine, scope, write, number):
    write(*[(number, f"Event {n}", "2026-03-14 10:00") for n in range(7)], (number, "First", "2026-03-13 10:00"))
    seen: list[str] = []
    before: dict[str, Any] = {}
    while True:
        found = engine.ask(PERSON, PersonSpec(person=number, limit=3, what="events", **before), scope).result
        seen += [one.event for one in found.events]
        if not found.more:
            break
        before = {"before": found.events[-1].at, "before_key": found.events[-1].key}
    assert (found.total, found.ids, found.traits) == (0, (), ())
    assert sorted(seen) == ["Event 0", "Event 1", "Event 2", "Event 3", "Event 4", "Event 5", "Event 6", "First"]
    assert seen[-1] == "First"


def test_a_hidden_property_is_not_in_a_timeline(engine, scope, write, number):
    from dataclasses import replace

    write((number, "View", "2026-03-10 10:00", {"email": "ada@example.com", "path": "/tea"}))
    hidden = replace(scope, hidden=frozenset({"email"}))
    found = engine.ask(PERSON, PersonSpec(person=number), hidden).result
    assert [one.properties for one in found.events] == [(("path", "/tea"),)]


@pytest.mark.django_db
def test_the_pages_show_the_list_and_the_person(cast, write, introduce, number):
    introduce(number, "u-10", name="Ada")
    write((number, "View", datetime.now(UTC), {"path": "/tea"}))
    browser = cast.client(cast.bob)
    assert f'href="/p/shop/people/{number}/"' in browser.get("/p/shop/people/").content.decode()
    assert "<html" not in browser.get("/p/shop/people/?search=ada", headers={"HX-Request": "true"}).content.decode()
    page = browser.get(f"/p/shop/people/{number}/").content.decode()
    assert "Ada" in page
    assert "/tea" in page
    assert browser.get("/p/shop/people/4000000000/").status_code == 404
