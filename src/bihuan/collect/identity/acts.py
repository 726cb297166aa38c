"""What somebody decides about people: to merge two, to undo or redo what was linked, to dismiss or confirm what a client proposed.

Planned and written by the writer, one after the other, between the commits of events: two people who confirm the same merge at once
find it done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from bihuan.collect.identity.changes import Changes
from bihuan.collect.identity.log import Act, about, edges_of
from bihuan.collect.identity.people import People, groups
from bihuan.engine.store import Store

Verb = Literal["merge", "undo", "redo", "allow", "dismiss", "detach"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What `by` wants done, and `why`. `merge`: the persons of `one` and `other`, as the proposal `act` said if there is one.
    `undo`, `redo`, `allow` (the pair may link by itself again) and `dismiss` (a proposal): the row `act`. `detach`: every link of `one`.
    """

    project_id: int
    verb: Verb
    by: str
    why: str = ""
    one: int = 0
    other: int = 0
    act: int = 0


class Done(msgspec.Struct, frozen=True):
    """What became of it. `code`: done; `already` (it was so before); `unknown` (there is no such row or person); `not_possible` (the row
    is no link, proposal …). `act` is the row that was written, `persons` those whom the numbers concerned belong to now, `together` says
    that other links still make one person of what was to be taken apart."""

    code: Literal["done", "already", "unknown", "not_possible"]
    act: int = 0
    persons: tuple[int, ...] = ()
    together: bool = False


class _State(NamedTuple):
    """A row of the log and what rows about it say: whether it `holds` (a link), whether the pair may link by itself again."""

    row: Act
    holds: bool
    allowed: bool


def plan_act(people: People, wanted: Wanted, stamp: int) -> tuple[Changes, Done]:
    """What is to be written for it, and what becomes of it. Changes nothing."""
    changes = Changes(people, {}, stamp=stamp)
    return changes, _PLANS[wanted.verb](changes, people, people.store, wanted)


def _merge(changes: Changes, people: People, store: Store, wanted: Wanted) -> Done:
    one, other = wanted.one, wanted.other
    if wanted.act:
        state = _state(store, wanted)
        if state is None or state.row.kind != "propose":
            return Done("unknown")
        one, other = state.row.one, state.row.other
    if not (_of_project(store, wanted.project_id, (one, other))):
        return Done("unknown")
    if people.person(one) == people.person(other):
        return Done("already", persons=(people.person(one),))
    act = changes.act(wanted.project_id, "merge", one, other, of=wanted.act, why=wanted.why, by=wanted.by)
    changes.unite(one, other, act)
    return Done("done", act.act, (changes.person(one),))


def _undo(changes: Changes, people: People, store: Store, wanted: Wanted) -> Done:
    state = _state(store, wanted)
    if state is None:
        return Done("unknown")
    row = state.row
    if row.kind == "unbind":
        return _again(changes, people, wanted, row, "undo") if not state.holds else Done("already")
    if row.kind not in ("link", "merge"):
        return Done("not_possible")
    if not state.holds:
        return Done("already", persons=_persons(people, row))
    return _take_away(changes, people, store, wanted, [row], "undo")


def _redo(changes: Changes, people: People, store: Store, wanted: Wanted) -> Done:
    state = _state(store, wanted)
    if state is None:
        return Done("unknown")
    row = state.row
    if row.kind == "unbind":
        return _take_away(changes, people, store, wanted, [row], "redo") if state.holds else Done("already")
    if row.kind not in ("link", "merge"):
        return Done("not_possible")
    if state.holds:
        return Done("already", persons=_persons(people, row))
    if row.kind == "link":
        changes.bars.append((row.one, row.other, False))
    return _again(changes, people, wanted, row, "redo")


def _allow(changes: Changes, people: People, store: Store, wanted: Wanted) -> Done:
    state = _state(store, wanted)
    if state is None:
        return Done("unknown")
    if state.row.kind != "link":
        return Done("not_possible")
    if state.holds or state.allowed:
        return Done("already")
    changes.bars.append((state.row.one, state.row.other, False))
    return Done("done", _say(changes, wanted, state.row).act, _persons(people, state.row))


def _dismiss(changes: Changes, people: People, store: Store, wanted: Wanted) -> Done:
    state = _state(store, wanted)
    if state is None:
        return Done("unknown")
    if state.row.kind != "propose":
        return Done("not_possible")
    if not state.holds:
        return Done("already")
    return Done("done", _say(changes, wanted, state.row).act, _persons(people, state.row))


def _detach(changes: Changes, people: People, store: Store, wanted: Wanted) -> Done:
    person = people.person(wanted.one)
    links = edges_of(store, wanted.project_id, list(people.members(person)))
    mine = [link for link in links if wanted.one in (link.one, link.other)]
    if not mine:
        return Done("already" if _of_project(store, wanted.project_id, (wanted.one,)) else "unknown", persons=(person,))
    return _take_away(changes, people, store, wanted, mine, "undo")


def _take_away(changes: Changes, people: People, store: Store, wanted: Wanted, rows: Sequence[Act], verb: str) -> Done:
    """Let links no longer hold; the person falls into those that the others make."""
    members = list(people.members(people.person(rows[0].one)))
    gone = {row.act for row in rows}
    left = [(link.one, link.other) for link in edges_of(store, wanted.project_id, members) if link.act not in gone]
    for row in rows:
        _say(changes, wanted, row, verb)
        if row.kind == "link":
            changes.bars.append((row.one, row.other, True))
    found = groups(members, left, people)
    if len(found) > 1:
        changes.regrouped = dict(found)
    persons = tuple(sorted(person for person, group in found if any(n in group for row in rows for n in (row.one, row.other))))
    return Done("done", changes.acts[-1].act, persons, together=len(persons) == 1)


def _again(changes: Changes, people: People, wanted: Wanted, row: Act, verb: str) -> Done:
    act = _say(changes, wanted, row, verb)
    changes.unite(row.one, row.other, act)
    return Done("done", act.act, (changes.person(row.one),))


def _say(changes: Changes, wanted: Wanted, row: Act, verb: str = "") -> Act:
    return changes.act(wanted.project_id, verb or wanted.verb, row.one, row.other, of=row.act, why=wanted.why, by=wanted.by)


def _state(store: Store, wanted: Wanted) -> _State | None:
    rows = about(store, wanted.project_id, wanted.act)
    if not rows or rows[0].act != wanted.act:
        return None
    row, later = rows[0], rows[1:]
    holds, allowed = row.kind != "unbind", False
    for one in later:
        if one.kind in ("undo", "redo"):
            holds, allowed = (one.kind == "undo") == (row.kind == "unbind"), False
        elif one.kind == "dismiss":
            holds = False
        elif one.kind == "allow":
            allowed = True
    return _State(row, holds, allowed)


def _persons(people: People, row: Act) -> tuple[int, ...]:
    return tuple(sorted({people.person(row.one), people.person(row.other)}))


def _of_project(store: Store, project: int, numbers: Sequence[int]) -> bool:
    sql = "SELECT uniqExact(person_id) AS found FROM person_ids WHERE project_id = {p:UInt32} AND person_id IN {n:Array(UInt32)}"
    return bool(store.fetch(sql, {"p": project, "n": list(numbers)}).rows[0]["found"] == len(set(numbers)))


_PLANS = {"merge": _merge, "undo": _undo, "redo": _redo, "allow": _allow, "dismiss": _dismiss, "detach": _detach}
