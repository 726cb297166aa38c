"""The pages of imports: all of them with the upload; one with its mapping and preview, its progress, and what became of its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST

from bihuan.collect.imports import uploads
from bihuan.collect.imports.errors import ImportProblem, Reason
from bihuan.collect.imports.mapping import read_mapping
from bihuan.collect.models import ImportRun
from bihuan.govern.web import ProjectRequest, is_panel, project_view, redirect_to, render_page

SHOWN = 50
LONGEST = 3_600  # days that a trend may be over
FIELDS = ("event", "event_column", "person", "anonymous", "id", "revenue", "zone")
ENCODINGS = ("gb18030", "big5", "shift_jis", "cp1252", "utf-16")
State = ImportRun.State


@project_view("view")
def imports(request: ProjectRequest) -> HttpResponse:
    """The newest imports; for who may, with the upload."""
    runs = list(ImportRun.objects.filter(project=request.member.project).select_related("created_by")[:SHOWN])
    context = {"runs": runs, "busy": any(run.state in (State.QUEUED, State.RUNNING) for run in runs), "encodings": ENCODINGS}
    return render_page(request, "collect/imports/list.html", context, panel="collect/imports/runs.html")


@require_POST
@project_view("act")
def upload(request: ProjectRequest) -> HttpResponse:
    """Keep the file and go on to its mapping."""
    file = request.FILES.get("file")
    if file is None or not file.name:
        messages.error(request, gettext("Choose a file first."))
        return redirect_to(request, "collect:imports", project=request.member.project.key)
    try:
        made = uploads.receive(
            member=request.member,
            file_name=file.name,
            parts=file.chunks(),
            encoding=request.POST.get("encoding", ""),
            language=get_language() or "",
        )
    except ImportProblem as problem:
        messages.error(request, uploads.said(problem))
        return redirect_to(request, "collect:imports", project=request.member.project.key)
    return redirect_to(request, "collect:import", project=request.member.project.key, pk=made.pk)


@project_view("view")
def run(request: ProjectRequest, pk: int) -> HttpResponse:
    """One import. Before it begins: what its columns mean, with the first events; then its progress and result."""
    found = _found(request, pk)
    if found.state == State.UPLOADED:
        request.member.require("act")
        context = {"run": found}
        if is_panel(request):
            context |= _preview(request, found, request.GET)
        return render_page(request, "collect/imports/mapping.html", context, panel="collect/imports/preview.html")
    return render_page(request, "collect/imports/run.html", _progress(found), panel="collect/imports/progress.html")


@require_POST
@project_view("act")
def start(request: ProjectRequest, pk: int) -> HttpResponse:
    """Begin with the mapping that was checked, or again with the one it had."""
    found = _found(request, pk)
    mapping = found.mapping
    if found.state == State.UPLOADED:
        shown = _preview(request, found, request.POST)
        if shown["problem"]:
            return render_page(request, "collect/imports/mapping.html", {"run": found} | shown, status=422)
        mapping = shown["look"]["mapping"]
    uploads.start(member=request.member, run=found, mapping=mapping)
    return redirect_to(request, "collect:import", project=request.member.project.key, pk=pk)


@require_POST
@project_view("act")
def stop(request: ProjectRequest, pk: int) -> HttpResponse:
    """Stop it; what is stored stays."""
    uploads.stop_run(member=request.member, run=_found(request, pk))
    return redirect_to(request, "collect:import", project=request.member.project.key, pk=pk)


@require_POST
@project_view("act")
def discard(request: ProjectRequest, pk: int) -> HttpResponse:
    """Forget a file that was not imported."""
    uploads.discard(member=request.member, run=_found(request, pk))
    return redirect_to(request, "collect:imports", project=request.member.project.key)


@project_view("act")
def rejects(request: ProjectRequest, pk: int) -> HttpResponse:
    """The rows that were not taken. They may hold anything, private properties too: for those only who may bring data in."""
    found = _found(request, pk)
    path = uploads.rejects_path(found)
    if not found.rejects or not path.exists():
        raise Http404
    name = f"{Path(found.file_name).stem}-rejects.csv"
    return cast("HttpResponse", FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv"))


def _found(request: ProjectRequest, pk: int) -> ImportRun:
    found = ImportRun.objects.select_related("project", "created_by").filter(project=request.member.project, pk=pk).first()
    if found is None:
        raise Http404
    return found


def _preview(request: ProjectRequest, found: ImportRun, form: QueryDict) -> dict[str, Any]:
    """What the form says, and what the file's first rows become by it."""
    asked = "mapping" in form
    context: dict[str, Any] = {"form": form, "problem": "", "look": {}}
    try:
        given = _given(found, form) if asked else found.mapping
        look = uploads.look_at(found, given, guess=not asked)
    except ImportProblem as problem:
        return context | {"problem": uploads.said(problem), "chosen": _chosen(form)}
    if "problem" in look:
        context["problem"] = uploads.said(ImportProblem(look["problem"][0], **look["problem"][1]))
    look["rejects"] = [(line, uploads.said(Reason(msgid, values))) for line, msgid, values in look.get("rejects", [])]
    for event in look.get("events", []):
        event["time"] = datetime.fromtimestamp(event["at"] / 1000, UTC)
    chosen = _mapped(look["mapping"]) if "mapping" in look else _chosen(form)
    return context | {"look": look, "chosen": chosen, "yaml": form.get("yaml", "")}


def _given(found: ImportRun, form: QueryDict) -> dict[str, Any]:
    """The mapping that the form gives: its YAML if there is any, else its fields."""
    text = form.get("yaml", "").strip()
    encoding = {"encoding": found.mapping["encoding"]} if found.mapping.get("encoding") else {}
    if text:
        return encoding | read_mapping(text)
    given: dict[str, Any] = {name: form.get(name, "").strip() for name in FIELDS if form.get(name, "").strip()}
    if form.get("time"):
        given["time"] = {"column": form["time"], "format": form.get("time_format", "").strip()}
    if given.get("event"):
        given.pop("event_column", None)
    return encoding | given


def _chosen(form: QueryDict) -> dict[str, str]:
    return {name: form.get(name, "") for name in (*FIELDS, "time", "time_format")}


def _mapped(mapping: dict[str, Any]) -> dict[str, str]:
    time = mapping.get("time", {})
    return {name: mapping.get(name, "") for name in FIELDS} | {"time": time.get("column", ""), "time_format": time.get("format", "")}


def _progress(found: ImportRun) -> dict[str, Any]:
    """The numbers of a run; while it works, with its speed and how long it will take."""
    busy = found.state in (State.QUEUED, State.RUNNING)
    seconds = (datetime.now(UTC) - found.started_at).total_seconds() if found.started_at and busy else 0.0
    left = seconds * (1 - found.progress) / found.progress if busy and found.progress > 0.02 else None
    if found.finished_at and found.started_at:
        seconds = (found.finished_at - found.started_at).total_seconds()
    percent = round(found.progress * 100)
    return {"run": found, "busy": busy, "seconds": seconds, "left": left, "percent": percent, "trend": _trend(found)}


def _trend(found: ImportRun) -> str:
    """The question whose answer shows these events: their trend over the days that they are of."""
    if found.first_at is None or found.last_at is None:
        return ""
    zone = ZoneInfo(found.project.timezone)
    until = found.last_at.astimezone(zone).date()
    since = max(found.first_at.astimezone(zone).date(), until - timedelta(days=LONGEST))
    unit = "day" if (until - since).days <= 92 else "week" if (until - since).days <= 370 else "month"
    event = found.mapping.get("event") or "*"
    return urlencode({"series.0.event": event, "period.since": since, "period.until": until, "unit": unit})
