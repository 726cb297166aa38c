"""An event as a row for the store: checked, its properties split into columns and canonical JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from bihuan.collect.events import ID_TYPE, MAX_ID, MAX_NAME, BadEvent, Event, canonical, canonical_props, clean_text, event_key
from bihuan.collect.identity.ids import Typed, other_ids
from bihuan.collect.identity.junk import is_junk
from bihuan.collect.shapes import Shape, others_as_json, shape_of
from bihuan.engine.schema import COLUMNS

YEAR_2000 = 946_684_800_000
DAY = 86_400_000
YEAR = 365 * DAY
MAX_COLUMN = 1_000  # characters of a built-in column
MAX_TRAITS = 200

_NOTHING = ("",) * len(COLUMNS)

# The order of a row; `user` to `shape` are for the writer, the others go to the store as they are.
ROW = ("project_id", "event", "ts", "event_key", "source", "user", "anonymous", "person", "shape", *COLUMNS, "revenue", "props")
Row = tuple[Any, ...]


class Effect(NamedTuple):
    """What an event says about its person, ready to be kept: traits as (name, JSON text, once)."""

    project_id: int
    source: str
    key: str
    at: int
    user: str | None
    anonymous: str | Typed | None
    person: int | None
    traits: tuple[tuple[str, str, bool], ...]
    alias_from: str | None
    stored: bool  # whether the event is stored too
    ids: tuple[Typed, ...] = ()
    unbind: tuple[Typed, ...] = ()


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
    name = clean_text(event.name)
    shape = shape_of(event.project_id, name, event.props)
    columns, revenue, props = _split(event.props, shape)
    return (
        event.project_id,
        name,
        event.at,
        event_key(event.project_id, event.source, event.key),
        event.source,
        *(_who(event)[:2] if event.ids else (_id(event.user_id), _id(event.anonymous_id))),
        event.person_id,
        shape,
        *columns,
        revenue,
        props,
    )


def effect(event: Event, received: int) -> Effect | None:
    """What the event says about its person, if anything. Raises BadEvent."""
    if not event.traits and not event.traits_once and event.alias_from is None and not event.ids and not event.unbind and event.store:
        return None
    check_time(event.at, received)
    user, anonymous, ids = _who(event)
    if event.person_id is None and user is None and anonymous is None:
        raise BadEvent("no_id", "This says something about a person but has no id of one: send userId or anonymousId.")
    if event.alias_from is not None and user is None:
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
        user,
        anonymous,
        event.person_id,
        tuple((clean_text(name), canonical(value), once) for name, value, once in traits),
        _id(event.alias_from),
        event.store,
        ids,
        other_ids(_typed(event.unbind), None, _id(event.anonymous_id)),
    )


def _who(event: Event) -> tuple[str | None, str | Typed | None, tuple[Typed, ...]]:
    """The user id, the anonymous id (or the first of its further ids, when the event comes with neither), and the further ids."""
    given = _typed(event.ids)
    user, anonymous = _id(event.user_id) or given.get("login"), _id(event.anonymous_id)
    ids = other_ids(given, user, anonymous)
    if user is None and anonymous is None and ids:
        return None, ids[0], ids[1:]
    return user, anonymous, ids


def _typed(ids: dict[str, str] | None) -> dict[str, str]:
    """Ids by type, checked."""
    clean: dict[str, str] = {}
    for kind, text in (ids or {}).items():
        if not ID_TYPE.fullmatch(kind):
            raise BadEvent("bad_id", f"“{kind[:40]}” is no type of an id: use small letters, digits and _, 32 at most.")
        if len(text) > MAX_ID:
            raise BadEvent("bad_id", f"An id may have at most {MAX_ID} characters; this one has {len(text)}.")
        if text and not is_junk(text):
            clean[kind] = clean_text(text)
    return clean


def money(value: Any) -> float | None:
    """The number that `value` is, or as a text says; None for anything else."""
    kind = type(value)
    if kind is not float and kind is not int and kind is not str:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _split(props: dict[str, Any], shape: Shape) -> tuple[Sequence[str], float | None, str]:
    """The built-in columns, the revenue, and the canonical JSON of all other properties."""
    columns: Sequence[str] = _NOTHING
    if shape.columns:
        columns = filled = list(_NOTHING)
        for place, name in shape.columns:
            filled[place] = _column(props[name])
    if not shape.revenue:
        return columns, None, others_as_json(props, shape)
    revenue = money(props["revenue"])
    if revenue is None:  # no number: it stays what it is
        return columns, None, canonical_props({name: props[name] for name in (*shape.others, "revenue")})
    return columns, revenue, others_as_json(props, shape)


def _id(text: str | None) -> str | None:
    return clean_text(text) if text else None


def _column(value: Any) -> str:
    if value is None:
        return ""
    text = clean_text(value) if type(value) is str else canonical(value)
    return text if len(text) <= MAX_COLUMN else text[:MAX_COLUMN]
