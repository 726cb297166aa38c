"""The audit trail: every change is recorded in the same transaction that makes it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from bihuan.govern.door import Member
from bihuan.govern.models import AuditEntry


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
