"""Files brought in by the page: kept in the data folder until they are imported, which happens in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
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

PROCESS = "bihuan.collect.imports.process"
log = logging.getLogger(__name__)
LOOKING = 60  # seconds that a look at the first rows may take
WAITING = (ImportRun.State.UPLOADED, ImportRun.State.FAILED, ImportRun.State.STOPPED)


def folder() -> Path:
    """Where uploads and their rejects are kept."""
    path = Config.from_env().data / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def receive(*, member: Member, file_name: str, parts: Iterable[bytes], encoding: str, language: str) -> ImportRun:
    """Keep an uploaded file, to be looked at. Raises ImportProblem when its name does not say what it is."""
    member.require("act")
    kind, gzipped = file_format(Path(file_name))
    upload = f"{secrets.token_hex(8)}.{kind}{'.gz' if gzipped else ''}"
    path = folder() / upload
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
    mapping = {"encoding": encoding} if encoding else {}
    return create_run(member=member, path=path, file_name=file_name, upload=upload, mapping=mapping, language=language)


def look_at(run: ImportRun, given: Mapping[str, Any], *, guess: bool) -> dict[str, Any]:
    """The preview (`imports.preview`) of an uploaded file with this mapping."""
    asked = {"path": str(folder() / run.upload), "given": dict(given), "guess": guess, "zone": run.project.timezone}
    command = [sys.executable, "-m", PROCESS, "look"]
    try:
        done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=LOOKING, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        log.exception("A file could not be looked at: %s", getattr(error, "stderr", ""))
        raise ImportProblem("The file could not be looked at; the log says why.") from error
    return dict(json.loads(done.stdout))


def start(*, member: Member, run: ImportRun, mapping: Mapping[str, Any]) -> None:
    """Let the worker import the file. Starting twice is starting once."""
    member.require("act")
    with transaction.atomic():
        waiting = ImportRun.objects.filter(pk=run.pk, project=member.project, state__in=WAITING)
        if waiting.update(state=ImportRun.State.QUEUED, mapping=dict(mapping), problem="", finished_at=None, progress=0.0):
            enqueue(kind="import", payload={"run": run.pk}, project=run.project)


def stop_run(*, member: Member, run: ImportRun) -> None:
    """Stop an import; what it has stored stays, and starting it again goes on from there."""
    member.require("act")
    from bihuan.govern.models import Job

    for job in Job.objects.filter(kind="import", project=run.project, payload__run=run.pk, state__in=("queued", "running")):
        stop(pk=job.pk)
    ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.QUEUED).update(state=ImportRun.State.STOPPED)


def discard(*, member: Member, run: ImportRun) -> None:
    """Forget an upload that was never imported, and its file."""
    member.require("act")
    if run.state == ImportRun.State.UPLOADED:
        (folder() / run.upload).unlink(missing_ok=True)
        run.delete()


def rejects_path(run: ImportRun) -> Path:
    return folder() / f"{run.pk}-rejects.csv"


def import_upload(pk: int) -> None:
    """Import an uploaded file by its record. Raises ImportProblem or EngineError, which the record then tells."""
    from bihuan.collect.imports.plan import make_plan
    from bihuan.collect.imports.runs import perform

    run = ImportRun.objects.select_related("project", "created_by").get(pk=pk)
    path = folder() / run.upload
    with translation.override(run.language or None):
        try:
            plan = make_plan(path, run.mapping, guess=False)
        except ImportProblem as problem:
            ImportRun.objects.filter(pk=pk).update(state=ImportRun.State.FAILED, problem=said(problem), finished_at=datetime.now(UTC))
            raise
        perform(run, plan, config=Config.from_env(), rejects=rejects_path(run), say=said)
    path.unlink(missing_ok=True)


def said(reason: Reason | ImportProblem) -> str:
    """What is wrong, in the present language."""
    text = gettext(reason.msgid)
    return text.format(**reason.values) if reason.values else text


def child(run: ImportRun) -> subprocess.Popen[bytes]:
    """The process that imports an upload; it does not outlive ours, so that nobody else imports when the job is taken up again."""
    command = [sys.executable, "-m", PROCESS, "run", str(run.pk)]
    return subprocess.Popen(command, env=os.environ.copy(), preexec_fn=end_with_parent)
