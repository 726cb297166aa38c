"""What breakdowns mean, in slow and obvious Python over a world, and random ones to try."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from bihuan.engine.breakdowns import Breakdown, ByChannel, ByNumber, ByPerson, ByProperty, BySegment, ByTime
from bihuan.engine.channels import channel
from bihuan.engine.tests.worlds import Event, World, number, text

ARRIVAL = {
    "referrer": "referrer",
    "host": "host",
    "path": "path",
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "campaign",
}


def part(world: World, breakdowns: Sequence[Breakdown], event: Event, among: Sequence[Event] = ()) -> str:
    """The text of an event's values, as `breakdowns.split` makes it; quantiles are those of the events `among`."""
    return "\x1f".join(value(world, breakdown, event, among) for breakdown in breakdowns)


def value(world: World, breakdown: Breakdown, event: Event, among: Sequence[Event]) -> str:
    person = world.person(event)
    match breakdown:
        case ByProperty():
            return text(event.props.get(breakdown.property))
        case ByPerson():
            return text(world.trait(person, breakdown.person, event.at if breakdown.as_of == "event" else None)) if person else ""
        case BySegment():
            return next((key for key in breakdown.segments if world.holds(world.segments[key], event)), "")
        case ByNumber():
            return _range(world, breakdown, event, among)
        case ByTime():
            local = world.local(event)
            return {"hour": f"{local:%H}", "weekday": str(local.isoweekday()), "day": f"{local:%d}", "month": f"{local:%m}"}[breakdown.time]
        case ByChannel():
            return _channel(world, breakdown, event) if person else ""


def _range(world: World, breakdown: ByNumber, event: Event, among: Sequence[Event]) -> str:
    if breakdown.of == "event":
        mine = number(event.props.get(breakdown.number))
        every = [number(each.props.get(breakdown.number)) for each in among]
    else:
        people = {world.links.get(trait.person, trait.person) for trait in world.traits}
        every = [number(world.trait(person, breakdown.number)) for person in people]
        mine = number(world.trait(world.person(event), breakdown.number)) if world.person(event) else None
    if mine is None:
        return ""
    if breakdown.width is not None:
        begin = math.floor(mine / breakdown.width) * breakdown.width
        return f"[{_plain(round(begin, 6))}, {_plain(round(begin + breakdown.width, 6))})"
    if breakdown.cuts:
        below = [cut for cut in breakdown.cuts if cut <= mine]
        above = [cut for cut in breakdown.cuts if cut > mine]
        return f"{f'[{_plain(below[-1])}' if below else '(-∞'}, {_plain(above[0]) if above else '∞'})"
    known = sorted(each for each in every if each is not None)
    pieces = breakdown.quantiles or 0
    if not known:
        return "[0, 0]"
    edges = sorted({known[i * len(known) // pieces] for i in range(pieces)})
    place = max((i for i, edge in enumerate(edges) if edge <= mine), default=0)
    end = f"{_plain(edges[place + 1])})" if place + 1 < len(edges) else f"{_plain(known[-1])}]"
    return f"[{_plain(edges[place])}, {end}"


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _channel(world: World, breakdown: ByChannel, event: Event) -> str:
    mine = [each for each in world.events if world.person(each) == world.person(event) and each.source != "ledger"]
    arrivals = sorted(each for each in ((each.at, each.key, channel(**_texts(each))) for each in mine) if each[2])
    if breakdown.channel == "first":
        return arrivals[0][2] if arrivals else ""
    before = [each for each in arrivals if each[2] != "direct" and each[0] <= event.at]
    return before[-1][2] if before and event.at - before[-1][0] <= timedelta(days=breakdown.days) else "direct"


def _texts(event: Event) -> dict[str, str]:
    return {said: text(event.props.get(name)) for name, said in ARRIVAL.items()}


def breakdowns(*, segments: Sequence[str] = ("fans", "rest")) -> st.SearchStrategy[tuple[Breakdown, ...]]:
    """None, one, or several of every kind."""
    one: st.SearchStrategy[Any] = st.one_of(
        st.builds(ByProperty, property=st.sampled_from(("plan", "country", "n", "revenue", "missing"))),
        st.builds(ByPerson, person=st.sampled_from(("vip", "age", "missing")), as_of=st.sampled_from(("now", "event"))),
        st.builds(BySegment, segments=st.lists(st.sampled_from(tuple(segments)), min_size=1, max_size=2, unique=True).map(tuple)),
        st.builds(ByNumber, number=st.just("n"), cuts=st.sampled_from(((2.0,), (-1.0, 2.0, 2.5, 100.0)))),
        st.builds(ByNumber, number=st.sampled_from(("n", "revenue")), width=st.sampled_from((0.1, 2.0, 500.0))),
        st.builds(ByNumber, number=st.sampled_from(("n", "revenue")), quantiles=st.integers(2, 4)),
        st.builds(ByNumber, number=st.just("age"), of=st.just("person"), quantiles=st.integers(2, 3)),
        st.builds(ByNumber, number=st.just("age"), of=st.just("person"), width=st.just(10.0)),
        st.builds(ByTime, time=st.sampled_from(("hour", "weekday", "day", "month"))),
        st.builds(ByChannel, channel=st.just("first")),
        st.builds(ByChannel, channel=st.just("last"), days=st.sampled_from((1, 3, 30))),
    )
    return st.lists(one, max_size=3).map(tuple) | one.map(lambda each: (each,))
