"""Hidden properties: no statement, whatever it selects, gets to see them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bihuan.engine.ask import Engine
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Did, EventProperty, Filter, InSegment
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder, ctes


def test_an_event_s_json_comes_without_the_hidden_properties(engine: Engine, scope: Scope, write) -> None:
    write(
        (
            1,
            "View",
            "2026-03-14 10:00",
            {"e-mail": "a@x.example", "page": 'tea "好"', "price": 1.5, "tags": ["a", {"b": None}], "city": "Xi'an"},
        )
    )
    period = Period(scope.now.date(), scope.now.date(), scope.zone)

    def props(hidden: set[str]) -> list[tuple[str, str]]:
        head, bound = ctes(replace(scope, hidden=frozenset(hidden)), period)
        rows = engine.store.fetch(f"WITH {head} SELECT props, city FROM history", bound).rows
        return [(row["props"], row["city"]) for row in rows]

    others = r'"page":"tea \"好\"","price":1.5,"tags":["a",{"b":null}]'
    assert props(set()) == [('{"e-mail":"a@x.example",' + others + "}", "Xi'an")]
    assert props({"e-mail", "city"}) == [("{" + others + "}", "")]
    assert props({"e-mail", "page", "price", "tags"}) == [("{}", "Xi'an")]


def test_a_saved_segment_has_the_same_members_for_a_reader_from_whom_its_property_is_hidden(engine: Engine, scope: Scope, write) -> None:
    write((1, "View", "2026-03-14 10:00", {"e-mail": "a@x.example"}), (2, "View", "2026-03-14 11:00"))
    told = Did(did="View", where=EventProperty(property="e-mail", op="set"))
    reader = replace(scope, segments={"reachable": told}, hidden=frozenset({"e-mail"}))
    period = Period(scope.now.date(), scope.now.date(), scope.zone)

    def people(tree: Filter) -> int:
        binder = Binder()
        test = condition(tree, reader, binder)
        head, bound = ctes(reader, period)
        sql = f"WITH {head} SELECT uniqExact(person) AS people FROM history WHERE {test}"
        return int(engine.store.fetch(sql, {**bound, **binder.params}).rows[0]["people"])

    assert people(InSegment(segment="reachable")) == 1
    with pytest.raises(QuestionError, match="hidden from you"):
        people(told)
