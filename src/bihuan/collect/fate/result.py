"""What became of the events that were looked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bihuan.collect.fate.spec import FateSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

FAR = timedelta(minutes=5)


@dataclass(frozen=True)
class Fate:
    """An event that is stored (it happened `at`, by its sender's corrected clock, on `day` of the project's calendar; `person` 0:
    nobody) or in the quarantine (for `reason`; `outcome` is what became of it since). `body` is "" for a reader to whom some properties
    are hidden."""

    stored: bool
    event: str
    at: datetime
    received_at: datetime
    day: str
    person: int
    source: str
    event_key: int
    reason: str
    detail: str
    outcome: str
    body: str

    @property
    def late(self) -> bool:
        return self.received_at - self.at > FAR

    @property
    def ahead(self) -> bool:
        return self.at - self.received_at > FAR


@dataclass(frozen=True)
class FateResult:
    found: tuple[Fate, ...]

    @property
    def stored(self) -> tuple[Fate, ...]:
        return tuple(one for one in self.found if one.stored)

    @property
    def quarantined(self) -> tuple[Fate, ...]:
        return tuple(one for one in self.found if not one.stored)


def shape_fate(spec: FateSpec, scope: Scope, rows: Rows) -> FateResult:
    return FateResult(
        tuple(
            Fate(
                row["fate"] == "stored",
                row["event"],
                row["at"],
                row["received_at"],
                row["day"],
                int(row["person"]),
                row["source"],
                int(row["event_key"]),
                row["reason"],
                row["detail"],
                row["outcome"],
                row["body"],
            )
            for row in rows
        )
    )


def table_fate(result: FateResult) -> Table:
    columns = (
        Column("fate", "What became of it"),
        Column("event", "Event"),
        Column("at", "Happened", "time"),
        Column("received_at", "Arrived", "time"),
        Column("person", "Person", "person"),
        Column("source", "Source"),
        Column("reason", "Reason"),
        Column("detail", "What is wrong"),
    )
    rows = (
        (
            "stored" if one.stored else "quarantined",
            one.event,
            one.at,
            one.received_at,
            one.person or None,
            one.source,
            one.reason,
            one.detail,
        )
        for one in result.found
    )
    return Table(columns, tuple(rows))


def headlines_fate(result: FateResult) -> tuple[Headline, ...]:
    return (Headline("Stored", len(result.stored)), Headline("In quarantine", len(result.quarantined)))
