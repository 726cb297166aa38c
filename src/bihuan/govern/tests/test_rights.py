"""Who may do what: the table of roles, and that every door keeps it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from bihuan.govern.door import bihuan_itself, folder_owner, member_of_token, members_projects, membership
from bihuan.govern.errors import Forbidden, NotFound
from bihuan.govern.keys import create_api_token, revoke_api_token
from bihuan.govern.models import Membership, Project, Role
from bihuan.govern.projects import change_role, remove_member
from bihuan.govern.rights import LEAST, allowed, lesser
from bihuan.govern.tests.cast import Cast
from bihuan.govern.web import ProjectRequest, project_view

TABLE = """
            owner operator analyst viewer
    view     yes    yes      yes    yes
    define   yes    yes      yes    no
    act      yes    yes      no     no
    private  yes    yes      no     no
    manage   yes    no       no     no
"""


def test_every_role_has_exactly_the_rights_of_the_table() -> None:
    head, *lines = TABLE.strip().splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert set(rows) == set(LEAST)
    for right, marks in rows.items():
        for role, mark in zip(head.split(), marks, strict=True):
            assert allowed(role, right) == (mark == "yes"), (role, right)  # type: ignore[arg-type]


def test_the_lesser_of_two_roles_may_do_less() -> None:
    assert lesser("owner", "viewer") == lesser("viewer", "owner") == Role.VIEWER
    assert lesser("operator", "analyst") == Role.ANALYST


def test_to_a_stranger_the_project_does_not_exist(cast: Cast) -> None:
    for user in (cast.charlie, AnonymousUser()):
        with pytest.raises(NotFound):
            membership(user, "shop")
    with pytest.raises(NotFound) as other:
        membership(cast.charlie, "no-such-project")
    with pytest.raises(NotFound) as this:
        membership(cast.charlie, "shop")
    assert str(this.value) == str(other.value), "the answer does not tell whether the project exists"
    assert members_projects(cast.charlie) == []


def test_a_deactivated_account_is_a_stranger(cast: Cast) -> None:
    assert cast.vera.user
    cast.vera.user.is_active = False
    cast.vera.user.save()
    with pytest.raises(NotFound):
        membership(cast.vera.user, "shop")


def test_a_member_without_the_right_is_told_whom_to_ask(cast: Cast) -> None:
    with pytest.raises(Forbidden, match="needs the role operator; yours is viewer"):
        cast.vera.require("act")


def test_a_token_acts_for_its_user_with_the_lesser_role(cast: Cast) -> None:
    _, secret = create_api_token(member=cast.alice, name="notebook", role="analyst")
    assert member_of_token(secret).role == Role.ANALYST
    Membership.objects.create(project=cast.project, user=cast.charlie, role=Role.OWNER)
    change_role(member=cast.alice, username="alice", role="viewer")
    asking = member_of_token(secret)
    assert (asking.role, asking.user, asking.via) == (Role.VIEWER, cast.alice.user, "token notebook")


def test_a_token_of_somebody_who_left_opens_nothing(cast: Cast) -> None:
    Membership.objects.create(project=cast.project, user=cast.charlie, role=Role.OWNER)
    _, secret = create_api_token(member=membership(cast.charlie, "shop"), name="old")
    remove_member(member=cast.alice, username="charlie")
    with pytest.raises(NotFound, match="no longer a member"):
        member_of_token(secret)


def test_a_revoked_or_invented_token_opens_nothing(cast: Cast) -> None:
    token, secret = create_api_token(member=cast.alice, name="n")
    revoke_api_token(member=cast.alice, pk=token.pk)
    for opened in (secret, "bt_invented", ""):
        with pytest.raises(NotFound):
            member_of_token(opened)


def test_whoever_has_the_folder_owns_its_project(cast: Cast) -> None:
    assert folder_owner().role == folder_owner("shop").role == Role.OWNER
    with pytest.raises(NotFound):
        folder_owner("other")
    Project.objects.create(key="second", name="Second")
    with pytest.raises(NotFound, match="several"):
        folder_owner()


def test_bihuan_itself_may_do_everything_and_is_named_so(cast: Cast) -> None:
    itself = bihuan_itself(cast.project)
    assert all(map(itself.can, LEAST))
    assert (itself.user, itself.via) == (None, "bihuan")


@project_view("define")
def a_page(request: ProjectRequest, number: int) -> HttpResponse:
    return HttpResponse(f"{request.member.project.key} {request.member.role} {number}")


def _get(user: object, project: str = "shop", **headers: str) -> HttpResponse:
    request: HttpRequest = RequestFactory().get(f"/p/{project}/page/7/", headers=headers)
    request.user = user  # type: ignore[assignment]
    return a_page(request, project=project, number=7)


def test_a_view_lets_in_whoever_has_the_right(cast: Cast) -> None:
    response = _get(cast.anna.user)
    assert response.content == b"shop analyst 7"
    assert "HX-Request" in response["Vary"]


def test_a_view_answers_404_to_a_stranger_and_403_to_a_member_without_the_right(cast: Cast) -> None:
    from django.core.exceptions import PermissionDenied

    with pytest.raises(Http404):
        _get(cast.charlie)
    with pytest.raises(PermissionDenied, match="analyst"):
        _get(cast.vera.user)


def test_a_view_sends_who_is_not_logged_in_to_the_log_in_and_back(cast: Cast) -> None:
    response = _get(AnonymousUser())
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/p/shop/page/7/"
