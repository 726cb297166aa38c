"""Baskets in slow and obvious Python, and the worlds and questions that they are counted in."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from bihuan.analyse.basket.spec import BasketSpec, Bought
from bihuan.analyse.tests.visiting import visits
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Last
from bihuan.engine.tests.exactly import thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Event, World, filters, text

Basket = tuple[int, frozenset[str]]  # the person, and the items


@st.composite
def worlds_with_lines(draw: st.DrawFn) -> World:
    """Events have lines of an order, too: objects, texts, or nonsense."""
    world = draw(thin_or_crowded(max_events=60, names=NAMES[:2]))
    seed = random.Random(draw(st.integers(0, 10_000)))
    lines: list[object] = [{"n": 1, "sku": "tea"}, {"sku": "cup"}, {"sku": 7}, {"n": 2}, "tea", None, {"sku": ""}, {"sku": "tea"}]
    events = [
        replace(one, props={**one.props, "lines": seed.choices(lines, k=seed.randint(0, 4)) if seed.random() < 0.9 else {"sku": "cup"}})
        for one in world.events
    ]
    return replace(world, events=tuple(events))


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, BasketSpec]:
    item, key = draw(st.sampled_from((("tags", None), ("plan", None), ("country", None), ("lines", "sku"), ("lines", None))))
    basket = draw(st.sampled_from(("event", "same", "session", "day", "person")))
    document = {
        "of": Bought(event=draw(st.sampled_from((*NAMES[:2], "*")))),
        "item": item,
        "key": key,
        "basket": basket,
        "same": "n" if basket == "same" else None,
        "gap": draw(st.sampled_from((15, 600))),
        "filter": draw(st.one_of(st.just(EVERYTHING), filters())),
        "period": Last(last=draw(st.sampled_from((3, 10, 16)))),
        "most": draw(st.sampled_from((2, 3, 100))),
        "least": draw(st.sampled_from((1, 2))),
        "size": draw(st.sampled_from((2, 3))),
        "chance": True,
        "top": 500,
    }
    return draw(worlds_with_lines()), BasketSpec.model_validate(document)


def items_of(spec: BasketSpec, event: Event) -> set[str]:
    value = event.props.get(spec.item)
    told = value if isinstance(value, list) else [value]
    if spec.key is not None:
        told = [one.get(spec.key) if isinstance(one, dict) else None for one in told]
    return {text(one) for one in told} - {""}


def baskets_of(world: World, spec: BasketSpec) -> list[Basket]:
    assert isinstance(spec.period, Last)

    def counts(event: Event) -> bool:
        return world.chosen(spec.of.choices, event) and world.holds(spec.filter, event)

    if spec.basket == "session":
        cut = visits(world, lambda event: event.source != "ledger", spec.gap, spec.period)
        found = [(person, frozenset(set().union(*(items_of(spec, one) for one in events if counts(one))))) for person, events in cut]
        return [basket for basket in found if basket[1]]
    since = world.today - timedelta(days=spec.period.last - 1)
    together: dict[tuple[int, object], set[str]] = defaultdict(set)
    for event in world.events:
        person = world.person(event)
        if not counts(event) or not since <= world.day(event) <= world.today:
            continue
        if not person and spec.basket not in ("event", "same"):
            continue
        same = text(event.props.get(spec.same)) if spec.same else ""
        if spec.basket == "same" and not same:
            continue
        which = {"event": event.key, "same": same, "day": world.day(event), "person": 0}[spec.basket]
        together[person, which] |= items_of(spec, event)
    return [(person, frozenset(items)) for (person, _), items in together.items() if items]
