"""A person's properties out of what was set and what was added, against a slow, obvious reading of the same rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from bihuan.engine import profile
from bihuan.engine.ask import Engine
from bihuan.engine.periods import Last
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.visible import ctes

NAMES = ("n", "tags")
_TRAITS = ["project_id", "name", "person_id", "once", "value", "rank"]
_TRAIT_TYPES = ["UInt32", "String", "UInt32", "Bool", "String", "Int64"]


@dataclass(frozen=True)
class Said:
    """Something said of a property at `at` (ms): kind is set, once, add or delete."""

    person: int
    kind: str
    at: int
    name: str = ""
    value: Any = None


def now(store: Store, scope: Scope) -> dict[tuple[int, str], Any]:
    text, params = ctes(scope, scope.period(Last(last=1)), "traits_now")
    rows = store.fetch(f"WITH {text} SELECT person, name, value FROM traits_now", params).rows
    return {(row["person"], row["name"]): json.loads(row["value"]) for row in rows}


def put(store: Store, scope: Scope, write: Callable[..., None], said: list[Said]) -> None:
    """As the collector does: of what is set the newest is kept, of what is set for want of a value the oldest."""
    kept: dict[tuple[str, int, bool], Said] = {}
    for one in said:
        key = (one.name, one.person, one.kind == "once")
        if one.kind == "add":
            event = profile.APPEND if isinstance(one.value, list) else profile.INCREMENT
            write((one.person, event, datetime.fromtimestamp(one.at / 1000, UTC), {one.name: one.value}))
        elif one.kind == "delete":
            write((one.person, profile.DELETE, datetime.fromtimestamp(one.at / 1000, UTC)))
        elif key not in kept or (one.at < kept[key].at if one.kind == "once" else one.at >= kept[key].at):
            kept[key] = one
    rows = [
        [scope.project_id, one.name, one.person, once, json.dumps(one.value, separators=(",", ":")), -one.at if once else one.at]
        for (_, _, once), one in kept.items()
    ]
    if rows:
        store.insert("traits", _TRAITS, [list(column) for column in zip(*rows, strict=True)], _TRAIT_TYPES)


def reference(said: list[Said], person: int, name: str) -> Any:
    """In order of time; in the same millisecond what is set comes before what is added, and a deletion after both."""
    order = {"once": 0, "set": 1, "add": 2, "delete": 3}
    value: Any = None
    for one in sorted((one for one in said if one.person == person), key=lambda one: (one.at, order[one.kind])):
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


BASE = 1_773_000_000_000


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, str, Any]]:
    """(kind, time, name, value). What is set for want of a value is said once, before any deletion or unsetting: see the docs."""
    number = st.integers(-5, 5) | st.sampled_from([0.5, -2.25])
    items = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
    made: list[tuple[str, int, str, Any]] = []
    for name, values in (("n", number), ("tags", items)):
        if draw(st.booleans()):
            made.append(("once", draw(st.integers(0, 3)), name, draw(values)))
        made += [("set", at, name, value) for at, value in draw(st.dictionaries(st.integers(4, 9), values | st.none(), max_size=2)).items()]
        made += [("add", at, name, value) for at, value in draw(st.lists(st.tuples(st.integers(0, 12), values), max_size=4))]
    made += [("delete", at, "", None) for at in draw(st.lists(st.integers(4, 9), max_size=1))]
    return draw(st.permutations(made))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(worlds=st.lists(histories(), min_size=40, max_size=60))
def test_random_histories_read_as_the_rules_say(
    store: Store, scope: Scope, write: Callable[..., None], first_person: int, worlds: list[list[tuple[str, int, str, Any]]]
) -> None:
    store.command("ALTER TABLE traits DELETE WHERE project_id = {p:UInt32} SETTINGS mutations_sync = 2", {"p": scope.project_id})
    store.command("ALTER TABLE events DELETE WHERE project_id = {p:UInt32} SETTINGS mutations_sync = 2", {"p": scope.project_id})
    said = [
        Said(first_person + place, kind, BASE + at, name, value) for place, world in enumerate(worlds) for kind, at, name, value in world
    ]
    put(store, scope, write, said)
    found = now(store, scope)
    for place in range(len(worlds)):
        for name in NAMES:
            expected = reference(said, first_person + place, name)
            got = found.get((first_person + place, name))
            if expected == [] and got is None:
                continue  # nothing was ever appended
            if isinstance(expected, list):
                assert sorted(got or []) == sorted(expected), worlds[place]
            else:
                assert got == pytest.approx(expected), (name, worlds[place])


def test_numbers_stay_exact_and_lists_keep_their_order(
    store: Store, scope: Scope, write: Callable[..., None], first_person: int, engine: Engine
) -> None:
    one = first_person
    put(
        store,
        scope,
        write,
        [
            Said(one, "set", BASE, "n", 2**53),
            Said(one, "add", BASE + 1, "n", 1),
            Said(one, "set", BASE, "tags", ["x"]),
            Said(one, "add", BASE + 2, "tags", ["b", "x"]),
            Said(one, "add", BASE + 1, "tags", ["c"]),
            Said(one, "add", BASE, "new", 0.5),
            Said(one, "set", BASE, "text", "hello"),
            Said(one, "add", BASE + 1, "text", 1),
        ],
    )
    values = {name: value for (_, name), value in now(store, scope).items()}
    assert values == {"n": 2**53 + 1, "tags": ["x", "c", "b"], "new": 0.5, "text": "hello"}
