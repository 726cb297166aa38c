"""The pages of people: the list and its search, and one person with their timeline."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.utils.translation import gettext

from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.words import words
from bihuan.engine.here import engine
from bihuan.govern.forms import parse_dotted, to_dotted, validated
from bihuan.govern.web import ProjectRequest, is_panel, project_view, render_page
from bihuan.see.people import PEOPLE
from bihuan.see.people.spec import PeopleSpec
from bihuan.see.person import PERSON
from bihuan.see.person.result import PersonResult
from bihuan.see.person.spec import PersonSpec


@project_view("view")
def people(request: ProjectRequest) -> HttpResponse:
    """People by when they were last here, found by what is typed."""
    document = parse_dotted(request.GET)
    spec, errors = validated(PeopleSpec, document)
    context: dict[str, Any] = {"errors": errors, "words": words(request.member), "search": document.get("search", "")}
    if spec is not None:
        context["values"] = spec.model_dump(mode="json", by_alias=True)
        context["query"] = urlencode(to_dotted(spec))
        answer = engine().ask(PEOPLE, spec, scope_of(request.member))
        context["found"], context["nothing_yet"] = answer.result, answer.fresh_to is None
    else:
        context["values"] = document
    return render_page(request, "see/people.html", context, panel="see/people_list.html")


@project_view("view")
def person(request: ProjectRequest, number: int) -> HttpResponse:
    """One person; htmx asks for older events only."""
    spec, errors = validated(PersonSpec, {**parse_dotted(request.GET), "person": number})
    if spec is None:
        raise Http404(" ".join(errors.values()))
    scope = scope_of(request.member)
    further = is_panel(request)
    found = engine().ask(PERSON, spec.model_copy(update={"what": "events"}) if further else spec, scope).result
    if found.unknown and not further:
        raise Http404(gettext("There is no such person in this project."))
    context = {
        "found": found,
        "title": found.name or gettext("Person {number}").format(number=number),
        "days": _days(found, scope.zone),
        "event": spec.event,
        "older": _older(spec, found),
    }
    return render_page(request, "see/person.html", context, panel="see/timeline.html")


def _days(found: PersonResult, zone: str) -> list[tuple[Any, list[Any]]]:
    """The events by the day on which they happened in the project's zone."""
    return [(day, list(events)) for day, events in groupby(found.events, key=lambda one: one.at.astimezone(ZoneInfo(zone)).date())]


def _older(spec: PersonSpec, found: PersonResult) -> str:
    """The query of the address of the events before those shown, "" when there are none."""
    if not found.more:
        return ""
    last = found.events[-1]
    next_page = {"before": last.at.isoformat(), "before_key": last.key, "event": spec.event}
    return urlencode({name: value for name, value in next_page.items() if value})
