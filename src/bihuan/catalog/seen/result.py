"""What has come in, as results whose numbers are defined here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec, PersonPropertiesSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class SeenEvent:
    """An event: `total` ever; `events` and `people` (known ones, different) in the period; first and last instant (aware)."""

    name: str
    total: int
    events: int
    people: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True)
class SeenEvents:
    events: tuple[SeenEvent, ...]


@dataclass(frozen=True)
class SeenProperty:
    """A property: its `types`; `count` of events (or people) that have it and its `share` of those looked at; about how many
    `different` values; the most frequent as `examples`; when it was first and last seen (None: not noted)."""

    name: str
    types: tuple[str, ...]
    count: int
    share: float | None
    different: int
    examples: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True)
class SeenProperties:
    """`sampled` events were looked at; None for properties of people."""

    properties: tuple[SeenProperty, ...]
    sampled: int | None


def shape_events(spec: EventsSpec, scope: Scope, rows: Rows) -> SeenEvents:
    names = ("event", "total", "events", "people", "first_seen", "last_seen")
    return SeenEvents(tuple(SeenEvent(*(row[name] for name in names)) for row in rows))


def shape_event_properties(spec: EventPropertiesSpec, scope: Scope, rows: Rows) -> SeenProperties:
    sampled = rows[0]["sampled"] if rows else 0
    return SeenProperties(tuple(_property(row, row["events"], row["events"] / sampled) for row in rows), sampled)


def shape_person_properties(spec: PersonPropertiesSpec, scope: Scope, rows: Rows) -> SeenProperties:
    return SeenProperties(tuple(_property(row, row["people"], None) for row in rows), None)


def table_events(result: SeenEvents) -> Table:
    columns = (
        Column("event", "Event"),
        Column("events", "Events", "number"),
        Column("people", "People", "number"),
        Column("total", "Ever", "number"),
        Column("first_seen", "First seen", "time"),
        Column("last_seen", "Last seen", "time"),
    )
    rows = tuple((one.name, one.events, one.people, one.total, one.first_seen, one.last_seen) for one in result.events)
    return Table(columns, rows)


def table_properties(result: SeenProperties) -> Table:
    of_people = result.sampled is None
    columns = (
        Column("property", "Property"),
        Column("types", "Type"),
        Column("people" if of_people else "events", "People" if of_people else "Events", "number"),
        *(() if of_people else (Column("share", "Share of events", "share"),)),
        Column("different", "Different values, about", "number"),
        Column("examples", "Most frequent"),
        Column("first_seen", "First seen", "time"),
        Column("last_seen", "Last seen", "time"),
    )
    return Table(columns, tuple(_row(one, of_people) for one in result.properties))


def headlines_events(result: SeenEvents) -> tuple[Headline, ...]:
    return (Headline("Events", sum(one.events for one in result.events)), Headline("Different events", len(result.events)))


def headlines_properties(result: SeenProperties) -> tuple[Headline, ...]:
    return (Headline("Properties", len(result.properties)),)


def _property(row: Any, count: int, share: float | None) -> SeenProperty:
    return SeenProperty(
        name=row["property"],
        types=tuple(row["types"]),
        count=count,
        share=share,
        different=row["different"],
        examples=tuple(row["examples"]),
        first_seen=_known(row["first_seen"]),
        last_seen=_known(row["last_seen"]),
    )


def _known(at: datetime | None) -> datetime | None:
    return at if at is not None and at.year > 1970 else None  # a join without a partner gives the epoch


def _row(one: SeenProperty, of_people: bool) -> tuple[Any, ...]:
    share = () if of_people else (one.share,)
    return (one.name, ", ".join(one.types), one.count, *share, one.different, ", ".join(one.examples), one.first_seen, one.last_seen)
