"""The worker process: claims jobs one after the other and does them, until SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bihuan.engine.config import Config

if TYPE_CHECKING:
    from bihuan.govern.jobs import Beat, Handler
    from bihuan.govern.models import Job

LONG = ("import",)
IDLE = 0.5  # seconds between looks when nothing is due
KEEP_DONE = timedelta(days=30)
log = logging.getLogger("bihuan.worker")


def work(stop: threading.Event) -> None:
    """Do whatever is due until `stop` is set; a job that runs then is finished first, or taken up by the next worker. What may take hours
    has a lane of its own, so that nothing else waits for it."""
    known = handlers()
    ensure_recurring()
    long = {kind: known.pop(kind) for kind in LONG if kind in known}
    threading.Thread(target=_lane, args=(stop, long), name="long", daemon=True).start()
    _lane(stop, known)


def _lane(stop: threading.Event, known: dict[str, Handler]) -> None:
    from django.db import close_old_connections

    from bihuan.govern.jobs import run_next

    name = f"{socket.gethostname()}:{os.getpid()}"
    pause = IDLE
    while not stop.is_set():
        try:
            close_old_connections()
            done = run_next(name, known)
            pause = 0.0 if done else IDLE
        except Exception:
            log.exception("The worker could not look for work; it looks again in a moment.")
            pause = 5.0
        stop.wait(pause)


def handlers() -> dict[str, Handler]:
    """What each kind of job means: the stages' own, and those that come again and again."""
    from bihuan.act.jobs import HANDLERS as ACT
    from bihuan.collect.jobs import HANDLERS as COLLECT

    recurring: dict[str, Handler] = {kind: _again(handler, every) for kind, (handler, every) in RECURRING.items()}
    return {**ACT, **COLLECT, **recurring}


def ensure_recurring() -> None:
    """One row for each recurring job, for ever; its handler puts it off until the next time."""
    from bihuan.govern.jobs import enqueue

    for kind in RECURRING:
        enqueue(kind=kind, key=f"recurring:{kind}", max_attempts=1_000_000)


def _again(handler: Handler, every: timedelta) -> Handler:
    def run(job: Job, beat: Beat) -> None:
        from bihuan.govern.jobs import put_off

        handler(job, beat)
        put_off(job, datetime.now(UTC) + every)

    return run


def forget_done_jobs(job: Job, beat: Beat) -> None:
    """Drop what was done long ago."""
    from bihuan.govern.jobs import forget_done

    forget_done(before=datetime.now(UTC) - KEEP_DONE)


def forget_old_sessions(job: Job, beat: Beat) -> None:
    """Drop log-ins that have run out."""
    from django.core.management import call_command

    call_command("clearsessions")


def start_due_imports(job: Job, beat: Beat) -> None:
    """Start the imports whose time has come."""
    from bihuan.collect.imports.tasks import start_due

    start_due()


RECURRING: dict[str, tuple[Handler, timedelta]] = {
    "start-due-imports": (start_due_imports, timedelta(seconds=20)),
    "forget-done-jobs": (forget_done_jobs, timedelta(days=1)),
    "forget-old-sessions": (forget_old_sessions, timedelta(days=1)),
}


def main() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    django.setup()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    Config.from_env().announce("worker", since=time.time())
    work(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
