"""What a member's questions are about: the project's zone, its saved segments, and what this member may not see."""

from __future__ import annotations

from datetime import UTC, datetime

from bihuan.catalog.kinds import SegmentSpec
from bihuan.catalog.models import Definition
from bihuan.engine.filters import Filter
from bihuan.engine.question import Scope
from bihuan.govern.door import Member


def scope(member: Member, *, now: datetime | None = None) -> Scope:
    """The scope of everything that `member` asks at the instant `now` (aware)."""
    member.require("view")
    return Scope(
        project_id=member.project.pk,
        zone=member.project.timezone,
        now=now or datetime.now(UTC),
        segments=_segments(member),
        hidden=frozenset() if member.can("private") else frozenset(member.project.private_properties),
    )


def _segments(member: Member) -> dict[str, Filter]:
    rows = Definition.objects.filter(project=member.project, kind="segment").exclude(state=Definition.State.ARCHIVED)
    return {key: SegmentSpec.model_validate(spec).filter for key, spec in rows.values_list("key", "spec")}
