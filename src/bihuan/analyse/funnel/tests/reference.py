"""What a funnel is, in slow and obvious Python: the definition that the statement is compared with."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property

from bihuan.analyse.funnel.result import Durations, FunnelPart, FunnelStep
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.engine.breakdowns import of_people
from bihuan.engine.periods import Period
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.worlds import Event, World, text

EDGES = [0, 10, 60, 300, 900, 1800, 3600, 7200, 21600, 43200] + [86400 * days for days in (1, 2, 3, 7, 14, 30, 60, 90, 180)]

Pair = tuple[Event, int]  # an event, and as bits the steps that it can serve, then the exclusions that it is


@dataclass(frozen=True)
class Way:
    """`steps` (numbers from 1) with the `times` at which they were done, in order; `open`: more may come; `best` of its person's."""

    person: int
    value: str
    steps: tuple[int, ...]
    times: tuple[datetime, ...]
    open: bool
    best: bool = True

    @property
    def rank(self) -> tuple[int, timedelta]:
        return self.steps[-1], datetime(1970, 1, 1, tzinfo=UTC) - self.times[-1]


class Funnel:
    """What is asked of one world: of those who enter in `period` (None: the spec's), if nothing is known of them from `known` on. The
    quantiles of a breakdown are those of all events `among`."""

    def __init__(self, world: World, spec: FunnelSpec, period: Period | None = None, known: datetime | None = None) -> None:
        self.world, self.spec, self.count = world, spec, len(spec.steps)
        self.period = period or Period.resolve(spec.period, zone=world.zone, now=world.now)
        self.known = known
        self.values: dict[int, str] = {}
        self.beginning: dict[int, bool] = {}
        self.whose: dict[int, list[Event]] = defaultdict(list)
        for event in world.events:
            self.whose[world.person(event)].append(event)

    def serves(self, event: Event, number: int) -> bool:
        return self.world.chosen(self.spec.steps[number - 1].choices, event)

    def begins(self, event: Event) -> bool:
        """Whether a way may begin with the event."""
        if event.key not in self.beginning:
            self.beginning[event.key] = self._begins(event)
        return self.beginning[event.key]

    def _begins(self, event: Event) -> bool:
        if not self.period.since <= self.world.day(event) <= self.period.until or not self.world.holds(self.spec.filter, event):
            return False
        if self.spec.order == "any":
            return any(self.serves(event, number) for number in range(1, self.count + 1))
        if self.spec.first_ever:
            done = [each for each in self.whose[self.world.person(event)] if self.serves(each, 1)]
            if min(done, key=lambda each: (each.at, each.key), default=None) != event:
                return False
        return self.serves(event, 1)

    def bits(self, event: Event) -> int:
        served = [number for number in range(1, self.count + 1) if self.serves(event, number) and (number > 1 or self.begins(event))]
        if self.spec.order == "any":
            served = [number for number in range(1, self.count + 1) if self.serves(event, number)][:1]
        excluded = [place for place, each in enumerate(self.spec.exclusions) if self.world.chosen(each.choices, event)]
        return sum(1 << (number - 1) for number in served) + sum(1 << (self.count + place) for place in excluded)

    def value(self, event: Event) -> str:
        if event.key not in self.values:
            self.values[event.key] = broken_down.part(self.world, self.spec.breakdown, event, self.among)
        return self.values[event.key]

    @cached_property
    def among(self) -> list[Event]:
        """Which a breakdown by quantiles looks at."""
        events = [event for event in self.world.events if self.known is None or event.at < self.known]
        return [event for event in events if self.world.person(event) and self.begins(event)]

    def units(self, person: int) -> Iterator[tuple[str, list[Pair]]]:
        """The sorted events of what is counted of a person, each with the value that is held or had by all."""
        world, spec = self.world, self.spec
        mine = [event for event in self.whose[person] if world.day(event) >= self.period.since]
        mine = [event for event in mine if self.known is None or event.at < self.known]
        pairs = [(event, self.bits(event)) for event in mine if world.holds(spec.filter, event)]
        between = spec.order == "strict" or spec.count == "sessions"  # what is no step matters, too, where it came from outside
        pairs = [pair for pair in pairs if pair[1] or self.begins(pair[0]) or (between and pair[0].source != "ledger")]
        entry = 1 << (self.count + len(spec.exclusions)) if spec.order == "any" else 0

        def order(pair: Pair) -> tuple[datetime, int, int, str]:
            bits = pair[1] + (entry if self.begins(pair[0]) else 0)
            first = (bits & -bits).bit_length() if bits else 31
            return pair[0].at, first, bits, "" if of_people(spec.breakdown) or spec.attribution == "all" else self.value(pair[0])

        pairs.sort(key=order)
        if spec.held:
            found = {text(event.props.get(spec.held)) for event, _ in pairs} - {""}
            for held in sorted(found, key=str.encode):
                same = [pair for pair in pairs if text(pair[0].props.get(spec.held)) == held]
                yield from ((held, unit) for unit in (self.attempts(same) if spec.count == "attempts" else [same]))
        elif spec.attribution == "all" and not of_people(spec.breakdown):
            for value in sorted({self.value(event) for event, _ in pairs}, key=str.encode):
                yield value, [pair for pair in pairs if self.value(pair[0]) == value]
        elif spec.count == "sessions":
            yield from (("", unit) for unit in self.sessions(pairs))
        elif spec.count == "attempts":
            yield from (("", unit) for unit in self.attempts(pairs))
        else:
            yield "", pairs

    def sessions(self, pairs: list[Pair]) -> list[list[Pair]]:
        found: list[list[Pair]] = []
        for place, pair in enumerate(pairs):
            if not place or pair[0].at - pairs[place - 1][0].at > timedelta(minutes=self.spec.session_gap):
                found.append([])
            found[-1].append(pair)
        return found

    def attempts(self, pairs: list[Pair]) -> list[list[Pair]]:
        """From each entry to the next one, which may still be a step of it."""
        starts = [place for place, (_, bits) in enumerate(pairs) if bits & 1]
        found = []
        for start, after in zip(starts, [*starts[1:], None], strict=False):
            more = [] if after is None else [(pairs[after][0], pairs[after][1] - 1)]
            found.append(pairs[start:after] + more)
        return found

    def goes_on(self, pairs: list[Pair], start: int, here: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Where a way that began at the place `start` and is `here` (step, place) may go next."""
        spec, (step, place) = self.spec, here
        between = 0
        for at in range(place + 1, len(pairs)):
            event, bits = pairs[at]
            if event.at - pairs[start][0].at > spec.window.length or (spec.order == "strict" and at > place + 1):
                return
            for number in range(step + 1, self.count + 1):
                within = spec.steps[number - 1].within
                late = within is not None and event.at - pairs[place][0].at > within.length
                excluded = any(
                    between >> (self.count + index) & 1 and each.after < number and step < (each.before or self.count)
                    for index, each in enumerate(spec.exclusions)
                )
                if bits >> (number - 1) & 1 and not late and not excluded:
                    yield number, at
                if not spec.steps[number - 1].optional:
                    break
            between |= bits

    def in_order(self, pairs: list[Pair]) -> list[tuple[int, int]]:
        """The furthest way, the first to end, the last to begin; from the end backwards the latest event, of the highest step."""
        before: dict[tuple[int, int, int], list[tuple[int, int]]] = {}  # (start, step, place): what may come before on a way from start
        heads = [(place, 1, place) for place, (_, bits) in enumerate(pairs) if bits & 1]
        before.update((head, []) for head in heads)
        while heads:
            start, *here = heads.pop()
            for step, place in self.goes_on(pairs, start, (here[0], here[1])):
                if (start, step, place) not in before:
                    before[start, step, place] = []
                    heads.append((start, step, place))
                before[start, step, place].append((here[1], here[0]))
        furthest = max(step for _, step, _ in before)
        finish = min(place for _, step, place in before if step == furthest)
        start = max(start for start, step, place in before if (step, place) == (furthest, finish))
        way = [(furthest, finish)]
        while before[start, *way[0]]:
            place, step = max(before[start, *way[0]])
            way.insert(0, (step, place))
        return way

    def any_order(self, pairs: list[Pair]) -> list[tuple[int, int]]:
        excluding = ((1 << len(self.spec.exclusions)) - 1) << self.count

        def step(place: int) -> int:
            return (pairs[place][1] & ((1 << self.count) - 1)).bit_length()

        best: tuple[int, int, list[int]] | None = None
        for end in range(len(pairs)):
            first = end
            while (
                first
                and pairs[end][0].at - pairs[first - 1][0].at <= self.spec.window.length
                and not (first < end and pairs[first][1] & excluding)
            ):
                first -= 1
            reachable = [place for place in range(first, end + 1) if step(place)]
            entries = [place for place in reachable if self.begins(pairs[place][0])]
            if not entries:
                continue
            latest = {step(place): place for place in reachable} | {step(entries[-1]): entries[-1]}
            if best is None or len(latest) > best[0]:
                best = len(latest), end, sorted(latest.values())
        assert best is not None
        return list(enumerate(best[2], 1))

    def ways(self) -> list[Way]:
        return [way for person in sorted(self.whose.keys() - {0}) for way in self.of(person)]

    def of(self, person: int) -> list[Way]:
        spec, now = self.spec, self.known or self.world.now.replace(second=0, microsecond=0)
        found = []
        for held, pairs in self.units(person):
            entries = [event for event, bits in pairs if (bits & 1 if spec.order != "any" else self.begins(event))]
            if not entries:
                continue
            chain = self.any_order(pairs) if spec.order == "any" else self.in_order(pairs)
            more = entries[-1].at + spec.window.length > now and chain[-1][0] < self.count
            at = {"first": chain[0], "last": chain[-1], "all": chain[0]}.get(str(spec.attribution))
            at = at or next((each for each in chain if each[0] == spec.attribution), None)
            value = self.value(pairs[at[1]][0]) if at else ""
            if of_people(spec.breakdown):
                value = self.value(entries[0])
            found.append((held, Way(person, value, tuple(n for n, _ in chain), tuple(pairs[place][0].at for _, place in chain), more)))
        if spec.count != "people" or len(found) < 2:
            return [way for _, way in found]
        best = max(range(len(found)), key=lambda place: (found[place][1].rank, -place))
        if spec.held:
            return [found[best][1]]
        return [replace(way, best=place == best) for place, (_, way) in enumerate(found)]


def part(spec: FunnelSpec, some: list[Way], value: str | None, other: int = 0) -> FunnelPart:
    counts = [sum(number in way.steps for way in some) for number in range(1, len(spec.steps) + 1)]
    steps = []
    for place, people in enumerate(counts):
        step = spec.steps[place]
        here = [(way, way.steps.index(place + 1)) for way in some if place + 1 in way.steps]
        required = [each for each in range(place) if not spec.steps[each].optional]
        before = counts[required[-1] if required else 0]
        steps.append(
            FunnelStep(
                number=place + 1,
                title=step.title,
                people=people,
                from_start=people / counts[0] if counts[0] else None,
                from_previous=people / before if before else None,
                dropped=before - people,
                since_previous=durations(spec, [way.times[at] - way.times[at - 1] for way, at in here]) if place else None,
                since_start=durations(spec, [way.times[at] - way.times[0] for way, at in here]) if place else None,
                optional=step.optional,
            )
        )
    return FunnelPart(value, other, tuple(steps), sum(way.open for way in some))


def ranked(spec: FunnelSpec, some: list[Way]) -> list[str]:
    entered = Counter(way.value for way in some)
    return sorted(entered, key=lambda value: (-entered[value], value.encode()))


def parts(spec: FunnelSpec, some: list[Way]) -> list[FunnelPart]:
    if not spec.breakdown:
        return []
    first, rest = ranked(spec, some)[: spec.top], ranked(spec, some)[spec.top :]
    found = [part(spec, [way for way in some if way.value == value], value) for value in first]
    return found + ([part(spec, [way for way in some if way.value in rest], None, len(rest))] if rest else [])


def durations(spec: FunnelSpec, taken: list[timedelta]) -> Durations | None:
    if not taken:
        return None
    ordered = sorted(Fraction(each // timedelta(milliseconds=1), 1000) for each in taken)
    bars = [edge for edge in EDGES if edge <= spec.window.length.total_seconds()]
    counted = Counter(bisect_right(bars, each) - 1 for each in ordered)
    p10, p25, median, p75, p90 = (float(quantile(ordered, Fraction(percent, 100))) for percent in (10, 25, 50, 75, 90))
    return Durations(p10, p25, median, p75, p90, tuple(counted[bar] for bar in range(len(bars))))


def quantile(ordered: list[Fraction], level: Fraction) -> Fraction:
    place = level * (len(ordered) - 1)
    below = ordered[int(place)]
    above = ordered[min(int(place) + 1, len(ordered) - 1)]
    return below + (above - below) * (place - int(place))
