"""Questions that whole days can answer: how often plain events came and of whom, by the day or longer; over the CTE `daily`.

Such a question needs no look at events that are counted already (`engine.rollup`). Which questions these are is said here, once.
"""

from __future__ import annotations

from collections.abc import Iterable

from bihuan.engine.filters import ANY_EVENT, EVERYTHING, Filter
from bihuan.engine.selection import Choosing
from bihuan.engine.visible import Binder


def counted(choosings: Iterable[Choosing], *filters: Filter) -> bool:
    """Whether days as they are counted tell of these events: they are chosen by name alone, and nothing is filtered."""
    choices = [choice for choosing in choosings for choice in choosing.choices]
    plain = all(choice.filter in (None, EVERYTHING) for choice in choices) and all(each == EVERYTHING for each in filters)
    return plain and len({choice.event == ANY_EVENT for choice in choices}) == 1


def names_of(choosings: Iterable[Choosing]) -> frozenset[str]:
    """The names of the chosen events; none where any event is."""
    names = {choice.event for choosing in choosings for choice in choosing.choices}
    return frozenset(() if ANY_EVENT in names else names)


def days_of(choosings: Iterable[Choosing], binder: Binder, *, ever: bool = False) -> str:
    """SQL: the days of the chosen events, as FROM and WHERE of a SELECT. `ever`: those before what the question reads, too."""
    names = names_of(choosings)
    if not names:
        return f"daily_any{'_ever' if ever else ''} WHERE 1"
    return f"daily{'_ever' if ever else ''} WHERE event IN {binder.bind(sorted(names), 'Array(String)')}"


def is_day_of(choosing: Choosing, binder: Binder) -> str:
    """SQL: a row of those days is of this choice."""
    if choosing.event == ANY_EVENT:
        return "event = ''"
    return f"event IN {binder.bind(sorted({choice.event for choice in choosing.choices}), 'Array(String)')}"
