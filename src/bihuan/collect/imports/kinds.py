"""What each kind of data needs besides its mapping: the converter of its rows, and what is asked of it."""

from __future__ import annotations

from typing import Literal

from bihuan.collect.imports.convert import Converter, EventsConverter
from bihuan.collect.imports.measures import MeasuresConverter
from bihuan.collect.imports.persons import PersonsConverter
from bihuan.collect.imports.plan import Plan

Kind = Literal["events", "persons", "metrics", "costs"]


def converter(plan: Plan, *, project_id: int, zone: str, currency: str, stamp: int) -> Converter:
    """The converter for what the plan's mapping says it is. `stamp` (ms) is the time of the import."""
    match plan.mapping.kind:
        case "persons":
            return PersonsConverter(plan, zone=zone, stamp=stamp)
        case "metrics" | "costs":
            return MeasuresConverter(plan, zone=zone, currency=currency)
        case _:
            return EventsConverter(plan, project_id=project_id, zone=zone)
