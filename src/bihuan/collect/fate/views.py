"""The page that says where an event is: stored, kept out, refused at the door, or never sent here, and what to look at next."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse

from bihuan.catalog.door import scope as scope_of
from bihuan.collect.arrivals import ARRIVALS
from bihuan.collect.arrivals.spec import ArrivalsSpec
from bihuan.collect.fate import FATE
from bihuan.collect.fate.spec import FateSpec
from bihuan.collect.plan.door import tracking_plan
from bihuan.collect.protocols import PROTOCOLS
from bihuan.collect.quarantined import QUARANTINED
from bihuan.collect.quarantined.reasons import REASONS
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.collect.quarantined.views import OUTCOMES
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.govern.forms import parse_dotted, validated
from bihuan.govern.web import ProjectRequest, project_view, render_page

REFUSALS = """SELECT max(at) AS latest, status, code, any(detail) AS detail, path, any(client) AS client, key_prefix, sum(number) AS number
FROM refusals WHERE project_id = {project:UInt32} AND at >= now() - INTERVAL 7 DAY
GROUP BY status, code, path, key_prefix ORDER BY latest DESC LIMIT 20"""


@project_view("view")
def why(request: ProjectRequest) -> HttpResponse:
    """Find an event, and tell its fate."""
    document = {name: value for name, value in parse_dotted(request.GET).items() if name in ("key", "who", "event", "day")}
    spec, errors = validated(FateSpec, document)
    asked = bool(spec and (spec.key or spec.who or spec.event))
    context: dict[str, Any] = {"values": document, "errors": errors, "asked": asked, "reasons": REASONS, "outcomes": OUTCOMES}
    context["collector"] = collector_health()
    scope = scope_of(request.member)
    try:
        context["refusals"] = engine().store.fetch(REFUSALS, {"project": scope.project_id}).rows
        if spec is not None and asked:
            spec = spec.model_copy(update={"sources": _sources(request)})
            context["found"] = engine().ask(FATE, spec, scope).result
            plan = tracking_plan(request.member)
            context["undeclared"] = bool(spec.event) and spec.event not in plan.by_name
            context["plan"] = plan
            context["hidden"] = bool(scope.hidden)
    except EngineError as problem:
        context["problem"] = problem
    return render_page(request, "collect/why.html", context, status=422 if errors else 200)


def collector_health() -> str:
    """`ok`; what the collector says is wrong; or `away`."""
    announced = Config.from_env().announced("collector")
    parts = urlsplit(str(announced["url"])) if announced else None
    if parts is None:
        return "away"
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=2)
    try:
        connection.request("GET", "/health")
        return "ok" if connection.getresponse().status == 200 else "waiting"
    except (OSError, http.client.HTTPException):
        return "away"
    finally:
        connection.close()


def _sources(request: ProjectRequest) -> tuple[str, ...]:
    """By which sources an event may have come: those of clients, and all that have sent something within a year."""
    scope = scope_of(request.member)
    named = [str(protocol.SOURCE) for protocol in PROTOCOLS if hasattr(protocol, "SOURCE")]
    came = [one.source for one in engine().ask(ARRIVALS, ArrivalsSpec(period=Last(last=365)), scope).result.sources]
    refused = engine().ask(QUARANTINED, QuarantinedSpec(state="all", limit=1), scope).result.sources
    return tuple(dict.fromkeys((*named, *came, *refused)))[:200]
