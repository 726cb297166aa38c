"""The pages of the tracking plan: all declared events, one with its properties and history, the forms, and the plan as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from bihuan.catalog.definitions import archive_definition, definition, restore_revision, revisions, spec_of
from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.models import Definition
from bihuan.collect.plan.check import expectation
from bihuan.collect.plan.document import apply, differences, from_yaml, to_yaml
from bihuan.collect.plan.door import save_event, save_whole, tracking_plan
from bihuan.collect.plan.first import as_seen, declare_seen
from bihuan.collect.plan.spec import TYPES, EventSpec, PlanSpec, separate
from bihuan.collect.violated import VIOLATED
from bihuan.collect.violated.spec import ViolatedSpec
from bihuan.collect.violated.words import KIND_WORDS
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.forms import parse_dotted, validated, whole
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

PLAIN = ("description", "reason", "revision")
POLICIES = (
    ("accept", _("Take it, unchecked")),
    ("warn", _("Take it and count what is wrong")),
    ("quarantine", _("Keep it in quarantine")),
)
TYPE_WORDS = dict(
    zip(
        TYPES,
        (_("anything"), _("text"), _("number"), _("whole number"), _("yes or no"), _("list"), _("object"), _("time")),
        strict=True,
    )
)


@project_view("view")
def plan(request: ProjectRequest) -> HttpResponse:
    """Every declared event with its policy, and how much was wrong lately."""
    found = tracking_plan(request.member)
    wanted = request.GET.get("q", "").strip().lower()
    shown = [one for one in found.events if wanted in one.spec.event.lower() or wanted in one.definition.description.lower()]
    counts, problem = _counts(request)
    context = {
        "plan": found,
        "rows": [(one, counts.get(one.spec.event, 0)) for one in shown],
        "wanted": request.GET.get("q", ""),
        "policies": dict(POLICIES),
        "problem": problem,
    }
    return render_page(request, "collect/plan/plan.html", context)


@require_POST
@project_view("define")
def first(request: ProjectRequest) -> HttpResponse:
    """Declare everything that came in the last 30 days and is not in the plan yet."""
    try:
        number = declare_seen(request.member)
    except EngineError as error:
        messages.error(request, sentence(error))
    else:
        text = ngettext("{count} event is in the plan now, as it came.", "{count} events are in the plan now, as they came.", number)
        messages.success(request, text.format(count=number))
    return redirect_to(request, "collect:plan", project=request.member.project.key)


@project_view("view")
def event(request: ProjectRequest, key: str) -> HttpResponse:
    """One declared event: its properties, what was wrong with it lately, and its history."""
    found = definition(request.member, "event", key)
    spec: EventSpec = spec_of(found)
    asked = ViolatedSpec(event=spec.event)
    try:
        wrong, problem = engine().ask(VIOLATED, asked, scope_of(request.member)).result, None
    except EngineError as error:
        wrong, problem = None, error
    context = {
        "definition": found,
        "spec": spec,
        "rules": [(rule, expectation(rule.model_dump(mode="json"))) for rule in spec.properties],
        "common": tracking_plan(request.member).spec.properties,
        "policies": dict(POLICIES),
        "types": TYPE_WORDS,
        "wrong": wrong,
        "kinds": KIND_WORDS,
        "problem": problem,
        **_history(request, found),
    }
    return render_page(request, "collect/plan/event.html", context)


@project_view("define")
def new_event(request: ProjectRequest) -> HttpResponse:
    return _event_form(request, None)


@project_view("define")
def edit_event(request: ProjectRequest, key: str) -> HttpResponse:
    return _event_form(request, definition(request.member, "event", key))


@require_POST
@project_view("define")
def archive(request: ProjectRequest, key: str) -> HttpResponse:
    """Take an event out of the plan."""
    try:
        found = archive_definition(member=request.member, kind="event", key=key)
    except Conflict as error:
        messages.error(request, sentence(error))
        return redirect_to(request, "collect:plan_event", project=request.member.project.key, key=key)
    messages.success(request, gettext("“{name}” is archived.").format(name=found.name))
    return redirect_to(request, "collect:plan", project=request.member.project.key)


@require_POST
@project_view("define")
def restore(request: ProjectRequest, key: str) -> HttpResponse:
    """Make an earlier revision of an event (`number`) the present one again."""
    number = request.POST.get("number", "")
    try:
        found = restore_revision(member=request.member, kind="event", key=key, number=whole(number) or 0)
    except (Invalid, Conflict) as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, gettext("“{name}” is as it was in revision {number}.").format(name=found.name, number=number))
    return redirect_to(request, "collect:plan_event", project=request.member.project.key, key=key)


@project_view("define")
def rules(request: ProjectRequest) -> HttpResponse:
    """What holds for all events."""
    found = tracking_plan(request.member)
    values: Any = found.spec.model_dump(mode="json")
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = _listed(parse_dotted(request.POST, ignore=PLAIN))
        spec, errors = validated(PlanSpec, values)
        if spec is not None:
            try:
                save_whole(
                    member=request.member, spec=spec, reason=request.POST.get("reason", ""), revision=_revision(request, found.definition)
                )
            except (Invalid, Conflict) as error:
                errors = {error.where: sentence(error)}
            else:
                return redirect_to(request, "collect:plan", project=request.member.project.key)
    context = {
        "values": values,
        "errors": errors,
        "found": found.definition,
        "policies": POLICIES,
        "types": TYPE_WORDS,
        "revisions": revisions(found.definition) if found.definition else (),
    }
    return render_page(request, "collect/plan/rules.html", context, status=422 if errors else 200)


@project_view("define")
def file(request: ProjectRequest) -> HttpResponse:
    """The plan as YAML: look at what applying another text would change, and apply it."""
    present = to_yaml(tracking_plan(request.member))
    context: dict[str, Any] = {"text": present, "errors": {}}
    if request.method == "POST":
        context["text"] = text = request.POST.get("text", "")
        try:
            read = from_yaml(text)
            if request.POST.get("do") == "apply":
                done = apply(member=request.member, read=read, reason=request.POST.get("reason", ""))
                said = ngettext(
                    "The plan is as the file says: {count} change.", "The plan is as the file says: {count} changes.", len(done)
                )
                messages.success(request, said.format(count=len(done)))
                return redirect_to(request, "collect:plan", project=request.member.project.key)
            context["differences"] = differences(tracking_plan(request.member), read)
        except (Invalid, Conflict) as error:
            context["errors"] = {"text": sentence(error)}
    return render_page(request, "collect/plan/file.html", context, status=422 if context["errors"] else 200)


@project_view("view")
def download(request: ProjectRequest) -> HttpResponse:
    """The plan as a file."""
    response = HttpResponse(to_yaml(tracking_plan(request.member)), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{request.member.project.key}-plan.yaml"'
    return response


def _event_form(request: ProjectRequest, found: Definition | None) -> HttpResponse:
    plain = {"description": found.description if found else "", "reason": "", "revision": str(found.revision) if found else ""}
    values = _present(request, found)
    errors: dict[str, str] = {}
    if request.method == "POST":
        plain = {name: request.POST.get(name, "").strip() for name in PLAIN}
        values = _listed(parse_dotted(request.POST, ignore=PLAIN))
        spec, errors = validated(EventSpec, values)
        if spec is not None:
            try:
                saved = save_event(
                    member=request.member,
                    spec=spec,
                    description=plain["description"],
                    reason=plain["reason"],
                    key=found.key if found else "",
                    revision=_revision(request, found),
                )
            except (Invalid, Conflict) as error:
                errors = {error.where: sentence(error)}
            else:
                return redirect_to(request, "collect:plan_event", project=request.member.project.key, key=saved.key)
    context = {"found": found, "values": values, "plain": plain, "errors": errors, "policies": POLICIES, "types": TYPE_WORDS}
    return render_page(request, "collect/plan/event_form.html", context, status=422 if errors else 200)


def _listed(values: dict[str, Any]) -> dict[str, Any]:
    """What was typed, with allowed values as a list: so the form shows them again."""
    for rule in values.get("properties", ()):
        if isinstance(rule, dict) and "allowed" in rule:
            rule["allowed"] = separate(rule["allowed"])
    return values


def _present(request: ProjectRequest, found: Definition | None) -> Any:
    """The form's content: the definition, else the event that the address names as it has come, else nothing."""
    if found is not None:
        return found.spec
    name = request.GET.get("event", "").strip()[:200]
    if not name:
        return {"policy": "warn"}
    try:
        return as_seen(request.member, name).model_dump(mode="json")
    except EngineError:
        return {"event": name, "policy": "warn"}


def _history(request: ProjectRequest, found: Definition) -> dict[str, Any]:
    """What the template `catalog/history.html` shows."""
    place = {"project": request.member.project.key, "key": found.key}
    return {
        "revisions": [(one, _in_short(EventSpec.model_validate(one.spec)), changed) for one, changed in revisions(found)],
        "users": [],
        "archived": found.state == Definition.State.ARCHIVED,
        "archive_address": reverse("collect:plan_archive_event", kwargs=place),
        "restore_address": reverse("collect:plan_restore_event", kwargs=place),
    }


def _in_short(spec: EventSpec) -> str:
    number = len(spec.properties)
    text = ngettext("{policy}; {count} property", "{policy}; {count} properties", number)
    return text.format(policy=dict(POLICIES)[spec.policy], count=number)


def _counts(request: ProjectRequest) -> tuple[dict[str, int], EngineError | None]:
    """How many violations each event had in the last seven days."""
    try:
        found = engine().ask(VIOLATED, ViolatedSpec(), scope_of(request.member)).result
    except EngineError as error:
        return {}, error
    return dict(found.by_event), None


def _revision(request: ProjectRequest, found: Definition | None) -> int | None:
    return whole(request.POST.get("revision", "")) if found else None
