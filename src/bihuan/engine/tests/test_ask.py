"""`ask`: the cache and what it must notice, the bounds of a question, and what is said when there is no answer."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest

from bihuan.engine.ask import Engine
from bihuan.engine.breakdowns import ByNumber, ByPerson, ByProperty, split
from bihuan.engine.conditions import condition
from bihuan.engine.config import Config
from bihuan.engine.errors import Busy, Cancelled, EngineError, QuestionError, TooLarge, Unavailable
from bihuan.engine.filters import EventProperty, Filter, PersonProperty
from bihuan.engine.periods import Period
from bihuan.engine.person_map import read_all
from bihuan.engine.question import Column, Question, Rows, Scope, Spec, Statement, Table
from bihuan.engine.schema import migrate
from bihuan.engine.store import Store
from bihuan.engine.tests.worlds import Event, Trait, World, load
from bihuan.engine.visible import Binder, property_text

Write = Callable[..., None]


class Sql(Spec):
    """A question for tests: any statement."""

    sql: str


def question(**change: Any) -> Question[Sql, Rows]:
    plain: dict[str, Any] = {
        "name": "sql",
        "title": "SQL",
        "purpose": "Any statement.",
        "icon": "code",
        "group": "see",
        "spec": Sql,
        "reads": lambda spec, scope: Period(scope.now.date() - timedelta(days=30), scope.now.date(), scope.zone),
        "compile": lambda spec, scope: Statement(spec.sql),
        "shape": lambda spec, scope, rows: rows,
        "table": lambda rows: Table((Column("n", "N", "number"),), tuple(tuple(row.values()) for row in rows)),
        "chart": lambda result, reader: None,
        "headlines": lambda result: (),
        "example": lambda: Sql(sql="SELECT 1 AS n"),
        "listed": False,
    }
    return Question(**{**plain, **change})


SQL = question()
COUNT = Sql(sql="SELECT count() AS n, uniqExactIf(person, person != 0) AS people FROM visible")
LONG = Sql(sql="SELECT count() AS n FROM numbers(200000000000) WHERE NOT ignore(sipHash64(number))")


def test_the_same_question_is_answered_from_the_cache_until_events_come(engine: Engine, scope: Scope, write: Write) -> None:
    read_all(engine.store)  # otherwise read with the first event, which is a change
    write((1, "View", "2026-03-14 10:00"))
    first = engine.ask(SQL, COUNT, scope)
    again = engine.ask(SQL, COUNT, scope)
    assert (first.from_cache, again.from_cache, again.result) == (False, True, first.result)
    write((2, "View", "2026-03-14 10:00"))
    after = engine.ask(SQL, COUNT, scope)
    assert (after.from_cache, after.result[0]["n"]) == (False, 2)


def test_what_is_kept_is_told_without_asking_the_store_and_only_while_it_is_true(engine: Engine, scope: Scope, write: Write) -> None:
    def kept(*specs: Sql, of: Scope = scope) -> list[Any]:
        return [answer and answer.result for answer in engine.kept([(SQL, spec) for spec in specs], of)]

    read_all(engine.store)
    write((1, "View", "2026-03-14 10:00"))
    other = Sql(sql="SELECT 2 AS n")
    assert kept(COUNT, other) == [None, None]
    answer = engine.ask(SQL, COUNT, scope)
    assert kept(COUNT, other) == [answer.result, None]
    assert kept(COUNT, of=replace(scope, zone="America/Lima")) == [None]
    assert kept(COUNT, of=replace(scope, rights=frozenset())) == [None]
    write((2, "View", "2026-03-14 10:00"))
    assert kept(COUNT) == [None]
    engine.ask(SQL, other, scope)  # which learns that something was written
    assert kept(COUNT) == [None]


def test_what_is_refused_makes_answers_about_it_old_though_no_event_came(engine: Engine, scope: Scope) -> None:
    refused = Sql(sql="SELECT count() AS n FROM quarantined")
    for number in (1, 2):
        engine.store.command(
            "INSERT INTO quarantine SELECT {p:UInt32}, now64(3), 'test', 'plan', 'It is wrong.', {n:UInt64}, 'body'",
            {"p": scope.project_id, "n": number},
        )
        assert engine.ask(SQL, refused, scope).result[0]["n"] == number


@pytest.mark.parametrize("other", ["file('/etc/hostname', 'LineAsString')", "url('http://127.0.0.1:1/', 'LineAsString')"])
def test_no_question_reads_a_file_or_another_server_whatever_it_compiles_to(engine: Engine, scope: Scope, other: str) -> None:
    with pytest.raises(EngineError, match="READONLY"):
        engine.ask(SQL, Sql(sql=f"SELECT 1 AS n FROM {other}"), scope)
    assert engine.ask(SQL, COUNT, scope).result[0]["n"] == 0
    engine.store.command("INSERT INTO person_map_read SELECT 0")  # the next statement may write again


def test_a_merge_in_the_background_is_no_change(engine: Engine, scope: Scope) -> None:
    for value in ("1", "2"):
        engine.store.insert(
            "traits",
            ["project_id", "name", "person_id", "once", "value", "rank"],
            [[scope.project_id], ["plan"], [1], [False], [value], [1]],
            ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"],
        )
    before = engine.version(scope.project_id).state
    engine.store.command("OPTIMIZE TABLE traits FINAL")
    assert engine.version(scope.project_id).state == before


def test_the_cache_keeps_projects_zones_and_hidden_properties_apart(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00", {"city": "上海"}))
    cities = Sql(sql="SELECT city AS n FROM visible")
    assert engine.ask(SQL, cities, scope).result[0]["n"] == "上海"
    assert engine.ask(SQL, cities, replace(scope, hidden=frozenset({"city"}))).result[0]["n"] == ""
    assert engine.ask(SQL, cities, replace(scope, project_id=scope.project_id + 500_000)).result == ()


def test_a_link_between_people_changes_the_answer(engine: Engine, scope: Scope) -> None:
    world = World(scope.zone, scope.now, tuple(Event(n, "View", scope.now, {}, n) for n in (1, 2)))
    apart, together = load(engine.store, world, replace(world, links={2: 1}))
    assert engine.ask(SQL, COUNT, apart).result[0]["people"] == 2
    assert engine.ask(SQL, COUNT, together).result[0]["people"] == 1


def test_the_same_rows_with_another_mapping_of_people_are_another_version(engine: Engine, scope: Scope) -> None:
    (world,) = load(engine.store, World(scope.zone, scope.now, (Event(1, "View", scope.now, {}, 1),)))
    before = engine.version(world.project_id)
    engine.store.command("SYSTEM RELOAD DICTIONARY person_map")
    assert engine.version(world.project_id).state != before.state


def test_a_property_set_again_is_another_version_even_after_the_merge(engine: Engine, scope: Scope) -> None:
    def set_to(value: str, rank: int) -> None:
        columns = {"project_id": "UInt32", "name": "LowCardinality(String)", "person_id": "UInt32", "once": "Bool", "value": "String"}
        row: list[list[Any]] = [[scope.project_id], ["vip"], [1], [False], [value]]
        engine.store.insert("traits", [*columns, "rank"], [*row, [rank]], [*columns.values(), "Int64"])
        engine.store.command("OPTIMIZE TABLE traits FINAL")

    set_to("true", 1)
    before = engine.version(scope.project_id)
    set_to("false", 2)
    assert engine.version(scope.project_id).state != before.state


def test_an_answer_says_how_fresh_it_is(engine: Engine, scope: Scope, write: Write) -> None:
    assert engine.ask(SQL, COUNT, scope).fresh_to is None
    write((1, "View", "2026-03-14 10:00"))
    fresh_to = engine.ask(SQL, COUNT, scope).fresh_to
    assert fresh_to is not None
    assert abs(fresh_to.timestamp() - time.time()) < 60


def test_a_running_question_can_be_cancelled(engine: Engine, scope: Scope) -> None:
    said: list[BaseException] = []

    def ask() -> None:
        try:
            engine.ask(SQL, LONG, scope, query_id="long-one")
        except EngineError as error:
            said.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 30
    while thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.2)
        engine.cancel("long-one")
    thread.join(1)
    assert not thread.is_alive()
    assert [type(error) for error in said] == [Cancelled]


def test_many_who_ask_the_same_at_once_have_it_asked_once_and_shaped_for_each(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00"))
    slow = Sql(sql="SELECT count() AS n FROM numbers(4) WHERE NOT sleepEachRow(0.25) AND (SELECT count() FROM visible) > 0")
    counted = question(name="counted", shape=lambda spec, scope, rows: rows[0]["n"], table=lambda n: Table((), ()))
    with patch.object(engine.store, "fetch", wraps=engine.store.fetch) as fetch:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda number: engine.ask(counted if number % 2 else SQL, slow, scope), range(6)))
        write((2, "View", "2026-03-14 10:00"))
        with ThreadPoolExecutor(2) as pool:
            running = pool.submit(engine.ask, SQL, slow, scope)
            while _asked(fetch, slow) < 2 and not running.done():
                time.sleep(0.01)
            write((3, "View", "2026-03-14 10:00"))
            pool.submit(engine.ask, SQL, slow, scope).result()
            running.result()
    assert [answer.result for answer in answers] == [({"n": 4},), 4] * 3
    assert _asked(fetch, slow) == 3  # once for all, once after more events came, and once for who asked when even more had


def _asked(fetch: Mock, spec: Sql) -> int:
    return sum(call.args[0].endswith(spec.sql) for call in fetch.mock_calls)


def test_who_waits_for_the_same_answer_is_cancelled_at_once_and_alone(engine: Engine, scope: Scope) -> None:
    slow = Sql(sql="SELECT count() AS n FROM numbers(8) WHERE NOT sleepEachRow(0.25)")
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(engine.ask, SQL, slow, scope, query_id=name) for name in ("first-one", "second-one"))
        begun = time.monotonic()
        while not second.done() and not first.done():
            time.sleep(0.05)
            engine.cancel("second-one")
        with pytest.raises(Cancelled):
            second.result()
        assert time.monotonic() - begun < 1.5
        assert first.result().result == ({"n": 8},)


def test_what_is_no_id_of_a_question_is_not_cancelled(store: Store) -> None:
    with pytest.raises(EngineError, match="not the id of a question"):
        store.cancel("x' OR 1=1 --")


def test_a_question_that_takes_too_long_is_stopped_and_says_what_to_change(store: Store, scope: Scope) -> None:
    hasty = Store(replace(store.config, time_limit=1))
    with pytest.raises(TooLarge, match=r"takes longer .* choose a shorter period"):
        Engine(hasty).ask(SQL, LONG, scope)


def test_a_question_that_needs_too_much_memory_says_what_to_change(store: Store, scope: Scope) -> None:
    frugal = Store(replace(store.config, memory_limit=50_000_000))
    wide = Sql(sql="SELECT length(groupArray(number)) AS n FROM numbers(100000000)")
    with pytest.raises(TooLarge, match=r"more memory .* choose a shorter period"):
        Engine(frugal).ask(SQL, wide, scope)


def test_a_question_with_much_to_remember_spills_to_disk_and_answers(store: Store, scope: Scope) -> None:
    frugal = Store(replace(store.config, memory_limit=400_000_000))
    many = Sql(sql="SELECT count() AS n FROM (SELECT number, count() FROM numbers(10000000) GROUP BY number)")
    assert Engine(frugal).ask(SQL, many, scope).result[0]["n"] == 10_000_000


@pytest.mark.parametrize("sql", ["DROP TABLE events", "INSERT INTO events SELECT * FROM events", "SYSTEM RELOAD DICTIONARY person_map"])
def test_a_question_is_one_select(engine: Engine, scope: Scope, sql: str) -> None:
    with pytest.raises(QuestionError, match="does not compile to one SELECT"):
        engine.ask(SQL, Sql(sql=sql), scope)


def test_a_question_may_not_bind_the_engine_s_own_names(engine: Engine, scope: Scope) -> None:
    thief = question(compile=lambda spec, scope: Statement("SELECT 1 FROM visible", {"scope_project": 1}))
    with pytest.raises(QuestionError, match="names that belong to the engine"):
        engine.ask(thief, COUNT, scope)


def test_only_the_events_of_the_project_in_the_period_are_visible(engine: Engine, scope: Scope, write: Write) -> None:
    other = replace(scope, project_id=scope.project_id + 500_000)
    write((1, "View", "2026-03-14 10:00"), (2, "View", "2025-03-14 10:00"))
    assert engine.ask(SQL, COUNT, scope).result[0]["n"] == 1
    assert engine.ask(SQL, Sql(sql="SELECT count() AS n FROM history"), scope).result[0]["n"] == 2
    assert engine.ask(SQL, COUNT, other).result[0]["n"] == 0


HIDDEN_ONES: tuple[Filter, ...] = (
    EventProperty(property="phone", op="set"),
    EventProperty(property="city", op="set"),
    PersonProperty(person="phone", op="contains", values=("1",)),
)


@pytest.mark.parametrize("tree", HIDDEN_ONES)
def test_a_hidden_property_cannot_be_asked_about_in_a_filter(scope: Scope, tree: Filter) -> None:
    with pytest.raises(QuestionError, match="is hidden from you"):
        condition(tree, replace(scope, hidden=frozenset({"phone", "city"})), Binder())


def test_a_hidden_property_cannot_be_read_or_broken_down_by(scope: Scope) -> None:
    hidden = replace(scope, hidden=frozenset({"phone"}))
    reads: tuple[Callable[[], object], ...] = (
        lambda: property_text("phone", hidden, Binder()),
        lambda: split([ByProperty(property="phone")], hidden, Binder()),
        lambda: split([ByPerson(person="phone")], hidden, Binder()),
        lambda: split([ByPerson(person="phone", as_of="event")], hidden, Binder()),
        lambda: split([ByNumber(number="phone", of="person", quantiles=2)], hidden, Binder()),
    )
    for read in reads:
        with pytest.raises(QuestionError, match="is hidden from you"):
            read()


def test_a_hidden_property_of_people_is_in_no_table(engine: Engine, scope: Scope) -> None:
    traits = (Trait(1, "phone", "139", False, 1), Trait(1, "city", "上海", False, 2))
    (open_scope,) = load(engine.store, World(scope.zone, scope.now, (Event(1, "View", scope.now, {}, 1),), traits=traits))
    names = Sql(sql="SELECT name AS n FROM traits_now ORDER BY name")
    assert [row["n"] for row in engine.ask(SQL, names, open_scope).result] == ["city", "phone"]
    assert [row["n"] for row in engine.ask(SQL, names, replace(open_scope, hidden=frozenset({"phone"}))).result] == ["city"]


# --- An engine of the test's own, to be overloaded and killed ------------------------------------------------------------------


def start(config: Config) -> subprocess.Popen[bytes]:
    environment = {"BIHUAN_DATA": str(config.data), "BIHUAN_CONCURRENCY": "1", "BIHUAN_QUEUE_LIMIT": "1", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen([sys.executable, "-m", "bihuan.engine.embedded.process"], env=environment)
    deadline = time.monotonic() + 60
    while (config.announced("engine") or {}).get("pid") != process.pid or not Store(config).ready():
        assert process.poll() is None, "the engine ended"
        assert time.monotonic() < deadline, "the engine did not start"
        time.sleep(0.05)
    return process


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Config, list[subprocess.Popen[bytes]]]]:
    config = Config(data=Path(tmp_path_factory.mktemp("own")))
    processes = [start(config)]
    migrate(Store(config))
    yield config, processes
    processes[-1].kill()
    processes[-1].wait()


Own = tuple[Config, list[subprocess.Popen[bytes]]]


def test_when_too_many_questions_wait_the_next_is_told_so(own: Own) -> None:
    store = Store(own[0])
    sleepers = [threading.Thread(target=lambda: Store(own[0]).fetch("SELECT sleep(2)")) for _ in range(2)]
    for sleeper in sleepers:
        sleeper.start()
    time.sleep(0.7)
    with pytest.raises(Busy, match="ask again in a moment"):
        store.fetch("SELECT 1")
    for sleeper in sleepers:
        sleeper.join()
    assert store.ready()


def test_a_killed_engine_is_unavailable_and_answers_again_once_it_is_back(own: Own, scope: Scope) -> None:
    config, processes = own
    engine = Engine(Store(config))
    assert engine.ask(SQL, COUNT, scope).result[0]["n"] == 0
    processes[-1].kill()
    processes[-1].wait()
    with pytest.raises(Unavailable, match="starting again"):
        engine.ask(SQL, COUNT, scope)
    processes.append(start(config))
    assert engine.ask(SQL, COUNT, scope).result[0]["n"] == 0
