"""The pages of collecting: what arrives just now, where from and how to send, and what was not taken."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.words import words
from bihuan.collect.arrivals import ARRIVALS
from bihuan.collect.arrivals.spec import ArrivalsSpec
from bihuan.collect.live import LIVE
from bihuan.collect.live.spec import LiveSpec
from bihuan.collect.quarantined import QUARANTINED
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.collect.snippets import snippets
from bihuan.collect.web.how import web_site
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.govern.forms import parse_dotted, validated
from bihuan.govern.keys import write_keys
from bihuan.govern.web import ProjectRequest, is_panel, project_view, render_page

# Each reason with what it means and what to do; a reason that is not here is shown as it is.
REASONS: dict[str, tuple[str | Promise, str | Promise]] = {
    "bad_time": (
        _("Impossible time"),
        _("The time is before 2000, more than a day ahead, or not a time. Check the sender's clock and units."),
    ),
    "bad_name": (_("Missing or bad name"), _("An event needs a name of at most 200 characters that does not begin with $.")),
    "bad_type": (_("Unknown kind of call"), _("Calls are track, identify, page, screen, group and alias.")),
    "bad_event": (_("Not an event"), _("A part of it is of the wrong kind; the detail says which.")),
    "bad_id": (_("Bad id"), _("An id is a text or a number of at most 500 characters.")),
    "no_id": (_("Missing id"), _("This call says something about a person and must name them: send userId or anonymousId.")),
    "bad_property": (_("Bad property"), _("A property's name may have at most 200 characters.")),
    "too_many_properties": (_("Too many properties"), _("An event may have 1,000 properties, a person 200 at once.")),
    "too_large": (_("Too large"), _("An event's properties may take at most 256 KB.")),
    "too_deep": (_("Nested too deep"), _("Properties may be nested 20 deep.")),
    "merge_refused": (_("Merge refused"), _("Two identified people are never made one by what a client sends.")),
}


@project_view("view")
def live(request: ProjectRequest) -> HttpResponse:
    """The newest events; the page asks again every few seconds unless it is paused."""
    document = parse_dotted(request.GET)
    paused = document.pop("paused", "") == "1"
    spec, _errors = validated(LiveSpec, document)
    spec = spec or LiveSpec()
    context: dict[str, Any] = {"spec": spec, "paused": paused, "query": _query(spec.event, paused), "other": _query(spec.event, not paused)}
    context |= _asked(request, LIVE, spec)
    if not getattr(request, "htmx", None):
        context["events"] = words(request.member).events
    return render_page(request, "collect/live.html", context, panel="collect/live_list.html")


@project_view("view")
def sources(request: ProjectRequest) -> HttpResponse:
    """What arrives from where, the write keys, and how to send."""
    spec = ArrivalsSpec(period=Last(last=2)) if is_panel(request) else ArrivalsSpec()  # the panel waits for what comes just now
    url = Config.from_env().collect_url
    context = {"keys": write_keys(request.member), "collect_url": url, "snippets": snippets(url), **_asked(request, ARRIVALS, spec)}
    context["web"] = web_site(request, url, context.get("found"))
    return render_page(request, "collect/sources.html", context, panel="collect/web_arrived.html")


@project_view("view")
def quarantine(request: ProjectRequest) -> HttpResponse:
    """What was not taken: how much for which reason, and the newest of it."""
    spec, _errors = validated(QuarantinedSpec, parse_dotted(request.GET))
    spec = spec or QuarantinedSpec()
    context = {"spec": spec, "reasons": REASONS, **_asked(request, QUARANTINED, spec)}
    return render_page(request, "collect/quarantine.html", context, panel="collect/quarantine_list.html")


def _asked(request: HttpRequest, question: Any, spec: Any) -> dict[str, Any]:
    """The answer as `found`, or the `problem`: these pages also serve while the store is away."""
    try:
        return {"found": engine().ask(question, spec, scope_of(request.member)).result}  # type: ignore[attr-defined]
    except EngineError as problem:
        return {"problem": problem}


def _query(event: str, paused: bool) -> str:
    return urlencode({name: value for name, value in (("event", event), ("paused", "1" if paused else "")) if value})
