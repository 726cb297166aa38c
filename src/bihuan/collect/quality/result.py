"""Coverage and freshness of events by source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from bihuan.collect.quality.spec import QualitySpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Coming:
    """Of one event by one source in the period: `events`, those that came `with_id` (of somebody, known or not), different `people`; when
    the latest happened and the latest arrived; `delay` and `late` are the median and the 95th percentile of the seconds from happening to
    arriving, estimated; the `versions` of the app that sent them."""

    event: str
    source: str
    events: int
    with_id: int
    people: int
    last_happened: datetime
    last_arrived: datetime
    delay: float
    late: float
    versions: tuple[str, ...]

    @property
    def share_with_id(self) -> float:
        return self.with_id / self.events


@dataclass(frozen=True)
class QualityResult:
    rows: tuple[Coming, ...]

    @cached_property
    def by_event(self) -> Mapping[str, tuple[Coming, ...]]:
        found: dict[str, list[Coming]] = defaultdict(list)
        for row in self.rows:
            found[row.event].append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    @cached_property
    def by_source(self) -> Mapping[str, tuple[Coming, ...]]:
        found: dict[str, list[Coming]] = defaultdict(list)
        for row in self.rows:
            found[row.source].append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    @property
    def events(self) -> int:
        return sum(row.events for row in self.rows)

    @property
    def with_id(self) -> int:
        return sum(row.with_id for row in self.rows)


def shape_quality(spec: QualitySpec, scope: Scope, rows: Rows) -> QualityResult:
    return QualityResult(
        tuple(
            Coming(
                row["event"],
                row["source"],
                int(row["events"]),
                int(row["with_id"]),
                int(row["people"]),
                row["last_happened"],
                row["last_arrived"],
                float(row["delays"][0]),
                float(row["delays"][1]),
                tuple(row["versions"]),
            )
            for row in rows
        )
    )


def table_quality(result: QualityResult) -> Table:
    columns = (
        Column("event", "Event"),
        Column("source", "Source"),
        Column("events", "Events", "number"),
        Column("share_with_id", "With an id", "share"),
        Column("people", "People", "number"),
        Column("last_happened", "Last happened", "time"),
        Column("last_arrived", "Last arrived", "time"),
        Column("delay", "Delay, median", "seconds"),
        Column("late", "Delay, 95th percentile", "seconds"),
    )
    rows = (
        (one.event, one.source, one.events, one.share_with_id, one.people, one.last_happened, one.last_arrived, one.delay, one.late)
        for one in result.rows
    )
    return Table(columns, tuple(rows))


def headlines_quality(result: QualityResult) -> tuple[Headline, ...]:
    share = result.with_id / result.events if result.events else None
    return (Headline("Events", result.events), Headline("With an id", share, "share"))
