"""Intervals in slow and obvious Python over a world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bihuan.analyse.interval.spec import IntervalSpec
from bihuan.engine.compare import Baseline, Groups, baseline
from bihuan.engine.question import Scope
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, milliseconds, text


@dataclass(frozen=True)
class Interval:
    """From one event to another, of one person."""

    person: int
    start: Event
    end: Event
    value: str

    @property
    def length(self) -> int:
        return milliseconds(self.end.at) - milliseconds(self.start.at)


class Reference:
    """What `spec` answers of `world`."""

    def __init__(self, world: World, spec: IntervalSpec, scope: Scope) -> None:
        self.world, self.spec, self.scope = world, spec, scope
        self.period = scope.period(spec.period)
        self.starts = [event for event in world.events if world.chosen(spec.start.choices, event)]
        self.ends = [event for event in world.events if world.chosen(spec.end.choices, event)]
        self.looked_at = [
            event
            for event in world.events
            if world.person(event)
            and (event in self.starts or event in self.ends)
            and world.holds(spec.filter, event)
            and (spec.held is None or text(event.props.get(spec.held)))
        ]
        # Quantiles are those of the starts (ends) of the period, whatever becomes of them.
        of = self.starts if spec.value_of == "start" else self.ends
        among = [event for event in world.events if event in of and self._counts(event)]
        self.values = {event.key: broken_down.part(world, spec.breakdown, event, among) for event in self.looked_at}
        self.intervals = list(self._pairs())

    def _counts(self, event: Event) -> bool:
        world, spec = self.world, self.spec
        return world.person(event) != 0 and world.holds(spec.filter, event) and self.period.since <= world.day(event) <= self.period.until

    def _pairs(self) -> list[Interval]:
        """Each end with the starts that wait for it."""
        of: dict[tuple[int, str], list[Event]] = defaultdict(list)
        for event in self.looked_at:
            held = text(event.props.get(self.spec.held)) if self.spec.held else ""
            of[self.world.person(event), held].append(event)
        found = []
        for (person, _), events in of.items():
            waiting: list[Event] = []
            for event in sorted(events, key=self._order):
                if event in self.ends:
                    near = [start for start in waiting if event.at - start.at <= self.spec.longest.length]
                    if near:
                        start = near[-1 if self.spec.begins == "last" else 0]
                        value = self.values[(start if self.spec.value_of == "start" else event).key]
                        found.append(Interval(person, start, event, value))
                    waiting = []
                if event in self.starts:
                    waiting.append(event)
        return found

    def _order(self, event: Event) -> tuple[datetime, int, bytes]:
        """At the same instant: what only starts, what does both, what only ends; then by the value that a breakdown may take."""
        kind = 0 if event not in self.ends else 1 if event in self.starts else 2
        return event.at, kind, self.values[event.key].encode()

    def day(self, one: Interval) -> date:
        return self.world.day(one.start if self.spec.day == "start" else one.end)

    def sides(self) -> list[list[Interval]]:
        """The intervals on the side asked about, and on the other one."""
        now = [one for one in self.intervals if self.period.since <= self.day(one) <= self.period.until]
        if isinstance(self.spec.compare, Groups):
            fans = [one for one in now if self.world.holds(self.world.segments["fans"], one.start)]
            return [fans, {"*": now, "!": [one for one in now if one not in fans]}[self.spec.compare.against]]
        other = baseline(self.spec.compare, self.period, self.scope)
        return [now, [one for one in self.intervals if other and self._before(other, one)]]

    def _before(self, other: Baseline, one: Interval) -> bool:
        counted = one.start if self.spec.day == "start" else one.end
        if not (other.period.since <= self.day(one) <= other.period.until and counted.at < other.until):
            return False
        now, end = self.scope.now.astimezone(UTC), self.period.end.astimezone(UTC)
        if self.spec.day == "end" or now >= end + self.spec.longest.length:
            return True
        return one.end.at < other.until.astimezone(UTC) + max(timedelta(), now - end)

    def buckets(self, side: int, some: Sequence[Interval]) -> list[list[Interval]]:
        """Those that are shown in each bucket of the period."""
        other = baseline(self.spec.compare, self.period, self.scope) if side else None
        found: dict[date, list[Interval]] = defaultdict(list)
        for one in some:
            on: date | None = self.day(one)
            if other is not None and on is not None:
                on = _same_month(other, on) if other.months and self.spec.unit == "month" else other.laid(on)
            if on is not None:
                first = {"day": on, "week": on - timedelta(days=on.weekday()), "month": on.replace(day=1)}[self.spec.unit]
                found[first].append(one)
        return [found[start.date()] for start in self.period.buckets(self.spec.unit)]

    def parts(self, sides: Sequence[Sequence[Interval]]) -> list[list[list[Interval]]]:
        """The intervals of each value on both sides, most first, and of all other values together."""
        if not self.spec.breakdown:
            return []
        values: dict[str, list[list[Interval]]] = {}
        for side, some in enumerate(sides):
            for one in some:
                values.setdefault(one.value, [[], []])[side].append(one)
        ranked = sorted(values, key=lambda told: (-len(values[told][0]), told.encode()))
        rest = [[one for told in ranked[self.spec.top :] for one in values[told][side]] for side in (0, 1)]
        return [values[told] for told in ranked[: self.spec.top]] + ([rest] if rest[0] or rest[1] else [])


def _same_month(other: Baseline, on: date) -> date:
    month = on.year * 12 + on.month - 1 + other.months
    return date(month // 12, month % 12 + 1, 1)
