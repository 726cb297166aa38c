"""A person's properties out of what was set and what was added, against a slow, obvious reading of the same rules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from bihuan.engine import profile
from bihuan.engine.periods import Last
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.tests.worlds import Event, Trait, World, load
from bihuan.engine.visible import ctes

BASE = 1_773_000_000_000


@dataclass(frozen=True)
class Said:
    """Something said of a property at `at` (ms): kind is set, once, add or delete. The person has the numbers 1 and 2."""

    kind: str
    at: int
    name: str = ""
    value: Any = None
    number: int = 1


def now(store: Store, scope: Scope) -> dict[str, Any]:
    """What is read of the one person of a world."""
    text, params = ctes(scope, scope.period(Last(last=1)), "traits_now")
    rows = store.fetch(f"WITH {text} SELECT person, name, value FROM traits_now", params).rows
    assert len({row["person"] for row in rows}) <= 1
    return {row["name"]: json.loads(row["value"]) for row in rows}


def world(scope: Scope, said: list[Said]) -> World:
    """The store as the collector leaves it: of what is set the newest is kept, of what is set for want of a value the oldest."""
    kept: dict[tuple[str, int, bool], Said] = {}
    events: list[Event] = []
    for one in said:
        key = (one.name, one.number, one.kind == "once")
        if one.kind in ("add", "delete"):
            name = profile.DELETE if one.kind == "delete" else profile.APPEND if isinstance(one.value, list) else profile.INCREMENT
            props = {} if one.kind == "delete" else {one.name: one.value}
            events.append(Event(one.number, name, datetime.fromtimestamp(one.at / 1000, UTC), props, len(events) + 1))
        elif key not in kept or (one.at < kept[key].at if one.kind == "once" else one.at >= kept[key].at):
            kept[key] = one
    traits = tuple(Trait(one.number, one.name, one.value, once, -one.at if once else one.at) for (_, _, once), one in kept.items())
    return World(scope.zone, scope.now, tuple(events), {2: 1}, traits)


def reference(said: list[Said], name: str) -> Any:
    """In order of time; in the same millisecond what is set comes before what is added, and a deletion after both."""
    order = {"once": 0, "set": 1, "add": 2, "delete": 3}
    value: Any = None
    for one in sorted(said, key=lambda one: (one.at, order[one.kind])):
        if one.kind == "delete":
            value = None
        elif one.name != name:
            continue
        elif one.kind == "set":
            value = one.value
        elif one.kind == "once":
            value = one.value if value is None else value
        elif isinstance(one.value, list):
            if value is None or isinstance(value, list):
                value = list(dict.fromkeys([*(value or []), *one.value]))
        elif value is None or isinstance(value, int | float):
            value = (value or 0) + one.value
    return value


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    """What is set for want of a value is said once, before any deletion or unsetting: see docs/collect-sensors.md."""
    number = st.integers(-5, 5) | st.sampled_from([0.5, -2.25])
    items = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
    made: list[Said] = []

    def say(kind: str, at: int, name: str = "", value: Any = None) -> None:
        made.append(Said(kind, BASE + at, name, value, draw(st.integers(1, 2))))

    for name, values in (("n", number), ("tags", items)):
        if draw(st.booleans()):
            say("once", draw(st.integers(0, 3)), name, draw(values))
        for at, value in draw(st.dictionaries(st.integers(4, 9), values | st.none(), max_size=2)).items():
            say("set", at, name, value)
        for at, value in draw(st.lists(st.tuples(st.integers(0, 12), values), max_size=4)):
            say("add", at, name, value)
    for at in draw(st.lists(st.integers(4, 9), max_size=1)):
        say("delete", at)
    return draw(st.permutations(made))


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(several=st.lists(histories(), min_size=30, max_size=40))
def test_random_histories_of_a_person_with_two_ids_read_as_the_rules_say(store: Store, scope: Scope, several: list[list[Said]]) -> None:
    for made, said in zip(load(store, *(world(scope, said) for said in several)), several, strict=True):
        found = now(store, made)
        for name in ("n", "tags"):
            expected, got = reference(said, name), found.get(name)
            if isinstance(expected, list):
                assert isinstance(got, list)
                assert sorted(got) == sorted(expected), said
            else:
                assert got == pytest.approx(expected), said


def test_numbers_stay_exact_and_lists_keep_their_order(store: Store, scope: Scope) -> None:
    said = [
        Said("set", BASE, "n", 2**53),
        Said("add", BASE + 1, "n", 1),
        Said("set", BASE, "tags", ["x"]),
        Said("add", BASE + 2, "tags", ["b", "x"]),
        Said("add", BASE + 1, "tags", ["c"], number=2),
        Said("add", BASE, "nothing", []),
        Said("add", BASE, "new", 0.5),
        Said("set", BASE, "text", "hello"),
        Said("add", BASE + 1, "text", 1),
    ]
    (made,) = load(store, world(scope, said))
    assert now(store, made) == {"n": 2**53 + 1, "tags": ["x", "c", "b"], "nothing": [], "new": 0.5, "text": "hello"}
