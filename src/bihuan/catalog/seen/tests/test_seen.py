"""What has come in: known events give known lists."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bihuan.catalog.seen import EVENT_PROPERTIES, PERSON_PROPERTIES, SEEN_EVENTS
from bihuan.catalog.seen.names import NAMES, NamesSpec
from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec, PersonPropertiesSpec
from bihuan.engine.ask import Engine
from bihuan.engine.periods import Last
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def shop(store: Store, scope: Scope, write) -> None:
    write(
        (1, "View", "2026-03-14 10:00", {"page": "tea", "price": 12.5, "email": "a@x.example", "country": "CN"}),
        (1, "View", "2026-03-14 11:00", {"page": "tea", "price": 8}),
        (2, "View", "2026-03-15 09:00", {"page": "cup", "gift": True, "none": None}),
        (0, "View", "2026-03-15 10:00", {"page": "tea", "revenue": 3.0}),
        (1, "Buy", "2026-03-15 11:00", {"revenue": 20.0}),
        (3, "Old", "2025-01-01 11:00"),
    )
    traits = [(1, "plan", '"gold"'), (2, "plan", '"free"'), (3, "plan", '"gold"'), (1, "email", '"a@x.example"'), (2, "age", "33")]
    rows: list[list[Any]] = [
        [scope.project_id] * 5,
        [n for _, n, _ in traits],
        [p for p, _, _ in traits],
        [False] * 5,
        [v for *_, v in traits],
        [1] * 5,
    ]
    store.insert(
        "traits",
        ["project_id", "name", "person_id", "once", "value", "rank"],
        rows,
        ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"],
    )
    seen = [("View", "page", "string"), ("View", "email", "string"), ("", "plan", "string")]
    columns: list[list[Any]] = [[scope.project_id] * 3, *([row[i] for row in seen] for i in range(3)), [AT] * 3, [AT] * 3]
    store.insert(
        "properties_seen",
        ["project_id", "event", "property", "type", "first_seen", "last_seen"],
        columns,
        ["UInt32", *["LowCardinality(String)"] * 3, *["DateTime64(3, 'UTC')"] * 2],
    )


def test_events_are_listed_with_their_volumes_and_times(engine: Engine, scope: Scope, shop: None) -> None:
    answer = engine.ask(SEEN_EVENTS, EventsSpec(period=Last(last=30)), scope)
    assert [(one.name, one.events, one.people, one.total) for one in answer.result.events] == [
        ("View", 4, 2, 4),
        ("Buy", 1, 1, 1),
        ("Old", 0, 0, 1),
    ]
    assert answer.result.events[0].first_seen == datetime(2026, 3, 14, 2, tzinfo=UTC)
    assert len(answer.table.rows) == 3


def test_properties_of_an_event_have_types_shares_and_examples(engine: Engine, scope: Scope, shop: None) -> None:
    answer = engine.ask(EVENT_PROPERTIES, EventPropertiesSpec(event="View"), scope)
    found = {one.name: one for one in answer.result.properties}
    assert {name: (one.types, one.count, one.share) for name, one in found.items()} == {
        "page": (("string",), 4, 1.0),
        "price": (("number",), 2, 0.5),
        "email": (("string",), 1, 0.25),
        "country": (("string",), 1, 0.25),
        "gift": (("boolean",), 1, 0.25),
        "revenue": (("number",), 1, 0.25),
    }
    assert found["page"].examples[0] == "tea"
    assert (found["page"].different, found["page"].first_seen) == (2, AT)
    assert found["price"].first_seen is None


def test_only_the_newest_events_are_looked_at(engine: Engine, scope: Scope, shop: None) -> None:
    answer = engine.ask(EVENT_PROPERTIES, EventPropertiesSpec(event="View", sample=2), scope)
    assert answer.result.sampled == 2
    assert {one.name for one in answer.result.properties} == {"page", "gift", "revenue"}


def test_an_event_that_never_came_has_no_properties(engine: Engine, scope: Scope, shop: None) -> None:
    assert engine.ask(EVENT_PROPERTIES, EventPropertiesSpec(event="Nothing"), scope).table.rows == ()


def test_properties_of_people_are_counted_by_person(engine: Engine, scope: Scope, shop: None) -> None:
    answer = engine.ask(PERSON_PROPERTIES, PersonPropertiesSpec(), scope)
    assert [(one.name, one.types, one.count, one.different) for one in answer.result.properties] == [
        ("plan", ("string",), 3, 2),
        ("age", ("number",), 1, 1),
        ("email", ("string",), 1, 1),
    ]


def test_hidden_properties_are_in_no_list(engine: Engine, scope: Scope, shop: None) -> None:
    hidden = replace(scope, hidden=frozenset({"email", "country"}))
    lists = (
        engine.ask(EVENT_PROPERTIES, EventPropertiesSpec(event="View"), hidden),
        engine.ask(PERSON_PROPERTIES, PersonPropertiesSpec(), hidden),
        engine.ask(NAMES, NamesSpec(), hidden),
    )
    for answer in lists:
        text = json.dumps(answer.table.rows, default=str)
        assert "email" not in text
        assert "country" not in text
        assert "a@x.example" not in text


def test_names_to_choose_from_begin_with_the_frequent_ones(engine: Engine, scope: Scope, shop: None) -> None:
    names = engine.ask(NAMES, NamesSpec(), scope).result
    assert names.events == ("View", "Buy")
    assert names.properties[:3] == ("email", "page", "revenue")
    assert names.person_properties == ("plan", "age", "email")
