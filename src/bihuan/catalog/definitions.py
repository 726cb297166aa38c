"""The door of saved definitions: read as nouns, written by keyword-only verbs, every writing a revision and an audit entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from pydantic import BaseModel

from bihuan.catalog.kinds import KINDS, RIGHTS
from bihuan.catalog.models import Definition, Revision
from bihuan.govern.audit import Change, changes, record
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict, Invalid, NotFound
from bihuan.govern.slugs import free_key, key_of

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
RESERVED = frozenset({"new", "size"})  # they stand where a key stands in addresses


def definitions(member: Member, kind: str, *, archived: bool = False) -> list[Definition]:
    """The project's definitions of a kind, by name; archived ones only when asked for."""
    member.require("view")
    found = Definition.objects.filter(project=member.project, kind=_kind(kind)).select_related("owner")
    return list(found if archived else found.exclude(state=Definition.State.ARCHIVED))


def definition(member: Member, kind: str, key: str) -> Definition:
    """One definition, archived or not; NotFound when there is none."""
    member.require("view")
    found = Definition.objects.filter(project=member.project, kind=_kind(kind), key=key).select_related("owner").first()
    if found is None:
        raise NotFound("There is no {kind} “{key}” in this project.", kind=kind, key=key)
    return found


def spec_of(found: Definition) -> Any:
    """The definition's document as its kind's model."""
    return KINDS[found.kind].model_validate(found.spec)


def save_definition(
    *,
    member: Member,
    kind: str,
    key: str = "",
    name: str,
    spec: BaseModel,
    description: str = "",
    reason: str = "",
    state: str | None = None,
    revision: int | None = None,
) -> Definition:
    """Make or change a definition. Without a key, one is made from the name. `revision` is the one that the writer started from:
    Conflict when another was written since."""
    member.require(RIGHTS[_kind(kind)])
    name = name.strip()[:200]
    if not name:
        raise Invalid("Give it a name.", where="name")
    if not isinstance(spec, KINDS[kind]):
        raise TypeError(f"a {kind} holds a {KINDS[kind].__name__}, not a {type(spec).__name__}")
    document = spec.model_dump(mode="json", by_alias=True)
    with transaction.atomic():
        key = key or _free_key(member, kind, name)
        if not KEY.fullmatch(key) or key in RESERVED:
            raise Invalid("A key has small letters, digits, - and _ only, and is not “new” or “size”.", where="key")
        _check_references(member, kind, key, document)
        if kind == "segment":  # a saved segment looks at every property, whoever reads it
            _check_private(member, document)
        found = Definition.objects.select_for_update().filter(project=member.project, kind=kind, key=key).first()
        if found is None:
            return _create(member, kind, key, name, document, description, reason, state)
        if revision is not None and revision != found.revision:
            raise Conflict("Somebody changed this meanwhile (revision {now}); look at it and save again.", now=found.revision)
        return _change(member, found, name, document, description, reason, state)


def archive_definition(*, member: Member, kind: str, key: str) -> Definition:
    """Take a definition out of use. Conflict while something uses it. Saving it again brings it back."""
    member.require(RIGHTS[_kind(kind)])
    with transaction.atomic():
        found = definition(member, kind, key)
        users = used_by(member, kind, key)
        if users:
            raise Conflict("It is used by {names}; change or archive those first.", names=", ".join(f"“{user.name}”" for user in users))
        if found.state != Definition.State.ARCHIVED:
            found.state = Definition.State.ARCHIVED
            found.save(update_fields=["state", "updated_at"])
            record(member=member, verb="archive", object_kind=kind, object_key=key, summary=found.name)
    return found


def restore_revision(*, member: Member, kind: str, key: str, number: int, reason: str = "") -> Definition:
    """Make an earlier revision the present one again, as a new revision."""
    member.require(RIGHTS[_kind(kind)])
    found = definition(member, kind, key)
    old = found.revisions.filter(number=number).first()
    if old is None:
        raise NotFound("There is no revision {number}.", number=number)
    return save_definition(
        member=member,
        kind=kind,
        key=key,
        name=old.name,
        description=old.description,
        spec=KINDS[kind].model_validate(old.spec),
        reason=reason or f"↶ {number}",
        state=Definition.State.LIVE if found.state == Definition.State.ARCHIVED else None,
    )


def revisions(found: Definition) -> list[tuple[Revision, list[Change]]]:
    """Every revision, newest first, with what it changed."""
    rows = list(found.revisions.select_related("author"))
    olds = [*rows[1:], None]
    return [(new, changes(_facts(old) if old else {}, _facts(new))) for new, old in zip(rows, olds, strict=True)]


def used_by(member: Member, kind: str, key: str) -> list[Definition]:
    """The definitions in use that refer to this one."""
    others = Definition.objects.filter(project=member.project).exclude(state=Definition.State.ARCHIVED)
    return [other for other in others if (kind, key) in set(references(other.spec)) and (other.kind, other.key) != (kind, key)]


def references(document: Any) -> Iterator[tuple[str, str]]:
    """The (kind, key) that a document refers to: by convention, fields called after a kind."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if name in ("segment", "metric") and isinstance(value, str):
                yield name, value
            else:
                yield from references(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from references(value)


def _create(member: Member, kind: str, key: str, name: str, document: Any, description: str, reason: str, state: str | None) -> Definition:
    made = Definition.objects.create(
        project=member.project,
        kind=kind,
        key=key,
        name=name,
        description=description,
        spec=document,
        state=state or Definition.State.LIVE,
        owner=member.user,
    )
    _note_revision(member, made, reason)
    record(member=member, verb="create", object_kind=kind, object_key=key, summary=name, after=_facts(made))
    return made


def _change(member: Member, found: Definition, name: str, document: Any, description: str, reason: str, state: str | None) -> Definition:
    before, state_before = _facts(found), found.state
    if state is None and found.state == Definition.State.ARCHIVED:
        state = Definition.State.LIVE
    found.name, found.description, found.spec, found.state = name, description, document, state or found.state
    if _facts(found) != before:
        found.revision += 1
        found.save()
        _note_revision(member, found, reason)
        record(
            member=member,
            verb="change",
            object_kind=found.kind,
            object_key=found.key,
            summary=name,
            before=before,
            after=_facts(found),
        )
    elif found.state != state_before:
        found.save()
        states = {"before": {"state": state_before}, "after": {"state": found.state}}
        record(member=member, verb="change", object_kind=found.kind, object_key=found.key, summary=name, **states)
    return found


def _note_revision(member: Member, found: Definition, reason: str) -> None:
    Revision.objects.create(
        definition=found,
        number=found.revision,
        name=found.name,
        description=found.description,
        spec=found.spec,
        author=member.user,
        reason=reason.strip()[:500],
    )


def _facts(row: Definition | Revision) -> dict[str, Any]:
    return {"name": row.name, "description": row.description, "spec": row.spec}


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise NotFound("There is no kind of definition called “{kind}”.", kind=kind)
    return kind


def _check_references(member: Member, kind: str, key: str, document: Any) -> None:
    live = Definition.objects.filter(project=member.project).exclude(state=Definition.State.ARCHIVED)
    documents = {(one.kind, one.key): one.spec for one in live} | {(kind, key): document}

    def follow(at: tuple[str, str], way: tuple[tuple[str, str], ...]) -> None:
        if at in way:
            raise Invalid("“{key}” would refer to itself.", key=at[1], where="filter")
        if at not in documents:
            raise Invalid("There is no {kind} “{key}”; it may have been archived.", kind=at[0], key=at[1], where="filter")
        for below in references(documents[at]):
            follow(below, (*way, at))

    follow((kind, key), ())


def _check_private(member: Member, document: Any) -> None:
    if member.can("private"):
        return
    for name in _named_properties(document):
        if name in member.project.private_properties:
            raise Invalid(
                "“{name}” is a private property of this project: only operators and owners may make people out of it.",
                name=name,
                where="filter",
            )


def _named_properties(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from (str(part[place]) for place in ("property", "person") if isinstance(part.get(place), str))
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _named_properties(inner)


def _free_key(member: Member, kind: str, name: str) -> str:
    base = key_of(name, kind.replace("_", "-"))
    taken = set(Definition.objects.filter(project=member.project, kind=kind, key__startswith=base).values_list("key", flat=True)) | RESERVED
    return free_key(base, taken)
