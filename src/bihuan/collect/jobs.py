"""What the worker does for this stage: imports of uploaded files."""

from __future__ import annotations

import contextlib
import subprocess
from datetime import UTC, datetime

from bihuan.collect.imports.process import CANNOT, DONE
from bihuan.collect.imports.uploads import child
from bihuan.collect.models import ImportRun
from bihuan.govern.jobs import Beat, GiveUp, Handler, Stopped
from bihuan.govern.models import Job

PAUSE = 1.0  # seconds between two beats


class ImportEnded(Exception):
    """The process of an import ended before its work; it will be tried again."""


def import_file(job: Job, beat: Beat) -> None:
    """Import an uploaded file in a process of its own. Done again after any crash, it stores only what is missing."""
    run = ImportRun.objects.select_related("project").filter(pk=job.payload["run"]).first()
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
        raise
    finally:
        _end(process)
    if process.returncode == DONE:
        return
    if process.returncode == CANNOT or job.attempts >= job.max_attempts:
        raise GiveUp("The import cannot be done; its page says why.")
    ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.QUEUED)
    raise ImportEnded(f"exit code {process.returncode}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


HANDLERS: dict[str, Handler] = {"import": import_file}
