"""What can be done with a campaign: launch, pause, resume, cancel, send again what is uncertain; and doing the next piece of its work."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F

from bihuan.act.campaigns import reasons
from bihuan.act.campaigns.freeze import campaign_spec, freeze
from bihuan.act.campaigns.ledger import Ledger, collector, tell_deliveries
from bihuan.act.campaigns.segments import spelled_out
from bihuan.act.campaigns.send import Sender, next_due
from bihuan.act.campaigns.smtp import Outlet, SenderRefused, Unreachable
from bihuan.act.campaigns.spec import CampaignSpec
from bihuan.act.campaigns.template import links
from bihuan.act.lift.spec import Goal
from bihuan.act.models import Delivery, Run
from bihuan.catalog.definitions import definition, spec_of
from bihuan.catalog.door import scope
from bihuan.catalog.kinds import MetricSpec
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.here import engine as shared_engine
from bihuan.govern.audit import record
from bihuan.govern.door import Member, bihuan_itself
from bihuan.govern.errors import Conflict, Invalid, NotFound
from bihuan.govern.jobs import enqueue
from bihuan.govern.models import Job

RUN_JOB = "campaign.run"
LEDGER_JOB = "campaign.ledger"
WAIT_FOR_SERVER = timedelta(seconds=30)
LOOK_AGAIN = timedelta(minutes=1)
NEVER_GIVE_UP = 1_000_000
State = Run.State


def launch(*, member: Member, campaign_key: str, now: datetime | None = None, salt: str | None = None, by_worker: bool = True) -> Run:
    """Launch the campaign: from now on its document is fixed. The worker does the rest, unless `by_worker` is False (`deliver_all`).

    Raises Invalid when it cannot run as it is, Conflict when it was launched before.
    """
    member.require("act")
    now = now or datetime.now(UTC)
    found = definition(member, "campaign", campaign_key)
    spec = _fixed(member, spec_of(found))
    goal = goal_of(member, spec)
    if by_worker and not Config.from_env().smtp_url:
        raise Invalid("There is no mail server yet: set BIHUAN_SMTP_URL (smtp://user:password@host:port) and start Bihuan again.")
    with transaction.atomic():
        if Run.objects.filter(project=member.project, key=campaign_key).exists():
            raise Conflict("This campaign was launched before; make a copy to send it again.")
        run = Run.objects.create(
            project=member.project,
            key=campaign_key,
            name=found.name,
            uid=secrets.token_hex(12),
            salt=salt or secrets.token_hex(16),
            spec={"campaign": spec.model_dump(mode="json", by_alias=True), "links": list(links(spec.message.html))},
            goal=goal.model_dump(mode="json", by_alias=True),
            send_at=max(spec.send_at, now) if spec.send_at else now,
            launched_by=member.user,
        )
        record(member=member, verb="launch", object_kind="campaign", object_key=campaign_key, summary=found.name)
        if by_worker:
            job: dict[str, Any] = {"kind": RUN_JOB, "payload": {"run": run.pk}, "project": run.project, "run_at": run.send_at}
            enqueue(**job, key=_job_key(run), max_attempts=NEVER_GIVE_UP)
            enqueue(kind=LEDGER_JOB, key=LEDGER_JOB, max_attempts=NEVER_GIVE_UP)
    return run


def _fixed(member: Member, spec: CampaignSpec) -> CampaignSpec:
    """The document with its segments spelled out: a segment that is changed later changes nothing that was launched."""
    return spec.model_copy(update={"segment": None, "filter": spelled_out(spec.audience, scope(member).segments)})


def goal_of(member: Member, spec: CampaignSpec) -> Goal:
    """The campaign's goal, spelled out: of a metric, what it measures per person."""
    if spec.goal is not None:
        return spec.goal
    metric: MetricSpec = spec_of(definition(member, "metric", spec.metric or ""))
    if metric.measure in ("events", "people"):
        return Goal(event=metric.event, filter=metric.filter)
    if metric.measure == "sum":
        return Goal(event=metric.event, filter=metric.filter, measure="value", property=metric.property)
    raise Invalid("A goal is something that each person does, or a sum per person: averages and medians cannot be one.", where="metric")


def run_of(member: Member, campaign_key: str) -> Run | None:
    """The campaign's run; None for a draft."""
    member.require("view")
    return Run.objects.filter(project=member.project, key=campaign_key).select_related("project", "launched_by").first()


def pause(*, member: Member, campaign_key: str) -> Run:
    """Stop after the message that is on its way."""
    changes = {"state": State.PAUSED, "paused_from": F("state")}
    return _turn(member, campaign_key, "pause", (State.SCHEDULED, State.PREPARING, State.SENDING), changes)


def resume(*, member: Member, campaign_key: str) -> Run:
    """Go on where it was paused."""
    run = _turn(member, campaign_key, "resume", (State.PAUSED,), {"state": F("paused_from"), "paused_from": "", "trouble": ""})
    _wake(run)
    return run


def cancel(*, member: Member, campaign_key: str) -> Run:
    """Send nothing more. What was sent stays, and its lift is not measured further."""
    before = (State.SCHEDULED, State.PREPARING, State.SENDING, State.PAUSED)
    with transaction.atomic():
        run = _turn(member, campaign_key, "cancel", before, {"state": State.CANCELLED, "paused_from": ""})
        waiting = Delivery.objects.filter(run=run, state=Delivery.State.QUEUED)
        waiting.update(state=Delivery.State.SUPPRESSED, reason=reasons.CANCELLED, settled_at=datetime.now(UTC), ledgered=False)
    _wake(run)
    return run


def send_again(*, member: Member, campaign_key: str) -> int:
    """Send the uncertain ones again, knowing that some people may get the message twice. Returns how many."""
    member.require("act")
    with transaction.atomic():
        run = _existing(member, campaign_key)
        if run.state not in (State.SENDING, State.MEASURING):
            raise Conflict("It does not send now.")
        uncertain = Delivery.objects.filter(run=run, state=Delivery.State.UNCERTAIN)
        count = uncertain.update(state=Delivery.State.QUEUED, reason="", lease_by="", lease_until=None, not_before=None, ledgered=False)
        Run.objects.filter(pk=run.pk, state=State.MEASURING).update(state=State.SENDING)
        record(member=member, verb="send again", object_kind="campaign", object_key=campaign_key, summary=str(count))
    _wake(run)
    return count


@dataclass
class Work:
    """What it takes to work on a run: where to ask, whom to tell, who sends, and what time it is."""

    engine: Engine
    tell: Ledger
    sender: Sender

    def now(self) -> datetime:
        return self.sender.clock()


def work_here(config: Config) -> Work:
    """What the worker of the running Bihuan uses."""
    outlet = Outlet(config.smtp_url, helo=urlsplit(config.public_url).hostname or "localhost")
    return Work(shared_engine(), collector(config), Sender(config, outlet, per_second=outlet.address.rate))


def advance(run: Run, work: Work, go_on: Callable[[], bool]) -> datetime | None:
    """Do the next piece of the run's work; when to come again, or None when it is over. Killed anywhere, calling it again is enough."""
    run.refresh_from_db()
    now = work.now()
    if run.state == State.SCHEDULED:
        if run.send_at > now:
            return run.send_at
        _step(run, State.SCHEDULED, state=State.PREPARING, assigned_at=now)
    if run.state == State.PREPARING:
        system = scope(bihuan_itself(run.project), now=now)
        if freeze(run, engine=work.engine, scope=system, tell=work.tell, go_on=lambda: go_on() and _still(run, State.PREPARING)):
            _step(run, State.PREPARING, state=State.SENDING)
    if run.state == State.SENDING:
        again = _send(run, work, go_on)
        tell_deliveries(work.tell, run=run)
        if again is not None:
            return again
        window = timedelta(days=campaign_spec(run).window)
        closes = max(now, (run.assigned_at or now) + window)
        _step(run, State.SENDING, state=State.MEASURING, sent_all_at=now, closes_at=closes, trouble="")
    if run.state == State.MEASURING:
        if run.closes_at and run.closes_at > now:
            return min(run.closes_at, now + LOOK_AGAIN)
        _step(run, State.MEASURING, state=State.DONE)
    tell_deliveries(work.tell, run=run)
    if run.state in (State.DONE, State.CANCELLED):
        return None
    return now + LOOK_AGAIN if run.state == State.PAUSED else now


def deliver_all(run: Run, *, clock: Callable[[], datetime], engine: Engine, tell: Ledger, outlet: Outlet, config: Config) -> Run:
    """Do all of the run's work now, in this process, at the times that `clock` says: to the end of sending.

    For a demo or a test; the worker does the same piece by piece. Raises Unreachable when the mail server is away.
    """
    work = Work(engine, tell, Sender(config, outlet, per_second=None, clock=clock, sleep=lambda seconds: None))
    for _ in range(1_000):
        advance(run, work, lambda: True)
        run.refresh_from_db()
        if run.state not in (State.PREPARING, State.SENDING):
            break
        if run.trouble:
            raise Unreachable(run.trouble)
    outlet.close()
    return run


def _send(run: Run, work: Work, go_on: Callable[[], bool]) -> datetime | None:
    """Send what is due; when there is more, or None when everything is settled."""
    try:
        finished = work.sender.send(run, go_on)
    except Unreachable as error:
        Run.objects.filter(pk=run.pk).update(trouble=str(error)[:500])
        return work.now() + WAIT_FOR_SERVER
    except SenderRefused as error:
        Run.objects.filter(pk=run.pk, state=State.SENDING).update(state=State.PAUSED, paused_from=State.SENDING, trouble=str(error)[:500])
        return work.now() + LOOK_AGAIN
    if run.trouble:
        Run.objects.filter(pk=run.pk).update(trouble="")
    run.refresh_from_db()
    if run.state != State.SENDING:
        return work.now() + timedelta(seconds=1)
    return next_due(run) if finished else work.now()


def _turn(member: Member, campaign_key: str, verb: str, allowed: tuple[Run.State, ...], values: dict[str, object]) -> Run:
    member.require("act")
    with transaction.atomic():
        run = _existing(member, campaign_key)
        if not Run.objects.filter(pk=run.pk, state__in=allowed).update(**values):
            raise Conflict("That cannot be done now: the campaign is {state}.", state=run.get_state_display())
        record(member=member, verb=verb, object_kind="campaign", object_key=campaign_key, summary=run.name)
    run.refresh_from_db()
    return run


def _existing(member: Member, campaign_key: str) -> Run:
    run = run_of(member, campaign_key)
    if run is None:
        raise NotFound("This campaign has not been launched.")
    return run


def _step(run: Run, before: Run.State, **values: object) -> None:
    Run.objects.filter(pk=run.pk, state=before).update(**values)
    run.refresh_from_db()


def _still(run: Run, state: Run.State) -> bool:
    return Run.objects.filter(pk=run.pk, state=state).exists()


def _wake(run: Run) -> None:
    """Let the worker look at the run now."""
    ended = [Job.State.QUEUED, Job.State.DONE, Job.State.FAILED, Job.State.STOPPED]
    Job.objects.filter(key=_job_key(run), state__in=ended).update(state=Job.State.QUEUED, run_at=datetime.now(UTC), finished_at=None)


def _job_key(run: Run) -> str:
    return f"campaign:{run.uid}"
