"""First run: the first project, its owner and a write key, made once; and accounts from the command line."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from bihuan.engine.config import Config
from bihuan.govern.door import folder_owner, membership
from bihuan.govern.keys import create_write_key
from bihuan.govern.models import Membership, Project
from bihuan.govern.projects import add_member, create_project, create_user, set_password

SECRET = "first-run"  # noqa: S105 - its name


@dataclass(frozen=True)
class SetUp:
    """What was made; `write_key` is the secret, known only now."""

    project: Project
    owner: User
    write_key: str


def needed() -> bool:
    """Whether nobody can log in yet."""
    return not User.objects.exists()


def address(config: Config) -> str:
    """Where the first visitor sets Bihuan up; the token in it is known to whoever sees the terminal or the data folder."""
    return f"{config.public_url}/first-run/?token={config.secret(SECRET)}"


def token_is_right(config: Config, token: str) -> bool:
    """Whether the visitor has the token, while there is anything to set up."""
    return needed() and hmac.compare_digest(token.encode(), config.secret(SECRET).encode())


def set_up(*, name: str, username: str, email: str, password: str, key: str = "", timezone: str = "UTC", currency: str = "USD") -> SetUp:
    """Make the owner (an account of that name may exist already), the project, and its first write key: all or nothing."""
    with transaction.atomic():
        owner = User.objects.filter(username=username).first() or create_user(username=username, password=password, email=email)
        project = create_project(key=key, name=name, timezone=timezone, currency=currency, owner=owner)
        _, secret = create_write_key(member=membership(owner, project.key), name=project.name)
    return SetUp(project, owner, secret)


def set_account(*, username: str, password: str, email: str = "", project: str = "", role: str = "viewer") -> User:
    """Make an account or give one a new password, and let it into a project: for whoever has the data folder."""
    with transaction.atomic():
        user = User.objects.filter(username=username).first()
        if user is None:
            user = create_user(username=username, password=password, email=email)
        else:
            set_password(user=user, password=password)
        if project:
            member = folder_owner(project)
            if not Membership.objects.filter(project=member.project, user=user).exists():
                add_member(member=member, who=username, role=role)
    return user
