"""The pages of a project's settings. A secret is shown in the answer to the form that made it, and nowhere again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from bihuan.govern.errors import Conflict, Invalid, Refused
from bihuan.govern.keys import api_tokens, create_api_token, create_write_key, revoke_api_token, revoke_write_key, write_keys
from bihuan.govern.models import Role
from bihuan.govern.projects import add_member, change_project, change_role, members, remove_member
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

ROLES = tuple(Role.choices)


@project_view("view")
def project(request: ProjectRequest) -> HttpResponse:
    """The project's facts; an owner may change some of them."""
    found = request.member.project
    values: dict[str, Any] = {"name": found.name, "currency": found.currency, "private": "\n".join(found.private_properties)}
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in values}
        try:
            change_project(
                member=request.member,
                name=values["name"],
                currency=values["currency"],
                private_properties=values["private"].splitlines(),
            )
        except Invalid as error:
            errors = {error.where: sentence(error)}
        else:
            messages.success(request, gettext("Saved."))
            return redirect_to(request, "govern:project", project=found.key)
    return _page(request, "project", {"values": values, "errors": errors})


@project_view("view")
def people(request: ProjectRequest) -> HttpResponse:
    """Who is in the project; an owner may add somebody."""
    context: dict[str, Any] = {"roles": ROLES, "who": "", "role": Role.VIEWER.value}
    if request.method == "POST":
        who, role = request.POST.get("who", ""), request.POST.get("role", "")
        try:
            added, password = add_member(member=request.member, who=who, role=role)
        except (Invalid, Conflict) as error:
            context |= {"who": who, "role": role, "problem": sentence(error)}
        else:
            context |= {"added": added, "secret": password}
    return _page(request, "members", context | {"members": members(request.member)})


@require_POST
@project_view("manage")
def change_member(request: ProjectRequest, username: str) -> HttpResponse:
    """Give a member another role, or let them out (`do=remove`)."""
    try:
        if request.POST.get("do") == "remove":
            remove_member(member=request.member, username=username)
            messages.success(request, gettext("{name} is no longer a member.").format(name=username))
        else:
            changed = change_role(member=request.member, username=username, role=request.POST.get("role", ""))
            messages.success(request, gettext("The role of {name} is now {role}.").format(name=username, role=Role(changed.role).label))
    except (Invalid, Conflict) as error:
        messages.error(request, sentence(error))
    return redirect_to(request, "govern:members", project=request.member.project.key)


@project_view("manage")
def keys(request: ProjectRequest) -> HttpResponse:
    """Write keys, and a form for a new one."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        try:
            context["made"], context["secret"] = create_write_key(member=request.member, name=request.POST.get("name", ""))
        except Refused as error:
            context["problem"] = sentence(error)
    return _page(request, "keys", context | {"keys": write_keys(request.member)})


@require_POST
@project_view("manage")
def revoke_key(request: ProjectRequest, pk: int) -> HttpResponse:
    revoked = revoke_write_key(member=request.member, pk=pk)
    messages.success(request, gettext("“{name}” opens nothing any more.").format(name=revoked.name))
    return redirect_to(request, "govern:keys", project=request.member.project.key)


@project_view("manage")
def tokens(request: ProjectRequest) -> HttpResponse:
    """API tokens, and a form for a new one."""
    context: dict[str, Any] = {"roles": ROLES, "role": Role.VIEWER.value}
    if request.method == "POST":
        role = request.POST.get("role", "")
        try:
            made = create_api_token(member=request.member, name=request.POST.get("name", ""), role=role)
        except Refused as error:
            context |= {"problem": sentence(error), "role": role}
        else:
            context["made"], context["secret"] = made
    return _page(request, "tokens", context | {"tokens": api_tokens(request.member)})


@require_POST
@project_view("manage")
def revoke_token(request: ProjectRequest, pk: int) -> HttpResponse:
    revoked = revoke_api_token(member=request.member, pk=pk)
    messages.success(request, gettext("“{name}” opens nothing any more.").format(name=revoked.name))
    return redirect_to(request, "govern:tokens", project=request.member.project.key)


def _page(request: ProjectRequest, tab: str, context: Mapping[str, Any]) -> HttpResponse:
    failed = bool(context.get("problem") or context.get("errors"))
    response = render_page(request, f"govern/{tab}.html", {**context, "tab": tab}, status=422 if failed else 200)
    if context.get("secret"):
        response["Cache-Control"] = "no-store"
    return response
