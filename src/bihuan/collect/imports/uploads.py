"""Files brought in by the page: kept in the data folder until they are imported, which happens in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext

from bihuan.collect.imports.errors import ImportProblem, Reason
from bihuan.collect.imports.readers import file_format
from bihuan.collect.imports.records import create_run
from bihuan.collect.models import ImportRun
from bihuan.engine.config import Config
from bihuan.engine.embedded.child import end_with_parent
from bihuan.govern.door import Member
from bihuan.govern.jobs import enqueue, stop
from bihuan.govern.models import Project

NO_ROWS = "The file has no rows."
PROCESS = "bihuan.collect.imports.process"
log = logging.getLogger(__name__)
LOOKING = 60  # seconds that a look at the first rows may take
WAITING = (ImportRun.State.UPLOADED, ImportRun.State.FAILED, ImportRun.State.STOPPED)


def folder() -> Path:
    """Where uploads and their rejects are kept."""
    path = Config.from_env().data / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def receive(*, member: Member, file_name: str, parts: Iterable[bytes], kind: str, encoding: str, language: str) -> ImportRun:
    """Keep an uploaded file, to be looked at. Raises ImportProblem when its name does not say what it is, or the disk has no room."""
    member.require("act")
    form, gzipped = file_format(Path(file_name))
    upload = f"{secrets.token_hex(8)}.{form}{'.gz' if gzipped else ''}"
    path = folder() / upload
    try:
        with path.open("wb") as file:
            for part in parts:
                file.write(part)
    except OSError as error:
        path.unlink(missing_ok=True)
        log.error("An upload could not be kept: %s", error)
        raise ImportProblem("The disk has no room for this file.") from error
    mapping = {"kind": kind} | ({"encoding": encoding} if encoding else {})
    return create_run(member=member, path=path, file_name=file_name, kind=kind, upload=upload, mapping=mapping, language=language)


def most_bytes() -> int:
    """How large an upload may be now: the setting, and never more than leaves the store a tenth of the disk."""
    usage = shutil.disk_usage(folder())
    return max(min(Config.from_env().upload_limit, usage.free - usage.total // 10), 0)


def look_at(run: ImportRun, given: Mapping[str, Any], *, guess: bool) -> dict[str, Any]:
    """The preview (`imports.preview`) of an uploaded file with this mapping."""
    return looked({"path": str(folder() / run.upload)}, run.project, given, guess=guess)


def looked(place: Mapping[str, Any], project: Project, given: Mapping[str, Any], *, guess: bool) -> dict[str, Any]:
    """The preview of a `path`, or of what an import definition (`spec`) reads, made by a process of its own."""
    asked = {**place, "project": project.pk, "given": dict(given), "guess": guess, "zone": project.timezone, "currency": project.currency}
    command = [sys.executable, "-m", PROCESS, "look"]
    try:
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=LOOKING, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        log.exception("A file could not be looked at: %s", getattr(error, "stderr", ""))
        raise ImportProblem("The file could not be looked at; the log says why.") from error
    return dict(json.loads(done.stdout))


def start(*, member: Member, run: ImportRun, mapping: Mapping[str, Any], dry: bool = False) -> None:
    """Let the worker import the file, or only read and check all of it. Starting twice is starting once."""
    member.require("act")
    with transaction.atomic():
        ready = Q(state__in=WAITING) | Q(state=ImportRun.State.DONE, dry=True)
        waiting = ImportRun.objects.filter(ready, pk=run.pk, project=member.project)
        if waiting.update(
            state=ImportRun.State.QUEUED, mapping=dict(mapping), problem="", finished_at=None, progress=0.0, checkpoint={}, dry=dry
        ):
            enqueue(kind="import", payload={"run": run.pk}, project=run.project)


def stop_run(*, member: Member, run: ImportRun) -> None:
    """Stop an import; what it has stored stays, and starting it again goes on from there."""
    member.require("act")
    from bihuan.govern.models import Job

    for job in Job.objects.filter(kind="import", project=run.project, payload__run=run.pk, state__in=("queued", "running")):
        stop(pk=job.pk)
    stopped = {"state": ImportRun.State.STOPPED, "finished_at": datetime.now(UTC)}
    ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.QUEUED).update(**stopped)


def discard(*, member: Member, run: ImportRun) -> None:
    """Forget an upload that was never imported, and its file."""
    member.require("act")
    if run.state == ImportRun.State.UPLOADED or run.dry:
        (folder() / run.upload).unlink(missing_ok=True)
        run.delete()


def rejects_path(run: ImportRun) -> Path:
    return folder() / f"{run.pk}-rejects.csv"


def import_run(pk: int) -> None:
    """Do the run with this number: of an uploaded file, or of an import definition. Raises ImportProblem or EngineError, which the
    record then tells."""
    from bihuan.collect.imports.plan import make_plan
    from bihuan.collect.imports.runs import perform

    run = ImportRun.objects.select_related("project", "created_by", "task__definition").get(pk=pk)
    with translation.override(run.language or None):
        try:
            source, since = _source(run)
            plan = make_plan(source, run.mapping, guess=False, since=since)
        except ImportProblem as problem:
            if run.task is not None and problem.msgid == NO_ROWS:
                _nothing_new(run)
                return
            ImportRun.objects.filter(pk=pk).update(state=ImportRun.State.FAILED, problem=said(problem), finished_at=datetime.now(UTC))
            raise
        perform(run, plan, config=Config.from_env(), rejects=rejects_path(run), say=said, since=since)
    if run.upload and not run.dry:
        (folder() / run.upload).unlink(missing_ok=True)


def _source(run: ImportRun) -> tuple[Any, Any]:
    """What a run reads, and from where on."""
    from bihuan.catalog.definitions import spec_of
    from bihuan.collect.imports.connections import source_of_spec
    from bihuan.collect.imports.cursors import Cursor

    if run.task is None:
        return folder() / run.upload, None
    spec = spec_of(run.task.definition)
    since = Cursor.from_json(run.task.cursor)
    return source_of_spec(run.project, spec), since.before(spec.overlap) if since else None


def _nothing_new(run: ImportRun) -> None:
    now = datetime.now(UTC)
    ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.DONE, started_at=now, finished_at=now, progress=1.0)


def said(reason: Reason | ImportProblem) -> str:
    """What is wrong, in the present language."""
    text = gettext(reason.msgid)
    return text.format(**reason.values) if reason.values else text


def child(run: ImportRun) -> subprocess.Popen[bytes]:
    """The process that imports an upload; it does not outlive ours, so that nobody else imports when the job is taken up again."""
    command = [sys.executable, "-m", PROCESS, "run", str(run.pk)]
    return subprocess.Popen(command, env=os.environ.copy(), preexec_fn=end_with_parent)
