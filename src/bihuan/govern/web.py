"""What the views of all stages share: who asks, and whether htmx asks for the panel only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from bihuan.govern.door import Member, members_projects, membership
from bihuan.govern.errors import Forbidden, NotFound, Refused
from bihuan.govern.rights import LEAST, Right

P = ParamSpec("P")
WORDS = frozenset({"kind", "role", "needed"})  # values of errors that are messages themselves


class ProjectRequest(HttpRequest):
    """A request of a member of a project."""

    member: Member
    htmx: HtmxDetails


class SeeOther(HttpResponseRedirect):
    """What was sent is done; its result is at another address."""

    status_code = 303


ProjectView = Callable[Concatenate[ProjectRequest, P], HttpResponse]


def project_view(right: Right) -> Callable[[ProjectView[P]], Callable[..., HttpResponse]]:
    """A view under `/p/<project>/` for members with `right`: the view gets `request.member` and no project argument.

    Who is not logged in goes to the log-in, a stranger gets 404, a member without the right 403. What the view's doors refuse
    is answered likewise; `Invalid` and `Conflict` are the view's own to show beside the form.
    """

    def decorate(view: ProjectView[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: ProjectRequest, *args: Any, project: str, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_log_in(request)
            try:
                request.member = membership(request.user, project)
                request.member.require(right)
                response = view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404(sentence(error)) from error
            except Forbidden as error:
                raise PermissionDenied(sentence(error)) from error
            patch_vary_headers(response, ["HX-Request"])
            return response

        return guarded

    return decorate


def is_panel(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page: not for a whole page, nor for one from its history."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    panel: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page, or for htmx only its `panel` (a template that the page includes): the same address answers both."""
    chosen = panel if panel and is_panel(request) else template
    return render(request, chosen, dict(context or {}), status=status)


def redirect_to(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """After a change: go to another page, also when htmx sent the form."""
    url = resolve_url(to, *args, **kwargs)
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", None) else SeeOther(url)


def sentence(error: Refused | Any) -> str:
    """What an error (of `govern` or of the engine) says, in the reader's language."""
    values = {name: gettext(value) if name in WORDS and isinstance(value, str) else value for name, value in error.values.items()}
    text = gettext(error.msgid)
    return text.format(**values) if values else text


def member_context(request: HttpRequest) -> dict[str, Any]:
    """For every template: `member`, `project`, `rights` (a set of names) and the `projects` to switch between."""
    member: Member | None = getattr(request, "member", None)
    if member is None:
        return {"member": None, "project": None, "rights": frozenset()}
    rights = frozenset(right for right in LEAST if member.can(right))
    return {"member": member, "project": member.project, "rights": rights, "projects": _Lazily(request)}


class _Lazily:
    """The projects of the reader, read only by a template that shows them."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __iter__(self) -> Any:
        return iter(members_projects(self.request.user))


def _to_log_in(request: HttpRequest) -> HttpResponse:
    url = resolve_url(settings.LOGIN_URL)
    htmx = getattr(request, "htmx", None)
    if htmx:
        return HttpResponseClientRedirect(f"{url}?next={quote(htmx.current_url_abs_path or '/')}")
    return HttpResponseRedirect(f"{url}?next={quote(request.get_full_path())}")
