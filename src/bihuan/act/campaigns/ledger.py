"""The ledger: everything a campaign does to a person, and everything that comes back, as events with keys that never double.

The tables of `act.models` are the outbox: a row that has not been told stays marked until the collector has it on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from bihuan.act.lift.sql import ASSIGNED
from bihuan.act.models import Delivery, Run, Touch
from bihuan.collect.client import Collector
from bihuan.collect.events import Event
from bihuan.engine.config import Config

CHUNK = 2_000
SOURCE = "ledger"
State = Delivery.State
TOLD = {
    State.SENT: "$message_sent",
    State.FAILED: "$message_failed",
    State.SUPPRESSED: "$message_suppressed",
    State.HELD: "$message_suppressed",
    State.UNCERTAIN: "$message_uncertain",
}
TOUCHED = {
    Touch.Kind.OPENED: "$message_opened",
    Touch.Kind.CLICKED: "$message_clicked",
    Touch.Kind.UNSUBSCRIBED: "$unsubscribed",
}

Ledger = Callable[[Sequence[Event]], object]


def collector(config: Config, *, patience: float = 5.0) -> Ledger:
    """The ledger of the running Bihuan: its collector."""
    return Collector(config, patience=patience).send


def tell_assigned(run: Run, tell: Ledger) -> int:
    """Say who is in which arm, of those of whom it has not been said; only they may be sent to afterwards."""
    if run.assigned_at is None:
        return 0
    told = 0
    while rows := list(Delivery.objects.filter(run=run, told_assigned=False).order_by("id")[:CHUNK]):
        tell([_event(run, row, ASSIGNED, "assigned", run.assigned_at, {}) for row in rows if row.arm])
        told += Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(told_assigned=True)
    return told


def tell_deliveries(tell: Ledger, *, run: Run | None = None) -> int:
    """Say what became of deliveries, of which it has not been said."""
    told = 0
    waiting = Delivery.objects.filter(ledgered=False, told_assigned=True, state__in=list(TOLD)).select_related("run")
    if run is not None:
        waiting = waiting.filter(run=run)
    while rows := list(waiting.order_by("id")[:CHUNK]):
        tell([_outcome(row) for row in rows])
        for state in {row.state for row in rows}:  # a row that has changed meanwhile is told again, under its new state
            same = [row.pk for row in rows if row.state == state]
            told += Delivery.objects.filter(pk__in=same, state=state).update(ledgered=True)
    return told


def tell_touches(tell: Ledger) -> int:
    """Say what came back from messages, of which it has not been said."""
    told = 0
    while rows := list(Touch.objects.filter(ledgered=False).select_related("delivery__run").order_by("id")[:CHUNK]):
        tell([_touch(row) for row in rows])
        told += Touch.objects.filter(pk__in=[row.pk for row in rows]).update(ledgered=True)
    return told


def _outcome(row: Delivery) -> Event:
    state = State(row.state)
    more = {"reason": row.reason} if row.reason else {}
    return _event(row.run, row, TOLD[state], state.value, row.settled_at or row.run.send_at, more)


def _touch(row: Touch) -> Event:
    links = row.delivery.run.spec.get("links", [])
    more = {"link": links[row.link]} if row.link is not None and row.link < len(links) else {}
    name = TOUCHED[Touch.Kind(row.kind)]
    return _event(row.delivery.run, row.delivery, name, f"{row.kind}:{row.number}", row.at, more)


def _event(run: Run, row: Delivery, name: str, what: str, at: datetime, more: dict[str, Any]) -> Event:
    props = {"campaign": run.key, "channel": "email", **({"arm": row.arm} if row.arm else {}), **more}
    return Event(
        project_id=run.project_id,
        name=name,
        key=f"campaign:{run.uid}:{row.person_id}:{what}",
        source=SOURCE,
        at=int(at.timestamp() * 1000),
        person_id=row.person_id,
        props=props,
    )
