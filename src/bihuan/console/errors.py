"""What people see when something goes wrong: what it is and what to do, as a page or, for htmx, as a panel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext

from bihuan.engine.errors import Busy, Cancelled, EngineError, Unavailable
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.web import is_panel, sentence

AGAIN = 4  # seconds
log = logging.getLogger(__name__)


class ErrorPages:
    """Answers what views let through: the store starting again (with a page that asks again by itself), refusals, a busy database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        match error:
            case Unavailable():
                return page(
                    request, 503, gettext("One moment: the event store is starting again"), sentence(error), "database-off", again=AGAIN
                )
            case Busy():
                return page(request, 503, gettext("One moment"), sentence(error), "hourglass", again=AGAIN)
            case Cancelled():
                return page(request, 200, gettext("Stopped"), sentence(error), "hand-stop")
            case EngineError():
                log.warning("%s: %s", request.path, error)
                return page(request, 422, gettext("This cannot be answered yet"), sentence(error), "alert-circle")
            case Invalid() | Conflict():
                return page(
                    request, 409 if isinstance(error, Conflict) else 422, gettext("This was not done"), sentence(error), "alert-circle"
                )
            case OperationalError() if "locked" in str(error):
                text = gettext("Somebody else is writing just now. Try again in a moment.")
                return page(request, 503, gettext("One moment"), text, "hourglass", again=None if request.method == "POST" else AGAIN)
            case OperationalError() if "disk is full" in str(error):
                log.error("The disk of the definitions' database is full.")
                text = gettext("Nothing was saved. The data folder needs room: tell whoever runs Bihuan, then try again.")
                return page(request, 507, gettext("The disk is full"), text, "database-off")
        return None


def page(request: HttpRequest, status: int, title: str, text: str, icon: str, *, again: int | None = None) -> HttpResponse:
    """An error as a page, or as a panel for htmx. A form that was sent is never sent again by itself."""
    if request.method != "GET":
        again = None
    context: dict[str, Any] = {"title": title, "text": text, "icon": icon, "again": again}
    response = render(request, "panels/error.html" if is_panel(request) else "error.html", context, status=status)
    if again:
        response["Retry-After"] = str(again)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(request, 400, gettext("This address is not understood"), gettext("Go back and try again."), "question-mark")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = str(exception) or gettext("Your role does not allow this; ask an owner of the project.")
    return page(request, 403, gettext("Not for your role"), text, "lock")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    told = str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
    text = told or gettext("Nothing is at this address. It may have been moved or archived.")
    return page(request, 404, gettext("Not found"), text, "zoom-question")


def server_error(request: HttpRequest) -> HttpResponse:
    """A mistake of Bihuan's own. Nothing here may fail in its turn: the page asks for neither project nor person."""
    if is_panel(request):
        text = gettext("Bihuan could not make this part of the page. The log says what happened.")
        return page(request, 500, gettext("Something went wrong"), text, "bug")
    return HttpResponse(render_to_string("500.html"), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = gettext("The form was open too long, or cookies are off. Go back, load the page again, and send it once more.")
    return page(request, 403, gettext("The form is too old"), text, "clock")
