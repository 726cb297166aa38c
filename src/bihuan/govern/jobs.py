"""Work that must survive any crash: a table of jobs, each claimed by one conditional update and held by a lease."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from bihuan.govern.models import Job, Project

LEASE = timedelta(seconds=60)
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
log = logging.getLogger(__name__)


class Lost(Exception):
    """This worker held the job no longer: the lease ran out and somebody else may have it."""


class Stopped(Exception):
    """Somebody asked for the job to be stopped. The handler lets it pass; what is done stays whole."""


class GiveUp(Exception):
    """Trying again would not help: the text says what to change."""


class Beat:
    """Given to a handler: `beat(progress)` says that the worker still lives, and how far it is (0 to 1).

    To be called at least every 30 seconds. Raises Lost or Stopped: let them pass.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, progress: float | None = None) -> None:
        if not renew(self.job, progress=progress):
            raise Lost(str(self.job))
        if self.job.stop_requested:
            raise Stopped(str(self.job))


Handler = Callable[[Job, Beat], None]


def enqueue(
    *,
    kind: str,
    payload: Mapping[str, Any] | None = None,
    project: Project | None = None,
    key: str | None = None,
    run_at: datetime | None = None,
    max_attempts: int = 10,
) -> Job:
    """Ask for work, in the transaction of the caller. The same `key` twice is the same job: the first one is returned."""
    values = {
        "kind": kind,
        "payload": dict(payload or {}),
        "project": project,
        "run_at": run_at or datetime.now(UTC),
        "max_attempts": max_attempts,
    }
    if key is None:
        return Job.objects.create(**values)
    return Job.objects.get_or_create(key=key, defaults=values)[0]


def claim(worker: str, now: datetime | None = None, *, kinds: Collection[str] | None = None) -> Job | None:
    """The next job that is due (of these kinds), now held by `worker`; None when nothing is due.

    A candidate is only ours if the one conditional update says so: of two workers, one gets it.
    """
    now = now or datetime.now(UTC)
    due = Q(state=Job.State.QUEUED, run_at__lte=now) | Q(state=Job.State.RUNNING, lease_until__lt=now)
    mine = Job.objects.filter(due) if kinds is None else Job.objects.filter(due, kind__in=list(kinds))
    while (candidate := mine.order_by("run_at", "id").values_list("pk", flat=True).first()) is not None:
        lease = f"{worker[:80]}:{secrets.token_hex(6)}"
        won = mine.filter(pk=candidate).update(state=Job.State.RUNNING, lease_by=lease, lease_until=now + LEASE, attempts=F("attempts") + 1)
        if won:
            job = Job.objects.select_related("project").get(pk=candidate)
            if job.attempts <= job.max_attempts:
                return job
            _end(job, Job.State.FAILED, error="The worker ended in the middle each time it was tried.")
    return None


def renew(job: Job, *, progress: float | None = None, now: datetime | None = None) -> bool:
    """Hold the job for another lease; False when it is not ours any more. Refreshes `job.stop_requested`."""
    values: dict[str, Any] = {"lease_until": (now or datetime.now(UTC)) + LEASE}
    if progress is not None:
        values["progress"] = job.progress = min(max(progress, 0.0), 1.0)
    held = bool(_held(job).update(**values))
    if held:
        job.stop_requested = Job.objects.values_list("stop_requested", flat=True).get(pk=job.pk)
    return held


def finish(job: Job) -> bool:
    """The work is done."""
    return _end(job, Job.State.DONE, progress=1.0)


def fail(job: Job, error: str, *, now: datetime | None = None, final: bool = False) -> bool:
    """The work failed: it is tried again after a while that doubles each time, until its attempts are used up."""
    now = now or datetime.now(UTC)
    if final or job.attempts >= job.max_attempts:
        return _end(job, Job.State.FAILED, error=error)
    doubled = max(0, min(job.attempts - 1, 20))  # capped before it is a power: what comes again for ever may fail a thousand times
    delay = min(FIRST_DELAY * 2**doubled, LONGEST_DELAY)
    values = {"state": Job.State.QUEUED, "run_at": now + delay, "lease_until": None, "lease_by": "", "error": error[:5000]}
    return bool(_held(job).update(**values))


def put_off(job: Job, run_at: datetime) -> bool:
    """Nothing went wrong, but the rest is for later: the job waits until `run_at`, and its attempts are counted anew."""
    values = {"state": Job.State.QUEUED, "run_at": run_at, "lease_until": None, "lease_by": "", "attempts": 0}
    return bool(_held(job).update(**values))


def stop(*, pk: int) -> None:
    """Ask for a job to be stopped: at once when it waits, at its next beat when it runs."""
    with transaction.atomic():
        ended = {"state": Job.State.STOPPED, "finished_at": datetime.now(UTC)}
        Job.objects.filter(pk=pk, state=Job.State.QUEUED).update(stop_requested=True, **ended)
        Job.objects.filter(pk=pk, state=Job.State.RUNNING).update(stop_requested=True)


def run_next(worker: str, handlers: Mapping[str, Handler], now: datetime | None = None) -> Job | None:
    """Claim one job, do it, and note how it ended; the job, or None when nothing is due."""
    job = claim(worker, now, kinds=handlers.keys())
    if job is None:
        return None
    try:
        handlers[job.kind](job, Beat(job))
    except Lost:
        log.warning("Job %s is not ours any more; another worker may have it.", job)
    except Stopped:
        _end(job, Job.State.STOPPED)
    except GiveUp as error:
        fail(job, str(error), final=True)
    except Exception as error:
        log.exception("Job %s failed in attempt %s of %s.", job, job.attempts, job.max_attempts)
        fail(job, f"{type(error).__name__}: {error}")
    else:
        _end(job, Job.State.DONE, progress=1.0)  # unless the handler has put it off itself
    return job


def forget_done(*, before: datetime) -> int:
    """Drop jobs that ended before that instant; jobs with a key stay, as their key is a promise."""
    ended = Job.objects.filter(finished_at__lt=before, key=None)
    return ended.delete()[0]


def _held(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, lease_by=job.lease_by)


def _end(job: Job, state: Job.State, **values: Any) -> bool:
    if "error" in values:
        values["error"] = values["error"][:5000]
    return bool(_held(job).update(state=state, finished_at=datetime.now(UTC), lease_until=None, **values))
