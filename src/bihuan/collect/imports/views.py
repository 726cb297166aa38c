"""The pages of imports: all of them with the upload; one with its mapping and preview, its progress, and what became of its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils.translation import get_language, gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from bihuan.collect.imports import uploads
from bihuan.collect.imports.errors import ImportProblem, Reason
from bihuan.collect.imports.fields import chosen, given, typed
from bihuan.collect.imports.receiving import FolderHandler
from bihuan.collect.imports.tasks import definitions_at_work
from bihuan.collect.models import ImportRun
from bihuan.govern.web import ProjectRequest, is_panel, project_view, redirect_to, render_page

SHOWN = 50
LONGEST = 3_600  # days that a trend may be over
ENCODINGS = ("gb18030", "big5", "shift_jis", "cp1252", "utf-16")
State = ImportRun.State


@project_view("view")
def imports(request: ProjectRequest) -> HttpResponse:
    """The imports that come again and again, and the newest runs; for who may, with the upload."""
    runs = list(ImportRun.objects.filter(project=request.member.project).select_related("created_by", "task__definition")[:SHOWN])
    busy = any(run.state in (State.QUEUED, State.RUNNING) for run in runs)
    context = {"runs": runs, "busy": busy, "encodings": ENCODINGS, "kinds": ImportRun.Kind.choices}
    if not is_panel(request):
        context["regular"] = definitions_at_work(request.member)
    return render_page(request, "collect/imports/list.html", context, panel="collect/imports/runs.html")


@csrf_exempt  # the inner view checks it, once it is known that the body may be read at all
@require_POST
@project_view("act")
def upload(request: ProjectRequest) -> HttpResponse:
    """Keep the file and go on to its mapping; what is too large is refused before it is read."""
    most = uploads.most_bytes()
    if int(request.META.get("CONTENT_LENGTH") or 0) > most:
        text = gettext("The file is too large: at most {most} may be uploaded now. Import it on the command line, or from S3 or the web.")
        return render_page(request, "collect/imports/too_large.html", {"sentence": text.format(most=filesizeformat(most))}, status=413)
    request.upload_handlers = [FolderHandler(request, uploads.folder())]
    return csrf_protect(_receive)(request)


def _receive(request: ProjectRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None or not file.name:
        messages.error(request, gettext("Choose a file first."))
        return redirect_to(request, "collect:imports", project=request.member.project.key)
    kind = request.POST.get("kind", "events")
    try:
        made = uploads.receive(
            member=request.member,
            file_name=file.name,
            parts=file.chunks(),
            kind=kind if kind in ImportRun.Kind.values else "events",
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
    uploads.start(member=request.member, run=found, mapping=mapping, dry="dry" in request.POST)
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
    asked, kind = "mapping" in form, found.mapping.get("kind", "events")
    try:
        mapping = given(kind, form, found.mapping) if asked else found.mapping
        look = uploads.look_at(found, mapping, guess=not asked)
    except ImportProblem as problem:
        return {"problem": uploads.said(problem), "look": {}, "chosen": typed(kind, form), "yaml": form.get("yaml", "")}
    return shown_look(kind, look, form)


def shown_look(kind: str, look: dict[str, Any], form: QueryDict) -> dict[str, Any]:
    """A preview for the page: `look` with its sentences and times in the reader's language, and the `chosen` value of each field."""
    problem = uploads.said(ImportProblem(look["problem"][0], **look["problem"][1])) if "problem" in look else ""
    look["rejects"] = [(line, uploads.said(Reason(msgid, values))) for line, msgid, values in look.get("rejects", [])]
    for row in look.get("rows", []):
        row["time"] = datetime.fromtimestamp(row["at"] / 1000, UTC)
    if "mapping" in look or "so_far" in look:
        fields = chosen(kind, look.get("mapping") or look["so_far"])
    else:  # without columns there is nothing to choose from: the first that are read are guessed
        fields = typed(kind, form) if look["columns"] or "mapping" in form else []
    return {"problem": problem, "look": look, "chosen": fields, "yaml": form.get("yaml", ""), "kind": kind}


def _progress(found: ImportRun) -> dict[str, Any]:
    """The numbers of a run; while it works, with its speed and how long it will take."""
    busy = found.state in (State.QUEUED, State.RUNNING)
    seconds = (datetime.now(UTC) - found.started_at).total_seconds() if found.started_at and busy else 0.0
    left = seconds * (1 - found.progress) / found.progress if busy and found.progress > 0.02 else None
    if found.finished_at and found.started_at:
        seconds = (found.finished_at - found.started_at).total_seconds()
    percent = round(found.progress * 100)
    return {"run": found, "busy": busy, "seconds": seconds, "left": left, "percent": percent, "see": _see(found)}


def _see(found: ImportRun) -> str:
    """The question whose answer shows what came in, under the project's address: over the days that it is of."""
    if found.dry or found.first_at is None or found.last_at is None or found.kind == "persons":
        return ""
    zone = ZoneInfo(found.project.timezone)
    until = found.last_at.astimezone(zone).date()
    since = max(found.first_at.astimezone(zone).date(), until - timedelta(days=LONGEST))
    unit = "day" if (until - since).days <= 92 else "week" if (until - since).days <= 370 else "month"
    days = {"period.since": since, "period.until": until, "unit": unit}
    if found.kind == "events":
        return "ask/trend/?" + urlencode({"series.0.event": found.mapping.get("event") or "*", **days})
    if found.kind == "costs":
        return "ask/metric_series/?" + urlencode({"series": "cost", "breakdown": "channel", **days})
    series = found.mapping.get("series")
    return "ask/metric_series/?" + urlencode({"series": series, **days}) if series else "ask/metric_series/"
