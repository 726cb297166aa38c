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

SERIES = """
SELECT metric, groupUniqArrayArray(50)(JSONExtractKeys(dimensions)) AS names
FROM metric_values WHERE project_id = {project:UInt32} GROUP BY metric ORDER BY metric LIMIT 200"""


@dataclass(frozen=True)
class Words:
    """Names of `events`, `properties` and `person_properties`, frequent first; `segments` and `metrics` as definitions; the names
    of `series`, numbers that are measured elsewhere, and of their `dimensions`; `campaigns` as definitions."""

    events: tuple[str, ...]
    properties: tuple[str, ...]
    person_properties: tuple[str, ...]
    segments: tuple[Definition, ...]
    metrics: tuple[Definition, ...]
    series: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    campaigns: tuple[Definition, ...] = ()

    @property
    def campaign_keys(self) -> tuple[str, ...]:
        return tuple(one.key for one in self.campaigns)


def words(member: Member) -> Words:
    """The words that `member` may use. While the store does not answer there are no names: a form still opens."""
    try:
        names: Names = engine().ask(NAMES, NamesSpec(), scope(member)).result
        measured = engine().store.fetch(SERIES, {"project": member.project.pk}).rows
    except EngineError:
        names, measured = Names(), ()
    return Words(
        names.events,
        names.properties,
        names.person_properties,
        tuple(definitions(member, "segment")),
        tuple(definitions(member, "metric")),
        tuple(row["metric"] for row in measured),
        tuple(sorted({name for row in measured for name in row["names"]})),
        tuple(definitions(member, "campaign")),
    )
