"""What a sample of a world's people is, for tests: the same world without the others, and how sure what it tells of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bihuan.engine.ask import Engine
from bihuan.engine.meta import Interval, sampled
from bihuan.engine.periods import Last
from bihuan.engine.question import Scope, Statement
from bihuan.engine.tests.worlds import World
from bihuan.engine.visible import Binder


def only_sampled(engine: Engine, world: World, scope: Scope, sample: float) -> World:
    """The world without the people who are not in the sample."""
    binder = Binder()
    sql = f"SELECT event_key AS key FROM history WHERE {sampled(sample, binder)}"
    whole = engine.whole("test", Statement(sql, binder.params), scope.period(Last(last=1)), scope)
    keys = {row["key"] for row in engine.store.fetch(whole.sql, whole.params, settings=engine.settings()).rows}
    return replace(world, events=tuple(event for event in world.events if event.key in keys))


def between(each: Iterable[int], sample: float) -> Interval | None:
    """Where the number of all lies of which the sample has one for each time that a person is named."""
    times = Counter(each)
    seen = sum(times.values())
    if not seen:
        return None
    error = 1.959963984540054 * ((1 - sample) * sum(n * n for n in times.values())) ** 0.5 / sample
    return Interval(max(seen / sample - error, seen), seen / sample + error)
