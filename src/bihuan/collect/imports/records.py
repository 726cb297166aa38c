"""The record of a file that is brought in, and by whom."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from bihuan.collect.models import ImportRun
from bihuan.govern.door import Member


def create_run(*, member: Member, path: Path | None, file_name: str = "", **fields: Any) -> ImportRun:
    """Record that a file, or what is at another place (no `path`), is to be imported."""
    member.require("act")
    return ImportRun.objects.create(
        project=member.project,
        file_name=(file_name or (path.name if path else ""))[-255:],
        size=path.stat().st_size if path else 0,
        digest=digest_of(path) if path else "",
        created_by=member.user,
        via=member.via,
        **fields,
    )


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
