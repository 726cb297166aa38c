"""Jobs: one worker gets each, a dead worker's is taken over, and failures wait longer each time."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from bihuan.govern.jobs import LEASE, Beat, GiveUp, claim, enqueue, fail, finish, forget_done, put_off, renew, run_next, stop
from bihuan.govern.models import Job

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def queued(kind: str = "mail", **values: object) -> Job:
    return enqueue(kind=kind, run_at=NOW, **values)  # type: ignore[arg-type]


def state(job: Job) -> str:
    return Job.objects.get(pk=job.pk).state


def test_a_job_is_claimed_once_when_it_is_due() -> None:
    job = queued()
    assert claim("w", NOW - timedelta(seconds=1)) is None
    taken = claim("w", NOW)
    assert taken
    assert (taken.pk, taken.attempts, taken.lease_until) == (job.pk, 1, NOW + LEASE)
    assert claim("v", NOW) is None


def test_a_worker_takes_only_the_kinds_that_it_knows() -> None:
    queued("strange")
    known = queued("mail")
    taken = claim("w", NOW, kinds=["mail"])
    assert taken == known


def test_the_same_key_is_the_same_job() -> None:
    assert queued(key="campaign:1", payload={"n": 1}) == queued(key="campaign:1", payload={"n": 2})
    assert Job.objects.get().payload == {"n": 1}


def test_a_dead_worker_s_job_goes_to_another_and_the_dead_one_cannot_end_it() -> None:
    queued()
    first = claim("w", NOW)
    later = NOW + LEASE + timedelta(seconds=1)
    second = claim("v", later)
    assert first
    assert second
    assert (second.pk, second.attempts) == (first.pk, 2)
    assert not finish(first)
    assert not renew(first, now=later)
    assert not fail(first, "late", now=later)
    assert finish(second)
    assert state(second) == "done"


def test_a_beating_worker_keeps_its_job() -> None:
    queued()
    job = claim("w", NOW)
    assert job
    assert renew(job, progress=0.5, now=NOW + LEASE)
    assert claim("v", NOW + LEASE + timedelta(seconds=1)) is None
    assert Job.objects.get().progress == 0.5


def test_a_job_that_kills_its_worker_each_time_fails_in_the_end() -> None:
    job = queued(max_attempts=3)
    for attempt in range(3):
        assert claim("w", NOW + attempt * 2 * LEASE)
    assert claim("w", NOW + 10 * LEASE) is None
    assert state(job) == "failed"


def test_failures_wait_5_10_20_seconds_and_then_end() -> None:
    job = queued(max_attempts=4)
    now, waits = NOW, []
    for _ in range(4):
        taken = claim("w", now)
        assert taken
        fail(taken, "no route", now=now)
        job.refresh_from_db()
        waits.append((job.run_at - now).total_seconds())
        now = job.run_at
    assert waits[:3] == [5, 10, 20]
    assert (job.state, job.error) == ("failed", "no route")


def test_what_failed_a_thousand_times_is_tried_again_within_the_hour() -> None:
    job = queued(max_attempts=1_000_000)
    Job.objects.update(attempts=1_000)
    taken = claim("w", NOW)
    assert taken
    assert fail(taken, "no route", now=NOW)
    job.refresh_from_db()
    assert (job.state, job.run_at) == ("queued", NOW + timedelta(hours=1))


def test_a_handler_s_end_is_the_job_s_end() -> None:
    seen: list[float | None] = []

    def good(job: Job, beat: Beat) -> None:
        beat(0.25)
        seen.append(Job.objects.get(pk=job.pk).progress)

    def bad(job: Job, beat: Beat) -> None:
        raise OSError("disk")

    def hopeless(job: Job, beat: Beat) -> None:
        raise GiveUp("The file is gone; choose another.")

    jobs = [queued(kind) for kind in ("good", "bad", "hopeless")]
    handlers = {"good": good, "bad": bad, "hopeless": hopeless}
    assert [run_next("w", handlers, NOW) for _ in range(4)] == [*jobs, None]
    assert [(state(job), Job.objects.get(pk=job.pk).error) for job in jobs] == [
        ("done", ""),
        ("queued", "OSError: disk"),
        ("failed", "The file is gone; choose another."),
    ]
    assert seen == [0.25]


def test_a_running_job_stops_at_its_next_beat_and_a_waiting_one_at_once() -> None:
    running, waiting = queued(), queued("other")

    def long(job: Job, beat: Beat) -> None:
        stop(pk=job.pk)
        beat(0.1)
        raise AssertionError("it went on")

    run_next("w", {"mail": long}, NOW)
    stop(pk=waiting.pk)
    assert (state(running), state(waiting)) == ("stopped", "stopped")


def test_a_job_that_is_put_off_waits_and_what_failed_before_is_forgiven() -> None:
    def later(job: Job, beat: Beat) -> None:
        put_off(job, NOW + timedelta(hours=1))

    job = queued()
    Job.objects.update(attempts=8)
    run_next("w", {"mail": later}, NOW)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.run_at) == ("queued", 0, NOW + timedelta(hours=1))


def test_ended_jobs_are_forgotten_but_a_key_is_a_promise() -> None:
    plain, promised = queued(), queued(key="once")
    for _ in range(2):
        run_next("w", {"mail": lambda job, beat: None}, NOW)
    forget_done(before=datetime.now(UTC) + timedelta(seconds=1))
    assert set(Job.objects.values_list("pk", flat=True)) == {promised.pk}
    assert plain.pk != promised.pk


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_second_never_get_the_same_job() -> None:
    wanted = {queued().pk for _ in range(40)}
    got: list[tuple[str, int]] = []
    start = threading.Barrier(4)

    def work(name: str) -> None:
        try:
            start.wait()
            while job := claim(name, NOW):
                got.append((name, job.pk))
                finish(job)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"worker-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(pk for _, pk in got) == dict.fromkeys(wanted, 1)
    assert len({name for name, _ in got}) > 1, "only one worker got any: the test did not compete"
