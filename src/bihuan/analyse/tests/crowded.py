"""Worlds with many events of few people: what hypothesis draws by itself is mostly too thin for anybody to do things twice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta

from hypothesis import strategies as st

from bihuan.engine.tests.worlds import NAMES, VALUES, Event, World, worlds


class Thrown(tuple[Event, ...]):
    """Events, told in short where a test fails."""

    seed = 0

    def __repr__(self) -> str:
        return f"<{len(self)} events thrown with {self.seed}>"


@st.composite
def crowded(draw: st.DrawFn, *, days: int = 16, names: Sequence[str] = NAMES[:2], most: int = 70) -> World:
    """A drawn world with other events: up to `most` in the `days` days up to today, by three people and nobody, often at the same time."""
    world = draw(worlds(days=days, max_events=1))
    seed = draw(st.integers(0, 2**32))
    dice = random.Random(seed)
    begin = (world.now - timedelta(days=days - 1)).replace(hour=0, minute=0).astimezone(UTC)
    minutes = [dice.randrange(days * 96) * 15 for _ in range(dice.choice((3, 20, 60)))]
    people = dice.sample(range(1, 7), 3)

    def event(key: int) -> Event:
        at = begin + timedelta(minutes=dice.choice(minutes), milliseconds=dice.choice((0, 0, 0, -1, 1, 61_001)))
        props = {name: dice.choice(values) for name, values in VALUES.items() if dice.random() < 0.7}
        return Event(dice.choice((0, *people, *people)), dice.choice(tuple(names)), at, props, key)

    events = Thrown(map(event, range(1, dice.randint(most // 3, most))))
    events.seed = seed
    return replace(world, events=events)
