"""A link that is undone leaves nothing behind: the answers of questions are, byte for byte, what they were."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.retention import RETENTION
from bihuan.collect import writer as writing
from bihuan.collect.identity import Done, Wanted
from bihuan.collect.tests.conftest import FIRST_PERSON, event
from bihuan.collect.writer import Writer
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.visible import PERSON
from bihuan.see.people import PEOPLE
from bihuan.see.trend import TREND

NAMES = ("View", "Add", "Buy")
ASKED: tuple[tuple[Any, dict[str, Any]], ...] = (
    (TREND, {"series": [{"event": "View", "measure": "people"}], "period": {"last": 30}}),
    (FUNNEL, {"steps": [{"event": name} for name in NAMES], "period": {"last": 30}}),
    (RETENTION, {"start": {"event": "View"}, "returning": {"event": "Buy"}, "unit": "day", "period": {"last": 30}}),
    (PEOPLE, {}),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LINGER", 0.005)


@pytest.fixture
def now(scope: Scope) -> Scope:
    return replace(scope, now=datetime.now(ZoneInfo(scope.zone)))


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store, lambda _project: ZoneInfo("Asia/Shanghai"), first_person=FIRST_PERSON) as made:
        assert made.ready(30)
        yield made


def answers(store: Store, scope: Scope) -> list[str]:
    """The answers as text, asked anew."""
    engine = Engine(store)
    return [repr(engine.ask(question, question.spec.model_validate(spec), scope).result) for question, spec in ASKED]


def fill(writer: Writer, scope: Scope, count: int = 2_000, people: int = 60) -> None:
    """Events of people with a cookie each, half of whom log in, with properties of their own."""
    chance = random.Random(5)
    begin = datetime.now(UTC) - timedelta(days=29)
    made = []
    for place in range(count):
        who = chance.randrange(people)
        ids = {"anonymous_id": f"c{who}"} | ({"user_id": f"u{who}"} if chance.random() < 0.3 else {})
        at = int((begin + timedelta(minutes=chance.randrange(29 * 1440))).timestamp() * 1000)
        traits = {"traits": {"city": f"city{who}"}} if chance.random() < 0.05 else {}
        made.append(event(scope, key=f"k{place}", name=chance.choice(NAMES), at=at, **ids, **traits))
    writer.submit(made).result(30)


def number(store: Store, scope: Scope, kind: str, text: str) -> int:
    sql = "SELECT max(person_id) AS n FROM person_ids WHERE project_id = {p:UInt32} AND id_type = {t:String} AND id = {i:String}"
    return int(store.fetch(sql, {"p": scope.project_id, "t": kind, "i": text}).rows[0]["n"])


def decide(writer: Writer, scope: Scope, verb: Any, **what: Any) -> Done:
    return writer.decide(Wanted(project_id=scope.project_id, verb=verb, by="ann", why="test", **what)).result(30)


def test_a_merge_and_its_undo_leave_every_answer_byte_for_byte_as_it_was(writer: Writer, store: Store, now: Scope) -> None:
    fill(writer, now)
    before = answers(store, now)
    done = [
        decide(writer, now, "merge", one=number(store, now, "user", f"u{place}"), other=number(store, now, "user", f"u{place + 20}"))
        for place in range(8)
    ]
    merged = answers(store, now)
    assert all(one != other for one, other in zip(before, merged, strict=True))
    for one in random.Random(1).sample(done, len(done)):
        assert decide(writer, now, "undo", act=one.act).code == "done"
    assert answers(store, now) == before
    for one in done:
        decide(writer, now, "redo", act=one.act)
    assert answers(store, now) == merged


def test_what_a_client_linked_is_undone_alike_and_not_linked_again(writer: Writer, store: Store, now: Scope) -> None:
    chance = random.Random(2)
    apart = [
        event(now, key=f"{kind}{place}", name=chance.choice(NAMES), **{kind: f"x{place % 7}"})
        for place in range(200)
        for kind in ("user_id", "anonymous_id")
    ]
    writer.submit(apart).result(30)
    before = answers(store, now)
    pair = {"user_id": "x1", "anonymous_id": "x1", "store": False, "traits": {}}
    writer.submit([event(now, **pair, ids={})]).result(30)
    writer.submit([event(now, user_id="x1", anonymous_id="x1", store=False, traits={"plan": "pro"})]).result(30)
    act = store.fetch("SELECT act FROM identity_log WHERE project_id = {p:UInt32} AND kind = 'link'", {"p": now.project_id}).rows[0]["act"]
    assert answers(store, now)[0] != before[0]
    decide(writer, now, "undo", act=act)
    assert answers(store, now)[:3] == before[:3]
    writer.submit([event(now, user_id="x1", anonymous_id="x1", store=False, traits={"plan": "pro"})]).result(30)
    assert answers(store, now)[:3] == before[:3], "the next event of the same pair has linked it again"
    decide(writer, now, "allow", act=act)
    writer.submit([event(now, user_id="x1", anonymous_id="x1", store=False, traits={"plan": "pro"})]).result(30)
    assert answers(store, now)[0] != before[0]


def test_two_who_confirm_the_same_merge_at_once_find_it_done_once(writer: Writer, store: Store, now: Scope) -> None:
    writer.submit([event(now, user_id="ann"), event(now, user_id="bob")]).result(30)
    one, other = number(store, now, "user", "ann"), number(store, now, "user", "bob")
    with ThreadPoolExecutor(4) as several:
        done = list(several.map(lambda _: decide(writer, now, "merge", one=one, other=other), range(4)))
    assert sorted(each.code for each in done) == ["already", "already", "already", "done"]
    rows = store.fetch("SELECT count() AS n FROM identity_log FINAL WHERE project_id = {p:UInt32}", {"p": now.project_id}).rows
    assert rows[0]["n"] == 1


def test_undoing_while_events_stream_in_takes_nothing_from_them(writer: Writer, store: Store, now: Scope) -> None:
    writer.submit([event(now, user_id="ann"), event(now, user_id="bob"), event(now, anonymous_id="c", user_id="ann")]).result(30)
    one, other = number(store, now, "user", "ann"), number(store, now, "user", "bob")
    stopped = threading.Event()
    sent = 0

    def stream() -> None:
        nonlocal sent
        while not stopped.is_set():
            writer.submit([event(now, key=f"s{sent}", name="Stream", user_id=("ann", "bob")[sent % 2])]).result(30)
            sent += 1

    thread = threading.Thread(target=stream)
    thread.start()
    act = decide(writer, now, "merge", one=one, other=other).act
    for verb in ("undo", "redo", "undo", "redo", "undo"):
        assert decide(writer, now, verb, act=act).code == "done"
    stopped.set()
    thread.join()
    sql = f"SELECT {PERSON} AS person, count() AS n FROM events WHERE project_id = {{p:UInt32}} AND event = 'Stream' GROUP BY person"
    found = {row["person"]: row["n"] for row in store.fetch(sql, {"p": now.project_id}).rows}
    assert found == {one: (sent + 1) // 2, other: sent // 2}


def test_links_hold_in_the_next_question_after_they_are_acknowledged(writer: Writer, store: Store, now: Scope) -> None:
    engine = Engine(store)
    spec = TREND.spec.model_validate(ASKED[0][1])
    for place in range(8):
        writer.submit([event(now, name="View", anonymous_id=f"c{place}")]).result(30)
        engine.ask(TREND, spec, now)  # and keeps the answer
        writer.submit([event(now, name="View", anonymous_id=f"c{place}", user_id="ann")]).result(30)
        assert engine.ask(TREND, spec, now).result.lines[0].values[-1] == 1


def test_what_cannot_be_done_says_so(writer: Writer, store: Store, now: Scope) -> None:
    writer.submit([event(now, user_id="ann"), event(now, user_id="bob", anonymous_id="c")]).result(30)
    ann, bob = number(store, now, "user", "ann"), number(store, now, "user", "bob")
    link = store.fetch("SELECT act FROM identity_log WHERE project_id = {p:UInt32}", {"p": now.project_id}).rows[0]["act"]
    assert decide(writer, now, "merge", one=ann, other=4_000_000_000).code == "unknown"
    assert decide(writer, replace(now, project_id=now.project_id + 500_000_000), "merge", one=ann, other=bob).code == "unknown"
    assert decide(writer, now, "undo", act=12345).code == "unknown"
    assert decide(writer, now, "dismiss", act=link).code == "not_possible"
    assert decide(writer, now, "redo", act=link).code == "already"
    assert decide(writer, now, "detach", one=ann).code == "already"
    assert decide(writer, now, "detach", one=bob).code == "done"
