"""What composition means, in slow and obvious Python over a world, where everybody has an id."""

from __future__ import annotations

import copy
import itertools
import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.analyse.composition.spec import By, ByDate, ByElement, CompositionSpec, Who
from bihuan.engine.breakdowns import BySegment
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.tests import broken_down, worlds
from bihuan.engine.tests.worlds import PEOPLE, Event, World, load, milliseconds, moment, number, text

IDS = {
    "project_id": "UInt32",
    "id_type": "LowCardinality(String)",
    "id": "String",
    "person_id": "UInt32",
    "first_seen": "DateTime64(3, 'UTC')",
}


def load_with_ids(store: Store, *several: World) -> list[tuple[Scope, tuple[int, ...]]]:
    """`load`, and an id for each of the world's people; with each scope the numbers of the world's people."""
    ahead = copy.copy(worlds._numbers)
    numbers = [ahead.of(world) for world in several]
    scopes = load(store, *several)
    rows = [
        (scope.project_id, "user", f"u{person}", its[person], worlds.event_time(world))
        for scope, its, world in zip(scopes, numbers, several, strict=True)
        for person in range(1, PEOPLE + 1)
    ]
    store.insert("person_ids", list(IDS), [list(column) for column in zip(*rows, strict=True)], list(IDS.values()))
    return list(zip(scopes, numbers, strict=True))


def everybody(world: World) -> set[int]:
    return {world.links.get(person, person) for person in range(1, PEOPLE + 1)}


def who(world: World, asked: Who, period: Period) -> set[int]:
    found = everybody(world)
    if asked.did is not None:
        did = [one for one in world.events if period.since <= world.day(one) <= period.until and world.chosen(asked.did.choices, one)]
        found &= {world.person(one) for one in did}
    if asked.segment is not None:
        found = {person for person in found if world.holds(world.segments[asked.segment], doing(world, person))}
    return {person for person in found if world.holds(asked.filter, doing(world, person))}


def doing(world: World, person: int) -> Event:
    """An event of a person, so that conditions on people can be asked."""
    return Event(person, "", world.now, {}, 0)


def at_the_time(world: World, spec: CompositionSpec, period: Period) -> World:
    """The world with what was known of people by then."""
    if spec.as_of == "now":
        return world
    return replace(world, traits=tuple(one for one in world.traits if abs(one.rank) < milliseconds(period.end)))


def values(world: World, one: By, person: int) -> list[str]:
    """The values that a person has of a property."""
    match one:
        case ByDate():
            at = moment(world.trait(person, one.date), world.zone)
            return [
                ""
                if at is None
                else f"{at.astimezone(ZoneInfo(world.zone)):{ {'day': '%Y-%m-%d', 'month': '%Y-%m', 'year': '%Y'}[one.unit] }}"
            ]
        case ByElement():
            return elements(world.trait(person, one.elements))
    return [broken_down.value(world, one, doing(world, person), ())]


def elements(value: Any) -> list[str]:
    told = text(value)
    if not told.startswith("["):
        return [told]
    return list(dict.fromkeys(filter(None, map(text, json.loads(told))))) or [""]


@dataclass
class Counted:
    """Who is in a part: of those asked about and of the base."""

    target: set[int]
    base: set[int]


def parts(world: World, spec: CompositionSpec, scope: Scope) -> tuple[dict[tuple[str, ...], Counted], list[int], set[int], set[int]]:
    """Who is in each part, how many values of each property are not shown alone, and who is asked about and beside them."""
    period = scope.period(spec.period)
    target, base = who(world, spec.who, period), who(world, spec.base, period)
    then = at_the_time(world, spec, period)
    has = {person: [values(world if isinstance(one, BySegment) else then, one, person) for one in spec.by] for person in target | base}
    top, hidden = [], []
    for place in range(len(spec.by)):
        sizes = Counter(value for person in target for value in has[person][place] if value)
        top.append(sorted(sizes, key=lambda value: (-sizes[value], value))[: spec.top])
        hidden.append(len(sizes) - len(top[-1]))
    found: dict[tuple[str, ...], Counted] = {}
    for person, each in has.items():
        for combination in itertools.product(*each):
            shown = tuple(f"={v}" if not v or v in top[place] else "*" for place, v in enumerate(combination))
            part = found.setdefault(shown, Counted(set(), set()))
            (part.target if person in target else set()).add(person)
            (part.base if person in base else set()).add(person)
    return found, hidden, target, base


def measured(world: World, spec: CompositionSpec, scope: Scope, people: set[int]) -> float | None:
    assert spec.value is not None
    then = at_the_time(world, spec, scope.period(spec.period))
    numbers = [told for person in people if (told := number(then.trait(person, spec.value))) is not None]
    if not numbers:
        return None
    return {"sum": sum, "avg": statistics.fmean, "median": statistics.median}[spec.measure](numbers)  # type: ignore[operator,no-any-return]


# --- All properties ---------------------------------------------------------------------------------------------------------------------

Scanned = dict[str, tuple[str, dict[str, tuple[int, int]], int, int]]


def scanned(world: World, spec: CompositionSpec, scope: Scope) -> Scanned:
    """Of each property its kind, how many people have each shown value, and how many have it at all."""
    period = scope.period(spec.period)
    target, base = who(world, spec.who, period), who(world, spec.base, period)
    then = at_the_time(world, spec, period)
    found: Scanned = {}
    for name in {one.name for one in world.traits}:
        has = {person: text(then.trait(person, name)) for person in target | base}
        has = {person: told for person, told in has.items() if told not in ("", "[]", '[""]')}
        if not has:
            continue
        kind = kind_of(list(has.values()), spec.top, world.zone)
        groups = {person: groups_of(told, kind, list(has.values()), world.zone) for person, told in has.items()} if kind != "unique" else {}
        sizes = Counter(value for each in groups.values() for value in each)
        top = set(sorted(sizes, key=lambda value: (-sizes[value], value))[: spec.top])
        shown: dict[str, tuple[int, int]] = {}
        for person, each in groups.items():
            for value in each:
                key = f"={value}" if value in top else "*"
                mine, theirs = shown.get(key, (0, 0))
                shown[key] = (mine + (person in target), theirs + (person in base))
        if kind == "list":
            shown.pop("*", None)
        holders = len(has.keys() & target), len(has.keys() & base)
        without = len(target) - holders[0], len(base) - holders[1]
        if any(without) and kind != "unique":
            shown["="] = without
        found[name] = (kind, shown, *holders)
    return found


def kind_of(told: Sequence[str], top: int, zone: str) -> str:
    if any(value.startswith("[") for value in told):
        return "list"
    if all(number(value) is None and moment(value, zone) is not None for value in told):
        return "time"
    each_another = len(set(told)) * 2 > len(told) >= 20
    digits = all(value.isdecimal() and len(value) >= 8 for value in told)
    if all(number(value) is not None for value in told) and len(set(told)) > top and not (digits and each_another):
        return "number"
    return "unique" if each_another else "text"


def groups_of(told: str, kind: str, every: Sequence[str], zone: str) -> list[str]:
    if kind == "list":
        return [one for one in elements(json.loads(told) if told.startswith("[") else told) if one]
    if kind == "time":
        at = moment(told, zone)
        assert at is not None
        return [f"{at.astimezone(ZoneInfo(zone)):%Y-%m}"]
    if kind != "number":
        return [told]
    ordered = sorted(float(value) for value in every)
    cuts = sorted({ordered[math.ceil(level * len(ordered)) - 1] for level in (0.25, 0.5, 0.75)})
    mine = float(told)
    below, above = [cut for cut in cuts if cut <= mine], [cut for cut in cuts if cut > mine]
    return [f"{f'[{below[-1]:g}' if below else '(-∞'}, {f'{above[0]:g}' if above else '∞'})"]


def instant(day: date, zone: str) -> datetime:
    """Quarter by quarter, the first of the day."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(ZoneInfo(zone)).date() < day:
        at += timedelta(minutes=15)
    return at


def days_later(world: World, days: int) -> Mapping[str, str]:
    """A period that ended so many days ago."""
    until = world.today - timedelta(days=days)
    return {"since": str(until - timedelta(days=9)), "until": str(until)}
