"""The door of identity for whoever is let in: previews of what a merge or an undo would change, and doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from bihuan.catalog.definitions import definition, definitions, save_definition, spec_of
from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.kinds import KINDS, MetricSpec
from bihuan.catalog.segment_size import SEGMENT_SIZE, SegmentSizeSpec
from bihuan.collect.client import Collector
from bihuan.collect.identity.acts import Done, Verb, Wanted
from bihuan.collect.identity.junk import JUNK
from bihuan.collect.identity.log import edges_of
from bihuan.collect.identity.of_person import PERSON_IDS, OfPersonSpec
from bihuan.collect.identity.of_person.result import Somebody
from bihuan.collect.identity.sizes import IDENTITY, Sizes, SizesSpec
from bihuan.collect.identity.spec import KEY, KIND, IdentityRules
from bihuan.collect.identity.told import IDENTITY_LOG, Told, ToldSpec
from bihuan.collect.identity.told.result import Row
from bihuan.engine.config import Config
from bihuan.engine.filters import Did
from bihuan.engine.here import engine
from bihuan.engine.question import Scope
from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict, Invalid, NotFound
from bihuan.govern.rights import Right

RIGHT: Right = "act"  # to merge and to undo changes every person-level number, as a campaign or an import does
DAYS = 30  # over which a metric of people is compared
SAID = {
    "unknown": "There is no such person or entry in this project.",
    "not_possible": "That cannot be done with this entry.",
}


@dataclass(frozen=True)
class Affected:
    """A saved segment, a saved metric of people (over the last `DAYS` days), or the people known: how many `before` and `after`."""

    kind: str
    key: str
    name: str
    before: int
    after: int
    used_by: tuple[str, ...] = ()

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class Preview:
    """What would change: the persons now and then, and the numbers of people that differ. `unaffected` counts what stays."""

    before: tuple[Somebody, ...]
    after: tuple[Somebody, ...]
    affected: tuple[Affected, ...]
    unaffected: int

    @property
    def events(self) -> int:
        return sum(one.events for one in self.before)


def overview(member: Member) -> Sizes:
    """People by the number of their ids, and junk ids that link people."""
    junk = tuple(sorted({*JUNK, *rules(member).junk}))
    return engine().ask(IDENTITY, SizesSpec(junk=junk), scope_of(member)).result


def told(member: Member, spec: ToldSpec) -> Told:
    """Rows of the log."""
    return engine().ask(IDENTITY_LOG, spec, scope_of(member)).result


def entry(member: Member, act: int) -> Row:
    """One row of the log; NotFound when there is none."""
    rows = told(member, ToldSpec(act=act)).rows if act > 0 else ()
    if not rows:
        raise NotFound("There is no such entry in the log of identity.")
    return rows[0]


def somebody(member: Member, *persons: int, scope: Scope | None = None) -> tuple[Somebody, ...]:
    """The persons of these numbers; NotFound when one has no id."""
    found = engine().ask(PERSON_IDS, OfPersonSpec(persons=persons), scope or scope_of(member)).result.persons
    if not found or not all(one.ids for one in found):
        raise NotFound("There is no such person in this project.")
    return found


def preview_merge(member: Member, one: int, other: int) -> Preview:
    """What merging the persons of two numbers would change. Conflict when they are one already."""
    before = somebody(member, one, other)
    if len(before) < 2:
        raise Conflict("They are one person already.")
    stays = min(before, key=lambda person: (not any(own.type == "user" for own in person.ids), person.person))
    goes = next(person for person in before if person is not stays)
    return _preview(member, before, {own.number: stays.person for own in goes.ids}, (stays.person,))


def preview_undo(member: Member, row: Row) -> Preview:
    """What undoing (or redoing) a link or merge would change."""
    if row.turns == "" or row.other is None:
        raise Conflict(SAID["not_possible"])
    if row.turns == "redo" or row.kind == "unbind":
        return preview_merge(member, row.one.number, row.other.number)
    (before,) = somebody(member, row.one.number)
    numbers = [own.number for own in before.ids]
    links = [(link.one, link.other) for link in edges_of(engine().store, member.project.pk, numbers) if link.act != row.act]
    kinds = {own.number: own.type for own in before.ids}
    supposing: dict[int, int] = {}
    for group in _groups(numbers, links):
        person = min(group, key=lambda number: (kinds[number] != "user", number))
        supposing |= dict.fromkeys(group, person)
    return _preview(member, (before,), supposing, tuple(dict.fromkeys(supposing.values())))


def decide(*, member: Member, verb: Verb, one: int = 0, other: int = 0, act: int = 0, why: str = "") -> Done:
    """Merge, undo, redo, allow, dismiss or detach, and note it in the audit trail."""
    member.require(RIGHT)
    by = member.user.get_username() if member.user else member.via
    wanted = Wanted(project_id=member.project.pk, verb=verb, by=by, why=why.strip()[:500], one=one, other=other, act=act)
    with Collector(Config.from_env(), patience=10.0) as collector:
        done = collector.decide(wanted)
    if done.code == "unknown":
        raise NotFound(SAID["unknown"])
    if done.code == "not_possible":
        raise Conflict(SAID["not_possible"])
    if done.code == "done":
        with transaction.atomic():
            facts = {"persons": list(done.persons), "entry": done.act, "of": act, "why": why}
            record(member=member, verb=verb, object_kind="identity", object_key=str(act or one), summary=why, after=facts)
    return done


def rules(member: Member) -> IdentityRules:
    """What the project sets about identity."""
    try:
        return IdentityRules.model_validate(spec_of(definition(member, KIND, KEY)).model_dump())
    except NotFound:
        return IdentityRules()


def save_rules(*, member: Member, spec: IdentityRules, reason: str = "") -> None:
    """Set the project's rules, as a new revision."""
    save_definition(member=member, kind=KIND, key=KEY, name="Identity", spec=spec, reason=reason)


def number_of(member: Member, text: str) -> int:
    """The number of the id that somebody typed: `type:id`, an id, or a person's number. Invalid when nobody or several have it."""
    kind, _, rest = text.partition(":")
    sql = """
    SELECT DISTINCT person_id AS number FROM person_ids
    WHERE project_id = {p:UInt32} AND (id = {whole:String} OR (id_type = {kind:String} AND id = {rest:String})) LIMIT 3
    """
    rows = engine().store.fetch(sql, {"p": member.project.pk, "whole": text, "kind": kind, "rest": rest}).rows
    found = {row["number"] for row in rows}
    if not found and text.isdigit() and 0 < int(text) < 2**32:
        found = {int(text)}
    if len(found) != 1:
        raise Invalid(
            "“{text}” is the id of nobody, or of several: write its type before it, such as user:{text}.", text=text, where="other"
        )
    return int(found.pop())


def _preview(member: Member, before: tuple[Somebody, ...], supposing: dict[int, int], persons: tuple[int, ...]) -> Preview:
    """`persons` are those that there would be."""
    now = scope_of(member, now=datetime.now(UTC))
    then = replace(now, supposing=supposing)
    affected = [_affected(now, then, "people", "", "", SegmentSizeSpec())]
    every = definitions(member, "segment")
    uses = _uses(member)
    for found in every:
        spec = SegmentSizeSpec(filter=spec_of(found).filter)
        affected.append(replace(_affected(now, then, "segment", found.key, found.name, spec), used_by=uses.get(found.key, ())))
    for found in definitions(member, "metric"):
        metric: MetricSpec = spec_of(found)
        if metric.measure == "people":  # what else there is counts events, which stay what they are
            spec = SegmentSizeSpec(filter=Did(did=metric.event, days=DAYS, where=metric.filter))
            affected.append(_affected(now, then, "metric", found.key, found.name, spec))
    changed = tuple(one for one in affected if one.change)
    after = somebody(member, *persons, scope=then) if len(persons) <= 10 else ()
    return Preview(before, after, changed, len(affected) - len(changed))


def _affected(now: Scope, then: Scope, kind: str, key: str, name: str, spec: SegmentSizeSpec) -> Affected:
    sizes = [engine().ask(SEGMENT_SIZE, spec, scope).result for scope in (now, then)]
    before, after = (size.everybody if kind == "people" else size.people for size in sizes)
    return Affected(kind, key, name, before, after)


def _uses(member: Member) -> dict[str, tuple[str, ...]]:
    """By segment, the names of campaigns that use it."""
    found: dict[str, list[str]] = {}
    for one in definitions(member, "campaign") if "campaign" in KINDS else ():  # an upper stage's kind
        segment: Any = one.spec.get("segment")
        if isinstance(segment, str):
            found.setdefault(segment, []).append(one.name)
    return {key: tuple(names) for key, names in found.items()}


def _groups(numbers: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """What these links make of the numbers."""
    above = {number: number for number in numbers}

    def top(number: int) -> int:
        while above[number] != number:
            number = above[number]
        return number

    for one, other in links:
        if one in above and other in above:
            above[top(one)] = top(other)
    groups: dict[int, list[int]] = {}
    for number in numbers:
        groups.setdefault(top(number), []).append(number)
    return list(groups.values())
