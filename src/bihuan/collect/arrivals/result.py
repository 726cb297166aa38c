"""What arrives from each source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bihuan.collect.arrivals.spec import ArrivalsSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Arriving:
    """Of one source, in the period: `events`, the `people` of these, those of nobody, how many event `names`; when the `latest` came and
    how many came in the `last_hour`."""

    source: str
    events: int
    people: int
    nobodys: int
    names: int
    latest: datetime
    last_hour: int


@dataclass(frozen=True)
class ArrivalsResult:
    sources: tuple[Arriving, ...]


def shape_arrivals(spec: ArrivalsSpec, scope: Scope, rows: Rows) -> ArrivalsResult:
    return ArrivalsResult(
        tuple(
            Arriving(
                row["source"],
                int(row["events"]),
                int(row["people"]),
                int(row["nobodys"]),
                int(row["names"]),
                row["latest"],
                int(row["last_hour"]),
            )
            for row in rows
        )
    )


def table_arrivals(result: ArrivalsResult) -> Table:
    columns = (
        Column("source", "Source"),
        Column("events", "Events", "number"),
        Column("people", "People", "number"),
        Column("nobodys", "Events of nobody", "number"),
        Column("names", "Kinds of events", "number"),
        Column("last_hour", "In the last hour", "number"),
        Column("latest", "Latest", "time"),
    )
    return Table(
        columns,
        tuple((one.source, one.events, one.people, one.nobodys, one.names, one.last_hour, one.latest) for one in result.sources),
    )


def headlines_arrivals(result: ArrivalsResult) -> tuple[Headline, ...]:
    return ()
