"""Sessions in slow and obvious Python over a world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from bihuan.analyse.sessions.result import Measures, Sure
from bihuan.analyse.sessions.spec import SessionsSpec
from bihuan.analyse.tests.visiting import visits_between
from bihuan.engine.compare import Groups, baseline
from bihuan.engine.filters import EventChoice
from bihuan.engine.meta import Interval
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, text

Visit = tuple[int, list[Event]]


@dataclass(frozen=True)
class Session:
    """`day` is the first of the bucket that it is shown in; None where there is no such day."""

    person: int
    day: date | None
    milliseconds: int
    depth: int
    bounced: bool
    value: str
    entry: str
    exit: str


class Reference:
    """What `spec` answers of `world`: the sessions on both `sides`."""

    def __init__(self, world: World, spec: SessionsSpec, scope: Scope) -> None:
        self.world, self.spec, self.scope = world, spec, scope
        self.period = scope.period(spec.period)
        self.other = baseline(spec.compare, self.period, scope)
        self.among = [
            event
            for event in world.events
            if self.period.since <= world.day(event) <= self.period.until and world.person(event) and self.counted(event)
        ]
        self.sides = [[self.told(visit, side) for visit in visits] for side, visits in enumerate(self.visits())]

    def counted(self, event: Event) -> bool:
        choices = self.spec.events or (EventChoice(event="*"),)
        return self.world.chosen(choices, event) and self.world.holds(self.spec.filter, event)

    def visits(self) -> tuple[Sequence[Visit], Sequence[Visit]]:
        now = self.begun_in(self.period)
        if isinstance(self.spec.compare, Groups):
            fans = [visit for visit in now if self.world.holds(self.world.segments["fans"], visit[1][0])]
            return fans, {"*": now, "!": [visit for visit in now if visit not in fans]}[self.spec.compare.against]
        if self.other is None:
            return now, []
        begun = [visit for visit in self.begun_in(self.other.period) if visit[1][0].at < self.other.until]
        known = self.known_until()
        return now, [(person, [event for event in events if known is None or event.at < known]) for person, events in begun]

    def begun_in(self, period: Period) -> list[Visit]:
        return visits_between(self.world, self.counted, self.spec.gap, period.since, period.until)

    def known_until(self) -> datetime | None:
        """While sessions of this period may go on, those of the other one are known as far: as long after its end, or up to the same time
        of the clock."""
        assert self.other is not None
        minute = self.scope.now.astimezone(UTC).replace(second=0, microsecond=0)
        end, followed = (self.period.extended(after=days).end.astimezone(UTC) for days in (0, 1))
        if minute >= followed:
            return None
        return self.other.until.astimezone(UTC) + max(minute - end, timedelta())

    def told(self, visit: Visit, side: int) -> Session:
        person, events = visit
        first, last = events[0], events[-1]
        length = (last.at - first.at) // timedelta(milliseconds=1)
        seconds = self.spec.bounce_seconds
        return Session(
            person=person,
            day=self.bucket(first, side),
            milliseconds=length,
            depth=len(events),
            bounced=len(events) == 1 or (seconds is not None and length < seconds * 1000),
            value=broken_down.part(self.world, self.spec.breakdown, first, self.among),
            entry=self.node(first),
            exit=self.node(last),
        )

    def node(self, event: Event) -> str:
        return (text(event.props.get(self.spec.by)) if self.spec.by else "") or event.name

    def bucket(self, first: Event, side: int) -> date | None:
        on: date | None = self.world.day(first)
        if side and self.other is not None and on is not None:
            months = self.other.months
            if months and self.spec.unit == "month":
                month = on.year * 12 + on.month - 1 + months
                on = date(month // 12, month % 12 + 1, 1)
            else:
                on = self.other.laid(on)
        return None if on is None else bucket_day(on, self.spec.unit)


def quantile(numbers: Sequence[int], share: float) -> float:
    at = share * (len(numbers) - 1)
    below = int(at)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (numbers[above] - numbers[below]) * (at - below)


def estimated(whose: Sequence[tuple[int, int]], sample: float) -> Interval:
    """Where the sum of everybody's numbers lies, of which `whose` has those of the sample with their persons."""
    each = {person: sum(number for one, number in whose if one == person) for person, _ in whose}
    error = 1.959963984540054 * ((1 - sample) * sum(number**2 for number in each.values())) ** 0.5 / sample
    total = sum(each.values())
    return Interval(max(total / sample - error, total), total / sample + error)


def measures(found: Sequence[Session], sample: float | None = None) -> Measures:
    if not found:
        return Measures()
    if sample is not None:
        alone = measures(found)
        people = sorted({one.person for one in found})
        counts = {name: round(getattr(alone, name) / sample) for name in ("sessions", "people", "events", "bounces")}
        between = Sure(
            estimated([(one.person, 1) for one in found], sample),
            estimated([(person, 1) for person in people], sample),
            estimated([(one.person, one.depth) for one in found], sample),
            estimated([(one.person, int(one.bounced)) for one in found], sample),
        )
        return replace(alone, **counts, sure=between)
    lengths = sorted(one.milliseconds for one in found)
    return Measures(
        sessions=len(found),
        people=len({one.person for one in found}),
        events=sum(one.depth for one in found),
        bounces=sum(one.bounced for one in found),
        median=quantile(lengths, 0.5) / 1000,
        p90=quantile(lengths, 0.9) / 1000,
        mean=sum(lengths) / len(lengths) / 1000,
        each=len(found) / len({one.person for one in found}),
        depth=sum(one.depth for one in found) / len(found),
        bounce=sum(one.bounced for one in found) / len(found),
    )
