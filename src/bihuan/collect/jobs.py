"""What the worker does for this stage: imports of uploaded files, and those that come again and again."""

from __future__ import annotations

import contextlib
import subprocess
from datetime import UTC, datetime

from django.utils.translation import gettext

from bihuan.collect.imports.process import CANNOT, DONE
from bihuan.collect.imports.tasks import settle
from bihuan.collect.imports.uploads import child
from bihuan.collect.models import ImportRun
from bihuan.collect.quarantined.job import mend
from bihuan.govern.jobs import Beat, GiveUp, Handler, Stopped
from bihuan.govern.models import Job

PAUSE = 1.0  # seconds between two beats


class ImportEnded(Exception):
    """The process of an import ended before its work; it will be tried again."""


def import_file(job: Job, beat: Beat) -> None:
    """Do an import in a process of its own. Done again after any crash, it goes on where it was and stores only what is missing."""
    run = ImportRun.objects.select_related("project", "task").filter(pk=job.payload["run"]).first()
    if run is None or run.state == ImportRun.State.DONE:
        return
    process = child(run)
    try:
        while process.poll() is None:
            run.refresh_from_db(fields=["progress"])
            beat(run.progress)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PAUSE)
    except Stopped:
        _end(process)
        ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.STOPPED, finished_at=datetime.now(UTC))
        run.refresh_from_db()
        settle(run)
        raise
    finally:
        _end(process)
    run.refresh_from_db()
    if process.returncode == DONE or (run.task is not None and process.returncode > 0):
        _ended(run, process.returncode)
        return
    if process.returncode == CANNOT or job.attempts >= job.max_attempts:
        raise GiveUp("The import cannot be done; its page says why.")
    ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.QUEUED)
    raise ImportEnded(f"exit code {process.returncode}")


def _ended(run: ImportRun, code: int) -> None:
    """Of an import definition, a failed run is told by itself, and another one follows."""
    if code != DONE and run.state != ImportRun.State.FAILED:
        run.state, run.finished_at = ImportRun.State.FAILED, datetime.now(UTC)
        run.problem = run.problem or gettext("Bihuan made a mistake here; the log says what happened.")
        run.save(update_fields=["state", "finished_at", "problem"])
    settle(run)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


HANDLERS: dict[str, Handler] = {"import": import_file, "mend": mend}
