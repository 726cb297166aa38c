"""An event as a row for the store: checked, its properties split into columns and canonical JSON."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from bihuan.collect.events import MAX_NAME, BadEvent, Event, canonical, canonical_props, clean_text, event_key
from bihuan.engine.schema import COLUMNS

YEAR_2000 = 946_684_800_000
DAY = 86_400_000
YEAR = 365 * DAY
MAX_COLUMN = 1_000  # characters of a built-in column
MAX_TRAITS = 200

_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_SPECIAL = frozenset((*COLUMNS, "revenue"))

# The order of a row; `user` to `signature` are for the writer, the others go to the store as they are.
ROW = ("project_id", "event", "ts", "event_key", "source", "user", "anonymous", "person", "signature", *COLUMNS, "revenue", "props")
Row = tuple[Any, ...]


class Effect(NamedTuple):
    """What an event says about its person, ready to be kept: traits as (name, JSON text, once)."""

    project_id: int
    source: str
    key: str
    at: int
    user: str | None
    anonymous: str | None
    person: int | None
    traits: tuple[tuple[str, str, bool], ...]
    alias_from: str | None
    stored: bool  # whether the event is stored too


def check_time(at: int, received: int, earliest: int = YEAR_2000) -> None:
    """Raise BadEvent for a time that cannot be meant."""
    if at < earliest:
        raise BadEvent(
            "bad_time",
            f"The time is before the year {1970 + earliest // YEAR}: check its unit (ISO 8601 or milliseconds) and the sender's clock.",
        )
    if at > received + DAY:
        raise BadEvent(
            "bad_time", "The time is more than a day in the future: check its unit (ISO 8601 or milliseconds) and the sender's clock."
        )


def check_name(name: str) -> None:
    """Raise BadEvent for what cannot be the name of an event."""
    if not name or len(name) > MAX_NAME:
        raise BadEvent("bad_name", f"An event's name must have 1 to {MAX_NAME} characters.")


def row(event: Event, received: int) -> Row:
    """The row of an event that is to be stored. Raises BadEvent."""
    check_time(event.at, received)
    check_name(event.name)
    props = event.props
    signature = (event.project_id, event.name, tuple(props), tuple(map(type, props.values())))
    columns = [""] * len(COLUMNS)
    revenue = None
    if not _SPECIAL.isdisjoint(props):
        props = {}
        for name, value in event.props.items():
            place = _PLACES.get(name)
            if place is not None:
                columns[place] = _column(value)
            elif name != "revenue" or (revenue := money(value)) is None:
                props[name] = value
    return (
        event.project_id,
        clean_text(event.name),
        event.at,
        event_key(event.project_id, event.source, event.key),
        event.source,
        _id(event.user_id),
        _id(event.anonymous_id),
        event.person_id,
        signature,
        *columns,
        revenue,
        canonical_props(props),
    )


def effect(event: Event, received: int) -> Effect | None:
    """What the event says about its person, if anything. Raises BadEvent."""
    if not event.traits and not event.traits_once and event.alias_from is None and event.store:
        return None
    check_time(event.at, received)
    if event.person_id is None and event.user_id is None and event.anonymous_id is None:
        raise BadEvent("no_id", "This says something about a person but has no id of one: send userId or anonymousId.")
    if event.alias_from is not None and event.user_id is None:
        raise BadEvent("no_id", "An alias needs the user id that the earlier id now belongs to: send userId.")
    traits = [(name, value, False) for name, value in (event.traits or {}).items()]
    traits += [(name, value, True) for name, value in (event.traits_once or {}).items()]
    if len(traits) > MAX_TRAITS:
        raise BadEvent("too_many_properties", f"A person may be told at most {MAX_TRAITS} properties at once; these are {len(traits)}.")
    for name, _, _ in traits:
        if len(name) > MAX_NAME:
            raise BadEvent("bad_property", f"A property's name may have at most {MAX_NAME} characters: “{name[:50]}…”.")
    return Effect(
        event.project_id,
        event.source,
        event.key,
        event.at,
        _id(event.user_id),
        _id(event.anonymous_id),
        event.person_id,
        tuple((clean_text(name), canonical(value), once) for name, value, once in traits),
        _id(event.alias_from),
        event.store,
    )


def money(value: Any) -> float | None:
    """The number that `value` is, or as a text says; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _id(text: str | None) -> str | None:
    return clean_text(text) if text else None


def _column(value: Any) -> str:
    if value is None:
        return ""
    text = clean_text(value) if type(value) is str else canonical(value)
    return text if len(text) <= MAX_COLUMN else text[:MAX_COLUMN]
