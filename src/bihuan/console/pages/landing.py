"""Where somebody lands outside a project: their first project, or what to do without one; and how pages look to them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from bihuan.console.first_run import needed
from bihuan.govern.door import members_projects

YEAR = 365 * 86_400
LOOKS = ("light", "dark", "auto")


def landing(request: HttpRequest) -> HttpResponse:
    """The project last opened, else the first one; without any, a page that says how to get one."""
    if not request.user.is_authenticated:
        return redirect("first_run" if needed() else "account_login")
    projects = members_projects(request.user)
    last = request.COOKIES.get("bihuan_project")
    chosen = next((project for project in projects if project.key == last), projects[0] if projects else None)
    return redirect(f"/p/{chosen.key}/") if chosen else render(request, "console/no_project.html")


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language or look, and go back to where it was chosen."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    language, look = request.POST.get("language"), request.POST.get("look")
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax")
    if look in LOOKS:
        response.set_cookie("bihuan_look", look, max_age=YEAR, samesite="Lax")
    return response
