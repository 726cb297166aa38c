"""What the pages of all kinds of definitions share: saving from a form, history, archiving, restoring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from pydantic import BaseModel

from bihuan.catalog.definitions import archive_definition, restore_revision, revisions, save_definition, used_by
from bihuan.catalog.kinds import KINDS
from bihuan.catalog.models import Definition
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.forms import parse_dotted, validated, whole
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, sentence

PLAIN = ("name", "description", "reason", "revision")  # fields of the form that are not of the spec


@dataclass
class Draft:
    """A definition in a form: what was typed, and what is wrong with it by dotted place ('' for the whole)."""

    kind: str
    found: Definition | None
    plain: dict[str, str]
    values: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    saved: Definition | None = None


def draft(request: ProjectRequest, kind: str, found: Definition | None, empty: BaseModel | None = None) -> Draft:
    """The form's content: what was sent, else the definition, else an empty one. What was sent is saved if nothing is wrong with it."""
    if request.method == "POST":
        return _save(request, kind, found)
    if found is not None:
        plain = {"name": found.name, "description": found.description, "reason": "", "revision": str(found.revision)}
        return Draft(kind, found, plain, found.spec)
    document = parse_dotted(request.GET, ignore=PLAIN)
    values = document or (empty.model_dump(mode="json", by_alias=True) if empty else {})
    return Draft(kind, None, {name: request.GET.get(name, "") for name in PLAIN}, values)


def _save(request: ProjectRequest, kind: str, found: Definition | None) -> Draft:
    plain = {name: request.POST.get(name, "").strip() for name in PLAIN}
    document = parse_dotted(request.POST, ignore=PLAIN)
    spec, errors = validated(KINDS[kind], document)
    made = Draft(kind, found, plain, document, errors)
    if spec is None:
        return made
    try:
        made.saved = save_definition(
            member=request.member,
            kind=kind,
            key=found.key if found else "",
            name=plain["name"],
            description=plain["description"],
            reason=plain["reason"],
            spec=spec,
            revision=whole(plain["revision"]) if found else None,
        )
    except (Invalid, Conflict) as error:
        made.errors = {error.where: sentence(error)}
    return made


def history(request: ProjectRequest, found: Definition, say: Callable[[Any], str]) -> dict[str, Any]:
    """For a definition's page: its revisions, each in words (`say`) and with its differences, and what uses it with its address."""
    root = f"/p/{request.member.project.key}/"
    users = [(user, f"{root}{user.kind}s/{user.key}/") for user in used_by(request.member, found.kind, found.key)]
    return {
        "definition": found,
        "revisions": [(one, say(KINDS[found.kind].model_validate(one.spec)), changed) for one, changed in revisions(found)],
        "users": users,
        "archived": found.state == Definition.State.ARCHIVED,
        "archive_address": _address("archive", request, found),
        "restore_address": _address("restore", request, found),
    }


@require_POST
@project_view("view")
def archive(request: ProjectRequest, kind: str, key: str) -> HttpResponse:
    """Take a definition out of use, if nothing uses it."""
    try:
        found = archive_definition(member=request.member, kind=kind, key=key)
    except Conflict as error:
        messages.error(request, sentence(error))
        return redirect_to(request, f"catalog:{kind}", project=request.member.project.key, key=key)
    messages.success(request, gettext("“{name}” is archived.").format(name=found.name))
    return redirect_to(request, f"catalog:{kind}s", project=request.member.project.key)


@require_POST
@project_view("view")
def restore(request: ProjectRequest, kind: str, key: str) -> HttpResponse:
    """Make an earlier revision (`number`) the present one again."""
    number = request.POST.get("number", "")
    try:
        found = restore_revision(member=request.member, kind=kind, key=key, number=whole(number) or 0)
    except (Invalid, Conflict) as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, gettext("“{name}” is as it was in revision {number}.").format(name=found.name, number=number))
    return redirect_to(request, f"catalog:{kind}", project=request.member.project.key, key=key)


def _address(verb: str, request: ProjectRequest, found: Definition) -> str:
    return reverse(f"catalog:{verb}_{found.kind}", kwargs={"project": request.member.project.key, "key": found.key})
