"""Random worlds of events, aliases, unbindings, merges and undos, with restarts between, against the slow reference."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.collect import writer as writing
from bihuan.collect.events import Event
from bihuan.collect.identity import Rules, Wanted
from bihuan.collect.identity.log import about
from bihuan.collect.identity.tests.reference import Link, Reference, Who
from bihuan.collect.tests.conftest import FIRST_PERSON, event
from bihuan.collect.writer import Writer
from bihuan.engine.person_map import person_of
from bihuan.engine.question import Scope
from bihuan.engine.rollup import daily, roll, settle, whole_days
from bihuan.engine.store import Store
from bihuan.engine.visible import PERSON

WORLDS, STEPS = 24, 30
RULES = Rules(shared_after=2, most_devices=4)
USERS, DEVICES, EMAILS, PHONES = ("ann", "bob", "cid"), ("d1", "d2", "d3", "d4", "d5", "d6"), ("a@x", "b@x"), ("1", "2")


@dataclass
class World:
    """A project with its reference; `acts` are the numbers in the store's log of the reference's links, `ours` those of its numbers."""

    scope: Scope
    chance: random.Random
    reference: Reference = field(default_factory=lambda: Reference(shared_after=RULES.shared_after, most_devices=RULES.most_devices))
    events: list[tuple[str, int]] = field(default_factory=list)  # name, and the reference's number that it came with

    def an_event(self) -> Event:
        """Something a client says, and what it means."""
        pick, reference = self.chance, self.reference
        kind = pick.choice(("event", "event", "event", "ids", "ids", "alias", "unbind"))
        user = pick.choice((*USERS, None))
        device = pick.choice((*DEVICES, None))
        name = f"e{len(self.events)}"
        if kind == "alias":
            user, previous = user or "ann", pick.choice((*USERS, *DEVICES))
            reference.give(("user", user))
            self.events.append((name, reference.number[("user", user)]))
            self._alias(user, previous)
            return event(self.scope, name=name, user_id=user, alias_from=previous)
        ids = self._some_ids() if kind == "ids" else {}
        unbind = {"email": pick.choice(EMAILS)} if kind == "unbind" else {}
        said: list[Any] = _said(user, device, ids) or [None]
        who, *others = said
        if who:
            reference.give(who)
        for other in others:
            reference.give(other)
        for other in others:
            reference.meet(who, other)
        if who and unbind:
            reference.unbind(who, ("email", unbind["email"]))
        if who:
            self.events.append((name, reference.number[who]))
        return event(self.scope, name=name, user_id=user, anonymous_id=device, ids=ids or None, unbind=unbind if who and unbind else None)

    def _some_ids(self) -> dict[str, str]:
        some = {"email": EMAILS, "phone": PHONES, "openid": ("o1", "o2"), "cookie": DEVICES[:2], "shop_card": ("s1", "s2")}
        return {kind: self.chance.choice(texts) for kind, texts in some.items() if self.chance.random() < 0.4}

    def _alias(self, user: str, previous: str) -> None:
        known, anonymous, other = ("user", user), ("anonymous", previous), ("user", previous)
        if known != other:
            as_user = other in self.reference.number and anonymous not in self.reference.number
            self.reference.meet(known, other if as_user else anonymous)


def _typed(ids: dict[str, str]) -> list[Who]:
    order = ("openid", "phone", "email", "cookie", "shop_card")
    return sorted(ids.items(), key=lambda one: order.index(one[0]))


def _said(user: str | None, device: str | None, ids: dict[str, str]) -> list[Who]:
    """The ids of an event, first the one whose it is."""
    given: list[Who] = ([("user", user)] if user else []) + ([("anonymous", device)] if device else [])
    return given + [one for one in _typed(ids) if one != ("cookie", device)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LINGER", 0.01)


@pytest.fixture
def worlds(scope: Scope) -> list[World]:
    return [World(Scope(scope.project_id * 100 % 4_000_000_000 + n, scope.zone, scope.now), random.Random(n)) for n in range(WORLDS)]


def opened(store: Store) -> Writer:
    made = Writer(store, lambda _project: ZoneInfo("Asia/Shanghai"), first_person=FIRST_PERSON, rules=lambda _project: RULES)
    made.start()
    assert made.ready(30)
    return made


def decided(world: World, writer: Writer, numbers: dict[int, int]) -> None:
    """Somebody merges, undoes, redoes or detaches; `numbers` are the store's by the reference's."""
    pick, reference = world.chance, world.reference
    verb = pick.choice(("merge", "undo", "undo", "redo", "detach"))
    project = world.scope.project_id
    if verb in ("merge", "detach"):
        one, other = (pick.choice(list(reference.number.values())) for _ in range(2))
        reference.merge(one, other) if verb == "merge" else reference.detach(one)
        wanted = Wanted(project_id=project, verb=verb, by="test", one=numbers[one], other=numbers[other])  # type: ignore[arg-type]
    elif reference.links:
        link: Link = pick.choice(reference.links)
        place = reference.links.index(link)
        act = acts(writer.store, world)[place]
        reference.undo(link) if verb == "undo" else reference.redo(link)
        wanted = Wanted(project_id=project, verb=verb, by="test", act=act)  # type: ignore[arg-type]
    else:
        return
    writer.decide(wanted).result(30)


def acts(store: Store, world: World) -> list[int]:
    sql = "SELECT act FROM identity_log FINAL WHERE project_id = {p:UInt32} AND kind IN ('link', 'merge', 'unbind') ORDER BY act"
    return [row["act"] for row in store.fetch(sql, {"p": world.scope.project_id}).rows]


def ids(store: Store, world: World) -> dict[Who, tuple[int, int]]:
    """Each id's newest number and its person."""
    sql = f"SELECT id_type, id, person_id, {PERSON} AS person FROM person_ids WHERE project_id = {{p:UInt32}} ORDER BY person_id"
    return {(row["id_type"], row["id"]): (row["person_id"], row["person"]) for row in store.fetch(sql, {"p": world.scope.project_id}).rows}


def check(store: Store, world: World) -> None:
    """The store's persons are the reference's: of every id, and of every event ever."""
    found, reference = ids(store, world), world.reference
    assert set(found) == set(reference.number)
    persons = defaultdict(set)
    for who, (_, person) in found.items():
        persons[person].add(who)
    wanted = defaultdict(set)
    for who, number in reference.number.items():
        wanted[reference.person(number)].add(who)
    assert sorted(map(sorted, persons.values())) == sorted(map(sorted, wanted.values()))
    sql = f"SELECT event, {PERSON} AS person FROM events WHERE project_id = {{p:UInt32}} AND person_id != 0"
    events = {row["event"]: row["person"] for row in store.fetch(sql, {"p": world.scope.project_id}).rows}
    of_event = {name: reference.person(number) for name, number in world.events}
    assert set(events) == set(of_event)
    pairs = {(events[name], of_event[name]) for name in events}
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})


def check_counted(store: Store, world: World) -> None:
    """The persons of a day that was counted once are those whom its numbers belong to now; of each event, of which there is but one."""
    project = world.scope.project_id
    whole = whole_days(store, project)
    if whole:
        sql, params = daily(None, whole, any_event=False, people=True)
        counted, params = sql.partition("UNION ALL")[0], {"scope_project": project, **params}
        told = store.fetch(f"SELECT event, bitmapToArray(persons) AS persons FROM ({counted}) ORDER BY event", params).rows
        sql = f"""
SELECT event, arrayMap(number -> {person_of("number")}, bitmapToArray(numbers)) AS persons
FROM day_rollup FINAL WHERE project_id = {{p:UInt32}} AND event != '' ORDER BY event"""
        assert told == store.fetch(sql, {"p": project}).rows
        assert told


def count(store: Store, world: World, step: int, *, again: bool) -> None:
    """Count the world's day behind the writer's back, if it is not counted; settle it `again`."""
    project = world.scope.project_id
    days, whole = (
        store.fetch("SELECT DISTINCT day FROM events WHERE project_id = {p:UInt32}", {"p": project}).rows,
        whole_days(store, project),
    )
    if again or not whole:
        (settle if whole else roll)(store, project, [row["day"] for row in days], 1_000_000 + step)


def test_random_worlds_are_what_the_reference_says_also_after_restarts(store: Store, worlds: list[World]) -> None:
    writer = opened(store)
    try:
        for step in range(STEPS):
            writer.submit([world.an_event() for world in worlds]).result(30)
            if step % 3 == 2:
                for place, world in enumerate(worlds[2::3]):
                    count(store, world, step, again=(place + step) % 4 == 0)
                for world in worlds[step % 6 :: 6]:
                    found = ids(store, world)
                    numbers = {number: found[who][0] for who, number in world.reference.number.items()}
                    decided(world, writer, numbers)
                for world in worlds[2::3]:  # of which are all that somebody decides about
                    check_counted(store, world)
            if step % 13 == 12:
                writer.close()
                writer = opened(store)
            if step % 10 == 9:
                for world in worlds:
                    check(store, world)
    finally:
        writer.close()
    assert any(link.kind == "unbind" for world in worlds for link in world.reference.links)
    assert any(known.lacks for world in worlds for known in whole_days(store, world.scope.project_id).values())
    assert any(world.reference.shared for world in worlds)
    assert about(store, worlds[0].scope.project_id, acts(store, worlds[0])[0])[0].by == "test"
