"""What a visit is, in slow and obvious Python over a world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta

from bihuan.engine.periods import Last
from bihuan.engine.tests.worlds import Event, World


def visits(world: World, chosen: Callable[[Event], bool], minutes: int, period: Last) -> list[tuple[int, list[Event]]]:
    """(person, events in order) of each visit that begins in the period; events of the day before and after it are known."""
    return visits_between(world, chosen, minutes, world.today - timedelta(days=period.last - 1), world.today)


def visits_between(world: World, chosen: Callable[[Event], bool], minutes: int, since: date, until: date) -> list[tuple[int, list[Event]]]:
    """Those that begin on the days from `since` to `until`."""
    mine = defaultdict(list)
    for event in world.events:
        if world.person(event) and since - timedelta(days=1) <= world.day(event) <= until + timedelta(days=1) and chosen(event):
            mine[world.person(event)].append(event)
    found: list[tuple[int, list[Event]]] = []
    for person, events in mine.items():
        before = None
        for event in sorted(events, key=lambda one: (one.at, one.name, one.key)):
            if before is None or event.at - before > timedelta(minutes=minutes):
                found.append((person, []))
            found[-1][1].append(event)
            before = event.at
    return [(person, events) for person, events in found if since <= world.day(events[0]) <= until]
