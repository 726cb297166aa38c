"""Import definitions at work: what is due is started once, whoever looks; how a run ended decides when the next one comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from pydantic import ValidationError

from bihuan.catalog.definitions import definitions, spec_of
from bihuan.catalog.models import Definition
from bihuan.collect.imports.definition import KIND, ImportSpec
from bihuan.collect.imports.schedules import next_run, retry_after
from bihuan.collect.models import ImportRun, ImportTask
from bihuan.govern.audit import record
from bihuan.govern.door import Member
from bihuan.govern.jobs import enqueue

ACTIVE = (ImportRun.State.QUEUED, ImportRun.State.RUNNING)


@dataclass(frozen=True)
class AtWork:
    """An import definition as the list shows it: its task and its newest run, if there are any."""

    definition: Definition
    task: ImportTask | None
    last: ImportRun | None


def definitions_at_work(member: Member) -> list[AtWork]:
    """The project's import definitions that are not archived."""
    found = definitions(member, KIND)
    tasks = {task.definition_id: task for task in ImportTask.objects.filter(definition__in=found)}
    return [AtWork(one, tasks.get(one.pk), _last(tasks.get(one.pk))) for one in found]


def _last(task: ImportTask | None) -> ImportRun | None:
    return task.runs.filter(dry=False).first() if task else None


def start_due(now: datetime | None = None) -> list[ImportRun]:
    """Start every import whose time has come; two who look at once start it once."""
    now = now or datetime.now(UTC)
    for definition in Definition.objects.filter(kind=KIND, state=Definition.State.LIVE).select_related("project", "import_task"):
        task_of(definition, now=now)
    due = ImportTask.objects.filter(next_at__lte=now, definition__state=Definition.State.LIVE).select_related("definition__project")
    return [run for task in due if (run := _start(task, now)) is not None]


def task_of(definition: Definition, *, now: datetime | None = None) -> ImportTask:
    """The definition's task, brought up to the definition: a new schedule holds at once, a new query begins anew."""
    now = now or datetime.now(UTC)
    task, _ = ImportTask.objects.get_or_create(definition=definition)
    if task.revision == definition.revision:
        return task
    try:
        spec: ImportSpec = spec_of(definition)
    except ValidationError:
        return task
    if task.origin != spec.origin():
        task.origin, task.cursor = spec.origin(), None
    first = now if spec.schedule.kind != "manual" and not task.runs.filter(dry=False).exists() else None
    task.next_at = first or next_run(spec.schedule, zone=definition.project.timezone, after=now)
    task.revision, task.failures = definition.revision, 0
    task.save()
    return task


def run_now(*, member: Member, definition: Definition, dry: bool = False, anew: bool = False) -> ImportRun | None:
    """Start a run by hand, a `dry` one perhaps; `anew` reads everything again. None while one is under way."""
    member.require("act")
    task = task_of(definition)
    with transaction.atomic():
        if anew:
            ImportTask.objects.filter(pk=task.pk).update(cursor=None)
            record(member=member, verb="import anew", object_kind=KIND, object_key=definition.key, summary=definition.name)
    return _run(task, created_by=member.user, dry=dry)


def settle(run: ImportRun, now: datetime | None = None) -> None:
    """A run has ended: what that means for its task."""
    task = run.task
    if task is None or run.dry:
        return
    now = now or datetime.now(UTC)
    task.refresh_from_db()
    if run.state == ImportRun.State.FAILED:
        task.failures += 1
        if task.next_at is not None:
            task.next_at = now + retry_after(task.failures)
    elif run.state == ImportRun.State.DONE:
        task.failures = 0
    task.save(update_fields=["failures", "next_at"])


def _start(task: ImportTask, now: datetime) -> ImportRun | None:
    """Take the task's turn by one conditional update; of two, one gets it."""
    spec: ImportSpec = spec_of(task.definition)
    following = next_run(spec.schedule, zone=task.definition.project.timezone, after=now)
    with transaction.atomic():
        if not ImportTask.objects.filter(pk=task.pk, next_at=task.next_at).update(next_at=following):
            return None
        return _run(task)


def _run(task: ImportTask, **fields: Any) -> ImportRun | None:
    definition = task.definition
    spec: ImportSpec = spec_of(definition)
    try:
        with transaction.atomic():
            run = ImportRun.objects.create(
                project=definition.project,
                task=task,
                kind=spec.kind,
                file_name=definition.name[:255],
                mapping=spec.mapping,
                state=ImportRun.State.QUEUED,
                **fields,
            )
            enqueue(kind="import", payload={"run": run.pk}, project=definition.project, key=f"import-run:{run.pk}")
    except IntegrityError:  # the run before is still under way
        return None
    return run
