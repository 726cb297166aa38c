"""What goes wrong, as every route of the API says it: `{code, message, where}`, `where` the dotted place in what was sent."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as BadRequest

from bihuan.engine.errors import Busy, Cancelled, EngineError, NotAllowed, QuestionError, TooLarge, Unavailable
from bihuan.govern.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from bihuan.govern.forms import likeliest_by_place
from bihuan.govern.web import sentence


class Error(Schema):
    """`code` is for programs, `message` for people; `where` is the dotted place in what was sent ('' for the whole)."""

    code: str
    message: str
    where: str = ""


STATUS: dict[type[Exception], tuple[int, str]] = {
    NotFound: (404, "not_found"),
    Forbidden: (403, "forbidden"),
    Conflict: (409, "conflict"),
    Invalid: (422, "invalid"),
    NotAllowed: (403, "forbidden"),
    QuestionError: (422, "invalid"),
    TooLarge: (422, "too_large"),
    Cancelled: (409, "cancelled"),
    Busy: (503, "busy"),
    Unavailable: (503, "unavailable"),
}


def status_and_code(error: Exception) -> tuple[int, str]:
    """The HTTP status and the code of what a door or the engine refuses."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), (500, "store"))


def install(api: NinjaAPI) -> None:
    """Make `api` answer all its errors in one form."""

    def say(request: HttpRequest, status: int, code: str, message: str, where: str = "") -> HttpResponse:
        response = api.create_response(request, {"code": code, "message": message, "where": where}, status=status)
        if status == 503:
            response["Retry-After"] = "2"
        if status == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response

    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        status, code = status_and_code(error)
        return say(request, status, code, sentence(error), getattr(error, "where", ""))

    def bad_request(request: HttpRequest, error: Any) -> HttpResponse:
        places = likeliest_by_place(_within(error.errors), _sent(request))
        where, message = next(iter(places.items()), ("", gettext("This request cannot be understood.")))
        return say(request, 422, "invalid", message, where)

    def too_large(request: HttpRequest, error: Any) -> HttpResponse:
        message = gettext("A request may have at most {most} MB.").format(most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1_000_000)
        return say(request, 413, "too_large", message)

    def not_authenticated(request: HttpRequest, error: Any) -> HttpResponse:
        message = gettext("Send a valid API token: Authorization: Bearer …. An owner makes one in the project's settings.")
        return say(request, 401, "unauthenticated", message)

    def http_error(request: HttpRequest, error: Any) -> HttpResponse:
        return say(request, error.status_code, "bad_request", str(error))

    api.add_exception_handler(Refused, refused)
    api.add_exception_handler(EngineError, refused)
    api.add_exception_handler(RequestDataTooBig, too_large)
    api.add_exception_handler(BadRequest, bad_request)
    api.add_exception_handler(AuthenticationError, not_authenticated)
    api.add_exception_handler(HttpError, http_error)


def _within(errors: Any) -> list[dict[str, Any]]:
    """Mistakes with their place inside the body or the query, without the names that ninja puts before it."""
    found = []
    for error in errors:
        loc = tuple(error["loc"])
        found.append({**error, "loc": loc[2:] if loc[:1] == ("body",) else loc[1:]})
    return found


def _sent(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body or b"{}")
    except ValueError:
        return {}
