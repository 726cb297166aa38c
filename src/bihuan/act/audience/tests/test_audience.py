"""Known people with known properties, and the audiences that conditions make of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bihuan.act.audience import AUDIENCE, Audience, AudienceSpec
from bihuan.engine.ask import Engine
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import All, Did, EventProperty, Not, PersonProperty
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

PEOPLE = {
    1: {"email": "ada@example.org", "name": "Ada", "plan": "gold"},
    2: {"email": "", "plan": "gold"},
    3: {"name": "Cy", "plan": "free"},
    4: {"email": "dee@example.org", "plan": "gold"},
}


@pytest.fixture
def base(first_person):
    return first_person


@pytest.fixture
def people(store, scope, write, base):
    add_people(store, scope, {base + number: traits for number, traits in PEOPLE.items()})
    write((base + 1, "Order", "2026-03-10"), (base + 3, "Order", "2026-03-10"))


def add_people(store: Store, scope: Scope, people: Mapping[int, Mapping[str, Any]]) -> None:
    now = datetime.now(UTC)
    ids = [(scope.project_id, "user", f"u{number}", number, now) for number in people]
    names = ["project_id", "id_type", "id", "person_id", "first_seen"]
    store.insert(
        "person_ids", names, list(zip(*ids, strict=True)), ["UInt32", "LowCardinality(String)", "String", "UInt32", "DateTime64(3)"]
    )
    rows = [
        (scope.project_id, name, number, False, json.dumps(value), 1) for number, traits in people.items() for name, value in traits.items()
    ]
    names = ["project_id", "name", "person_id", "once", "value", "rank"]
    types = ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"]
    store.insert("traits", names, list(zip(*rows, strict=True)), types)


def ask(engine: Engine, scope: Scope, **asked: Any) -> Audience:
    return engine.ask(AUDIENCE, AudienceSpec(**asked), scope).result


def test_everybody_of_the_project_is_there_with_the_properties_asked_for(engine, scope, people, base):
    audience = ask(engine, scope, properties=("name",), address="email")
    assert [person.number - base for person in audience.people] == [1, 2, 3, 4]
    assert (audience.total, audience.reachable) == (4, 2)
    assert audience.people[0].properties == {"name": "Ada", "email": "ada@example.org"}
    assert audience.people[0].ids == (f"u{base + 1}",)


def test_conditions_on_people_choose_them(engine, scope, people, base):
    gold = PersonProperty(person="plan", values=("gold",))
    assert [p.number - base for p in ask(engine, scope, filter=gold).people] == [1, 2, 4]
    bought = Did(did="Order", days=30)
    assert [p.number - base for p in ask(engine, scope, filter=All(all=(gold, Not(negated=bought)))).people] == [2, 4]


def test_a_long_audience_comes_page_by_page_in_the_order_of_numbers(engine, scope, people, base):
    first = ask(engine, scope, limit=3)
    assert [p.number - base for p in first.people] == [1, 2, 3]
    second = ask(engine, scope, limit=3, after=first.people[-1].number)
    assert [p.number - base for p in second.people] == [4]


def test_a_condition_on_an_events_property_is_refused_with_what_to_do(engine, scope):
    with pytest.raises(QuestionError, match="property of events"):
        ask(engine, scope, filter=EventProperty(property="country", values=("CN",)))


def test_a_hidden_property_is_refused(engine, scope, people):
    from dataclasses import replace

    with pytest.raises(QuestionError, match="hidden"):
        ask(engine, replace(scope, hidden=frozenset({"email"})), address="email")
