"""The pages of what has come in: events, the properties of one, the properties of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.http import HttpResponse

from bihuan.catalog.door import scope
from bihuan.catalog.seen import EVENT_PROPERTIES, PERSON_PROPERTIES, SEEN_EVENTS
from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec, PersonPropertiesSpec
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.engine.question import Question, Spec
from bihuan.govern.errors import NotFound
from bihuan.govern.forms import whole
from bihuan.govern.web import ProjectRequest, is_panel, project_view, render_page, sentence

S = TypeVar("S", bound=Spec)
PERIODS = (1, 7, 30, 90, 365)


@project_view("view")
def events(request: ProjectRequest) -> HttpResponse:
    """Every event with its volume; its list is a panel."""
    days = _days(request)
    context = {"days": days, "periods": PERIODS}
    return _page(request, "events", context, SEEN_EVENTS, EventsSpec(period=Last(last=days)))


@project_view("view")
def event(request: ProjectRequest) -> HttpResponse:
    """One event (`?name=`): its properties with types, shares and examples."""
    name, days = request.GET.get("name", ""), _days(request)
    if not 0 < len(name) <= 200:
        raise NotFound("There is no such event.")
    context = {"name": name, "days": days, "periods": PERIODS}
    return _page(request, "event", context, EVENT_PROPERTIES, EventPropertiesSpec(event=name, period=Last(last=days)))


@project_view("view")
def people(request: ProjectRequest) -> HttpResponse:
    """The properties of people."""
    return _page(request, "people", {}, PERSON_PROPERTIES, PersonPropertiesSpec())


def _page(request: ProjectRequest, name: str, context: Mapping[str, Any], question: Question[S, Any], spec: S) -> HttpResponse:
    """The page at once; its list, asked for by htmx at the same address, when the store has answered."""
    if not is_panel(request):
        return render_page(request, f"catalog/{name}.html", context)
    try:
        found = engine().ask(question, spec, scope(request.member)).result
    except EngineError as error:
        return render_page(request, "catalog/problem.html", {"problem": sentence(error)}, status=503)
    return render_page(request, f"catalog/{name}_list.html", {**context, "found": found})


def _days(request: ProjectRequest) -> int:
    days = whole(request.GET.get("days", "30"))
    return days if days in PERIODS else 30
