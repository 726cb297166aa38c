"""The first plan of a project that has none: what has come in, declared as it came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bihuan.catalog.door import scope
from bihuan.catalog.seen import EVENT_PROPERTIES, SEEN_EVENTS
from bihuan.catalog.seen.result import SeenProperty
from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec
from bihuan.collect.plan.check import AUTOMATIC
from bihuan.collect.plan.door import save_event, tracking_plan
from bihuan.collect.plan.spec import EventSpec, PropertyRule, Type
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.govern.door import Member

DAYS = 30
SAMPLE = 20_000  # newest events of each name that are looked at
ENOUGH = 50  # events from which on a property that all have is declared as required
MOST_EVENTS = 200
_TYPES: dict[str, Type] = {"string": "string", "number": "number", "boolean": "boolean", "array": "array", "object": "object"}


def declare_seen(member: Member) -> int:
    """Declare every event of the last 30 days that is not in the plan yet; how many these were. Nothing is kept out by it."""
    known = tracking_plan(member).by_name
    found = engine().ask(SEEN_EVENTS, EventsSpec(period=Last(last=DAYS)), scope(member)).result
    names = [one.name for one in found.events if one.events and one.name not in known and not one.name.startswith("$")]
    for name in names[:MOST_EVENTS]:
        save_event(member=member, spec=as_seen(member, name))
    return len(names[:MOST_EVENTS])


def as_seen(member: Member, name: str) -> EventSpec:
    """The event declared as it has come in the last 30 days."""
    asked = EventPropertiesSpec(event=name, period=Last(last=DAYS), sample=SAMPLE)
    found = engine().ask(EVENT_PROPERTIES, asked, scope(member)).result
    return EventSpec(event=name, properties=tuple(rules(found.properties, found.sampled or 0)))


def rules(properties: Sequence[SeenProperty], sampled: int) -> list[PropertyRule]:
    """The properties of an event, but for those that clients send by themselves; required is what all of enough events had."""
    return [
        PropertyRule(
            name=one.name,
            type=_type(one.types),
            required=one.count >= sampled >= ENOUGH,
            example=_example(one.examples),
        )
        for one in sorted(properties, key=lambda one: one.name)
        if one.name not in AUTOMATIC and not one.name.startswith("$")
    ]


def _type(types: Sequence[str]) -> Type:
    kinds = {kind for kind in types if kind != "null"}
    return _TYPES.get(kinds.pop(), "any") if len(kinds) == 1 else "any"


def _example(examples: Sequence[Any]) -> str:
    first = examples[0] if examples else ""
    return (first if isinstance(first, str) else json.dumps(first, ensure_ascii=False))[:500]
