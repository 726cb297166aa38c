"""The questions behind the catalog's pages: which events and properties have come in, how often, since when."""

from __future__ import annotations

from bihuan.catalog.seen.result import (
    SeenEvents,
    SeenProperties,
    headlines_events,
    headlines_properties,
    shape_event_properties,
    shape_events,
    shape_person_properties,
    table_events,
    table_properties,
)
from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec, PersonPropertiesSpec
from bihuan.catalog.seen.sql import compile_event_properties, compile_events, compile_person_properties, period_of, today
from bihuan.engine.question import Question, no_chart

SEEN_EVENTS: Question[EventsSpec, SeenEvents] = Question(
    name="seen_events",
    title="Events",
    purpose="Which events have come in, how often, and since when.",
    icon="book",
    group="see",
    spec=EventsSpec,
    reads=period_of,
    compile=compile_events,
    shape=shape_events,
    table=table_events,
    chart=no_chart,
    headlines=headlines_events,
    example=EventsSpec,
    listed=False,
)

EVENT_PROPERTIES: Question[EventPropertiesSpec, SeenProperties] = Question(
    name="event_properties",
    title="Properties of an event",
    purpose="Which properties an event has, of which types, and with which values.",
    icon="book",
    group="see",
    spec=EventPropertiesSpec,
    reads=period_of,
    compile=compile_event_properties,
    shape=shape_event_properties,
    table=table_properties,
    chart=no_chart,
    headlines=headlines_properties,
    example=lambda: EventPropertiesSpec(event="Page"),
    listed=False,
)

PERSON_PROPERTIES: Question[PersonPropertiesSpec, SeenProperties] = Question(
    name="person_properties",
    title="Properties of people",
    purpose="Which properties people have, of which types, and with which values.",
    icon="book",
    group="see",
    spec=PersonPropertiesSpec,
    reads=today,
    compile=compile_person_properties,
    shape=shape_person_properties,
    table=table_properties,
    chart=no_chart,
    headlines=headlines_properties,
    example=PersonPropertiesSpec,
    listed=False,
)
