"""What the worker does for this stage: the next piece of each campaign, and telling the ledger what came back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

from bihuan.act.campaigns.commands import LEDGER_JOB, RUN_JOB, Work, advance, work_here
from bihuan.act.campaigns.ledger import collector, tell_deliveries, tell_touches
from bihuan.act.models import Run
from bihuan.engine.config import Config
from bihuan.engine.errors import Unavailable
from bihuan.govern.jobs import Beat, Handler, put_off
from bihuan.govern.models import Job

SLICE = 15.0  # seconds of work before other jobs have their turn
LOOK_AGAIN = timedelta(seconds=10)


def run_campaign(job: Job, beat: Beat) -> None:
    """The next piece of one campaign."""
    run = Run.objects.select_related("project").filter(pk=job.payload["run"]).first()
    if run is None:
        return
    try:
        again = advance(run, _work(), _slice(beat))
    except Unavailable:  # the store or the collector is starting again: nothing is lost by waiting
        again = datetime.now(UTC) + LOOK_AGAIN
    if again is not None:
        put_off(job, again)


def tell_ledger(job: Job, beat: Beat) -> None:
    """Tell the collector what has not been told; comes again for ever."""
    try:
        tell = collector(_config())
        beat()
        tell_deliveries(tell)
        tell_touches(tell)
    except Unavailable:
        pass
    put_off(job, datetime.now(UTC) + LOOK_AGAIN)


HANDLERS: dict[str, Handler] = {RUN_JOB: run_campaign, LEDGER_JOB: tell_ledger}


def _slice(beat: Beat) -> Callable[[], bool]:
    end = time.monotonic() + SLICE

    def go_on() -> bool:
        beat()
        return time.monotonic() < end

    return go_on


@cache
def _config() -> Config:
    return Config.from_env()


_of_thread = threading.local()


def _work() -> Work:
    """A connection to the mail server and to the collector serves one thread."""
    if not hasattr(_of_thread, "work"):
        _of_thread.work = work_here(_config())
    work: Work = _of_thread.work
    return work
