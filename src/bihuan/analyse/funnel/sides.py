"""Which ways stand beside each other: those of a period and of the one it is compared with, and the days on which they begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.compare import EVERYBODY, OTHERS, Baseline, Groups, baseline, groups
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import MONTHS, Period, bucket_day, midnight, months_later
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

MILLISECOND = timedelta(milliseconds=1)
MOST_BUCKETS = 400


@dataclass(frozen=True)
class Side:
    """The ways that begin in `entry`; what happened from the instant `known` on is not known of them."""

    entry: Period
    known: datetime
    window: timedelta

    @property
    def base(self) -> datetime:
        """Where the milliseconds of codes begin."""
        return self.entry.start - timedelta(days=2)

    @property
    def reads(self) -> Period:
        """The days of entry, and those on which the last who entered may still go on."""
        last = (self.entry.end.astimezone(UTC) + self.window).astimezone(ZoneInfo(self.entry.zone)).date()
        return self.entry.extended(after=(last - self.entry.until).days)

    def tick(self, at: datetime) -> int:
        return max(0, (at.astimezone(UTC) - self.base.astimezone(UTC)) // MILLISECOND)


def sides_of(spec: FunnelSpec, scope: Scope) -> tuple[Side, ...]:
    """What is asked about, and what it is compared with. While ways of the period may still go on, those of the other one are known until
    the same moment after it."""
    period = scope.period(spec.period)
    window = spec.window.length
    # The minute up to which time has passed; the same for ever once all windows are closed.
    end = period.end.astimezone(UTC)
    now = min(scope.now.astimezone(UTC).replace(second=0, microsecond=0), end + window)
    mine = Side(period, now, window)
    if isinstance(spec.compare, Groups):
        return (mine, mine)
    other = baseline(spec.compare, period, scope)
    if other is None:
        return (mine,)
    known = other.until if now < end else other.period.end.astimezone(UTC) + (now - end)
    return (mine, Side(other.period, known, window))


def side_sql(spec: FunnelSpec, scope: Scope, binder: Binder) -> str:
    """SQL: the sides (0, 1 or both) that an event of `visible` is on, as an array."""
    both = sides_of(spec, scope)
    if isinstance(spec.compare, Groups):
        mine, theirs = groups(spec.compare, scope, binder)
    else:
        mine, theirs = (_days_of(side, binder) for side in both)
        theirs += f" AND toUnixTimestamp64Milli(ts) < {binder.bind(round(both[1].known.timestamp() * 1000), 'Int64')}"
    return f"arrayFilter((side, holds) -> holds, [0, 1], [toUInt8({mine}), toUInt8({theirs})])"


def _days_of(side: Side, binder: Binder) -> str:
    return f"day BETWEEN {binder.bind(side.reads.since, 'Date')} AND {binder.bind(side.reads.until, 'Date')}"


def overlapping(spec: FunnelSpec) -> bool:
    """Whether what it is compared with holds everybody who is asked about."""
    return isinstance(spec.compare, Groups) and spec.compare.against == EVERYBODY


def apart(spec: FunnelSpec) -> bool:
    """Whether nobody can be on both sides."""
    return isinstance(spec.compare, Groups) and spec.compare.against == OTHERS


# --- Days, weeks and months of entry -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """The days from `since` to `until` that are the bucket number `bucket`; None: they have no counterpart."""

    since: date
    until: date
    bucket: int | None


def buckets_of(spec: FunnelSpec, scope: Scope) -> tuple[date, ...]:
    """The first day of each day, week or month that the period touches."""
    found = tuple(at.date() for at in scope.period(spec.period).buckets(spec.unit))
    if len(found) > MOST_BUCKETS:
        raise QuestionError(
            "That are {count} periods, more than {most}; choose a shorter period, or weeks or months.",
            count=len(found),
            most=MOST_BUCKETS,
            where="period",
        )
    return found


def stretches(spec: FunnelSpec, scope: Scope) -> tuple[tuple[Stretch, ...], ...]:
    """For each side the days of its period, as far as they are in one bucket."""
    sides, firsts = sides_of(spec, scope), buckets_of(spec, scope)
    places = {day: place for place, day in enumerate(firsts)}
    other = baseline(spec.compare, sides[0].entry, scope) if len(sides) > 1 else None

    def place(number: int, day: date) -> int | None:
        shown = _laid(spec, other, day) if number and other else day
        return places.get(bucket_day(shown, spec.unit)) if shown else None

    return tuple(tuple(_runs(side.entry, [place(number, day) for day in _days(side.entry)])) for number, side in enumerate(sides))


def _laid(spec: FunnelSpec, other: Baseline, day: date) -> date | None:
    """The day of this period that a day of the other one is shown on."""
    return months_later(day, other.months) if other.months and spec.unit in MONTHS else other.laid(day)


def _days(period: Period) -> Iterator[date]:
    return (period.since + timedelta(days=number) for number in range(period.days))


def _runs(period: Period, places: list[int | None]) -> Iterator[Stretch]:
    begun = 0
    for number in range(1, len(places) + 1):
        if number == len(places) or places[number] != places[begun] or places[begun] is None:
            yield Stretch(period.since + timedelta(days=begun), period.since + timedelta(days=number - 1), places[begun])
            begun = number


def stretch_ticks(spec: FunnelSpec, scope: Scope) -> list[list[int]]:
    """For each side the milliseconds at which its stretches begin, and at last the end of them all."""
    sides = sides_of(spec, scope)
    return [
        [*(side.tick(midnight(one.since, scope.zone)) for one in some), side.tick(side.entry.end)]
        for side, some in zip(sides, stretches(spec, scope), strict=True)
    ]
