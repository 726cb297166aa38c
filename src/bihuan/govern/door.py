"""The door of a project: who comes in, as what. Everything that is asked or changed is asked or changed by a `Member`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from bihuan.govern.errors import Forbidden, NotFound
from bihuan.govern.hashes import digest_of
from bihuan.govern.models import ApiToken, Membership, Project, Role
from bihuan.govern.rights import LEAST, Right, allowed, lesser

NO_PROJECT = "There is no such project, or you are not a member of it."
USED_EVERY = timedelta(minutes=5)  # how exactly the last use of a token is known


@dataclass(frozen=True)
class Member:
    """Somebody in a project: `user` is None for Bihuan itself and for the owner of the data folder; `via` says how they came in
    when it was not the console."""

    project: Project
    user: User | None
    role: Role
    via: str = ""

    def can(self, right: Right) -> bool:
        return allowed(self.role, right)

    def require(self, right: Right) -> None:
        """Raise Forbidden unless this member has `right`."""
        if not self.can(right):
            raise Forbidden(
                "This needs the role {needed}; yours is {role}. Ask an owner of the project.",
                needed=LEAST[right].value,
                role=self.role.value,
            )


def membership(user: AbstractBaseUser | AnonymousUser, project_key: str) -> Member:
    """The membership of `user`; to a stranger the project does not exist (NotFound)."""
    if not user.is_authenticated or not user.is_active:
        raise NotFound(NO_PROJECT)
    found = Membership.objects.select_related("project").filter(user_id=user.pk, project__key=project_key).first()
    if found is None or not isinstance(user, User):
        raise NotFound(NO_PROJECT)
    return Member(found.project, user, Role(found.role))


def members_projects(user: AbstractBaseUser | AnonymousUser) -> list[Project]:
    """The projects that `user` may enter, by name."""
    return list(Project.objects.filter(memberships__user_id=user.pk).order_by("name", "id")) if user.is_authenticated else []


def member_of_token(secret: str, *, now: datetime | None = None) -> Member:
    """Who asks with this API token: its user, with the lesser of the token's role and the user's own. NotFound when it opens nothing."""
    now = now or datetime.now(UTC)
    token = ApiToken.objects.select_related("project", "user").filter(digest=digest_of(secret), revoked_at=None).first()
    if token is None or not token.user.is_active:
        raise NotFound("This token is not valid, or it was revoked.")
    own = Membership.objects.filter(project=token.project, user=token.user).first()
    if own is None:
        raise NotFound("This token's user is no longer a member of the project.")
    if token.last_used_at is None or now - token.last_used_at > USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return Member(token.project, token.user, lesser(token.role, own.role), via=f"token {token.name}")


def bihuan_itself(project: Project) -> Member:
    """Bihuan acting by itself, such as a campaign's worker: with every right, and named in the audit trail as nobody."""
    return Member(project, None, Role.OWNER, via="bihuan")


def folder_owner(project_key: str | None = None) -> Member:
    """Whoever can read the data folder's secrets, on the command line or in a notebook: may do what an owner may.

    Without a key, the only project there is.
    """
    projects = list(Project.objects.filter(key=project_key) if project_key else Project.objects.all()[:2])
    if not projects:
        raise NotFound("There is no project {key}." if project_key else "There is no project yet: run `bihuan init`.", key=project_key)
    if len(projects) > 1:
        raise NotFound("There are several projects: say which one.")
    return Member(projects[0], None, Role.OWNER, via="command line")
