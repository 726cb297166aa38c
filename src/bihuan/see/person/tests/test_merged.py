"""A person is all the ids that were linked: their page shows the events of each, whichever number is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.engine.ask import Engine
from bihuan.engine.person_map import read_all
from bihuan.engine.question import Scope
from bihuan.engine.tests.worlds import Event, Trait, World, load
from bihuan.see.person import PERSON
from bihuan.see.person.spec import PersonSpec


def numbers(engine: Engine, scope: Scope) -> dict[str, int]:
    """The number that each event of the project came with."""
    rows = engine.store.fetch("SELECT event, person_id FROM events WHERE project_id = {p:UInt32}", {"p": scope.project_id}).rows
    return {row["event"]: row["person_id"] for row in rows}


@pytest.mark.parametrize("asked", ["a", "b"])
def test_the_events_of_linked_numbers_are_one_person_s(engine: Engine, scope: Scope, asked: str) -> None:
    at = [scope.now - timedelta(hours=hours) for hours in range(4)]
    events = (Event(1, "a", at[0], {}, 1), Event(2, "b", at[1], {}, 2), Event(3, "c", at[2], {}, 3), Event(0, "d", at[3], {}, 4))
    (loaded,) = load(engine.store, World(scope.zone, scope.now, events, links={2: 1}))
    result = engine.ask(PERSON, PersonSpec(person=numbers(engine, loaded)[asked]), loaded).result
    assert [(happened.event, happened.at) for happened in result.events] == [("a", at[0]), ("b", at[1])]
    assert result.total == 2


def test_a_link_that_was_replaced_no_longer_brings_the_other_s_events(engine: Engine, scope: Scope) -> None:
    events = tuple(Event(n, f"of {n}", scope.now, {}, n) for n in (1, 2, 3))
    (loaded,) = load(engine.store, World(scope.zone, scope.now, events, links={2: 1}, traits=(Trait(2, "plan", "gold", False, 1),)))
    number = numbers(engine, loaded)
    engine.store.command(
        "INSERT INTO person_links SELECT project_id, person_id, {other:UInt32}, now64(3, 'UTC'), 2, 'test', 'test' FROM person_links"
        " WHERE project_id = {p:UInt32}",
        {"other": number["of 3"], "p": loaded.project_id},
    )
    read_all(engine.store)
    shown = {name: engine.ask(PERSON, PersonSpec(person=of), loaded).result for name, of in number.items()}
    assert shown["of 1"].event_names == (("of 1", 1),)
    assert shown["of 3"].event_names == shown["of 2"].event_names == (("of 2", 1), ("of 3", 1))
    assert (shown["of 1"].traits, shown["of 1"].ids) == ((), ())
    assert shown["of 3"].traits == shown["of 2"].traits == (("plan", "gold"),)
