"""The pages of import definitions: imports of databases, S3, the web and other ClickHouses that come again and again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from bihuan.catalog.definitions import archive_definition, definition, save_definition, spec_of
from bihuan.catalog.models import Definition
from bihuan.collect.imports import uploads
from bihuan.collect.imports.connections import connections
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.definition import KIND, ImportSpec
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.fields import chosen, given, typed
from bihuan.collect.imports.tasks import ACTIVE, run_now, task_of
from bihuan.collect.imports.uploads import said
from bihuan.collect.imports.views import shown_look
from bihuan.collect.models import Connection, ImportRun
from bihuan.govern.errors import Conflict, Invalid
from bihuan.govern.forms import errors_by_place, whole
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

SHOWN = 30
PLAIN = ("connection", "query", "path", "format", "cursor", "overlap")
SCHEDULES = (("manual", _("by hand")), ("every", _("every so many minutes")), ("daily", _("daily at a time")))
State = Definition.State


@project_view("act")
def new(request: ProjectRequest) -> HttpResponse:
    """A new import definition."""
    return _edited(request, None)


@project_view("act")
def edit(request: ProjectRequest, key: str) -> HttpResponse:
    """Change one."""
    return _edited(request, definition(request.member, KIND, key))


@require_POST
@project_view("act")
def look(request: ProjectRequest) -> HttpResponse:
    """The first rows of what the form asks for, and what they would become."""
    return render_page(request, "collect/imports/regular_look.html", _look(request, request.POST))


@project_view("view")
def regular(request: ProjectRequest, key: str) -> HttpResponse:
    """One import definition: where it reads, how far it is, its runs."""
    found = definition(request.member, KIND, key)
    task, spec = task_of(found), spec_of(found)
    runs = list(ImportRun.objects.filter(task=task).select_related("created_by")[:SHOWN])
    context = {
        "definition": found,
        "spec": spec,
        "task": task,
        "runs": runs,
        "reached": Cursor.from_json(task.cursor),
        "busy": any(run.state in ACTIVE for run in runs),
        "last": next((run for run in runs if not run.dry), None),
        "place": Connection.objects.filter(project=request.member.project, key=spec.connection).first(),
        "live": found.state == State.LIVE,
    }
    return render_page(request, "collect/imports/regular.html", context, panel="collect/imports/regular_body.html")


@require_POST
@project_view("act")
def do(request: ProjectRequest, key: str) -> HttpResponse:
    """Run it, try it, read everything anew, switch it off or on, or archive it."""
    found, verb = definition(request.member, KIND, key), request.POST.get("verb", "")
    if verb in ("run", "dry", "anew"):
        if run_now(member=request.member, definition=found, dry=verb == "dry", anew=verb == "anew") is None:
            messages.info(request, gettext("It is running already."))
    elif verb in ("pause", "resume"):
        state = State.DRAFT if verb == "pause" else State.LIVE
        spec = spec_of(found)
        save_definition(member=request.member, kind=KIND, key=key, name=found.name, description=found.description, spec=spec, state=state)
    elif verb == "archive":
        try:
            archive_definition(member=request.member, kind=KIND, key=key)
        except Conflict as error:
            messages.error(request, sentence(error))
        else:
            messages.success(request, gettext("“{name}” is archived.").format(name=found.name))
            return redirect_to(request, "collect:imports", project=request.member.project.key)
    return redirect_to(request, "collect:regular_import", project=request.member.project.key, key=key)


def _edited(request: ProjectRequest, found: Definition | None) -> HttpResponse:
    context: dict[str, Any] = {"definition": found, "connections": connections(request.member.project), "errors": {}}
    context |= {"kinds": ImportRun.Kind.choices, "formats": ("csv", "tsv", "jsonl", "parquet"), "schedules": SCHEDULES}
    if request.method != "POST":
        return render_page(request, "collect/imports/regular_form.html", context | _as_it_is(found, request.GET))
    form = request.POST
    shown = _look(request, form)
    try:
        if shown["problem"] and "draft" not in form:
            raise Invalid(NOT_YET, where="look")
        spec = _spec(form, shown["look"].get("mapping") or given(_kind(form), form, {}))
        saved = save_definition(
            member=request.member,
            kind=KIND,
            key=found.key if found else "",
            name=form.get("name", ""),
            spec=spec,
            state=State.DRAFT if "draft" in form else State.LIVE,
            revision=whole(form.get("revision", "")) if found else None,
        )
    except ValidationError as error:
        context["errors"] = errors_by_place(error, dict(form.items()))
    except ImportProblem as problem:
        context["errors"] = {"look": said(problem)}
    except (Invalid, Conflict) as error:
        context["errors"] = {error.where: sentence(error)}
    else:
        task_of(saved)
        return redirect_to(request, "collect:regular_import", project=request.member.project.key, key=saved.key)
    values = {name: form.get(name, "") for name in (*PLAIN, "name", "revision")} | {"kind": _kind(form), "schedule": _schedule(form)}
    return render_page(request, "collect/imports/regular_form.html", context | shown | {"values": values}, status=422)


NOT_YET = "It cannot be switched on like this: mend what is said below, or save it as a draft."


def _as_it_is(found: Definition | None, form: QueryDict) -> dict[str, Any]:
    """The form as the definition fills it, or empty."""
    if found is None:
        values = {name: form.get(name, "") for name in (*PLAIN, "name")} | {"kind": _kind(form), "schedule": {"kind": "manual"}}
        return {"values": values, "look": {}, "kind": values["kind"]}
    spec: ImportSpec = spec_of(found)
    values = spec.model_dump(mode="json") | {"name": found.name, "revision": found.revision, "kind": spec.kind}
    yaml = _needs_yaml(spec)
    return {"values": values, "look": {}, "kind": spec.kind, "chosen": chosen(spec.kind, spec.mapping), "yaml": yaml}


def _needs_yaml(spec: ImportSpec) -> str:
    """The mapping as YAML where the fields do not hold all of it."""
    from bihuan.collect.imports.mapping import KINDS

    fields = {field.name: value for field, value in chosen(spec.kind, spec.mapping)}
    made = KINDS[spec.kind].model_validate(spec.mapping)
    held = KINDS[spec.kind].model_validate(given(spec.kind, fields, spec.mapping))
    return "" if held == made else made.yaml()


def _look(request: ProjectRequest, form: QueryDict) -> dict[str, Any]:
    kind = _kind(form)
    asked = "mapping" in form and form.get("of") == kind
    spec = {name: form.get(name, "").strip() for name in PLAIN if name != "overlap"}
    try:
        mapping = given(kind, form, {}) if asked else {"kind": kind}
        found = uploads.looked({"spec": spec}, request.member.project, mapping, guess=not asked)
    except ImportProblem as problem:
        typed_so_far = typed(kind, form) if asked else []  # fields that nobody has seen yet say nothing: they are guessed next time
        return {"problem": said(problem), "look": {}, "chosen": typed_so_far, "yaml": form.get("yaml", ""), "kind": kind}
    return shown_look(kind, found, form)


def _spec(form: QueryDict, mapping: dict[str, Any]) -> ImportSpec:
    plain = {name: value for name in PLAIN if (value := form.get(name, "").strip())}
    return ImportSpec.model_validate({**plain, "mapping": {"kind": _kind(form), **mapping}, "schedule": _schedule(form)})


def _schedule(form: QueryDict) -> dict[str, str]:
    found = {name: form.get(f"schedule.{name}", "").strip() for name in ("kind", "minutes", "at")}
    return {name: value for name, value in found.items() if value}


def _kind(form: QueryDict) -> str:
    kind = form.get("kind", "")
    return kind if kind in ImportRun.Kind.values else "events"
