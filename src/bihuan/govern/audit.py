"""The audit trail: every change is recorded in the same transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bihuan.govern.door import Member
from bihuan.govern.forms import to_dotted
from bihuan.govern.models import AuditEntry


@dataclass(frozen=True)
class Change:
    """One difference of two documents: the dotted `place`, what was there `before` and `after` ('' for nothing)."""

    place: str
    before: str
    after: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What differs between two documents, by dotted place."""
    old, new = dict(to_dotted(before)), dict(to_dotted(after))
    return [Change(place, old.get(place, ""), new.get(place, "")) for place in {**old, **new} if old.get(place) != new.get(place)]


def record(
    *,
    member: Member,
    verb: str,
    object_kind: str,
    object_key: str,
    summary: str = "",
    before: Any = None,
    after: Any = None,
) -> AuditEntry:
    """Note that `member` did `verb` (create, change, archive, restore, add, remove, revoke …). Secrets never belong in here."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A change and its audit entry belong in one transaction.")
    return AuditEntry.objects.create(
        project=member.project,
        actor=member.user,
        via=member.via,
        verb=verb,
        object_kind=object_kind,
        object_key=object_key,
        summary=summary[:500],
        before=before,
        after=after,
    )
