"""The worker's part of mending: a run, portion by portion."""

from __future__ import annotations

from bihuan.collect.client import Collector
from bihuan.collect.plan.door import tracking_plan
from bihuan.collect.quarantined.replay import AT_ONCE, Run, step
from bihuan.engine.config import Config
from bihuan.engine.here import engine
from bihuan.govern.door import bihuan_itself
from bihuan.govern.jobs import Beat
from bihuan.govern.models import Job


def mend(job: Job, beat: Beat) -> None:
    """Do a run to its end. Done again after any crash, it takes only what has no outcome yet."""
    if job.project is None:
        return
    run = Run.of(job.pk, job.project.pk, job.project.timezone, job.payload)
    plan = tracking_plan(bihuan_itself(job.project)).compiled()
    number = 0
    with Collector(Config.from_env()) as collector:
        while done := step(engine().store, collector, run, plan):
            number += done
            beat(number / (number + AT_ONCE))  # how many are left nobody has counted
