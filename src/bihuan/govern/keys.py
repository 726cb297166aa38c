"""Write keys and API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TypeVar

from django.db import transaction

from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.errors import Invalid, NotFound
from bihuan.govern.hashes import digest_of
from bihuan.govern.models import ApiToken, Role, WriteKey

K = TypeVar("K", WriteKey, ApiToken)
SHOWN = 10  # characters of a secret that stay visible


def create_write_key(*, member: Member, name: str) -> tuple[WriteKey, str]:
    """A new key for sending events into the member's project, and its secret: the only time it is known."""
    member.require("manage")
    secret = f"bw_{secrets.token_urlsafe(24)}"
    with transaction.atomic():
        key = WriteKey.objects.create(
            project=member.project, name=_named(name), prefix=secret[:SHOWN], digest=digest_of(secret), created_by=member.user
        )
        record(member=member, verb="create", object_kind="write_key", object_key=str(key.pk), summary=str(key), after={"name": key.name})
    return key, secret


def create_api_token(*, member: Member, name: str, role: Role | str = Role.VIEWER) -> tuple[ApiToken, str]:
    """A new token for programs that ask on behalf of `member`, and its secret: the only time it is known."""
    member.require("manage")
    if member.user is None:
        raise Invalid("A token belongs to somebody: log in to make one.")
    secret = f"bt_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            project=member.project,
            user=member.user,
            name=_named(name),
            role=Role(role),
            prefix=secret[:SHOWN],
            digest=digest_of(secret),
        )
        after = {"name": token.name, "role": token.role}
        record(member=member, verb="create", object_kind="api_token", object_key=str(token.pk), summary=str(token), after=after)
    return token, secret


def revoke_write_key(*, member: Member, pk: int) -> WriteKey:
    """The key opens nothing any more."""
    return _revoke(member, WriteKey, pk, "write_key")


def revoke_api_token(*, member: Member, pk: int) -> ApiToken:
    """The token opens nothing any more."""
    return _revoke(member, ApiToken, pk, "api_token")


def write_key(secret: str) -> WriteKey | None:
    """The valid write key with this secret, with its project."""
    return WriteKey.objects.select_related("project").filter(digest=digest_of(secret), revoked_at=None).first()


def write_keys(member: Member) -> list[WriteKey]:
    """All keys of the project, newest first."""
    return list(WriteKey.objects.filter(project=member.project).select_related("created_by"))


def api_tokens(member: Member) -> list[ApiToken]:
    """All tokens of the project, newest first."""
    return list(ApiToken.objects.filter(project=member.project).select_related("user"))


def _revoke(member: Member, model: type[K], pk: int, kind: str) -> K:
    member.require("manage")
    with transaction.atomic():
        found = model._default_manager.filter(pk=pk, project=member.project).first()
        if found is None:
            raise NotFound("There is no such key in this project.")
        if found.revoked_at is None:
            found.revoked_at = datetime.now(UTC)
            found.save(update_fields=["revoked_at"])
            record(member=member, verb="revoke", object_kind=kind, object_key=str(found.pk), summary=str(found))
    return found


def _named(name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid("Give it a name that tells what it is used for.", where="name")
    return name[:100]
