"""Rejected events and how many there are for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Reason:
    """`number` events were rejected for `code` and are in the asked state, the last of them at `latest`; `sources` sent them."""

    code: str
    number: int
    latest: datetime
    sources: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class RejectedEvent:
    """`detail` says what is wrong with it; `body` is the event as it came, "" for a reader to whom some properties are hidden. `item` names
    the row; `outcome` is what became of it ('' nothing yet), with `result` in words."""

    at: datetime
    source: str
    reason: str
    detail: str
    body: str
    item: int
    event_key: int
    outcome: str
    result: str


@dataclass(frozen=True)
class QuarantinedResult:
    """`reasons` over all that is kept, the commonest first; `events` the newest of those asked for."""

    reasons: tuple[Reason, ...]
    events: tuple[RejectedEvent, ...]

    @property
    def total(self) -> int:
        return sum(reason.number for reason in self.reasons)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted({source for reason in self.reasons for source, _ in reason.sources}))


def shape_quarantined(spec: QuarantinedSpec, scope: Scope, rows: Rows) -> QuarantinedResult:
    groups: dict[str, list[tuple[str, int, datetime]]] = {}
    for row in rows:
        if row["number"]:
            groups.setdefault(row["reason"], []).append((row["source"], int(row["number"]), row["at"]))
    reasons = (
        Reason(code, sum(number for _, number, _ in of), max(at for _, _, at in of), tuple((source, number) for source, number, _ in of))
        for code, of in groups.items()
    )
    return QuarantinedResult(
        reasons=tuple(sorted(reasons, key=lambda reason: -reason.number)),
        events=tuple(
            RejectedEvent(
                row["at"],
                row["source"],
                row["reason"],
                row["detail"],
                "" if scope.hidden else row["body"],
                int(row["item"]),
                int(row["event_key"]),
                row["outcome"],
                row["result"],
            )
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
        Column("outcome", "What became of it"),
    )
    return Table(columns, tuple((one.at, one.source, one.reason, one.detail, one.body, one.outcome) for one in result.events))


def headlines_quarantined(result: QuarantinedResult) -> tuple[Headline, ...]:
    return (Headline("Events in quarantine", result.total),)
