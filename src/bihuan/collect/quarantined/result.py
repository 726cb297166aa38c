"""Rejected events and how many there are for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Reason:
    """`number` events were rejected for `code` and are still kept, the last of them at `latest`."""

    code: str
    number: int
    latest: datetime


@dataclass(frozen=True)
class RejectedEvent:
    """`detail` says what is wrong with it; `body` is the event as it came, "" for a reader to whom some properties are hidden."""

    at: datetime
    source: str
    reason: str
    detail: str
    body: str


@dataclass(frozen=True)
class QuarantinedResult:
    """`reasons` over all that is kept, the commonest first; `events` the newest of those asked for."""

    reasons: tuple[Reason, ...]
    events: tuple[RejectedEvent, ...]

    @property
    def total(self) -> int:
        return sum(reason.number for reason in self.reasons)


def shape_quarantined(spec: QuarantinedSpec, scope: Scope, rows: Rows) -> QuarantinedResult:
    return QuarantinedResult(
        reasons=tuple(Reason(row["reason"], int(row["number"]), row["at"]) for row in rows if row["number"]),
        events=tuple(
            RejectedEvent(row["at"], row["source"], row["reason"], row["detail"], "" if scope.hidden else row["body"])
            for row in rows
            if not row["number"]
        ),
    )


def table_quarantined(result: QuarantinedResult) -> Table:
    columns = (
        Column("at", "Arrived", "time"),
        Column("source", "Source"),
        Column("reason", "Reason"),
        Column("detail", "What is wrong"),
        Column("body", "As it came"),
    )
    return Table(columns, tuple((one.at, one.source, one.reason, one.detail, one.body) for one in result.events))


def headlines_quarantined(result: QuarantinedResult) -> tuple[Headline, ...]:
    return (Headline("Events in quarantine", result.total),)
