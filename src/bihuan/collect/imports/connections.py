"""Connections of a project: addresses that imports may read, with their credentials kept apart. Made by who may `manage` only."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from bihuan.catalog.models import Definition
from bihuan.collect.imports.definition import KIND, ImportSpec
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.source import Source
from bihuan.collect.imports.sources.address import Address, parse_address
from bihuan.collect.models import Connection
from bihuan.engine.config import Config
from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict, Invalid, NotFound
from bihuan.govern.models import Project
from bihuan.govern.slugs import free_key, key_of

SQLITE_FOLDER = "sources"  # of the data folder: the only place whose SQLite files connections may read


def connections(project: Project) -> list[Connection]:
    return list(Connection.objects.filter(project=project))


def connection(project: Project, key: str) -> Connection:
    found = Connection.objects.filter(project=project, key=key).first()
    if found is None:
        raise NotFound("There is no connection “{key}” in this project.", key=key)
    return found


def save_connection(
    *, member: Member, key: str = "", name: str, place: str, password: str = "", headers: str = "", forget: bool = False
) -> Connection:
    """Make a connection (no `key`) or change it. What is left empty of its secret stays as it was, unless `forget`, or unless the host is
    another: a password never goes to an address that its owner did not give it for."""
    member.require("manage")
    name = name.strip()[:200]
    if not name:
        raise Invalid("Give it a name.", where="name")
    try:
        address = parse_address(place, password)
        _check_place(address)
    except ImportProblem as problem:
        raise Invalid(problem.msgid, **problem.values, where="place") from problem
    with transaction.atomic():
        found = connection(member.project, key) if key else None
        secret = {} if found is None or forget or _moved(found.place, address.place) else dict(found.secret)
        secret |= address.secret
        secret |= {"headers": headers.strip()} if headers.strip() else {}
        before = {"name": found.name, "place": found.place} if found else None
        made = found or Connection(project=member.project, key=_free_key(member.project, name), created_by=member.user)
        changed_secret = secret != made.secret
        made.name, made.place, made.secret = name, address.place, secret
        made.save()
        record(
            member=member,
            verb="change" if found else "create",
            object_kind="connection",
            object_key=made.key,
            summary=name,
            before=before,
            after={"name": name, "place": made.place} | ({"credentials": "***"} if changed_secret else {}),
        )
    return made


def delete_connection(*, member: Member, key: str) -> None:
    """Forget a connection and its credentials. Conflict while an import uses it."""
    member.require("manage")
    with transaction.atomic():
        found = connection(member.project, key)
        users = [one for one in _imports(member.project) if one.spec.get("connection") == key]
        if users:
            raise Conflict("It is used by {names}; change or archive those first.", names=", ".join(f"“{user.name}”" for user in users))
        record(member=member, verb="remove", object_kind="connection", object_key=key, summary=found.name, before={"place": found.place})
        found.delete()


def address_of(found: Connection) -> Address:
    return Address(found.place, dict(found.secret))


def source_of_spec(project: Project, spec: ImportSpec) -> Source:
    """What an import definition reads. Raises ImportProblem."""
    from bihuan.collect.imports.sources.choose import source_at

    try:
        address = address_of(connection(project, spec.connection))
    except NotFound as error:
        raise ImportProblem(error.msgid, **error.values) from error
    _check_place(address)
    folder = Config.from_env().data / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return source_at(address, query=spec.query, path=spec.path, cursor=spec.cursor, kind=spec.format, folder=folder)


def _check_place(address: Address) -> None:
    """SQLite files are Bihuan's own machine's: only those that somebody laid into the folder for them."""
    if address.place.startswith("sqlite:"):
        folder = (Config.from_env().data / SQLITE_FOLDER).resolve()
        path = Path(address.place.removeprefix("sqlite://").removeprefix("/")).resolve()
        if not path.is_relative_to(folder):
            raise ImportProblem("A connection may read SQLite files below {folder} only: put the file there.", folder=folder)


def _moved(before: str, after: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(before)[:2] != urlsplit(after)[:2]


def _imports(project: Project) -> list[Definition]:
    return list(Definition.objects.filter(project=project, kind=KIND).exclude(state=Definition.State.ARCHIVED))


def _free_key(project: Project, name: str) -> str:
    base = key_of(name, "connection")
    taken = set(Connection.objects.filter(project=project, key__startswith=base).values_list("key", flat=True)) | {"new"}
    return free_key(base, taken)
