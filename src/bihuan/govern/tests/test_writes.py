"""Projects, members, keys and tokens: what is written, what is refused, and that each writing leaves its audit entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from bihuan.govern.audit import record
from bihuan.govern.errors import Conflict, Forbidden, Invalid, NotFound
from bihuan.govern.hashes import digest_of
from bihuan.govern.keys import api_tokens, create_api_token, create_write_key, revoke_api_token, revoke_write_key, write_key, write_keys
from bihuan.govern.models import AuditEntry, Membership, Project
from bihuan.govern.projects import add_member, change_project, change_role, create_project, create_user, members, remove_member
from bihuan.govern.tests.cast import Cast


def trail() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.order_by("id").select_related("actor")
    return [(row.actor.username if row.actor else row.via, row.verb, f"{row.object_kind} {row.object_key}") for row in rows]


def test_a_new_project_has_its_owner_and_a_key_from_its_name(db: None) -> None:
    olga = create_user(username="olga", password="a-long-password-9", email="Olga@Example.org")
    project = create_project(name="Tea & Time", timezone="Asia/Shanghai", currency="cny", owner=olga)
    assert (project.key, project.currency, olga.email) == ("tea-time", "CNY", "olga@example.org")
    assert create_project(name="Tea, time", owner=olga).key == "tea-time-2"
    assert create_project(name="茶与时间", owner=olga).key == "project"
    assert trail()[0] == ("olga", "create", "project tea-time")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": " "}, "name"),
        ({"key": "Größe"}, "key"),
        ({"key": "shop"}, "key"),
        ({"timezone": "Shanghai"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"currency": "yuan"}, "currency"),
    ],
)
def test_a_project_with_a_wrong_fact_is_refused_whole(cast: Cast, change: dict[str, str], where: str) -> None:
    with pytest.raises((Invalid, Conflict)) as refused:
        create_project(**{"name": "Second", "owner": cast.charlie} | change)  # type: ignore[arg-type]
    assert refused.value.where == where
    assert Project.objects.count() == 1


def test_a_write_key_is_shown_once_and_kept_as_a_hash(cast: Cast) -> None:
    key, secret = create_write_key(member=cast.alice, name="web")
    assert key.digest == digest_of(secret)
    assert secret.startswith(key.prefix)
    stored = [str(value) for row in (*write_keys(cast.alice), AuditEntry.objects.get()) for value in vars(row).values()]
    assert not any(secret in value for value in stored)
    assert write_key(secret) == key
    assert write_key(secret + "x") is None


def test_a_revoked_write_key_opens_nothing_and_revoking_twice_is_one_change(cast: Cast) -> None:
    key, secret = create_write_key(member=cast.alice, name="web")
    revoke_write_key(member=cast.alice, pk=key.pk)
    revoke_write_key(member=cast.alice, pk=key.pk)
    assert write_key(secret) is None
    assert [verb for _, verb, _ in trail()] == ["create", "revoke"]


def test_a_key_of_another_project_cannot_be_revoked(cast: Cast) -> None:
    other = create_project(name="Other", owner=cast.charlie)
    key, _ = create_write_key(member=cast.alice, name="web")
    from bihuan.govern.door import membership

    with pytest.raises(NotFound):
        revoke_write_key(member=membership(cast.charlie, other.key), pk=key.pk)


def test_an_unknown_member_gets_an_account_with_a_password_shown_once(cast: Cast) -> None:
    added, password = add_member(member=cast.alice, who="dora@shop.example", role="analyst")
    assert added.user.check_password(password)
    assert added.user.email == "dora@shop.example"
    assert password not in str(vars(AuditEntry.objects.get()))


def test_a_known_person_is_added_by_name_or_by_e_mail_and_keeps_the_password(cast: Cast) -> None:
    added, password = add_member(member=cast.alice, who="CHARLIE@shop.example", role="viewer")
    assert (added.user, password) == (cast.charlie, "")
    with pytest.raises(Conflict):
        add_member(member=cast.alice, who="charlie", role="owner")
    assert User.objects.count() == 5


def test_the_last_owner_can_neither_leave_nor_step_down(cast: Cast) -> None:
    with pytest.raises(Conflict, match="at least one owner"):
        remove_member(member=cast.alice, username="alice")
    with pytest.raises(Conflict, match="at least one owner"):
        change_role(member=cast.alice, username="alice", role="viewer")
    change_role(member=cast.alice, username="bob", role="owner")
    remove_member(member=cast.alice, username="alice")
    assert [one.user.username for one in members(cast.bob)] == ["bob", "anna", "vera"]


@pytest.mark.parametrize(
    "write",
    [
        lambda member: create_write_key(member=member, name="x"),
        lambda member: revoke_write_key(member=member, pk=1),
        lambda member: create_api_token(member=member, name="x"),
        lambda member: revoke_api_token(member=member, pk=1),
        lambda member: add_member(member=member, who="x", role="owner"),
        lambda member: change_role(member=member, username="bob", role="owner"),
        lambda member: remove_member(member=member, username="bob"),
        lambda member: change_project(member=member, name="x", currency="EUR", private_properties=[]),
    ],
)
def test_only_an_owner_manages(cast: Cast, write: Callable[..., object]) -> None:
    for member in (cast.bob, cast.anna, cast.vera):
        with pytest.raises(Forbidden):
            write(member)
    assert not AuditEntry.objects.exists()


def test_every_writing_leaves_one_audit_entry(cast: Cast) -> None:
    key, _ = create_write_key(member=cast.alice, name="web")
    token, _ = create_api_token(member=cast.alice, name="notebook")
    add_member(member=cast.alice, who="charlie", role="viewer")
    change_role(member=cast.alice, username="charlie", role="analyst")
    change_role(member=cast.alice, username="charlie", role="analyst")  # changes nothing
    remove_member(member=cast.alice, username="charlie")
    change_project(member=cast.alice, name="Shop", currency="EUR", private_properties=["phone", " ", "email"])
    change_project(member=cast.alice, name="Shop", currency="EUR", private_properties=["email", "phone"])  # changes nothing
    assert trail() == [
        ("alice", "create", f"write_key {key.pk}"),
        ("alice", "create", f"api_token {token.pk}"),
        ("alice", "add", "member charlie"),
        ("alice", "change", "member charlie"),
        ("alice", "remove", "member charlie"),
        ("alice", "change", "project shop"),
    ]
    after = AuditEntry.objects.latest("id").after
    assert after
    assert after["private_properties"] == ["email", "phone"]
    assert [one.name for one in api_tokens(cast.alice)] == ["notebook"]


@pytest.mark.django_db(transaction=True)
def test_an_audit_entry_outside_the_change_s_transaction_is_a_mistake(cast: Cast) -> None:
    with pytest.raises(RuntimeError):
        record(member=cast.alice, verb="change", object_kind="project", object_key="shop")


def test_a_weak_password_or_a_strange_name_makes_no_account(db: None) -> None:
    for wrong in ({"password": "12345678"}, {"username": "a b"}, {"email": "nobody"}):
        with pytest.raises(Invalid):
            create_user(**{"username": "olga", "password": "a-long-password-9"} | wrong)
    assert not User.objects.exists()
    assert not Membership.objects.exists()
