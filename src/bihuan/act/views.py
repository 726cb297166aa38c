"""The pages of campaigns: the list, the editor with its preview, the launch, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST

from bihuan.act.campaigns import commands
from bihuan.act.campaigns.freeze import campaign_spec
from bihuan.act.campaigns.message import render_message
from bihuan.act.campaigns.preflight import Preflight, preflight
from bihuan.act.campaigns.report import lift_of, report
from bihuan.act.campaigns.spec import CampaignSpec
from bihuan.act.lift import LIFT
from bihuan.act.lift.panel import panel_lift
from bihuan.act.models import Delivery, Run
from bihuan.catalog.definitions import archive_definition, definition, definitions, save_definition, spec_of
from bihuan.catalog.door import scope
from bihuan.catalog.models import Definition
from bihuan.catalog.words import words
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.question import Reader
from bihuan.govern.errors import Conflict, Invalid, Refused
from bihuan.govern.forms import parse_dotted, to_dotted, validated, whole
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

KIND = "campaign"
RESERVED = frozenset({"new", "preview"})  # pages of their own
NOT_SPEC = ("name", "revision", "sample")
ACTIVE = (Run.State.SCHEDULED, Run.State.PREPARING, Run.State.SENDING, Run.State.PAUSED)
PEOPLE_SHOWN = 200
START_HTML = """<div style="max-width:34rem;margin:auto;font-family:sans-serif;line-height:1.6">
  <h1 style="font-size:1.4rem">…</h1>
  <p>{{ name|default:"" }}</p>
  <p><a href="https://">…</a></p>
</div>"""


@dataclass(frozen=True)
class Draft:
    """A campaign in the editor: `values` as the form shows them, mistakes by dotted place."""

    found: Definition | None
    name: str
    values: dict[str, Any]
    spec: CampaignSpec | None = None
    errors: dict[str, str] = field(default_factory=dict)


@project_view("view")
def campaigns(request: ProjectRequest) -> HttpResponse:
    """All campaigns, those that were launched with how far they are."""
    runs = {run.key: run for run in Run.objects.filter(project=request.member.project)}
    rows = [
        (found, runs.get(found.key), report(runs[found.key]) if found.key in runs else None) for found in definitions(request.member, KIND)
    ]
    rows.sort(key=lambda row: row[1].send_at if row[1] else datetime.max.replace(tzinfo=UTC), reverse=True)
    return render_page(request, "act/campaigns.html", {"rows": rows})


@project_view("act")
def new_campaign(request: ProjectRequest) -> HttpResponse:
    """The editor, empty or as it was sent."""
    start = {"segment": request.GET.get("segment", ""), "message": {"html": START_HTML}, "window": 14, "holdout": 0.1, "address": "email"}
    start["language"] = "zh-hans" if (get_language() or "").startswith("zh") else "en"
    draft = _posted(request, None) if request.method == "POST" else Draft(None, "", start)
    return _edited(request, draft)


@project_view("act")
def edit_campaign(request: ProjectRequest, key: str) -> HttpResponse:
    """The editor of a campaign that was not launched yet."""
    found = definition(request.member, KIND, key)
    if commands.run_of(request.member, key) is not None:
        messages.info(request, gettext("A campaign that was launched stays as it is; make a copy to change it."))
        return redirect_to(request, "act:campaign", project=request.member.project.key, key=key)
    draft = _posted(request, found) if request.method == "POST" else Draft(found, found.name, found.spec)
    return _edited(request, draft)


@require_POST
@project_view("act")
def preview_campaign(request: ProjectRequest) -> HttpResponse:
    """What the editor's content would reach and look like, for one sample person."""
    draft = _posted(request, None)
    context: dict[str, Any] = {"draft": draft}
    if draft.spec is not None:
        number = request.POST.get("sample", "")
        context |= _preview(request, draft.spec, whole(number) or 0)
    return render_page(request, "act/preview.html", context)


@project_view("view")
def campaign(request: ProjectRequest, key: str) -> HttpResponse:
    """A draft to review and launch; or what became of the campaign and what it changed."""
    found = definition(request.member, KIND, key)
    run = commands.run_of(request.member, key)
    if run is None:
        written: CampaignSpec = spec_of(found)
        known = _preview(request, written, 0) if request.member.can("act") else _as_written(written)
        return render_page(request, "act/draft.html", {"found": found, "spec": written, **known})
    spec, counts = campaign_spec(run), report(run)
    context = {"found": found, "run": run, "spec": spec, "report": counts, "active": run.state in ACTIVE}
    context |= {f"{name}_share": counts.share(getattr(counts, name)) for name in ("opened", "clicked", "unsubscribed")}
    context |= {"rendered": render_message(spec.message, spec.language, {}), **_lift(request, run)}
    return render_page(request, "act/campaign.html", context, panel="act/campaign_body.html")


@project_view("act")
def copy_campaign(request: ProjectRequest, key: str) -> HttpResponse:
    """The editor with another campaign's content, to be saved as a new one."""
    found = definition(request.member, KIND, key)
    name = gettext("{name} (copy)").format(name=found.name)
    draft = _posted(request, None) if request.method == "POST" else Draft(None, name, {**found.spec, "send_at": None})
    return _edited(request, draft)


@require_POST
@project_view("act")
def turn_campaign(request: ProjectRequest, key: str) -> HttpResponse:
    """Launch, pause, resume, cancel, send again, archive: the pressed button says which."""
    todo, member = request.POST.get("do", ""), request.member
    try:
        if todo == "launch":
            commands.launch(member=member, campaign_key=key)
            messages.success(request, gettext("Launched. Everybody's draw is noted before the first message leaves."))
        elif todo == "again":
            count = commands.send_again(member=member, campaign_key=key)
            messages.success(request, gettext("{count} messages will be sent again.").format(count=count))
        elif todo == "archive":
            archive_definition(member=member, kind=KIND, key=key)
            return redirect_to(request, "act:campaigns", project=member.project.key)
        elif todo in ("pause", "resume", "cancel"):
            getattr(commands, todo)(member=member, campaign_key=key)
    except (Conflict, Invalid) as error:
        messages.error(request, sentence(error))
    return redirect_to(request, "act:campaign", project=member.project.key, key=key)


@project_view("view")
def campaign_people(request: ProjectRequest, key: str) -> HttpResponse:
    """Who got it, or why not; addresses only for those who may see personal data."""
    found = definition(request.member, KIND, key)
    run = commands.run_of(request.member, key)
    rows = Delivery.objects.filter(run=run) if run else Delivery.objects.none()
    state, reason = request.GET.get("state", ""), request.GET.get("reason", "")
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    if reason:
        rows = rows.filter(reason=reason)
    context = {"found": found, "rows": rows.order_by("id")[:PEOPLE_SHOWN], "count": rows.count(), "state": state, "shown": PEOPLE_SHOWN}
    return render_page(request, "act/people.html", context)


def _posted(request: ProjectRequest, found: Definition | None) -> Draft:
    """The editor's content as it was sent. A metric as the goal replaces an event; the time of sending is in the project's zone."""
    document = parse_dotted(request.POST, ignore=NOT_SPEC)
    if document.get("metric"):
        document.pop("goal", None)
    at = document.get("send_at")
    if isinstance(at, str) and len(at) == 16:
        zone = ZoneInfo(request.member.project.timezone)
        document["send_at"] = datetime.fromisoformat(at).replace(tzinfo=zone).isoformat()
    spec, errors = validated(CampaignSpec, document)
    return Draft(found, request.POST.get("name", "").strip(), document, spec, errors)


def _edited(request: ProjectRequest, draft: Draft) -> HttpResponse:
    """Save what was sent and go to its page; else the editor, with what is wrong."""
    errors = dict(draft.errors)
    if request.method == "POST" and draft.spec is not None:
        revision = request.POST.get("revision", "")
        try:
            made = save_definition(
                member=request.member,
                kind=KIND,
                key=draft.found.key if draft.found else _free_of_pages(draft.name),
                name=draft.name,
                spec=draft.spec,
                state=Definition.State.DRAFT,
                revision=whole(revision),
            )
        except Refused as error:
            errors[error.where] = sentence(error)
        else:
            return redirect_to(request, "act:campaign", project=request.member.project.key, key=made.key)
    at = draft.values.get("send_at")
    zone = ZoneInfo(request.member.project.timezone)
    local = datetime.fromisoformat(at).astimezone(zone).strftime("%Y-%m-%dT%H:%M") if isinstance(at, str) and at else ""
    return render_page(
        request,
        "act/editor.html",
        {
            "draft": draft,
            "values": draft.values,
            "errors": errors,
            "words": words(request.member),
            "languages": settings.LANGUAGES,
            "send_at": local,
            "pairs": _pairs(errors),
        },
        status=422 if errors else 200,
    )


def _pairs(errors: dict[str, str]) -> list[str]:
    """The mistakes that have no field of their own in the form."""
    return [text for place, text in errors.items() if place in ("", "filter") or place.startswith(("goal.filter", "filter."))]


def _free_of_pages(name: str) -> str:
    return f"{slugify(name)}-1" if slugify(name) in RESERVED else ""


def _preview(request: ProjectRequest, spec: CampaignSpec, sample: int) -> dict[str, Any]:
    reader: Reader = request.reader  # type: ignore[attr-defined]
    found = preflight(request.member, spec, engine(), Config.from_env(), reader)
    person = found.samples[sample % len(found.samples)] if found.samples else None
    rendered = render_message(spec.message, spec.language, person.properties if person else {})
    return {"preflight": found, "person": person, "sample": sample, "rendered": rendered, "spec": spec, "power": _power(found, reader)}


def _as_written(spec: CampaignSpec) -> dict[str, Any]:
    return {"rendered": render_message(spec.message, spec.language, {})}


def _power(found: Preflight, reader: Reader) -> str:
    return f"{found.smallest * 100:.1f}" if found.smallest is not None else ""


def _lift(request: ProjectRequest, run: Run) -> dict[str, Any]:
    """The lift panel, and where to ask it as a question of its own; or why there is no answer."""
    spec = lift_of(run)
    if spec is None:
        return {}
    reader: Reader = request.reader  # type: ignore[attr-defined]
    try:
        answer = engine().ask(LIFT, spec, scope(request.member))
    except EngineError as error:
        return {"problem": sentence(error)}
    address = reverse("project:ask", args=[request.member.project.key, "lift"]) + "?" + urlencode(to_dotted(spec))
    return {"panel": panel_lift(answer.result, reader), "lift_address": address}
