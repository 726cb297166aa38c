"""What sessions answer, each number defined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bihuan.analyse.sessions.spec import SessionsSpec
from bihuan.analyse.spread import change
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of, order_key, ordered
from bihuan.engine.compare import Groups, Said, compare_said
from bihuan.engine.meta import Interval, Warning_, at_least_seen, sample_warning, scaled
from bihuan.engine.periods import BucketState, Unit, bucket_state
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

Cell = Mapping[str, Any]
COUNTS = ("sessions", "people", "events", "bounces")


@dataclass(frozen=True)
class Sure:
    """Where the numbers of everybody lie with 95 % confidence; none is less than what the sample has."""

    sessions: Interval
    people: Interval
    events: Interval
    bounces: Interval


@dataclass(frozen=True)
class Measures:
    """`sessions` of `people` people, with `events` events together; `bounces` of them bounced. `median`, `p90` and `mean` are of their
    lengths: seconds from the first event to the last, 0 with one event (None: there is no session). `each` are the sessions of a person on
    average, `depth` the events of a session, `bounce` the share of sessions that bounced.

    From a sample, the four numbers are estimates for everybody, and `sure` says how sure; the others are those of the sample."""

    sessions: int = 0
    people: int = 0
    events: int = 0
    bounces: int = 0
    median: float | None = None
    p90: float | None = None
    mean: float | None = None
    each: float | None = None
    depth: float | None = None
    bounce: float | None = None
    sure: Sure | None = None


@dataclass(frozen=True)
class Bucket:
    """The sessions that begin in the day, week or month from `day` on; `state` says whether that is over. `before` are those of its
    counterpart in what it is compared with (None: nothing)."""

    day: date
    state: BucketState
    measures: Measures
    before: Measures | None = None


@dataclass(frozen=True)
class Part:
    """The sessions of `value` (a breakdown's, an entry or an exit), or (None) of `other` values that are not shown alone; `before` those
    of what it is compared with (None: nothing)."""

    value: str | None
    other: int
    measures: Measures
    before: Measures | None = None


@dataclass(frozen=True)
class SessionsResult:
    """`total` of all, `buckets` in order, `parts` of the breakdown, `entries` and `exits` by size; the rest of each comes last.

    `before` is what `total` is compared with (None: nothing), said by `compared_with`; `asked_about` says whose `total` is."""

    unit: Unit
    total: Measures
    buckets: tuple[Bucket, ...]
    parts: tuple[Part, ...]
    entries: tuple[Part, ...]
    exits: tuple[Part, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    before: Measures | None = None
    compared_with: Said | None = None
    asked_about: Said = ("This period", {})
    sample: float | None = None

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        return sample_warning(self.sample)


def shape_sessions(spec: SessionsSpec, scope: Scope, rows: Rows) -> SessionsResult:
    period = scope.period(spec.period)
    by_day = {row["bucket"]: row for row in rows if row["part"] == "bucket"}
    total = next((row for row in rows if row["part"] == "total"), None)
    return SessionsResult(
        unit=spec.unit,
        total=_measures(spec, total),
        buckets=tuple(
            Bucket(day, bucket_state(start, spec.unit, period, scope.now), _measures(spec, by_day.get(day)), _before(spec, by_day.get(day)))
            for start in period.buckets(spec.unit)
            for day in [start.date()]
        ),
        parts=_parts(spec, rows) if spec.breakdown else (),
        entries=_listed(spec, rows, "entry"),
        exits=_listed(spec, rows, "exit"),
        breakdown=spec.breakdown,
        names=scope.segment_names,
        before=_before(spec, total),
        compared_with=compare_said(spec.compare, scope) if spec.compare else None,
        asked_about=_asked_about(spec, scope),
        sample=spec.sample,
    )


def _asked_about(spec: SessionsSpec, scope: Scope) -> Said:
    if isinstance(spec.compare, Groups):
        return "{segment}", {"segment": scope.segment_names.get(spec.compare.segment, spec.compare.segment)}
    return "This period", {}


NUMBERS = (
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
NUMBERS_SURE = (
    Column("sessions_low", "Sessions, at least", "number"),
    Column("sessions_high", "Sessions, at most", "number"),
    Column("people_low", "People, at least", "number"),
    Column("people_high", "People, at most", "number"),
)
NUMBERS_BEFORE = (
    Column("sessions_before", "Sessions, compared", "number"),
    Column("people_before", "People, compared", "number"),
    Column("sessions_each_before", "Sessions of a person, compared", "number"),
    Column("median_before", "Length, median, compared", "seconds"),
    Column("p90_before", "Length, 90th percentile, compared", "seconds"),
    Column("mean_before", "Length, mean, compared", "seconds"),
    Column("depth_before", "Events of a session, compared", "number"),
    Column("bounces_before", "Bounces, compared", "number"),
    Column("bounce_share_before", "Bounce rate, compared", "share"),
)


def table_sessions(result: SessionsResult) -> Table:
    """One row for each bucket, or for each value when broken down."""
    lines: list[tuple[tuple[Any, ...], Cell, Bucket | Part]]
    if not result.breakdown:
        heads: tuple[Column, ...] = (Column("day", "Begins in", "day"),)
        lines = [((bucket.day,), {"bucket": bucket.day.isoformat()}, bucket) for bucket in result.buckets]
    else:
        heads = columns_of(result.breakdown)
        lines = [(cells_of(part.value, result.breakdown), part_cell(part), part) for part in result.parts]
    sampled, compared = result.sample is not None, result.before is not None
    rows, cells = [], []
    for head, cell, one in lines:
        row, links = _numbers(one.measures), _links(cell)
        if sampled:
            row, links = (*row, *_ends(one.measures)), (*links, *[None] * len(NUMBERS_SURE))
        if one.before is not None:
            row, links = (*row, *_numbers(one.before)), (*links, *_links({**cell, "before": True}))
        rows.append((*head, *row))
        cells.append((*(None for _ in head), *links))
    columns = (*heads, *NUMBERS, *(NUMBERS_SURE if sampled else ()), *(NUMBERS_BEFORE if compared else ()))
    return Table(columns, tuple(rows), tuple(cells))


def _numbers(one: Measures) -> tuple[Any, ...]:
    return (one.sessions, one.people, one.each, one.median, one.p90, one.mean, one.depth, one.bounces, one.bounce)


def _ends(one: Measures) -> tuple[float, ...]:
    """Where the numbers of sessions and people lie."""
    if one.sure is None:
        return (0, 0, 0, 0)
    return (one.sure.sessions.low, one.sure.sessions.high, one.sure.people.low, one.sure.people.high)


def _links(cell: Cell) -> tuple[Cell | None, ...]:
    return (None, cell, None, None, None, None, None, {**cell, "bounced": True}, None)


def part_cell(part: Part) -> Cell:
    """Where the people of a breakdown's part are found."""
    if part.value is None:
        return {"other": True}
    return {"value": part.value} if part.value else {"none": True}


def headlines_sessions(result: SessionsResult) -> tuple[Headline, ...]:
    total, before = result.total, result.before or Measures()
    return (
        Headline("Sessions", total.sessions, change=change(total.sessions, before.sessions)),
        Headline("Sessions of a person", total.each, change=change(total.each, before.each)),
        Headline("Length, median", total.median, "seconds", change=change(total.median, before.median)),
        Headline("Length, 90th percentile", total.p90, "seconds", change=change(total.p90, before.p90)),
        Headline("Events of a session", total.depth, change=change(total.depth, before.depth)),
        Headline("Bounce rate", total.bounce, "share", change=change(total.bounce, before.bounce)),
    )


def _measures(spec: SessionsSpec, row: Mapping[str, Any] | None, end: str = "") -> Measures:
    """Those of a row of the statement, in the columns that end so."""
    if row is None or not row[f"sessions{end}"]:
        return Measures()
    counts = [int(row[f"{name}{end}"]) for name in COUNTS]
    sessions, people, events, bounces = counts
    median, p90 = (length / 1000 for length in row[f"lengths{end}"])
    mean = int(row[f"milliseconds{end}"]) / sessions / 1000
    shares = (sessions / people, events / sessions, bounces / sessions)
    if spec.sample is None:
        return Measures(sessions, people, events, bounces, median, p90, mean, *shares)
    # What each person adds to the number of people is 1.
    squares = [people if name == "people" else int(row[f"{name}_squares{end}"]) for name in COUNTS]
    between = [at_least_seen(count, square, spec.sample) for count, square in zip(counts, squares, strict=True)]
    sessions, people, events, bounces = (round(scaled(count, spec.sample) or 0) for count in counts)
    return Measures(sessions, people, events, bounces, median, p90, mean, *shares, Sure(*between))


def _before(spec: SessionsSpec, row: Mapping[str, Any] | None) -> Measures | None:
    return _measures(spec, row, "_before") if spec.compare else None


def _listed(spec: SessionsSpec, rows: Rows, part: str) -> tuple[Part, ...]:
    found = []
    for row in rows:
        if row["part"] == part:
            alone = row[part].startswith("=")
            value, other = (row[part][1:], 0) if alone else (None, int(row["values"]))
            found.append(Part(value, other, _measures(spec, row), _before(spec, row)))
    return tuple(sorted(found, key=lambda one: (one.value is None, -one.measures.sessions, one.value or "")))


def _parts(spec: SessionsSpec, rows: Rows) -> tuple[Part, ...]:
    found = _listed(spec, rows, "value")
    if not ordered(spec.breakdown):
        return found
    return tuple(sorted(found, key=lambda one: (one.value is None, order_key(one.value or "", spec.breakdown))))
