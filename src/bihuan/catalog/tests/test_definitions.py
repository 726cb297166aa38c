"""Definitions: every writing is a revision with author and reason, and what is in use cannot vanish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pydantic import BaseModel, ValidationError

from bihuan.catalog.definitions import (
    archive_definition,
    definition,
    definitions,
    restore_revision,
    revisions,
    save_definition,
    spec_of,
    used_by,
)
from bihuan.catalog.door import scope
from bihuan.catalog.kinds import KINDS, RIGHTS, MetricSpec, SegmentSpec, register
from bihuan.catalog.models import Definition
from bihuan.engine.filters import All, Did, EventProperty, Filter, InSegment, PersonProperty
from bihuan.govern.audit import Change
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict, Forbidden, Invalid, NotFound
from bihuan.govern.models import AuditEntry
from bihuan.govern.projects import create_project
from bihuan.govern.tests.cast import Cast

BUYERS = SegmentSpec(filter=Did(did="Buy"))
VISITORS = SegmentSpec(filter=Did(did="Visit", days=7))


def save(member: Member, name: str = "Buyers", spec: BaseModel = BUYERS, kind: str = "segment", **more: object) -> Definition:
    return save_definition(member=member, kind=kind, name=name, spec=spec, **more)  # type: ignore[arg-type]


def test_a_definition_gets_a_key_from_its_name_and_its_first_revision(cast: Cast) -> None:
    made = save(cast.anna, "Tea & cake buyers", reason="for spring")
    assert (made.key, made.revision, made.owner, made.state) == ("tea-cake-buyers", 1, cast.anna.user, "live")
    assert spec_of(made) == BUYERS
    assert save(cast.anna, "Tea, cake buyers").key == "tea-cake-buyers-2"
    assert save(cast.anna, "买家").key == "segment"
    [(first, _)] = revisions(made)
    assert (first.author, first.reason) == (cast.anna.user, "for spring")


def test_a_change_is_a_new_revision_with_its_difference(cast: Cast) -> None:
    save(cast.anna)
    changed = save(cast.bob, key="buyers", spec=SegmentSpec(filter=Did(did="Buy", days=7)), reason="fresher")
    assert changed.revision == 2
    (second, differences), _ = revisions(changed)
    assert (second.author, second.reason) == (cast.bob.user, "fresher")
    assert differences == [Change("spec.filter.days", "30", "7")]


def test_saving_without_a_difference_is_no_revision(cast: Cast) -> None:
    save(cast.anna)
    assert save(cast.bob, key="buyers").revision == 1
    assert AuditEntry.objects.count() == 1


def test_a_change_from_an_old_revision_is_refused(cast: Cast) -> None:
    save(cast.anna)
    save(cast.bob, key="buyers", spec=VISITORS, revision=1)
    with pytest.raises(Conflict, match="revision 2"):
        save(cast.anna, key="buyers", spec=BUYERS, revision=1)
    assert spec_of(definition(cast.vera, "segment", "buyers")) == VISITORS


def test_an_old_revision_comes_back_as_a_new_one(cast: Cast) -> None:
    save(cast.anna)
    save(cast.anna, "Visitors", key="buyers", spec=VISITORS)
    restored = restore_revision(member=cast.bob, kind="segment", key="buyers", number=1)
    assert (restored.name, restored.revision, spec_of(restored)) == ("Buyers", 3, BUYERS)
    with pytest.raises(NotFound):
        restore_revision(member=cast.bob, kind="segment", key="buyers", number=9)


def test_what_is_used_cannot_be_archived_before_its_users(cast: Cast) -> None:
    save(cast.anna)
    save(cast.anna, "Loyal", SegmentSpec(filter=All(all=(InSegment(segment="buyers"), Did(did="Visit")))))
    assert [one.key for one in used_by(cast.vera, "segment", "buyers")] == ["loyal"]
    with pytest.raises(Conflict, match="“Loyal”"):
        archive_definition(member=cast.anna, kind="segment", key="buyers")
    archive_definition(member=cast.anna, kind="segment", key="loyal")
    archive_definition(member=cast.anna, kind="segment", key="buyers")
    assert definitions(cast.vera, "segment") == []
    assert len(definitions(cast.vera, "segment", archived=True)) == 2


def test_an_archived_definition_comes_back_when_it_is_saved(cast: Cast) -> None:
    save(cast.anna)
    archive_definition(member=cast.anna, kind="segment", key="buyers")
    back = save(cast.anna, key="buyers")
    assert (back.state, back.revision) == ("live", 1)


def test_a_segment_cannot_refer_to_itself_or_to_nothing(cast: Cast) -> None:
    save(cast.anna)
    save(cast.anna, "Loyal", SegmentSpec(filter=InSegment(segment="buyers")))
    with pytest.raises(Invalid, match="itself"):
        save(cast.anna, key="buyers", spec=SegmentSpec(filter=InSegment(segment="loyal")))
    with pytest.raises(Invalid, match="no segment “nothing”"):
        save(cast.anna, "Ghosts", SegmentSpec(filter=InSegment(segment="nothing")))


def test_a_segment_is_about_people_not_about_one_event(cast: Cast) -> None:
    wrong: Filter = EventProperty(property="page", values=("tea",))
    for tree in (wrong, All(all=(wrong,))):
        with pytest.raises(ValidationError, match="made of people"):
            SegmentSpec(filter=tree)
    SegmentSpec(filter=Did(did="View", where=wrong))


def test_a_metric_of_a_property_names_it(cast: Cast) -> None:
    with pytest.raises(ValidationError, match="Choose the property"):
        MetricSpec(event="Buy", measure="sum")
    assert save(cast.anna, "Revenue", MetricSpec(event="Buy", measure="sum", property="revenue"), "metric").key == "revenue"


def test_viewers_read_and_analysts_write(cast: Cast) -> None:
    save(cast.anna)
    assert definition(cast.vera, "segment", "buyers").name == "Buyers"
    writings: tuple[Callable[[], object], ...] = (
        lambda: save(cast.vera),
        lambda: archive_definition(member=cast.vera, kind="segment", key="buyers"),
        lambda: restore_revision(member=cast.vera, kind="segment", key="buyers", number=1),
    )
    for write in writings:
        with pytest.raises(Forbidden):
            write()


class Mailing(BaseModel):
    segment: str


@pytest.fixture
def mailing() -> Iterator[None]:
    register("mailing", Mailing, right="act")
    yield
    del KINDS["mailing"], RIGHTS["mailing"]


def test_each_kind_says_who_may_write_it(cast: Cast, mailing: None) -> None:
    save(cast.anna)
    with pytest.raises(Forbidden):
        save(cast.anna, "Spring", Mailing(segment="buyers"), "mailing")
    save(cast.bob, "Spring", Mailing(segment="buyers"), "mailing")
    assert [one.name for one in used_by(cast.vera, "segment", "buyers")] == ["Spring"]


def test_a_document_of_another_kind_is_a_mistake(cast: Cast) -> None:
    with pytest.raises(TypeError):
        save(cast.anna, spec=MetricSpec(event="Buy"))
    with pytest.raises(NotFound):
        definitions(cast.anna, "no-such-kind")


def test_every_writing_leaves_an_audit_entry_with_before_and_after(cast: Cast) -> None:
    save(cast.anna)
    save(cast.bob, key="buyers", spec=VISITORS)
    archive_definition(member=cast.anna, kind="segment", key="buyers")
    rows = AuditEntry.objects.order_by("id").select_related("actor")
    assert [(row.actor.username if row.actor else "", row.verb, row.object_key) for row in rows] == [
        ("anna", "create", "buyers"),
        ("bob", "change", "buyers"),
        ("anna", "archive", "buyers"),
    ]
    before, after = rows[1].before or {}, rows[1].after or {}
    assert (before["spec"]["filter"]["did"], after["spec"]["filter"]["did"]) == ("Buy", "Visit")


def test_a_project_sees_only_its_own(cast: Cast) -> None:
    save(cast.anna)
    other = create_project(name="Other", owner=cast.charlie)
    from bihuan.govern.door import membership

    charlie = membership(cast.charlie, other.key)
    assert definitions(charlie, "segment") == []
    assert scope(charlie).segments == {}
    with pytest.raises(NotFound):
        definition(charlie, "segment", "buyers")


def test_the_scope_of_a_member_has_live_segments_and_hides_private_properties(cast: Cast) -> None:
    save(cast.anna)
    save(cast.anna, "Visitors", VISITORS)
    archive_definition(member=cast.anna, kind="segment", key="visitors")
    seen = scope(cast.vera)
    assert (seen.project_id, seen.zone, dict(seen.segments)) == (cast.project.pk, "Asia/Shanghai", {"buyers": Did(did="Buy")})
    assert [scope(member).hidden for member in (cast.alice, cast.bob, cast.anna, cast.vera)] == [
        frozenset(),
        frozenset(),
        {"email"},
        {"email"},
    ]


def test_only_who_may_see_a_private_property_makes_a_segment_of_it(cast: Cast) -> None:
    cast.anna.project.private_properties = ["email"]
    cast.anna.project.save()
    reachable = SegmentSpec(filter=All(all=(PersonProperty(person="email", op="set"),)))
    anna, bob = (replace(one, project=cast.anna.project) for one in (cast.anna, cast.bob))
    with pytest.raises(Invalid, match="private"):
        save(anna, spec=reachable)
    assert save(bob, spec=reachable).revision == 1
