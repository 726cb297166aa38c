"""The quarantine: what was not taken and why; mending it by small steps with a preview; a run and what became of each event."""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from bihuan.catalog.door import scope as scope_of
from bihuan.collect.events import BadEvent
from bihuan.collect.plan.door import tracking_plan
from bihuan.collect.quarantined import QUARANTINED
from bihuan.collect.quarantined.mending import DOES, Item, Mended, Step, Steps, read
from bihuan.collect.quarantined.preview import compared
from bihuan.collect.quarantined.reasons import REASONS
from bihuan.collect.quarantined.replay import Run, counts, tried, waiting
from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.question import Spec
from bihuan.govern.audit import record
from bihuan.govern.errors import NotFound
from bihuan.govern.forms import parse_dotted, to_dotted, validated
from bihuan.govern.jobs import enqueue
from bihuan.govern.models import Job
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page

KIND = "mend"
PREVIEWED = 200  # the oldest that a preview tries
SHOWN = 10
DO_WORDS = dict(
    zip(
        DOES,
        (
            _("Rename the event"),
            _("Rename a property"),
            _("Set a property"),
            _("Convert a property"),
            _("Drop a property"),
            _("Set the time"),
            _("Set the user id"),
            _("Set the anonymous id"),
        ),
        strict=True,
    )
)
OUTCOMES = {
    "stored": (_("stored"), "success"),
    "duplicate": (_("was there already"), "secondary"),
    "refused": (_("still refused"), "warning"),
    "discarded": (_("discarded"), "secondary"),
}


class MendSpec(Spec):
    """What to do to each event."""

    steps: Steps = ()


@project_view("view")
def quarantine(request: ProjectRequest) -> HttpResponse:
    """What was not taken: how much for which reason, and the newest of it."""
    spec, _errors = validated(QuarantinedSpec, parse_dotted(request.GET))
    spec = spec or QuarantinedSpec()
    context: dict[str, Any] = {
        "spec": spec,
        "reasons": REASONS,
        "outcomes": OUTCOMES,
        "runs": _runs(request),
        "query": urlencode(to_dotted(spec)),
    }
    try:
        context["found"] = engine().ask(QUARANTINED, spec, scope_of(request.member)).result
    except EngineError as problem:
        context["problem"] = problem
    return render_page(request, "collect/quarantine.html", context, panel="collect/quarantine_list.html")


@project_view("act")
def mend(request: ProjectRequest) -> HttpResponse:
    """Choose the steps, and see what they would make of the events."""
    document = parse_dotted(request.GET)
    given = document.pop("steps", [])
    steps, errors = _steps(given)
    spec, wrong = validated(QuarantinedSpec, document)
    spec = spec or QuarantinedSpec()
    context: dict[str, Any] = {
        "spec": spec,
        "only": to_dotted(spec),
        "steps": given if isinstance(given, list) else [],
        "errors": {**errors, **wrong},
        "does": DO_WORDS,
        "reasons": REASONS,
    }
    if not context["errors"]:
        run = Run(0, request.member.project.pk, request.member.project.timezone, spec, steps, _now(), discard=False)
        try:
            items = waiting(engine().store, run, PREVIEWED)
            found = tried(items, run, tracking_plan(request.member).compiled())
        except EngineError as problem:
            context["problem"] = problem
        else:
            context |= {
                "tried": len(found),
                "good": sum(not problem for _, _, problem in found),
                "samples": [_sample(item, one, problem, run.project_id) for item, one, problem in _both(found)],
                "more": len(found) == PREVIEWED,
            }
    return render_page(request, "collect/quarantine/mend.html", context, status=422 if context["errors"] else 200)


@require_POST
@project_view("act")
def act(request: ProjectRequest) -> HttpResponse:
    """Begin a run that mends, or one that discards."""
    document = parse_dotted(request.POST, ignore=("do",))
    steps, errors = _steps(document.pop("steps", []))
    spec, wrong = validated(QuarantinedSpec, document)
    if spec is None or errors or wrong:
        messages.error(request, next(iter({**errors, **wrong}.values())))
        return redirect_to(request, "collect:quarantine", project=request.member.project.key)
    discard = request.POST.get("do") == "discard"
    document = {
        "spec": spec.model_dump(mode="json"),
        "steps": [step.model_dump(mode="json") for step in steps],
        "until": _now(),
        "discard": discard,
    }
    with transaction.atomic():
        job = enqueue(kind=KIND, payload=document, project=request.member.project, key=f"{KIND}-{uuid.uuid4().hex}")
        summary = ", ".join(f"{name}={value}" for name, value in to_dotted(spec)) or "*"
        verb = "discard" if discard else "replay"
        record(member=request.member, verb=verb, object_kind="quarantine", object_key=str(job.pk), summary=summary, after=document)
    return redirect_to(request, "collect:mend_run", project=request.member.project.key, pk=job.pk)


@project_view("act")
def run(request: ProjectRequest, pk: int) -> HttpResponse:
    """A run: how far it is, and what became of each event."""
    job = Job.objects.filter(pk=pk, project=request.member.project, kind=KIND).first()
    if job is None:
        raise NotFound("There is no such run.")
    going = job.state in (Job.State.QUEUED, Job.State.RUNNING)
    context: dict[str, Any] = {"job": job, "going": going, "outcomes": OUTCOMES, "reasons": REASONS, "does": DO_WORDS}
    try:
        store = engine().store
        context["counts"] = [
            (name, number, *OUTCOMES.get(name, (name, "secondary"))) for name, number in counts(store, job.project_id or 0, job.pk).items()
        ]
        context["rows"] = _rows(request, job.pk)
    except EngineError as problem:
        context["problem"] = problem
    return render_page(request, "collect/quarantine/run.html", context, panel="collect/quarantine/run_panel.html")


def _rows(request: ProjectRequest, number: int) -> Any:
    """What became of the newest of a run's events."""
    sql = """SELECT item, outcome, detail, at FROM quarantine_outcomes FINAL
    WHERE project_id = {project:UInt32} AND run = {run:UInt32} ORDER BY outcome = 'refused' DESC, at DESC, item LIMIT 200"""
    return engine().store.fetch(sql, {"project": request.member.project.pk, "run": number}).rows


def _steps(given: Any) -> tuple[tuple[Step, ...], dict[str, str]]:
    spec, errors = validated(MendSpec, {"steps": given})
    return (spec.steps if spec else ()), errors


def _both(found: list[tuple[Item, Mended | None, str]]) -> list[tuple[Item, Mended | None, str]]:
    """Some that pass and some that do not."""
    good = [one for one in found if not one[2]]
    bad = [one for one in found if one[2]]
    return [*bad[: SHOWN // 2], *good[: SHOWN - min(len(bad), SHOWN // 2)]]


def _sample(item: Item, one: Mended | None, problem: str, project_id: int) -> dict[str, Any]:
    """An event as it came and as it would be: what changes first, then the rest of it; and the body where it cannot be read."""
    try:
        before = read(item, project_id).event
    except (BadEvent, ValueError, TypeError):
        return {"body": item.body, "problem": problem}
    rows = list(compared(before, one.event if one else before))
    return {
        "event": one.event if one else before,
        "changes": [row for row in rows if row.changed],
        "rest": [row for row in rows if not row.changed],
        "problem": problem,
    }


def _runs(request: ProjectRequest) -> list[Job]:
    if not request.member.can("act"):
        return []
    return list(Job.objects.filter(project=request.member.project, kind=KIND).order_by("-pk")[:5])


def _now() -> int:
    return int(time.time() * 1000)
