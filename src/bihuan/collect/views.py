"""The pages of collecting: what arrives just now, where from and how to send, and what was not taken."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.words import words
from bihuan.collect.arrivals import ARRIVALS
from bihuan.collect.arrivals.spec import ArrivalsSpec
from bihuan.collect.live import LIVE
from bihuan.collect.live.spec import LiveSpec
from bihuan.collect.snippets import snippets
from bihuan.collect.violated.words import KIND_WORDS
from bihuan.collect.web.how import web_site
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.govern.forms import parse_dotted, to_dotted, validated
from bihuan.govern.keys import write_keys
from bihuan.govern.web import ProjectRequest, is_panel, project_view, render_page

ACT_WORDS = {
    "link": _("newly linked"),
    "merge": _("merged"),
    "unbind": _("unbound"),
    "shared": _("shared device: not linked"),
    "many": _("too many people: not linked"),
    "full": _("too many ids: not linked"),
    "propose": _("a merge is proposed"),
    "keep": _("kept apart"),
}


@project_view("view")
def live(request: ProjectRequest) -> HttpResponse:
    """The newest events; the page asks again every few seconds unless it is paused."""
    document = parse_dotted(request.GET)
    paused = document.pop("paused", "") == "1"
    spec, _errors = validated(LiveSpec, document)
    spec = spec or LiveSpec()
    fields = to_dotted(spec)
    context: dict[str, Any] = {
        "spec": spec,
        "paused": paused,
        "query": urlencode([*fields, *([("paused", "1")] if paused else [])]),
        "other": urlencode([*fields, *([] if paused else [("paused", "1")])]),
        "kinds": KIND_WORDS,
        "acts": ACT_WORDS,
        "filtered": bool(fields),
    }
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


def _asked(request: HttpRequest, question: Any, spec: Any) -> dict[str, Any]:
    """The answer as `found`, or the `problem`: these pages also serve while the store is away."""
    try:
        return {"found": engine().ask(question, spec, scope_of(request.member)).result}  # type: ignore[attr-defined]
    except EngineError as problem:
        return {"problem": problem}
