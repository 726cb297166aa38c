"""Distributions in slow and obvious Python over a world."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from bihuan.analyse.distribution.spec import OF_EVENTS, DistributionSpec
from bihuan.engine.compare import Groups, baseline
from bihuan.engine.question import Scope
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, number, text

Some = Sequence[Event]
Number = tuple[int, float | str]  # of whom, and the number or text


class Reference:
    """What `spec` answers of `world`."""

    def __init__(self, world: World, spec: DistributionSpec, scope: Scope) -> None:
        self.world, self.spec, self.scope = world, spec, scope
        self.period = scope.period(spec.period)
        self.other = baseline(spec.compare, self.period, scope)
        self.sides = self._sides()
        self.among = list({event.key: event for events in self.sides for event in events}.values())

    def counts(self, event: Event) -> bool:
        return self.world.chosen(self.spec.counted.choices, event)

    def _sides(self) -> list[list[Event]]:
        """The events that are looked at on the side asked about, and on the other one."""
        world, spec = self.world, self.spec
        mine = [
            event
            for event in world.events
            if (world.person(event) or spec.measure in OF_EVENTS)
            and (spec.among == "active" or self.counts(event))
            and world.holds(spec.filter, event)
        ]
        now = [event for event in mine if self.period.since <= world.day(event) <= self.period.until]
        if isinstance(spec.compare, Groups):
            fans = [event for event in now if world.holds(world.segments["fans"], event)]
            return [fans, {"*": now, "!": [event for event in now if event not in fans]}[spec.compare.against]]
        other = self.other
        if other is None:
            return [now, []]
        before = [event for event in mine if other.period.since <= world.day(event) <= other.period.until and event.at < other.until]
        return [now, [event for event in before if self.bucket(1, event) is not None]]

    def bucket(self, side: int, event: Event) -> date | None:
        """The first day of what it is shown in; None when it has no place there."""
        unit, on = self.spec.unit, self.world.day(event)
        if unit == "period":
            return date.min
        if side and self.other:
            if self.other.months and unit == "month":
                month = on.year * 12 + on.month - 1 + self.other.months
                return date(month // 12, month % 12 + 1, 1)
            laid = self.other.laid(on)
            if laid is None:
                return None
            on = laid
        return {"day": on, "week": on - timedelta(days=on.weekday()), "month": on.replace(day=1)}[unit]

    def numbers(self, side: int, events: Some) -> dict[date, list[Number]]:
        """The numbers of each bucket."""
        found: dict[date, list[Number]] = defaultdict(list)
        if self.spec.measure in OF_EVENTS:
            for event in events:
                value = event.props.get(self.spec.property or "")
                told = text(value) if self.spec.measure == "text" else number(value)
                if told is not None:
                    found[self._first(side, event)].append((self.world.person(event), told))
            return found
        of: dict[tuple[date, int], list[Event]] = defaultdict(list)
        for event in events:
            of[self._first(side, event), self.world.person(event)].append(event)
        for (bucket, person), some in of.items():
            measured = self.measured([event for event in some if self.counts(event)])
            if measured is not None:
                found[bucket].append((person, measured))
        return found

    def _first(self, side: int, event: Event) -> date:
        first = self.bucket(side, event)
        assert first is not None
        return first

    def measured(self, events: Some) -> float | None:
        """Of one person."""
        world, name = self.world, self.spec.property or ""
        values = [value for value in (number(event.props.get(name)) for event in events) if value is not None]
        match self.spec.measure:
            case "events":
                return len(events)
            case "days":
                return len({world.day(event) for event in events})
            case "hours":
                return len({(world.day(event), world.local(event).hour) for event in events})
            case "sum":
                return round(math.fsum(values), 6)
            case "average":
                return round(math.fsum(values) / len(values), 6) if values else None
            case "min":
                return min(values, default=None)
            case "max":
                return max(values, default=None)
            case "distinct":
                return len({text(event.props.get(name)) for event in events} - {""})
        raise AssertionError(self.spec.measure)

    def parts(self) -> list[list[list[Event]]]:
        """The events of each value on both sides, most people (events) first, and of all other values together."""
        if not self.spec.breakdown:
            return []
        values: dict[str, list[list[Event]]] = {}
        for side, events in enumerate(self.sides):
            for event in events:
                value = broken_down.part(self.world, self.spec.breakdown, event, self.among)
                values.setdefault(value, [[], []])[side].append(event)

        def size(value: str) -> int:
            mine = values[value][0]
            return len({self.world.person(event) for event in mine}) if self.spec.measure not in OF_EVENTS else len(mine)

        ranked = sorted(values, key=lambda value: (-size(value), value.encode()))
        rest = [[event for value in ranked[self.spec.top :] for event in values[value][side]] for side in (0, 1)]
        return [values[value] for value in ranked[: self.spec.top]] + ([rest] if rest[0] or rest[1] else [])

    def texts(self) -> list[str]:
        """All texts, the most frequent first."""
        counts: dict[str, int] = defaultdict(int)
        for side, events in enumerate(self.sides):
            for event in events:
                counts[text(event.props.get(self.spec.property or ""))] += side == 0
        return sorted(counts, key=lambda one: (-counts[one], one.encode()))


def pooled(numbers: Mapping[date, Sequence[Number]]) -> list[Number]:
    return [one for some in numbers.values() for one in some]
