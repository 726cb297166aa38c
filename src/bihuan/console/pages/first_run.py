"""The page of the first visitor: the project, its owner and a write key, guarded by a token that only the terminal shows."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from bihuan.console.first_run import needed, set_up, token_is_right
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.web import sentence

FIELDS = ("name", "key", "timezone", "currency", "username", "email", "password")


def first_run(request: HttpRequest) -> HttpResponse:
    """Without the right token, where to find it; with it, the form; after it, the project with its write key, shown once."""
    if not needed():
        raise Http404
    token = request.POST.get("token") or request.GET.get("token", "")
    if not token_is_right(settings.CONFIG, token):
        return render(request, "console/first_run_token.html", {"wrong": bool(token)}, status=403 if token else 200)
    chinese = (get_language() or "").startswith("zh")
    values: dict[str, Any] = {"timezone": "Asia/Shanghai" if chinese else "UTC", "currency": "CNY" if chinese else "USD"}
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in FIELDS}
        try:
            done = set_up(**values)
        except (Invalid, Conflict) as error:
            errors = {error.where: sentence(error)}
        else:
            login(request, done.owner, backend="allauth.account.auth_backends.AuthenticationBackend")
            response = render(request, "console/first_run_done.html", {"done": done, "collect_url": settings.CONFIG.collect_url})
            response["Cache-Control"] = "no-store"
            return response
    context = {"values": values, "errors": errors, "token": token, "zones": sorted(available_timezones())}
    return render(request, "console/first_run.html", context, status=422 if errors else 200)
