"""The pages of metrics: all of them, one with its numbers and history, and the form."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from bihuan.catalog.definitions import definition, definitions, spec_of
from bihuan.catalog.in_words import in_words
from bihuan.catalog.kinds import MetricSpec
from bihuan.catalog.models import Definition
from bihuan.catalog.pages.definitions import draft, history
from bihuan.catalog.words import words
from bihuan.engine.filters import EVERYTHING
from bihuan.govern.forms import to_dotted
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page

KIND = "metric"
MEASURES = (
    ("events", _("How many events")),
    ("people", _("How many people")),
    ("sum", _("Sum of a property")),
    ("average", _("Average of a property")),
    ("median", _("Median of a property")),
    ("p90", _("90th percentile of a property")),
    ("distinct", _("Different values of a property")),
)
READS = (("number", _("A number")), ("money", _("Money")), ("seconds", _("Duration in seconds")))
GOOD = (("up", _("More is good")), ("down", _("Less is good")))


@project_view("view")
def metrics(request: ProjectRequest) -> HttpResponse:
    """All metrics with their meaning in words."""
    found = [(one, _meaning(request, spec_of(one))) for one in definitions(request.member, KIND)]
    return render_page(request, "catalog/metrics.html", {"metrics": found})


@project_view("view")
def metric(request: ProjectRequest, key: str) -> HttpResponse:
    """One metric: its last 30 days, its meaning, what uses it, what it was before."""
    found = definition(request.member, KIND, key)
    spec: MetricSpec = spec_of(found)
    context = {
        **history(request, found, lambda one: _meaning(request, one)),
        "spec": spec,
        "meaning": _meaning(request, spec),
        "query": trend_query(found.name, spec),
    }
    return render_page(request, "catalog/metric.html", context)


@project_view("define")
def new_metric(request: ProjectRequest) -> HttpResponse:
    return _form(request, None)


@project_view("define")
def edit_metric(request: ProjectRequest, key: str) -> HttpResponse:
    return _form(request, definition(request.member, KIND, key))


def trend_query(name: str, spec: MetricSpec) -> str:
    """The address of the metric as a trend of the last 30 days beside the 30 before."""
    fields = [("series.0.event", spec.event), ("series.0.measure", spec.measure), ("series.0.name", name)]
    if spec.property:
        fields.append(("series.0.property", spec.property))
    tree = spec.filter.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    fields += [(f"series.0.filter.{place}", value) for place, value in to_dotted(tree)]
    return urlencode([*fields, ("compare", "previous")])


def _form(request: ProjectRequest, found: Definition | None) -> HttpResponse:
    made = draft(request, KIND, found)
    if made.saved is not None:
        return redirect_to(request, "catalog:metric", project=request.member.project.key, key=made.saved.key)
    context = {"draft": made, "words": words(request.member), "measures": MEASURES, "reads": READS, "goods": GOOD}
    return render_page(request, "catalog/metric_form.html", context, status=422 if made.errors else 200)


def _meaning(request: ProjectRequest, spec: MetricSpec) -> str:
    reader: Any = request.reader  # type: ignore[attr-defined]
    says = {
        "events": "How many {event}",
        "people": "How many people did {event}",
        "sum": "Sum of {property} over {event}",
        "average": "Average of {property} over {event}",
        "median": "Median of {property} over {event}",
        "p90": "90th percentile of {property} over {event}",
        "distinct": "Different values of {property} over {event}",
    }
    event = reader.say("any event") if spec.event == "*" else f"“{spec.event}”"
    text: str = reader.say(says[spec.measure], event=event, property=spec.property)
    if spec.filter == EVERYTHING:
        return text
    return str(reader.say("{condition} (where {where})", condition=text, where=in_words(spec.filter, reader, {})))
