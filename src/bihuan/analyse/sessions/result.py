"""What sessions answer, each number defined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bihuan.analyse.sessions.spec import SessionsSpec
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of, order_key, ordered
from bihuan.engine.periods import BucketState, Unit, bucket_state
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Measures:
    """`sessions` of `people` people, with `events` events together; `bounces` of them bounced. `median`, `p90` and `mean` are of their
    lengths: seconds from the first event to the last, 0 with one event (None: there is no session)."""

    sessions: int = 0
    people: int = 0
    events: int = 0
    bounces: int = 0
    median: float | None = None
    p90: float | None = None
    mean: float | None = None

    @property
    def each(self) -> float | None:
        """Sessions of a person, on average."""
        return self.sessions / self.people if self.people else None

    @property
    def depth(self) -> float | None:
        """Events of a session, on average."""
        return self.events / self.sessions if self.sessions else None

    @property
    def bounce(self) -> float | None:
        """The share of sessions that bounced."""
        return self.bounces / self.sessions if self.sessions else None


@dataclass(frozen=True)
class Bucket:
    """The sessions that begin in the day, week or month from `day` on; `state` says whether that is over."""

    day: date
    state: BucketState
    measures: Measures


@dataclass(frozen=True)
class Part:
    """The sessions of `value` (a breakdown's, an entry or an exit), or (None) of `other` values that are not shown alone."""

    value: str | None
    other: int
    measures: Measures


@dataclass(frozen=True)
class SessionsResult:
    """`total` of all, `buckets` in order, `parts` of the breakdown, `entries` and `exits` by size; the rest of each comes last."""

    unit: Unit
    total: Measures
    buckets: tuple[Bucket, ...]
    parts: tuple[Part, ...]
    entries: tuple[Part, ...]
    exits: tuple[Part, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]


def shape_sessions(spec: SessionsSpec, scope: Scope, rows: Rows) -> SessionsResult:
    period = scope.period(spec.period)
    by_day = {row["bucket"]: _measures(row) for row in rows if row["part"] == "bucket"}
    starts = list(period.buckets(spec.unit))
    return SessionsResult(
        unit=spec.unit,
        total=next((_measures(row) for row in rows if row["part"] == "total"), Measures()),
        buckets=tuple(
            Bucket(start.date(), bucket_state(start, spec.unit, period, scope.now), by_day.get(start.date(), Measures()))
            for start in starts
        ),
        parts=_parts(spec, rows) if spec.breakdown else (),
        entries=_listed(rows, "entry"),
        exits=_listed(rows, "exit"),
        breakdown=spec.breakdown,
        names=scope.segment_names,
    )


def table_sessions(result: SessionsResult) -> Table:
    """One row for each bucket, or for each value when broken down."""
    numbers = (
        Column("sessions", "Sessions", "number"),
        Column("people", "People", "number"),
        Column("sessions_each", "Sessions of a person", "number"),
        Column("median", "Length, median", "seconds"),
        Column("p90", "Length, 90th percentile", "seconds"),
        Column("mean", "Length, mean", "seconds"),
        Column("depth", "Events of a session", "number"),
        Column("bounces", "Bounces", "number"),
        Column("bounce_share", "Bounce rate", "share"),
    )
    if not result.breakdown:
        columns: tuple[Column, ...] = (Column("day", "Begins in", "day"), *numbers)
        rows = [((bucket.day,), {"bucket": bucket.day.isoformat()}, bucket.measures) for bucket in result.buckets]
    else:
        columns = (*columns_of(result.breakdown), *numbers)
        rows = [(cells_of(part.value, result.breakdown), part_cell(part), part.measures) for part in result.parts]  # type: ignore[misc]
    return Table(
        columns,
        tuple(
            (*head, one.sessions, one.people, one.each, one.median, one.p90, one.mean, one.depth, one.bounces, one.bounce)
            for head, _, one in rows
        ),
        tuple((*(None for _ in head), None, cell, None, None, None, None, None, {**cell, "bounced": True}, None) for head, cell, _ in rows),
    )


def part_cell(part: Part) -> Cell:
    """Where the people of a breakdown's part are found."""
    if part.value is None:
        return {"other": True}
    return {"value": part.value} if part.value else {"none": True}


def headlines_sessions(result: SessionsResult) -> tuple[Headline, ...]:
    total = result.total
    return (
        Headline("Sessions", total.sessions),
        Headline("Sessions of a person", total.each),
        Headline("Length, median", total.median, "seconds"),
        Headline("Length, 90th percentile", total.p90, "seconds"),
        Headline("Events of a session", total.depth),
        Headline("Bounce rate", total.bounce, "share"),
    )


def _measures(row: Mapping[str, Any]) -> Measures:
    sessions = int(row["sessions"])
    if not sessions:
        return Measures()
    median, p90 = (length / 1000 for length in row["lengths"])
    mean = int(row["milliseconds"]) / sessions / 1000
    return Measures(sessions, int(row["people"]), int(row["events"]), int(row["bounces"]), median, p90, mean)


def _listed(rows: Rows, part: str) -> tuple[Part, ...]:
    found = []
    for row in rows:
        if row["part"] == part:
            alone = row[part].startswith("=")
            found.append(Part(row[part][1:] if alone else None, 0 if alone else int(row["values"]), _measures(row)))
    return tuple(sorted(found, key=lambda one: (one.value is None, -one.measures.sessions, one.value or "")))


def _parts(spec: SessionsSpec, rows: Rows) -> tuple[Part, ...]:
    found = _listed(rows, "value")
    if not ordered(spec.breakdown):
        return found
    return tuple(sorted(found, key=lambda one: (one.value is None, order_key(one.value or "", spec.breakdown))))
