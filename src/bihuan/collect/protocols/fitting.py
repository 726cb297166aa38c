"""Which events the store can take, found out before they are handed over: for protocols that answer for each event."""

from __future__ import annotations

from collections.abc import Sequence

from bihuan.collect.events import BadEvent, Event, Rejected
from bihuan.collect.quarantine import body_of
from bihuan.collect.rows import effect, row


def unfit(event: Event, received: int) -> BadEvent | None:
    """Why the event cannot be stored; None if it can."""
    try:
        effect(event, received)
        if event.store:
            row(event, received)
    except BadEvent as error:
        return error
    return None


def sorted_out(events: Sequence[Event], received: int) -> tuple[list[Event], list[Rejected]]:
    """Those that can be stored, and the others with why they cannot."""
    good: list[Event] = []
    bad: list[Rejected] = []
    for event in events:
        error = unfit(event, received)
        if error is None:
            good.append(event)
        else:
            bad.append(rejected(event, error))
    return good, bad


def rejected(event: Event, error: BadEvent) -> Rejected:
    """The event as the quarantine keeps it."""
    return Rejected(
        project_id=event.project_id, source=event.source, reason=error.reason, detail=str(error), key=event.key, body=body_of(event.props)
    )
