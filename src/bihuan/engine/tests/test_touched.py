"""What a write touches, and which answers are old after it: those that come from it, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from bihuan.engine.ask import NEVER_READ, WHOSE, Engine
from bihuan.engine.periods import Period
from bihuan.engine.person_map import read_all, read_recent
from bihuan.engine.question import Scope
from bihuan.engine.rollup import Counted
from bihuan.engine.schema import MIGRATIONS
from bihuan.engine.store import Store
from bihuan.engine.tests.kept import kept_after
from bihuan.engine.tests.test_ask import COUNT, SQL, Sql, Write
from bihuan.engine.tests.worlds import Event, Trait, World, load
from bihuan.engine.touched import MARKS, MOST, mark, of_rows, told
from bihuan.engine.visible import DAILY, ctes, tables_of

DAY = "2026-03-14 10:00"


def comment(*columns: list[Any], names: tuple[str, ...] = ("project_id", "event"), table: str = "events") -> str:
    return of_rows(table, names, columns).get("log_comment", "")


def test_an_insert_of_events_says_whose_they_are_and_the_marks_of_their_names() -> None:
    said = comment([2, 1, 2, 2], ["浏览", "View", "浏览", "Buy"])
    assert sorted(told("events", said)) == sorted(
        {(1, f"events/{mark('View')}"), (2, f"events/{mark('浏览')}"), (2, f"events/{mark('Buy')}")}
    )


def test_an_insert_into_another_table_says_whose_rows_they_are() -> None:
    assert told("traits", comment([3, 3, 1], ["a", "b", "c"], table="traits")) == [(1, "traits"), (3, "traits")]
    assert told("kept", comment([1], names=("n",), table="kept")) == []


def test_an_insert_of_very_many_names_says_the_projects_and_of_very_many_projects_nothing() -> None:
    names = [str(number) for number in range(5 * MARKS)]
    assert told("events", comment([7] * len(names), names)) == [(7, "events")]
    assert told("events", comment(list(range(MOST + 1)), ["View"] * (MOST + 1))) == []


@pytest.mark.parametrize("said", ["", "touches", "touches x", "touches 1/", "touches 1 2/y", "something else 1", "touches -1"])
def test_what_is_no_such_comment_touches_all(said: str) -> None:
    assert told("events", said) == []


def counted(store: Store, project: int | None = None) -> dict[str, int]:
    return {str(name): int(number) for name, _, number in store.changes(project)}


def test_the_engine_counts_of_a_project_what_touches_it_and_of_all_everything(engine: Engine, scope: Scope, write: Write) -> None:
    store, mine, other = engine.store, scope.project_id, scope.project_id + 400_000
    before, of_other, of_all = counted(store, mine), counted(store, other), counted(store)
    write((1, "View", DAY))
    view = f"events/{mark('View')}"
    assert counted(store, mine)[view] == before.get(view, 0) + 1
    assert counted(store, other) == of_other
    assert counted(store)["events"] == of_all.get("events", 0) + 1
    store.command("INSERT INTO events SELECT * FROM events WHERE 0")  # says nothing
    assert counted(store, other)["events"] == of_other.get("events", 0) + 1
    assert counted(store, mine)["events"] == before.get("events", 0) + 1
    assert counted(store)["events"] == of_all.get("events", 0) + 2


def test_each_cte_comes_from_the_tables_that_are_said_of_it(scope: Scope) -> None:
    made = {name for one in MIGRATIONS for text in one.statements for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", text)}
    period = Period(date(2026, 3, 1), date(2026, 3, 20), scope.zone)
    whole = dict.fromkeys((date(2026, 3, 2), date(2026, 3, 3)), Counted(1, 0))
    text, _ = ctes(scope, period)
    names = {*re.findall(r"(?:^|,\n)(\w+) AS \(", text), *DAILY}
    assert len(names) > 20
    for name in names:
        body, _ = ctes(scope, period, f"SELECT count() FROM {name}", whole=whole)
        reads = made & set(re.findall(r"\b(?:FROM|JOIN) (\w+)", body)) - NEVER_READ - WHOSE
        assert reads, name
        assert reads <= tables_of(f"SELECT count() FROM {name}"), name
        assert reads >= tables_of(f"SELECT count() FROM {name}") - {"events"}, name


@pytest.fixture
def is_kept(engine: Engine, scope: Scope) -> Callable[..., bool]:
    def kept(act: Callable[[], object], spec: Sql = COUNT) -> bool:
        return kept_after(act, engine, SQL, spec, scope)

    return kept


def test_an_event_of_another_project_makes_no_answer_old(engine: Engine, scope: Scope, write: Write, is_kept: Callable[..., bool]) -> None:
    read_all(engine.store)
    write((1, "View", DAY))
    world = World(scope.zone, scope.now, (Event(1, "View", scope.now, {}, 1),), traits=(Trait(1, "plan", "pro", False, 1),))
    assert is_kept(lambda: load(engine.store, world))
    assert not is_kept(lambda: write((1, "View", DAY)))


def test_what_an_answer_does_not_come_from_makes_it_no_older(engine: Engine, scope: Scope, is_kept: Callable[..., bool]) -> None:
    def set_plan() -> None:
        columns = {"project_id": "UInt32", "name": "String", "person_id": "UInt32", "once": "Bool", "value": "String", "rank": "Int64"}
        engine.store.insert("traits", list(columns), [[scope.project_id], ["plan"], [1], [False], ['"pro"'], [1]], list(columns.values()))

    assert is_kept(set_plan)
    assert not is_kept(set_plan, spec=Sql(sql="SELECT count() AS n FROM traits_now"))
    assert not is_kept(set_plan, spec=Sql(sql="SELECT count() AS n FROM visible WHERE person IN (SELECT person FROM traits_now)"))


def test_a_link_makes_the_answers_of_its_own_project_old_and_reading_them_all_again_none(
    engine: Engine, scope: Scope, write: Write, is_kept: Callable[..., bool]
) -> None:
    write((1, "View", DAY))

    def link(project: int) -> None:
        columns = {"project_id": "UInt32", "person_id": "UInt32", "canonical": "UInt32", "linked_at": "DateTime64(3, 'UTC')"}
        columns |= {"version": "UInt64", "why": "String", "by": "String"}
        newest = int(engine.store.fetch("SELECT max(version) AS newest FROM person_links").rows[0]["newest"])
        row = [project, 9_000_001, 9_000_000, scope.now, newest + 1, "test", "test"]
        engine.store.insert("person_links", list(columns), [[value] for value in row], list(columns.values()))
        read_recent(engine.store, [project])

    assert is_kept(lambda: link(scope.project_id + 400_000))
    assert engine.version(scope.project_id + 400_000).recent
    assert not is_kept(lambda: link(scope.project_id))
    assert engine.version(scope.project_id).recent
    assert is_kept(lambda: read_all(engine.store, holding=True))
    assert not engine.version(scope.project_id).recent
    assert not is_kept(lambda: read_all(engine.store))
