"""Projects and their members: made, changed and left by keyword-only verbs, each noted in the audit trail."""

from __future__ import annotations

import re
import secrets
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q

from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict, Invalid, NotFound
from bihuan.govern.models import Membership, Project, Role
from bihuan.govern.slugs import free_key, key_of

KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def create_project(*, key: str = "", name: str, timezone: str = "UTC", currency: str = "USD", owner: User) -> Project:
    """A new project with its first owner. Without a key, one is made from the name."""
    name = _name(name)
    key = key or _free_key(name)
    if not KEY.fullmatch(key):
        raise Invalid("A key has small letters, digits and hyphens only: it stands in addresses.", where="key")
    with transaction.atomic():
        if Project.objects.filter(key=key).exists():
            raise Conflict("There is already a project {key}; choose another key.", key=key, where="key")
        project = Project.objects.create(key=key, name=name, timezone=_timezone(timezone), currency=_currency(currency))
        Membership.objects.create(project=project, user=owner, role=Role.OWNER)
        member = Member(project, owner, Role.OWNER)
        record(member=member, verb="create", object_kind="project", object_key=key, summary=name, after=_facts(project))
    return project


def change_project(*, member: Member, name: str, currency: str, private_properties: list[str]) -> Project:
    """Change what may change. The time zone may not: the days of stored events are days in it."""
    member.require("manage")
    project = member.project
    with transaction.atomic():
        before = _facts(project)
        project.name, project.currency = _name(name), _currency(currency)
        project.private_properties = sorted({text.strip() for text in private_properties if text.strip()})
        project.save(update_fields=["name", "currency", "private_properties"])
        if before != _facts(project):
            record(
                member=member,
                verb="change",
                object_kind="project",
                object_key=project.key,
                summary=project.name,
                before=before,
                after=_facts(project),
            )
    return project


def create_user(*, username: str, password: str, email: str = "", name: str = "") -> User:
    """A new account. Raises Invalid with what is wrong with its name or password."""
    username, email = username.strip(), email.strip().lower()
    if not re.fullmatch(r"[\w.@+-]{1,150}", username):
        raise Invalid("A user name has letters, digits and @ . + - _ only.", where="username")
    if email:
        try:
            validate_email(email)
        except ValidationError:
            raise Invalid("“{email}” is not an e-mail address.", email=email, where="email") from None
    if User.objects.filter(Q(username__iexact=username) | (Q(email__iexact=email) if email else Q(pk=None))).exists():
        raise Conflict("There is already an account with this name or e-mail address.", where="username")
    user = User(username=username, email=email, first_name=name.strip()[:150])
    set_password(user=user, password=password)
    return user


def set_password(*, user: User, password: str) -> None:
    """Give an account its password, if it is a good one."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("{reason}", reason=" ".join(error.messages), where="password") from None
    user.set_password(password)
    user.save()


def members(member: Member) -> list[Membership]:
    """Who is in the project, owners first."""
    order = list(Role)
    found = Membership.objects.filter(project=member.project).select_related("user")
    return sorted(found, key=lambda one: (order.index(Role(one.role)), one.user.username))


def add_member(*, member: Member, who: str, role: Role | str) -> tuple[Membership, str]:
    """Let `who` (user name or e-mail address) in. An unknown one gets an account; its first password is returned, once."""
    member.require("manage")
    role, who, password = _role(role), who.strip(), ""
    with transaction.atomic():
        user = User.objects.filter(Q(username__iexact=who) | (Q(email__iexact=who) if "@" in who else Q(pk=None))).first()
        if user is None:
            password = secrets.token_urlsafe(12)
            user = create_user(username=who, password=password, email=who if "@" in who else "")
        if Membership.objects.filter(project=member.project, user=user).exists():
            raise Conflict("{who} is already a member; change the role instead.", who=who, where="who")
        added = Membership.objects.create(project=member.project, user=user, role=role)
        record(member=member, verb="add", object_kind="member", object_key=user.username, after={"role": role.value})
    return added, password


def change_role(*, member: Member, username: str, role: Role | str) -> Membership:
    """Give a member another role. The last owner stays one."""
    member.require("manage")
    role = _role(role)
    with transaction.atomic():
        found = _membership(member, username)
        before = found.role
        if role != Role.OWNER:
            _keep_an_owner(found)
        if before != role:
            found.role = role
            found.save(update_fields=["role"])
            record(
                member=member,
                verb="change",
                object_kind="member",
                object_key=username,
                before={"role": before},
                after={"role": role.value},
            )
    return found


def remove_member(*, member: Member, username: str) -> None:
    """Let a member out; their tokens stop working. The last owner stays."""
    member.require("manage")
    with transaction.atomic():
        found = _membership(member, username)
        _keep_an_owner(found)
        record(member=member, verb="remove", object_kind="member", object_key=username, before={"role": found.role})
        found.delete()


def _membership(member: Member, username: str) -> Membership:
    rows = Membership.objects.select_for_update().filter(project=member.project).select_related("user")
    found = next((one for one in rows if one.user.username == username), None)  # all are locked: owners are counted below
    if found is None:
        raise NotFound("{username} is not a member of this project.", username=username)
    return found


def _keep_an_owner(leaving: Membership) -> None:
    others = Membership.objects.filter(project=leaving.project, role=Role.OWNER).exclude(pk=leaving.pk)
    if leaving.role == Role.OWNER and not others.exists():
        raise Conflict("A project keeps at least one owner: make somebody else an owner first.", where="role")


def _facts(project: Project) -> dict[str, object]:
    names = ("name", "timezone", "currency", "private_properties")
    return {name: getattr(project, name) for name in names}


def _free_key(name: str) -> str:
    base = key_of(name, "project", 36).replace("_", "-")
    taken = set(Project.objects.filter(key__startswith=base).values_list("key", flat=True))
    return free_key(base, taken)


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid("Give the project a name.", where="name")
    return name.strip()[:100]


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise Invalid("There is no time zone “{name}”; they are called like Asia/Shanghai or Europe/Berlin.", name=name, where="timezone")
    return ZoneInfo(name).key


def _currency(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", code.strip().upper()):
        raise Invalid("A currency has a code of three letters, such as CNY, USD or EUR.", where="currency")
    return code.strip().upper()


def _role(role: Role | str) -> Role:
    if role not in Role.values:
        raise Invalid("There is no role “{role}”.", role=role, where="role")
    return Role(role)
