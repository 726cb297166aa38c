"""Volumes against what their past says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from bihuan.collect.volumes.interval import interval
from bihuan.collect.volumes.spec import WEEKS, VolumesSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Volume:
    """`events` of one name in a slot (a day, or an hour, of the project's zone: its beginning without a zone). `expected` and the interval
    `low` to `high` are from the same weekday (and hour) of the weeks before; None where the past is too short."""

    event: str
    slot: datetime
    events: int
    expected: float | None
    low: float | None
    high: float | None

    @property
    def judged(self) -> bool:
        return self.expected is not None

    @property
    def unusual(self) -> bool:
        return self.low is not None and self.high is not None and not self.low <= self.events <= self.high

    @property
    def change(self) -> float | None:
        return self.events / self.expected - 1 if self.expected else None


@dataclass(frozen=True)
class VolumesResult:
    """Every volume that was asked for, by event and time."""

    unit: str
    volumes: tuple[Volume, ...]

    @cached_property
    def unusual(self) -> tuple[Volume, ...]:
        """The newest first."""
        return tuple(sorted((one for one in self.volumes if one.unusual), key=lambda one: (one.slot, one.event), reverse=True))

    @cached_property
    def latest(self) -> tuple[Volume, ...]:
        """The newest volume of each event."""
        return tuple({one.event: one for one in self.volumes}.values())

    @cached_property
    def by_event(self) -> Mapping[str, tuple[Volume, ...]]:
        found: dict[str, list[Volume]] = defaultdict(list)
        for one in self.volumes:
            found[one.event].append(one)
        return {name: tuple(all_of) for name, all_of in found.items()}


def shape_volumes(spec: VolumesSpec, scope: Scope, rows: Rows) -> VolumesResult:
    counts: dict[str, dict[datetime, int]] = defaultdict(dict)
    for row in rows:
        counts[row["event"]][datetime.fromisoformat(row["slot"])] = int(row["events"])
    slots = _slots(spec, scope)
    return VolumesResult(spec.unit, tuple(one for event in sorted(counts) for one in _judged(spec, event, counts[event], slots)))


def table_volumes(result: VolumesResult) -> Table:
    columns = (
        Column("event", "Event"),
        Column("slot", "Day" if result.unit == "day" else "Hour"),
        Column("events", "Events", "number"),
        Column("expected", "Expected", "number"),
        Column("low", "At least", "number"),
        Column("high", "At most", "number"),
        Column("unusual", "Unusual"),
    )
    rows = (
        (one.event, _written(one.slot, result.unit), one.events, one.expected, one.low, one.high, "yes" if one.unusual else "")
        for one in result.volumes
    )
    return Table(columns, tuple(rows))


def headlines_volumes(result: VolumesResult) -> tuple[Headline, ...]:
    return (Headline("Unusual volumes", len(result.unusual)),)


def _slots(spec: VolumesSpec, scope: Scope) -> list[datetime]:
    """The whole days, or hours, that are over."""
    now = scope.now.astimezone(ZoneInfo(scope.zone)).replace(tzinfo=None)
    if spec.unit == "day":
        today = datetime.combine(now.date(), datetime.min.time())
        return [today - timedelta(days=back) for back in range(spec.days, 0, -1)]
    hour = now.replace(minute=0, second=0, microsecond=0)
    return [hour - timedelta(hours=back) for back in range(48, 0, -1)]


def _judged(spec: VolumesSpec, event: str, counts: Mapping[datetime, int], slots: list[datetime]) -> list[Volume]:
    begun = min(counts).date()
    return [_one(spec, event, counts, slot, begun) for slot in slots if slot.date() >= begun]


def _one(spec: VolumesSpec, event: str, counts: Mapping[datetime, int], slot: datetime, begun: date) -> Volume:
    # An event's first day is seldom whole: the past begins on its second.
    def past(back: int) -> list[int]:
        steps = (slot - timedelta(days=back + 7 * week) for week in range(1, WEEKS + 1))
        return [counts.get(step, 0) for step in steps if step.date() > begun]

    if spec.unit == "day":
        groups = {back: past(back) for back in range(7)}
    else:
        groups = {hour: [counts.get(step, 0) for step in _around(slot, hour) if step.date() > begun] for hour in (-2, -1, 0, 1, 2)}
    found = interval(groups[0], groups)
    return Volume(event, slot, counts.get(slot, 0), *(found or (None, None, None)))


def _around(slot: datetime, hours: int) -> list[datetime]:
    """The same hour of the weeks before, or some hours beside it."""
    return [slot + timedelta(hours=hours) - timedelta(days=7 * week) for week in range(1, WEEKS + 1)]


def _written(slot: datetime, unit: str) -> str:
    return f"{slot:%Y-%m-%d}" if unit == "day" else f"{slot:%Y-%m-%d %H:00}"
