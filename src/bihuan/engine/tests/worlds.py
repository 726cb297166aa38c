"""Random small worlds for tests: events, people, links, properties and filters, put into the store and understood in plain Python.

A test draws a `World`, calls `load` to put it (or many of them, at the price of one insert) into the store as a project of its
own, asks a question about it and compares the answer with what slow and obvious Python says of `world.events`. People have small
numbers in a world (0: nobody); `load` gives them numbers of their own in the store, so that worlds never meet.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from bihuan.engine.filters import EVERYTHING, All, Did, EventChoice, EventProperty, Filter, InSegment, Not, Op, PersonProperty
from bihuan.engine.filters import Any as AnyOf
from bihuan.engine.person_map import read_all, read_recent
from bihuan.engine.question import Scope
from bihuan.engine.rollup import roll, settle
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS
from bihuan.engine.store import Store

# Each zone with an instant "now" whose days before hold what is special about the zone.
PLACES = (
    ("Asia/Shanghai", "2026-03-15T12:00"),  # no change of clocks
    ("America/New_York", "2026-03-10T09:30"),  # a day of 23 hours on 8 March
    ("Europe/Berlin", "2025-10-28T23:15"),  # a day of 25 hours on 26 October
    ("Asia/Kolkata", "2024-03-02T00:10"),  # half an hour off, and a leap day
    ("America/Sao_Paulo", "2018-11-06T18:00"),  # no midnight on 4 November
    ("Australia/Lord_Howe", "2026-04-07T12:00"),  # clocks go back by half an hour on 5 April
    ("UTC", "2026-01-04T12:00"),  # across a year's end
)
NAMES = ("a", "b", "c", "d")
PEOPLE = 6

_projects = itertools.count(3_000_000_000)


@dataclass
class Numbers:
    """Gives the people of each world numbers of their own: dense, as the collector gives them, and two by two with the same last 8 bits,
    so that they share heaps (`analyse.heaps`)."""

    block: int = 3_000_000  # 512 numbers, for 31 worlds of up to 16 people or a part of a larger one
    place: int = 0

    def of(self, world: World) -> tuple[int, ...]:
        """Those of a world's people, behind a 0 for nobody."""
        highest = max([PEOPLE, *(event.person for event in world.events), *(trait.person for trait in world.traits)])
        small = highest <= 16
        if not small or self.place == 31:
            self.block, self.place = self.block + 512, 0
        first = self.block + self.place * 8
        self.place += 1
        if not small:
            self.block, self.place = self.block + 512 * (highest // 512 + 1), 0
        people = range(max(highest, 16))
        return (0, *(first + each // 512 * 512 + each % 2 * 256 + each % 512 // 2 for each in people))


_numbers = Numbers()


@dataclass(frozen=True)
class Event:
    """Something that happened: `person` as the event came (before links), `at` aware, `key` unique in the world; from the `source`
    "ledger" is what Bihuan did itself."""

    person: int
    name: str
    at: datetime
    props: Mapping[str, Any]
    key: int
    source: str = "test"


@dataclass(frozen=True)
class Trait:
    """A property of a person as it was set at the millisecond `rank` (negative when `once`: only if nothing was set before). Of two, the
    one not `once` holds, then the one of greater `rank`."""

    person: int
    name: str
    value: Any
    once: bool
    rank: int


@dataclass(frozen=True)
class World:
    """A project. `links` maps a person's number to the person it belongs to (never to a number that is itself linked)."""

    zone: str
    now: datetime
    events: tuple[Event, ...]
    links: Mapping[int, int] = field(default_factory=dict)
    traits: tuple[Trait, ...] = ()
    segments: Mapping[str, Filter] = field(default_factory=dict)

    def person(self, event: Event) -> int:
        """The person behind an event after all links; 0 is nobody."""
        return self.links.get(event.person, event.person)

    def local(self, event: Event) -> datetime:
        """When it happened, on the project's clock."""
        return event.at.astimezone(ZoneInfo(self.zone))

    def day(self, event: Event) -> date:
        return self.local(event).date()

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def trait(self, person: int, name: str, at: datetime | None = None) -> Any:
        """The person's present property, or the one at the instant `at`; None when it is not set."""
        rows = [t for t in self.traits if t.name == name and self.links.get(t.person, t.person) == person]
        if at is not None:
            rows = [t for t in rows if abs(t.rank) <= milliseconds(at)]
        return max(rows, key=lambda t: (not t.once, t.rank)).value if rows else None

    def holds(self, tree: Filter, event: Event) -> bool:
        """Whether a filter is true of an event."""
        match tree:
            case EventProperty():
                return self.compares(event.props.get(tree.property), tree.op, tree.values)
            case PersonProperty():
                person = self.person(event)
                value = self.trait(person, tree.person, event.at if tree.as_of == "event" else None) if person else None
                return self.compares(value, tree.op, tree.values)
            case Did():
                return self.person(event) != 0 and self._did(tree, self.person(event))
            case InSegment():
                return self.holds(self.segments[tree.segment], event)
            case All():
                return all(self.holds(part, event) for part in tree.all)
            case AnyOf():
                return any(self.holds(part, event) for part in tree.any)
            case Not():
                return not self.holds(tree.negated, event)
        raise TypeError(tree)

    def compares(self, value: Any, op: str, values: Sequence[Any]) -> bool:
        """What a condition on a property means (see `conditions.compare`)."""
        if op.startswith("not_") or op == "is_not":
            return not self.compares(value, "is" if op == "is_not" else op.removeprefix("not_"), values)
        if op in ("before", "after", "in_last", "older"):
            return self._compares_times(value, op, values)
        if op == "set":
            return text(value) != ""
        if op in ("is_true", "is_false"):
            return text(value).lower() in (("true", "yes", "1") if op == "is_true" else ("false", "no", "0"))
        if op == "is":
            return any(number(value) == v if type(v) in (int, float) else text(value) == text(v) for v in values)
        if op == "contains":
            return any(text(v).lower() in text(value).lower() for v in values)
        if op == "matches":
            return any(re.search(v, text(value)) is not None for v in values)
        if op == "has":
            return isinstance(value, list) and any(text(v) in map(text, value) for v in values)
        if op == "between" and all(re.fullmatch(r"\d{4}-\d\d-\d\d", text(v)) for v in values):
            return not (self._compares_times(value, "before", values) or self._compares_times(value, "after", values[1:])) and (
                moment(value, self.zone) is not None
            )
        mine, other = number(value), float(values[0])
        if op == "between":
            return mine is not None and other <= mine <= float(values[1])
        return mine is not None and {"gt": mine > other, "ge": mine >= other, "lt": mine < other, "le": mine <= other}[op]

    def _compares_times(self, value: Any, op: str, values: Sequence[Any]) -> bool:
        """By the day on the project's clock where a day, or a number of days, is given."""
        mine = moment(value, self.zone)
        if mine is None:
            return False
        day = mine.astimezone(ZoneInfo(self.zone)).date()
        if op in ("in_last", "older"):
            ago = (self.today - day).days
            return bool(0 <= ago < values[0]) if op == "in_last" else bool(ago >= values[0])
        if re.fullmatch(r"\d{4}-\d\d-\d\d", values[0]):
            given = date.fromisoformat(values[0])
            return day < given if op == "before" else day > given
        other = moment(values[0], self.zone)
        assert other is not None
        return mine < other if op == "before" else mine > other

    def chosen(self, choices: Iterable[EventChoice], event: Event) -> bool:
        """Whether the event is one of the chosen; "*" is any that came from outside."""
        names = (event.name,) if event.source == "ledger" else ("*", event.name)
        return any(choice.event in names and self.holds(choice.filter or EVERYTHING, event) for choice in choices)

    def _did(self, tree: Did, person: int) -> bool:
        times = 0
        choices = (EventChoice(event=tree.did, filter=tree.where), *tree.also)
        for event in self.events:
            recent = 0 <= (self.today - self.day(event)).days < tree.days
            times += recent and self.person(event) == person and self.chosen(choices, event)
        return {"ge": times >= tree.times, "le": times <= tree.times, "eq": times == tree.times}[tree.op]


def text(value: Any) -> str:
    """A property's value as text: '' when there is none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def number(value: Any) -> float | None:
    """A property's value as a number: numbers, and texts that are one."""
    return float(text(value)) if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text(value)) else None


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment(value: Any, zone: str) -> datetime | None:
    """A property's value as a time: a day or an instant as text, or seconds or milliseconds since 1970."""
    told = number(value)
    if told is not None and 1e8 <= told < 1e14:
        return datetime.fromtimestamp(told / (1000 if told >= 1e11 else 1), UTC)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text(value)):
        return datetime.fromisoformat(text(value)).replace(tzinfo=ZoneInfo(zone))
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:?\d\d)?", text(value)):
        at = datetime.fromisoformat(text(value))
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
    return None


OPS: tuple[Op, ...] = get_args(Op)
VALUES: Mapping[str, tuple[Any, ...]] = {
    "plan": ("free", "pro", "Pro", "专业版", "quo\"te's \\", "", None),
    "n": (0, 1, 2, 2.5, -3, "2", "2.5", "two", True, None, 1000),
    "country": ("CN", "DE", ""),
    "revenue": (0.1, 0.2, 19.99, 0, None),
    "referrer": ("https://www.baidu.com/s?wd=茶", "https://shop.example/cart", "https://weibo.com/u/1", "https://blog.example/"),
    "host": ("shop.example", "www.shop.example:8000"),
    "utm_source": ("douyin", "google", "letter"),
    "utm_medium": ("cpc", "email"),
    "tags": (["a", "x b"], ["a", 2, 2.5, True], [], ["2"], "a", None),
    "due": (
        "2026-03-08",
        "2026-03-10T09:30:00",
        "2025-10-26 01:30:00Z",
        "2024-03-01T23:59:59.250+05:30",
        1_773_000_000,
        1_773_000_000_000,
        "soon",
    ),
}
TRAITS: Mapping[str, tuple[Any, ...]] = {
    "vip": (True, False, None),
    "city": ("上海", "Köln", ""),
    "age": (17, 18, "18", 41.5, None),
    "member": ("yes", 1, 0, "No", "2026-03-08"),
}


@st.composite
def worlds(draw: st.DrawFn, *, days: int = 16, max_events: int = 40, names: Sequence[str] = NAMES) -> World:
    """A world whose events lie in the `days` days up to today: with ties, with events of nobody, and with merged people."""
    zone, clock = draw(st.sampled_from(PLACES))
    now = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone))
    begin = (now - timedelta(days=days - 1)).replace(hour=0, minute=0).astimezone(UTC)
    quarters = st.integers(0, days * 96 - 1)
    slips = st.sampled_from((0, 0, 0, -1, 1, 61_001))
    instant = st.builds(lambda quarter, slip: begin + timedelta(minutes=15 * quarter, milliseconds=slip), quarters, slips)
    some = draw(st.lists(instant, min_size=1, max_size=max_events // 2 + 1))  # drawn from again and again: ties
    one = st.tuples(st.integers(0, PEOPLE), st.sampled_from(tuple(names)), st.one_of(st.sampled_from(some), instant), props())
    drawn = draw(st.lists(one, max_size=max_events))
    events = tuple(Event(person, name, at, values, key) for key, (person, name, at, values) in enumerate(drawn, 1))
    return World(zone, now, events, draw(links()), draw(traits(instant)), draw(segments()))


def segments() -> st.SearchStrategy[dict[str, Filter]]:
    """Saved trees; "fans" and "rest" are about people, as all that are saved by users."""
    fans = filters(people=True)
    return st.fixed_dictionaries({"some": filters(), "same": st.just(InSegment(segment="some")), "fans": fans, "rest": fans.map(_not)})


def _not(tree: Filter) -> Filter:
    return Not(negated=tree)


def props() -> st.SearchStrategy[dict[str, Any]]:
    """An event's properties; any of them may be missing."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()})


@st.composite
def links(draw: st.DrawFn) -> dict[int, int]:
    """Some people are others."""
    canonical = draw(st.lists(st.integers(1, PEOPLE), min_size=1, max_size=3, unique=True))
    merged = st.sampled_from([number for number in range(1, PEOPLE + 1) if number not in canonical])
    return draw(st.dictionaries(merged, st.sampled_from(canonical), max_size=3))


@st.composite
def traits(draw: st.DrawFn, instant: st.SearchStrategy[datetime]) -> tuple[Trait, ...]:
    """What was told of people, each at an instant of its own; some of them are those of events."""
    one = st.sampled_from([(name, value) for name, values in TRAITS.items() for value in values])
    drawn = draw(st.lists(st.tuples(st.integers(1, PEOPLE), one, st.booleans(), instant), max_size=12, unique_by=lambda row: row[3]))
    return tuple(
        Trait(person, name, value, once, -milliseconds(at) if once else milliseconds(at)) for person, (name, value), once, at in drawn
    )


def filters(*, segments: Sequence[str] = (), names: Sequence[str] = NAMES, people: bool = False) -> st.SearchStrategy[Filter]:
    """Filter trees of every kind of condition, or only those about `people`; pass the keys of the world's segments to use them."""
    where = _conditions("property", VALUES).map(lambda fields: EventProperty(**fields))
    leaves: list[st.SearchStrategy[Any]] = [
        _conditions("person", TRAITS, as_of=("now",) if people else ("now", "event")).map(lambda fields: PersonProperty(**fields)),
        did(names, st.none() | where),
    ]
    if not people:
        leaves.append(where)
    if segments:
        leaves.append(st.sampled_from(tuple(segments)).map(lambda key: InSegment(segment=key)))
    return st.recursive(
        st.one_of(*leaves),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: All(all=tuple(parts))),
            st.lists(inner, max_size=3).map(lambda parts: AnyOf(any=tuple(parts))),
            inner.map(lambda part: Not(negated=part)),
        ),
        max_leaves=4,
    )


@st.composite
def _conditions(draw: st.DrawFn, field_name: str, known: Mapping[str, Sequence[Any]], as_of: Sequence[str] = ()) -> dict[str, Any]:
    name = draw(st.sampled_from((*known, "missing")))
    op = draw(st.sampled_from(OPS))
    if op in ("gt", "ge", "lt", "le"):
        values: Any = [draw(st.sampled_from((0.0, 2.0, 2.5, 18.0)))]
    elif op == "between":
        values = draw(st.sampled_from(([0.0, 2.0], [2.5, 20.0], [3.0, 1.0], ["2026-03-08", "2026-03-09"], ["2025-10-01", "2026-03-08"])))
    elif op in ("in_last", "older"):
        values = [draw(st.sampled_from((1.0, 2.0, 7.0)))]
    elif op in ("before", "after"):
        values = [draw(st.sampled_from(("2026-03-08", "2025-10-26", "2026-03-10T09:30", "2026-03-08T20:00:00Z")))]
    elif op in ("matches", "not_matches"):
        values = draw(st.lists(st.sampled_from(("^pro", "[0-9]", "版$", "o.e|e+", "^$")), min_size=1, max_size=2))
    elif op in ("has", "not_has"):
        values = draw(st.lists(st.sampled_from(("a", "2", 2.0, 2.5, True, "x b")), min_size=1, max_size=2))
    else:
        given = [value for value in known.get(name, ("x",)) if value is not None and not isinstance(value, list)]
        values = draw(st.lists(st.sampled_from(given), min_size=1, max_size=2))
        values = [value for value in values if value != ""] or ["pro"] if op in ("contains", "not_contains") else values
    when = {"as_of": draw(st.sampled_from(tuple(as_of)))} if as_of else {}
    return {field_name: name, "op": op, "values": tuple(values), **when}


def did(names: Sequence[str], where: st.SearchStrategy[Any]) -> st.SearchStrategy[Did]:
    """What a person did, or did not do often enough."""
    return st.builds(
        Did,
        did=st.sampled_from(tuple(names)),
        op=st.sampled_from(("ge", "le", "eq")),
        times=st.integers(0, 3),
        days=st.sampled_from((1, 3, 30)),
        where=where,
        also=st.just(()) | event_choices(names, where).map(lambda one: (one,)),
    )


def event_choices(names: Sequence[str], conditions: st.SearchStrategy[Any]) -> st.SearchStrategy[EventChoice]:
    """An event to choose, with a condition of its own or none."""
    return st.builds(EventChoice, event=st.sampled_from((*names, "*")), filter=conditions)


def load(store: Store, *several: World, whole: bool = False) -> tuple[Scope, ...]:
    """Put worlds into the store, each as a project of its own; returns the scope of each, in order. One insert for all.

    With `whole` the days of most events are counted, as the writer does with days that are over; which links were there before then, and
    whether the days were settled again, differs from world to world.
    """
    events: list[list[Any]] = []
    linked: list[list[Any]] = []
    set_traits: list[list[Any]] = []
    scopes, numbers = [], []
    for world in several:
        project, people = next(_projects), _numbers.of(world)
        numbers.append(people)
        scopes.append(Scope(project, world.zone, world.now, world.segments))
        events += [_event_row(project, people, world, event) for event in world.events]
        linked += _link_rows(project, people, world, linked_before(world) if whole else world.links, 1)
        set_traits += [
            [project, trait.name, people[trait.person], trait.once, json.dumps(trait.value, ensure_ascii=False), trait.rank]
            for trait in world.traits
        ]
    insert(store, "events", _EVENTS, events)
    insert(store, "traits", _TRAITS, set_traits)
    insert(store, "person_links", LINKS, linked)
    if linked:
        read_all(store)
    if whole:
        _count(store, list(zip(several, scopes, numbers, strict=True)))
    return tuple(scopes)


def linked_before(world: World) -> Mapping[int, int]:
    """The links when a world's days were counted: as they are, none, or others, that were undone since."""
    others = {number: PEOPLE for number in range(1, PEOPLE) if number % 2}
    return (world.links, {}, others, others)[len(world.events) % 4]


def _count(store: Store, several: Sequence[tuple[World, Scope, Sequence[int]]]) -> None:
    """Count most days with the links that there are; then let links be as they are in the worlds, and settle the days of some."""
    newest = int(store.fetch("SELECT max(version) AS version FROM person_links").rows[0]["version"])
    days = {scope.project_id: sorted({day for day in map(world.day, world.events) if day.toordinal() % 4}) for world, scope, _ in several}
    for project, over in days.items():
        roll(store, project, over, 1)
    linked: list[list[Any]] = []
    for world, scope, people in several:
        before, now = linked_before(world), world.links
        everyone = range(1, len(people))
        moved = {before.get(number, number) for number in everyone if before.get(number, number) != now.get(number, number)}
        whom = [number for number in everyone if before.get(number, number) in moved]  # all numbers of each, as the writer does
        linked += _link_rows(scope.project_id, people, world, {number: now.get(number, number) for number in whom}, newest + 1)
    insert(store, "person_links", LINKS, linked)
    if linked:
        read_recent(store)
    for world, scope, _ in several:
        if len(world.events) % 4 == 3:
            settle(store, scope.project_id, days[scope.project_id], 2)


def _link_rows(project: int, people: Sequence[int], world: World, links: Mapping[int, int], version: int) -> list[list[Any]]:
    return [[project, people[number], people[to], event_time(world), version, "test", "test"] for number, to in links.items()]


def event_time(world: World) -> datetime:
    return world.now.astimezone(UTC)


_EVENTS = {
    "project_id": "UInt32",
    "event": "LowCardinality(String)",
    "day": "Date",
    "person_id": "UInt32",
    "ts": "DateTime64(3, 'UTC')",
    "event_key": "UInt64",
    **dict.fromkeys(COLUMNS, "LowCardinality(String)"),
    **dict.fromkeys(NUMBER_COLUMNS, "Nullable(Float64)"),
    "props": "String",
    "source": "LowCardinality(String)",
    "received_at": "DateTime64(3, 'UTC')",
}
_TRAITS = {
    "project_id": "UInt32",
    "name": "LowCardinality(String)",
    "person_id": "UInt32",
    "once": "Bool",
    "value": "String",
    "rank": "Int64",
}
LINKS = {
    "project_id": "UInt32",
    "person_id": "UInt32",
    "canonical": "UInt32",
    "linked_at": "DateTime64(3, 'UTC')",
    "version": "UInt64",
    "why": "LowCardinality(String)",
    "by": "String",
}


def _event_row(project: int, people: Sequence[int], world: World, event: Event) -> list[Any]:
    rest = {name: value for name, value in event.props.items() if name not in COLUMNS and name not in NUMBER_COLUMNS}
    row = [project, event.name, world.day(event), people[event.person], event.at.astimezone(UTC), event.key]
    row += [text(event.props.get(name)) for name in COLUMNS]
    row += [number(event.props.get(name)) for name in NUMBER_COLUMNS]
    return [*row, json.dumps(rest, ensure_ascii=False, separators=(",", ":"), sort_keys=True), event.source, datetime.now(UTC)]


def insert(store: Store, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Put rows into a table; `columns` are its columns with their types."""
    if rows:
        store.insert(table, list(columns), [list(column) for column in zip(*rows, strict=True)], list(columns.values()))
