"""Filters against the real engine: every kind of condition means what plain Python says it means."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.engine.conditions import condition
from bihuan.engine.filters import Filter
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.tests.worlds import World, filters, load, worlds
from bihuan.engine.visible import Binder, ctes


def selected(store: Store, scope: Scope, tree: Filter) -> list[int]:
    """The keys of the events of which `tree` is true."""
    binder = Binder()
    test = condition(tree, scope, binder)
    head, bound = ctes(scope, Period(scope.now.date(), scope.now.date(), scope.zone))
    rows = store.fetch(f"WITH {head} SELECT event_key FROM history WHERE {test}", {**bound, **binder.params}).rows
    return sorted(row["event_key"] for row in rows)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(worlds(max_events=25), filters(segments=("some", "same"))), min_size=1, max_size=4))
def test_a_filter_selects_the_events_that_plain_python_selects(store: Store, cases: list[tuple[World, Filter]]) -> None:
    for (world, tree), scope in zip(cases, load(store, *(world for world, _ in cases)), strict=True):
        assert selected(store, scope, tree) == [event.key for event in world.events if world.holds(tree, event)]
