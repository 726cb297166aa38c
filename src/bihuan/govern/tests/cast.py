"""The cast of all tests: alice owns the shop, bob operates it, anna analyses, vera views, and charlie has no access.

A pytest plugin (named in the root conftest): the database has them only in tests that ask for `cast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from bihuan.govern.door import Member
    from bihuan.govern.models import Project

PASSWORD = "shop-and-tell-42"


@dataclass(frozen=True)
class Cast:
    """The project `shop` and who is in it, as members and as users; `charlie` is only a user."""

    project: Project
    alice: Member
    bob: Member
    anna: Member
    vera: Member
    charlie: User

    def client(self, who: Member | User) -> Client:
        """A browser that is logged in."""
        from django.test import Client

        from bihuan.govern.door import Member

        browser = Client(raise_request_exception=True)
        browser.force_login(
            who.user if isinstance(who, Member) and who.user else who,  # type: ignore[arg-type]
            backend="allauth.account.auth_backends.AuthenticationBackend",
        )
        return browser


@cache
def _hashed() -> str:
    """Hashing is slow on purpose: once is enough."""
    from django.contrib.auth.hashers import make_password

    return make_password(PASSWORD)


@pytest.fixture
def cast(db: None, scope: object) -> Cast:
    """The project has the number of `scope`, so that events written with `write` are events of the shop."""
    from django.contrib.auth.models import User
    from django.core.cache import cache

    from bihuan.govern.door import membership
    from bihuan.govern.models import Membership, Project, Role

    cache.clear()  # in it log-ins are counted by the minute, over all tests of a process
    number: int = scope.project_id  # type: ignore[attr-defined]
    project = Project.objects.create(
        pk=number, key="shop", name="The Shop", timezone="Asia/Shanghai", currency="CNY", private_properties=["email"]
    )
    names = ("alice", "bob", "anna", "vera", "charlie")
    users = {name: User.objects.create(username=name, email=f"{name}@shop.example", password=_hashed()) for name in names}
    roles = {"alice": Role.OWNER, "bob": Role.OPERATOR, "anna": Role.ANALYST, "vera": Role.VIEWER}
    for name, role in roles.items():
        Membership.objects.create(project=project, user=users[name], role=role)
    members = {name: membership(users[name], "shop") for name in roles}
    return Cast(project, charlie=users["charlie"], **members)
