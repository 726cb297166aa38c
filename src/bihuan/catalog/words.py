"""What forms offer: the names of the project's events and properties, and its segments and metrics."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.catalog.definitions import definitions
from bihuan.catalog.door import scope
from bihuan.catalog.models import Definition
from bihuan.catalog.seen.names import NAMES, Names, NamesSpec
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.govern.door import Member


@dataclass(frozen=True)
class Words:
    """Names of `events`, `properties` and `person_properties`, frequent first; `segments` and `metrics` as definitions."""

    events: tuple[str, ...]
    properties: tuple[str, ...]
    person_properties: tuple[str, ...]
    segments: tuple[Definition, ...]
    metrics: tuple[Definition, ...]


def words(member: Member) -> Words:
    """The words that `member` may use. While the store does not answer there are no names: a form still opens."""
    try:
        names: Names = engine().ask(NAMES, NamesSpec(), scope(member)).result
    except EngineError:
        names = Names()
    return Words(
        names.events,
        names.properties,
        names.person_properties,
        tuple(definitions(member, "segment")),
        tuple(definitions(member, "metric")),
    )
