"""The newest arrivals, each with its properties as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bihuan.collect.live.spec import LiveSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table
from bihuan.engine.schema import COLUMNS

LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Wrong:
    """A violation of the plan: see `plan.check.Violation`."""

    property: str
    kind: str
    expected: str
    value: str


@dataclass(frozen=True)
class Said:
    """What was decided about the id that an event came with: `kind` link, shared, many …; linked to the number `other`, and `why`."""

    kind: str
    other: int
    why: str


@dataclass(frozen=True)
class Arrival:
    """`received_at` is when it was stored, `at` when it happened by its sender's corrected clock; `late` when these are more than five
    minutes apart. `person` is 0 for nobody. `wrong` is where it breaks the plan, `said` what was decided about its id with it."""

    received_at: datetime
    at: datetime
    event: str
    person: int
    source: str
    properties: tuple[tuple[str, str], ...]
    wrong: tuple[Wrong, ...] = ()
    said: tuple[Said, ...] = ()

    @property
    def late(self) -> bool:
        return self.received_at - self.at > LATE


@dataclass(frozen=True)
class LiveResult:
    """At most `limit` arrivals, the newest first. `rate`: how many of all events of the last days arrived in the last minute."""

    arrivals: tuple[Arrival, ...]
    rate: int = 0


def shape_live(spec: LiveSpec, scope: Scope, rows: Rows) -> LiveResult:
    rate = next((int(row["rate"]) - 1 for row in rows if row["rate"]), 0)
    return LiveResult(tuple(_arrival(row, scope) for row in rows if not row["rate"]), rate)


def table_live(result: LiveResult) -> Table:
    columns = (
        Column("received_at", "Arrived", "time"),
        Column("at", "Happened", "time"),
        Column("event", "Event"),
        Column("person", "Person", "person"),
        Column("source", "Source"),
        Column("properties", "Properties"),
    )
    return Table(
        columns,
        tuple(
            (one.received_at, one.at, one.event, one.person or None, one.source, json.dumps(dict(one.properties), ensure_ascii=False))
            for one in result.arrivals
        ),
    )


def headlines_live(result: LiveResult) -> tuple[Headline, ...]:
    return ()


def _arrival(row: Any, scope: Scope) -> Arrival:
    return Arrival(
        row["received_at"],
        row["ts"],
        row["event"],
        int(row["person"]),
        row["source"],
        tuple(_properties(row, scope)),
        tuple(Wrong(*one) for one in row["breaks"]),
        tuple(Said(kind, int(other), why) for kind, other, why in row["words"]),
    )


def _properties(row: Any, scope: Scope) -> list[tuple[str, str]]:
    """The event's own properties before those that every event of its client has."""
    props = json.loads(row["props"])
    found = [(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) for name, value in props.items()]
    if row["revenue"] is not None:
        found.insert(0, ("revenue", f"{row['revenue']:g}"))
    found += [(name, row[name]) for name in COLUMNS if row[name]]
    return [(name, text) for name, text in found if name not in scope.hidden]
