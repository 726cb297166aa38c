"""Sending a run's messages: each claimed by one conditional update, written down before the byte that sends it, never sent twice.

The life of a delivery here: queued → (claimed by a lease) → all but the final dot handed over → `sending` is on disk → the dot →
the server's answer → `sent` is on disk. Why, and what is lost: `docs/decisions/0005-sending.md`.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Min, Q

from bihuan.act.campaigns import reasons
from bihuan.act.campaigns.freeze import campaign_spec, unsubscribed
from bihuan.act.campaigns.message import Tracking, compose, render_message
from bihuan.act.campaigns.smtp import Doubtful, Outlet, Refused, Unreachable
from bihuan.act.campaigns.tokens import sign
from bihuan.act.models import Delivery, Pace, Run
from bihuan.engine.config import Config

BATCH = 20
LEASE = timedelta(seconds=180)
MOST_ATTEMPTS = 6
FIRST_DELAY = timedelta(seconds=60)
LONGEST_DELAY = timedelta(hours=1)
State = Delivery.State
log = logging.getLogger(__name__)


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Sender:
    """Sends for one worker. `per_second` bounds all workers of the installation together (None: as fast as the server takes them).

    The clock is passed in: a campaign of the past is sent with the times of the past.
    """

    config: Config
    outlet: Outlet
    per_second: float | None = 10.0
    clock: Callable[[], datetime] = wall_clock
    sleep: Callable[[float], None] = time.sleep
    worker: str = field(default_factory=lambda: secrets.token_hex(8))

    def send(self, run: Run, go_on: Callable[[], bool]) -> bool:
        """Send what is due of the run while `go_on` says so; whether nothing that is due is left.

        Raises Unreachable when the mail server is away and SenderRefused when it takes nothing from this sender.
        """
        while go_on():
            give_up_interrupted(run, self.clock())
            batch = self._claim(run)
            if not batch:
                return True
            try:
                self._send_batch(run, batch)
            finally:
                _release(batch)
        return False

    def _claim(self, run: Run) -> list[Delivery]:
        """Up to `BATCH` deliveries that are due, held by one lease: one conditional update, so that two workers never hold the same."""
        now = self.clock()
        lease = f"{self.worker}:{secrets.token_hex(6)}"
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        due = Q(not_before=None) | Q(not_before__lte=now)
        ready = Delivery.objects.filter(free, due, run=run, run__state=Run.State.SENDING, state=State.QUEUED, told_assigned=True)
        size = BATCH if not self.per_second else max(1, min(BATCH, int(self.per_second * 10)))
        chosen = list(ready.order_by("id").values_list("pk", flat=True)[:size])
        if not chosen:
            return []
        Delivery.objects.filter(free, pk__in=chosen, state=State.QUEUED).update(lease_by=lease, lease_until=now + LEASE)
        return list(Delivery.objects.filter(pk__in=chosen, lease_by=lease).order_by("id"))

    def _send_batch(self, run: Run, batch: list[Delivery]) -> None:
        keys, people = unsubscribed(run.project_id, [row.address_key for row in batch], [row.person_id for row in batch])
        start = self._reserve(len(batch))
        for place, row in enumerate(batch):
            if row.address_key in keys or row.person_id in people:
                _settle(row, State.SUPPRESSED, self.clock(), reason=reasons.UNSUBSCRIBED)
                continue
            if self.per_second:
                self.sleep(max(0.0, start + place / self.per_second - time.monotonic()))
            self._send_one(run, row)

    def _send_one(self, run: Run, row: Delivery) -> None:
        now = self.clock()
        spec = campaign_spec(run)
        row.message_id = message_id(self.config, run, row)
        try:
            body = self._body(run, row, now)
        except (ValueError, UnicodeError) as error:
            log.warning("The message for %s cannot be written: %s", row, error)
            _settle(row, State.FAILED, now, reason=reasons.NO_MESSAGE, answer=str(error))
            return
        try:
            answer = self.outlet.hand_over(spec.message.from_address, row.address, body, lambda: self._leave(row))
        except Refused as refusal:
            self._refused(row, str(refusal), permanent=refusal.permanent)
        except Unreachable as error:
            if error.begun:
                self._refused(row, str(error), permanent=False)
            raise
        except Doubtful as error:
            _settle(row, State.UNCERTAIN, self.clock(), reason=reasons.INTERRUPTED, answer=str(error))
        else:
            if answer is not None:
                _settle(row, State.SENT, self.clock(), answer=answer)

    def _body(self, run: Run, row: Delivery, now: datetime) -> bytes:
        spec = campaign_spec(run)
        tracking = Tracking(self.config.public_url, sign(self.config, row.pk))
        values = {str(name): str(value) for name, value in row.properties.items()}
        rendered = render_message(spec.message, spec.language, values, tracking)
        return compose(spec.message, rendered, to=row.address, message_id=row.message_id, at=now, tracking=tracking, campaign=run.key)

    def _leave(self, row: Delivery) -> bool:
        """Write down that the message is on its way; False when it is not ours any more, or the run does not send any more."""
        now = self.clock()
        held = Delivery.objects.filter(pk=row.pk, state=State.QUEUED, lease_by=row.lease_by, lease_until__gt=now)
        return bool(
            held.filter(run__state=Run.State.SENDING).update(
                state=State.SENDING, attempts=row.attempts + 1, lease_until=now + LEASE, message_id=row.message_id
            )
        )

    def _refused(self, row: Delivery, answer: str, *, permanent: bool) -> None:
        now, attempts = self.clock(), row.attempts + 1
        if permanent or attempts >= MOST_ATTEMPTS:
            _settle(row, State.FAILED, now, reason=reasons.BOUNCED if permanent else reasons.GAVE_UP, answer=answer, attempts=attempts)
            return
        delay = min(FIRST_DELAY * 2 ** (attempts - 1), LONGEST_DELAY)
        _ours(row).update(state=State.QUEUED, attempts=attempts, not_before=now + delay, answer=answer[:500], lease_by="", lease_until=None)

    def _reserve(self, count: int) -> float:
        """When this batch may begin (by `time.monotonic`), so that all workers together keep the pace."""
        if not self.per_second:
            return time.monotonic()
        now = wall_clock()
        with transaction.atomic():
            pace, _ = Pace.objects.select_for_update().get_or_create(pk=1, defaults={"free_at": now})
            begin = max(pace.free_at, now)
            Pace.objects.filter(pk=1).update(free_at=begin + timedelta(seconds=count / self.per_second))
        return time.monotonic() + (begin - now).total_seconds()


def message_id(config: Config, run: Run, row: Delivery) -> str:
    """The same for the same person and campaign, however often it is tried."""
    host = urlsplit(config.public_url).hostname or "localhost"
    return f"<{run.uid}.{row.person_id}@{host}>"


def give_up_interrupted(run: Run, now: datetime) -> int:
    """A message that was on its way when its worker ended may or may not have been sent: say so, and never send it again by itself."""
    interrupted = Delivery.objects.filter(run=run, state=State.SENDING, lease_until__lt=now)
    return interrupted.update(state=State.UNCERTAIN, reason=reasons.INTERRUPTED, settled_at=now, ledgered=False)


def next_due(run: Run) -> datetime | None:
    """When the next delivery that is not settled can be looked at; None when all are."""
    waiting = Delivery.objects.filter(run=run, state__in=[State.QUEUED, State.SENDING])
    if not waiting.exists():
        return None
    held = waiting.aggregate(at=Min("lease_until"))["at"]
    later = waiting.filter(lease_until=None).aggregate(at=Min("not_before"))["at"]
    return min((at for at in (held, later) if at is not None), default=wall_clock())


def _settle(row: Delivery, state: Delivery.State, at: datetime, *, reason: str = "", answer: str = "", **more: Any) -> bool:
    """Note how a delivery of ours ended. A message that was taken for uncertain and then answered was sent after all."""
    values = {"state": state, "reason": reason, "answer": answer[:500], "settled_at": at, "ledgered": False, **more}
    if state == State.SENT:
        values["properties"] = {}  # what was only needed to write the message
    return bool(_ours(row).update(**values))


def _ours(row: Delivery) -> Any:
    open_states = [State.QUEUED, State.SENDING, State.UNCERTAIN]
    return Delivery.objects.filter(pk=row.pk, lease_by=row.lease_by, state__in=open_states)


def _release(batch: list[Delivery]) -> None:
    leases = {row.lease_by for row in batch}
    Delivery.objects.filter(pk__in=[row.pk for row in batch], lease_by__in=leases, state=State.QUEUED).update(lease_by="", lease_until=None)
