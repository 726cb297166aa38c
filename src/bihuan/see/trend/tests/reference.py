"""What a trend means, in slow and obvious Python over a world's events."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.engine.compare import Before, Groups, Other
from bihuan.engine.periods import Between, PeriodSpec, This
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, number, text
from bihuan.see.trend.spec import Series, TrendSpec

Which = Callable[[Event], bool]
MONTHS = {"month": 1, "quarter": 3, "year": 12}
ROLLING = {"active_7": 7, "active_30": 30, "dau_wau": 7, "dau_mau": 30}


def days(period: PeriodSpec, world: World) -> tuple[date, date]:
    if isinstance(period, Between):
        return period.since, period.until
    if isinstance(period, This):
        first = first_day(world.today, period.this)
        for _ in range(period.ago):
            first = first_day(first - timedelta(days=1), period.this)
        last = first
        while first_day(last + timedelta(days=1), period.this) == first:
            last += timedelta(days=1)
        return first, last if period.ago else world.today
    until = world.today - timedelta(days=1 if period.complete else 0)
    return until - timedelta(days=period.last - 1), until


def first_day(day: date, unit: str) -> date:
    """Day by day back to the first of the same week, month, quarter or year."""

    def name(each: date) -> Any:
        quarter = (each.year, (each.month + 2) // 3)
        names = {"week": each.isocalendar()[:2], "month": (each.year, each.month), "quarter": quarter, "year": each.year}
        return names.get(unit, each)

    while name(day - timedelta(days=1)) == name(day):
        day -= timedelta(days=1)
    return day


def measured(series: Series, world: World, events: Sequence[Event]) -> float | int | None:
    people = {world.person(event) for event in events} - {0}
    if series.measure == "events":
        return len(events)
    if series.measure == "people":
        return len(people)
    if series.measure == "per_person":
        return sum(world.person(event) != 0 for event in events) / len(people) if people else None
    values = [event.props.get(series.property or "") for event in events]
    if series.measure == "distinct":
        return len({text(value) for value in values} - {""})
    numbers = sorted(n for n in map(number, values) if n is not None)
    if series.measure == "sum":
        return math.fsum(numbers)
    if not numbers:
        return None
    if series.measure in ("min", "max"):
        return numbers[0] if series.measure == "min" else numbers[-1]
    if series.measure == "average":
        return math.fsum(numbers) / len(numbers)
    rank = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}[series.measure] * (len(numbers) - 1)
    below = math.floor(rank)
    return numbers[below] + (rank - below) * (numbers[min(below + 1, len(numbers) - 1)] - numbers[below])


def belongs(series: Series, spec: TrendSpec, world: World, event: Event) -> bool:
    return world.chosen(series.choices, event) and world.holds(spec.filter, event)


def is_first(series: Series, spec: TrendSpec, world: World, event: Event) -> bool:
    mine = [e for e in world.events if world.person(e) == world.person(event) and belongs(series, spec, world, e)]
    return world.person(event) != 0 and event == min(mine, key=lambda e: (e.at, e.key))


def parts_of(spec: TrendSpec, world: World) -> dict[int, str]:
    """The value of each event, by its key."""
    since, until = days(spec.period, world)
    among = [e for e in world.events if since <= world.day(e) <= until and any(belongs(series, spec, world, e) for series in spec.series)]
    return {event.key: broken_down.part(world, spec.breakdown, event, among) for event in world.events}


def first_instant(day: date, zone: str) -> datetime:
    """Minute by minute, the first at which the clocks of the zone show the day."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(ZoneInfo(zone)).date() < day:
        at += timedelta(minutes=15)
    return at


class Side:
    """One of the two periods (or groups) that are compared: which events it has, and on which bucket each is shown."""

    def __init__(self, spec: TrendSpec, world: World, *, other: bool) -> None:
        self.spec, self.world, self.other = spec, world, other and spec.compare is not None
        self.asked = days(spec.period, world)
        self.since, self.until = self.asked
        self.limit: datetime | None = None
        if other and isinstance(spec.compare, Before | Other):
            self.since, self.until = self._period()
            self.limit = self._limit()

    @property
    def length(self) -> int:
        return (self.asked[1] - self.asked[0]).days + 1

    def _months(self) -> int:
        compare = self.spec.compare
        by_date = isinstance(compare, Before) and compare.align == "date" and compare.to in MONTHS
        return MONTHS[compare.to] * compare.ago if by_date and isinstance(compare, Before) else 0

    def _shift(self) -> int:
        compare = self.spec.compare
        if isinstance(compare, Other):
            return (self.asked[0] - days(compare.period, self.world)[0]).days
        assert isinstance(compare, Before)
        if compare.to == "previous":
            return self.length
        if compare.to == "week":
            return 7 * compare.ago
        exactly = (self.asked[0] - months_on(self.asked[0], -MONTHS[compare.to] * compare.ago)).days
        return min((7 * weeks for weeks in range(1, 800)), key=lambda shift: abs(shift - exactly))

    def _period(self) -> tuple[date, date]:
        if isinstance(self.spec.compare, Other):
            return days(self.spec.compare.period, self.world)
        if months := self._months():
            last = months_on(self.asked[1], -months)
            if (self.asked[1] + timedelta(days=1)).day == 1:
                while (last + timedelta(days=1)).day != 1:
                    last += timedelta(days=1)
            return months_on(self.asked[0], -months), last
        return self.asked[0] - timedelta(days=self._shift()), self.asked[1] - timedelta(days=self._shift())

    def day_of(self, day: date) -> date:
        """The counterpart of a day of the period asked about."""
        if not self.other or isinstance(self.spec.compare, Groups):
            return day
        return months_on(day, -self._months()) if self._months() else day - timedelta(days=self._shift())

    def _limit(self) -> datetime | None:
        local = self.world.now.astimezone(ZoneInfo(self.world.zone)).replace(second=0, microsecond=0)
        if local.date() > self.asked[1]:
            return None
        day = self.day_of(local.date())
        if self._months() and day.day != local.day:
            return first_instant(day + timedelta(days=1), self.world.zone)
        return datetime.combine(day, local.time(), ZoneInfo(self.world.zone)).astimezone(UTC)

    def laid(self, day: date) -> date | None:
        if not self.other or isinstance(self.spec.compare, Groups):
            return day
        if months := self._months():
            on = months_on(day, months)
            return on if on.day == day.day or self.spec.unit in MONTHS else None
        return day + timedelta(days=self._shift())

    def has(self, event: Event, *, before: int = 0) -> bool:
        if isinstance(self.spec.compare, Groups):
            inside = self.world.holds(self.world.segments[self.spec.compare.segment], event)
            against = self.spec.compare.against
            theirs = True if against == "*" else not inside if against == "!" else self.world.holds(self.world.segments[against], event)
            if not (theirs if self.other else inside):
                return False
        in_days = self.since - timedelta(days=before) <= self.world.day(event) <= self.until
        return in_days and (self.limit is None or event.at < self.limit)

    def bucket(self, event: Event) -> Any:
        """The first day of the bucket that an event is shown in; or the number of the hour, by the clock."""
        if self.spec.unit != "hour":
            on = self.laid(self.world.day(event))
            return None if on is None else first_day(on, self.spec.unit)
        mine = hours(self.since, self.until, self.world.zone)
        begin = first_instant(self.since, self.world.zone)
        place = (event.at - begin) // timedelta(hours=1)
        if not self.other or isinstance(self.spec.compare, Groups):
            return place
        named = [(self.laid(day), hour) for day, hour in mine]
        nth = named[:place].count(named[place])
        alike = [number for number, name in enumerate(hours(*self.asked, self.world.zone)) if name == named[place]]
        return alike[nth] if nth < len(alike) else None


def months_on(day: date, months: int) -> date:
    """The same date so many months later, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError


def hours(since: date, until: date, zone: str) -> list[tuple[date, int]]:
    """The day and hour that the clock shows at the beginning of each hour from the first day to the last."""
    at, end, found = first_instant(since, zone), first_instant(until + timedelta(days=1), zone), []
    while at < end:
        local = at.astimezone(ZoneInfo(zone))
        found.append((local.date(), local.hour))
        at += timedelta(hours=1)
    return found


def bucket_names(spec: TrendSpec, world: World) -> list[Any]:
    since, until = days(spec.period, world)
    if spec.unit == "hour":
        return list(range(len(hours(since, until, world.zone))))
    return sorted({first_day(since + timedelta(days=n), spec.unit) for n in range((until - since).days + 1)})


def rolling(series: Series, side: Side, name: Any, which: Which) -> float | int | None:
    """Of the bucket's last day that has come: the people of the days up to it."""
    spec, world = side.spec, side.world
    last = min(side.asked[1], world.today)
    if name > last:
        return 0 if series.measure.startswith("active") else None
    end = max(day for n in range(side.length) if (day := side.asked[0] + timedelta(days=n)) <= last and first_day(day, spec.unit) == name)
    end, length = side.day_of(end), ROLLING[series.measure]
    mine = [e for e in world.events if side.has(e, before=length - 1) and belongs(series, spec, world, e) and which(e)]
    active = {world.person(e) for e in mine if 0 <= (end - world.day(e)).days < length} - {0}
    if series.measure.startswith("active"):
        return len(active)
    return len({world.person(e) for e in mine if world.day(e) == end} - {0}) / len(active) if active else None


def trend(spec: TrendSpec, world: World) -> dict[str, Any]:
    """(part or "rest") -> for each series (numbers by bucket, total, those of the other side, its total); and "overall"."""
    sides = (Side(spec, world, other=False), Side(spec, world, other=True))
    names = bucket_names(spec, world)
    begun = [name for name in names if spec.unit == "hour" or name <= world.today] or names[:1]

    def numbers(which: Which, side: Side) -> list[tuple[list[Any], Any]]:
        found = []
        for series in spec.series:
            if series.measure in ROLLING:
                cells = [rolling(series, side, name, which) for name in names]
                found.append((cells, cells[len(begun) - 1]))
                continue
            mine = [e for e in world.events if side.has(e) and belongs(series, spec, world, e) and which(e)]
            if series.measure == "first_time":
                mine = [e for e in mine if is_first(series, spec, world, e)]
            counted = series.model_copy(update={"measure": "events"}) if series.measure == "first_time" else series
            cells = [measured(counted, world, [e for e in mine if side.bucket(e) == name]) for name in names]
            found.append((cells, measured(counted, world, mine)))
        return found

    def both(which: Which) -> list[Any]:
        return list(zip(numbers(which, sides[0]), numbers(which, sides[1]), strict=True))

    answer: dict[str, Any] = {"overall": both(lambda e: True)}
    if not spec.breakdown:
        return answer
    part = parts_of(spec, world)
    marked = [e for e in world.events if sides[0].has(e) and any(belongs(series, spec, world, e) for series in spec.series)]
    parts = {part[e.key] for e in marked}
    first = spec.series[0]
    ranked_by = first.model_copy(update={"measure": "people"}) if first.measure in ROLLING else first
    if first.measure == "first_time":
        ranked_by = first.model_copy(update={"measure": "events"})

    def total(p: str) -> Any:
        mine = [e for e in marked if belongs(first, spec, world, e) and part[e.key] == p]
        return measured(ranked_by, world, [e for e in mine if first.measure != "first_time" or is_first(first, spec, world, e)])

    totals = {p: total(p) for p in parts}
    order = sorted(parts, key=lambda p: (totals[p] is None, -(totals[p] or 0), p.encode()))
    named = order[: spec.top]
    for one in named:
        answer[f"={one}"] = both(lambda e, one=one: part[e.key] == one)  # type: ignore[misc]
    before = max((ROLLING.get(series.measure, 1) for series in spec.series), default=1) - 1
    seen = [
        e
        for side in (sides if spec.compare else sides[:1])
        for e in world.events
        if any(belongs(s, spec, world, e) and side.has(e, before=before if s.measure in ROLLING else 0) for s in spec.series)
    ]
    answer["others"] = len({part[e.key] for e in marked} - set(named))
    if any(part[e.key] not in named for e in seen):
        answer["rest"] = both(lambda e: part[e.key] not in named)
    return answer
