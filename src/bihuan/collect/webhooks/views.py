"""The pages of webhooks: all of them, one with its address, secret and latest deliveries, the form, and trying a mapping out."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from bihuan.catalog.definitions import archive_definition, definition, definitions, revisions, spec_of
from bihuan.catalog.models import Definition
from bihuan.catalog.pages.definitions import PLAIN, Draft, draft
from bihuan.collect.client import Collector
from bihuan.collect.events import Event
from bihuan.collect.models import WebhookDelivery
from bihuan.collect.quarantined.replay import Done, Run, note, waiting
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.collect.webhooks.mapping import Delivery, again, mapped, source_of
from bihuan.collect.webhooks.presets import PRESETS, Preset
from bihuan.collect.webhooks.secrets import end_earlier, secrets_of, set_secret
from bihuan.collect.webhooks.spec import WebhookSpec
from bihuan.engine.config import Config
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.forms import parse_dotted, validated
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

KIND = "webhook"
AT_ONCE = 1_000  # deliveries of the quarantine that are tried again at once
SAMPLE = ("sample", "sample_headers")

# The choices of the form, as (value, title).
METHODS = (
    ("hmac", _("A signature of the body (HMAC)")),
    ("token", _("The secret itself, in a header")),
    ("address", _("The secret itself, at the end of the address")),
)
HASHES = (("sha256", "SHA-256"), ("sha1", "SHA-1"), ("sha512", "SHA-512"))
ENCODINGS = (("hex", _("Hexadecimal")), ("base64", "Base64"))
SECRET_IS = (("text", _("A text")), ("base64", "Base64"))
FORMS = (("plain", _("Only the signature")), ("list", "t=…,v1=…"))
OPS = (("is", _("is")), ("is_not", _("is not")), ("exists", _("is there")), ("missing", _("is not there")))
CHOICES = {"methods": METHODS, "hashes": HASHES, "encodings": ENCODINGS, "keys": SECRET_IS, "forms": FORMS, "ops": OPS}

_PRESETS = {preset.key: preset for preset in PRESETS}


@project_view("view")
def webhooks(request: ProjectRequest) -> HttpResponse:
    """All webhooks with their latest delivery."""
    latest: dict[str, WebhookDelivery] = {}
    for one in WebhookDelivery.objects.filter(project=request.member.project).defer("body").order_by("at"):
        latest[one.webhook] = one
    found = [(one, latest.get(one.key)) for one in definitions(request.member, KIND)]
    return render_page(request, "webhooks/list.html", {"webhooks": found, "presets": PRESETS})


@project_view("view")
def webhook(request: ProjectRequest, key: str) -> HttpResponse:
    """One webhook; its deliveries ask for themselves again."""
    return _page(request, definition(request.member, KIND, key))


@project_view("act")
def new_webhook(request: ProjectRequest) -> HttpResponse:
    return _form(request, None)


@project_view("act")
def edit_webhook(request: ProjectRequest, key: str) -> HttpResponse:
    return _form(request, definition(request.member, KIND, key))


@require_POST
@project_view("act")
def try_webhook(request: ProjectRequest) -> HttpResponse:
    """What the mapping of the form makes of the sample: events, or the exact mistake. Nothing is stored."""
    spec, errors = validated(WebhookSpec, parse_dotted(request.POST, ignore=(*PLAIN, *SAMPLE)))
    context: dict[str, Any] = {"errors": errors}
    if spec is not None:
        body = request.POST.get("sample", "").encode(errors="replace")
        headers = _headers(request.POST.get("sample_headers", ""))
        found = mapped(spec, Delivery(request.member.project.pk, "sample", headers, body, int(time.time() * 1000)))
        context |= {"found": found, "events": [_shown(event) for event in found.events[:20]]}
    return render_page(request, "webhooks/tried.html", context)


@sensitive_post_parameters("own")
@require_POST
@project_view("manage")
def secret(request: ProjectRequest, key: str) -> HttpResponse:
    """Make a secret or take one over, and show it this once; or end those before it."""
    found = definition(request.member, KIND, key)
    if request.POST.get("verb") == "end":
        end_earlier(member=request.member, webhook=key)
        messages.success(request, gettext("Only the present secret is right now."))
        return redirect_to(request, "collect:webhook", project=request.member.project.key, key=key)
    try:
        made = set_secret(member=request.member, webhook=key, own=request.POST.get("own", ""))
    except Invalid as error:
        return _page(request, found, problem=sentence(error))
    return _page(request, found, secret=made)


@require_POST
@project_view("act")
def archive_webhook(request: ProjectRequest, key: str) -> HttpResponse:
    """Deliveries are refused from now on."""
    try:
        found = archive_definition(member=request.member, kind=KIND, key=key)
    except Conflict as error:
        messages.error(request, sentence(error))
        return redirect_to(request, "collect:webhook", project=request.member.project.key, key=key)
    messages.success(request, gettext("“{name}” is archived.").format(name=found.name))
    return redirect_to(request, "collect:webhooks", project=request.member.project.key)


@require_POST
@project_view("act")
def retry_webhook(request: ProjectRequest, key: str) -> HttpResponse:
    """Map what is in quarantine again, by the mapping as it is now. What was stored before counts once."""
    spec = spec_of(definition(request.member, KIND, key))
    run = _run(request, key)
    try:
        items = waiting(engine().store, run, AT_ONCE)
        kept = [(item, again(run.project_id, key, item.body)) for item in items]
        results = [(item, mapped(spec, delivery)) for item, delivery in kept if delivery is not None]
        with Collector(Config.from_env(), patience=5) as collector:
            outcome = collector.send([event for _item, one in results for event in one.events])
        done = [Done(item.number, "stored" if one.events else "discarded", "") for item, one in results if not one.rejected]
        if done:
            note(engine().store, run, done)
    except EngineError as error:
        messages.error(request, sentence(error))
    else:
        still = len(items) - len(done)
        text = ngettext("{count} event is stored now", "{count} events are stored now", outcome.stored).format(count=outcome.stored)
        known = gettext("{count} were known already").format(count=outcome.duplicates)
        left = gettext("{count} still cannot be mapped").format(count=still)
        messages.success(request, gettext("{stored}; {known}; {left}.").format(stored=text, known=known, left=left))
    return redirect_to(request, "collect:webhook", project=request.member.project.key, key=key)


def _page(request: ProjectRequest, found: Definition, *, secret: str = "", problem: str = "") -> HttpResponse:
    spec: WebhookSpec = spec_of(found)
    project = request.member.project
    try:
        left = len(waiting(engine().store, _run(request, found.key), AT_ONCE))
    except EngineError:
        left = 0
    base = f"{Config.from_env().collect_url}/webhooks/{project.key}/{found.key}"
    by_address = spec.signature.method == "address"
    context = {
        "definition": found,
        "spec": spec,
        "address": f"{base}/{secret or '…'}" if by_address else base,
        "secret": "" if by_address else secret,
        "made": bool(secret),
        "by_address": by_address,
        "problem": problem,
        "secrets": secrets_of(request.member, found.key),
        "now": datetime.now(UTC),
        "waiting": left,
        "deliveries": WebhookDelivery.objects.filter(project=project, webhook=found.key)[:30],
        "revisions": revisions(found),
        "archived": found.state == Definition.State.ARCHIVED,
    }
    return render_page(request, "webhooks/webhook.html", context, panel="webhooks/deliveries.html", status=422 if problem else 200)


def _form(request: ProjectRequest, found: Definition | None) -> HttpResponse:
    preset = _PRESETS.get(request.GET.get("preset", ""), PRESETS[0])
    made = draft(request, KIND, found, preset.spec)
    if made.saved is not None:
        return redirect_to(request, "collect:webhook", project=request.member.project.key, key=made.saved.key)
    if found is None and request.method == "GET":
        made = Draft(KIND, None, dict.fromkeys(PLAIN, ""), preset.spec.model_dump(mode="json", by_alias=True))
    context = {"draft": made, "presets": PRESETS, "preset": preset, **CHOICES, **_sample(request, found, preset)}
    return render_page(request, "webhooks/form.html", context, status=422 if made.errors else 200)


def _sample(request: ProjectRequest, found: Definition | None, preset: Preset) -> dict[str, str]:
    """What to try the mapping with: the latest delivery that is kept, else the preset's."""
    if found is not None and request.member.can("private"):
        latest = WebhookDelivery.objects.filter(project=request.member.project, webhook=found.key).exclude(body="").first()
        if latest is not None:
            return {"sample": latest.body, "sample_headers": ""}
    return {"sample": preset.sample, "sample_headers": preset.headers}


def _run(request: ProjectRequest, key: str) -> Run:
    """A run over what waits of the webhook's deliveries; 0 is the number of those that no job does."""
    project, now = request.member.project, int(time.time() * 1000)
    return Run(0, project.pk, project.timezone, QuarantinedSpec(source=source_of(key)), (), now, discard=False)


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _shown(event: Event) -> dict[str, Any]:
    """An event for people: when, and the rest of it in readable JSON."""
    people = {"user": event.user_id, "anonymous": event.anonymous_id, **(event.ids or {})}
    return {
        "name": event.name,
        "key": event.key,
        "at": datetime.fromtimestamp(event.at / 1000, UTC),
        "people": [(name, value) for name, value in people.items() if value],
        "props": json.dumps(event.props, ensure_ascii=False, indent=2),
        "person": json.dumps(event.traits, ensure_ascii=False, indent=2) if event.traits else "",
    }
