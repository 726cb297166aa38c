"""How an exact test of a question meets its worlds: how many of them, of which kind, and how to try many times as many.

`BIHUAN_TEST_WORLDS=50` makes it fifty times as many of each (`make worlds`). What hypothesis draws by itself is mostly too thin for
anybody to do things twice, so two of three worlds are crowded.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from bihuan.engine.tests.worlds import NAMES, PEOPLE, VALUES, Event, World, worlds

TIMES = int(os.environ.get("BIHUAN_TEST_WORLDS") or 1)


def exactly(examples: int) -> Callable[[Any], Any]:
    """Marks an exact test of a question that hypothesis gives worlds, so often by default.

    Not made smaller when it fails: worlds are small, and shrinking several of them takes minutes.
    """
    drawn = settings(
        max_examples=examples * TIMES, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.reuse, Phase.generate)
    )
    return lambda test: pytest.mark.exact(drawn(test))


class Thrown(tuple[Event, ...]):
    """Events, told in short where a test fails."""

    seed = 0

    def __repr__(self) -> str:
        return f"<{len(self)} events thrown with {self.seed}>"


@st.composite
def crowded(draw: st.DrawFn, *, days: int = 16, names: Sequence[str] = NAMES[:2], most: int = 70) -> World:
    """A drawn world with other events: up to `most` in the `days` days up to today, by three people and nobody, often at the same time,
    and a few of them told by the ledger. Often two of the three are one."""
    world = draw(worlds(days=days, max_events=1))
    seed = draw(st.integers(0, 2**32))
    dice = random.Random(seed)
    begin = (world.now - timedelta(days=days - 1)).replace(hour=0, minute=0).astimezone(UTC)
    minutes = [dice.randrange(days * 96) * 15 for _ in range(dice.choice((3, 20, 60)))]
    people = dice.sample(range(1, PEOPLE + 1), 3)

    def event(key: int) -> Event:
        at = begin + timedelta(minutes=dice.choice(minutes), milliseconds=dice.choice((0, 0, 0, -1, 1, 61_001)))
        props = {name: dice.choice(values) for name, values in VALUES.items() if dice.random() < 0.7}
        return Event(
            dice.choice((0, *people, *people)), dice.choice(tuple(names)), at, props, key, "ledger" if dice.random() < 0.05 else "test"
        )

    events = Thrown(map(event, range(1, dice.randint(most // 3, most))))
    events.seed = seed
    return replace(world, events=events, links={people[2]: people[0]} if dice.random() < 0.4 else world.links)


def thin_or_crowded(*, days: int = 16, max_events: int = 40, names: Sequence[str] = NAMES) -> st.SearchStrategy[World]:
    """Worlds of both kinds."""
    return st.sampled_from((True, True, False)).flatmap(
        lambda thick: crowded(days=days, names=names, most=max_events) if thick else worlds(days=days, max_events=max_events, names=names)
    )
