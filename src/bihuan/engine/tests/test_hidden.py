"""Hidden properties: no statement, whatever it selects, gets to see them."""

from __future__ import annotations

from dataclasses import replace

from bihuan.engine.ask import Engine
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.visible import ctes


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
