"""What a member's questions are about: the project's zone, its saved segments, and what this member may not see."""

from __future__ import annotations

from datetime import UTC, datetime

from bihuan.catalog.kinds import SegmentSpec
from bihuan.catalog.models import Definition
from bihuan.engine.question import Scope
from bihuan.govern.door import Member
from bihuan.govern.rights import LEAST


def scope(member: Member, *, now: datetime | None = None) -> Scope:
    """The scope of everything that `member` asks at the instant `now` (aware)."""
    member.require("view")
    saved = Definition.objects.filter(project=member.project, kind="segment").exclude(state=Definition.State.ARCHIVED)
    rows = list(saved.values_list("key", "spec", "name", "revision"))
    return Scope(
        project_id=member.project.pk,
        zone=member.project.timezone,
        now=now or datetime.now(UTC),
        segments={key: SegmentSpec.model_validate(spec).filter for key, spec, _, _ in rows},
        hidden=frozenset() if member.can("private") else frozenset(member.project.private_properties),
        segment_names={key: name for key, _, name, _ in rows},
        revisions={key: revision for key, _, _, revision in rows},
        rights=frozenset(right for right in LEAST if member.can(right)),
    )
