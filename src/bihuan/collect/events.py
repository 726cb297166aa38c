"""The one form of an event between whoever brings it (a protocol, an import, the ledger) and the writer, and its canonical JSON."""

from __future__ import annotations

import math
import re
from hashlib import blake2b
from typing import Any

import msgspec

from bihuan.collect.identity.junk import is_junk

MAX_PROPERTIES = 1_000
MAX_DEPTH = 20
MAX_NAME = 200  # characters of an event's or property's name
MAX_ID = 500  # characters of a person's id
MAX_PROPS_BYTES = 256 * 1024  # of one event's canonical JSON

ID_TYPES = ("login", "email", "phone", "openid", "unionid", "cookie", "device")  # the most certain first
ID_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")

_encode = msgspec.json.Encoder(order="sorted").encode
_UNSURE = re.compile(rb"\.0(?!\d)|\de|\d{19}")  # perhaps an integral number written as a float, or more digits than a number column has


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, or that became known about a person.

    `key` is the client's own key: the same (project, source, key) is the same event and counts once. `at` is ms since 1970, UTC.
    `person_id` is for internal senders that already know the number. `traits` are properties of the person; `traits_once` hold only
    where nothing was set before. `alias_from` is an earlier id of the same person. With `store` false, only these effects on
    the person are kept. In `props`, the names of `engine.schema.COLUMNS` and `revenue` go to columns of their own.

    `ids` are further ids said to belong to the same person as this event, by type: one of `ID_TYPES` or a name of the sender's own
    (`ID_TYPE`). `user_id` is the login, `anonymous_id` the cookie or device. `unbind` are ids, by type, that from this event on belong
    to this person no longer. An event that has neither user nor anonymous id comes with the first of its `ids`.
    """

    project_id: int
    key: str
    source: str
    at: int
    name: str = ""
    user_id: str | None = None
    anonymous_id: str | None = None
    person_id: int | None = None
    props: dict[str, Any] = {}
    traits: dict[str, Any] | None = None
    traits_once: dict[str, Any] | None = None
    alias_from: str | None = None
    ids: dict[str, str] | None = None
    unbind: dict[str, str] | None = None
    store: bool = True


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was not taken: `reason` is a short code, `detail` says what is wrong, where, and what to do."""

    project_id: int
    source: str
    reason: str
    detail: str
    key: str = ""
    body: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What became of some events, on disk now: `stored` (or their effect on a person kept), `duplicates` of stored ones, `quarantined`."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.stored + other.stored, self.duplicates + other.duplicates, self.quarantined + other.quarantined)


class BadEvent(ValueError):
    """This event cannot be taken; `reason` is a short code, `str()` the detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def event_key(project_id: int, source: str, key: str) -> int:
    """64 bits that stand for (project, source, key) in the store.

    Two different events of n share them with probability n² / 2⁶⁵: 1 in 90,000 over all of 20 million events.
    """
    return int.from_bytes(blake2b(f"{project_id}\0{source}\0{key}".encode(errors="replace"), digest_size=8).digest(), "little")


def clean_id(value: Any) -> str | None:
    """An id as text, or None when it says nobody (nothing, or what `is_junk`). Raises BadEvent when it cannot be an id."""
    if value is None:
        return None
    if type(value) is not str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadEvent("bad_id", "An id must be a text or a number.")
        value = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    text = clean_text(value).strip()
    if len(text) > MAX_ID:
        raise BadEvent("bad_id", f"An id may have at most {MAX_ID} characters; this one has {len(text)}.")
    return None if is_junk(text) else text


def clean_text(text: str) -> str:
    """The text with lone surrogates, which have no UTF-8 form, replaced by “�”."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def canonical(value: Any) -> str:
    """The JSON text of `value` in its one form: sorted keys, no spaces, integral numbers as integers, no NaN.

    Raises BadEvent when it is nested too deep.
    """
    try:
        text = _encode(value)
    except (UnicodeEncodeError, TypeError, RecursionError, ValueError):
        text = b""
    if not text or _UNSURE.search(text) or text.count(b"{") + text.count(b"[") > MAX_DEPTH:  # nearly nothing is
        text = _encode(_plain(value, 0))
    return text.decode()


def canonical_props(props: dict[str, Any]) -> str:
    """`canonical` of an event's properties, within the limits of names and sizes."""
    if len(props) > MAX_PROPERTIES:
        raise BadEvent("too_many_properties", f"An event may have at most {MAX_PROPERTIES} properties; this one has {len(props)}.")
    for name in props:
        if len(name) > MAX_NAME:
            raise BadEvent("bad_property", f"A property's name may have at most {MAX_NAME} characters: “{name[:50]}…”.")
    text = canonical(props)
    if len(text) > MAX_PROPS_BYTES:
        raise BadEvent("too_large", f"An event's properties may take at most {MAX_PROPS_BYTES // 1024} KB; these take {len(text) // 1024}.")
    return text


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return clean_text(value)
    if kind is int:
        return value if -(2**63) <= value < 2**64 else str(value)  # more digits than any number column has: keep them as text
    if kind is bool or value is None:
        return value
    if kind is float:
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if depth >= MAX_DEPTH:
        raise BadEvent("too_deep", f"Properties may be nested {MAX_DEPTH} deep at most.")
    if isinstance(value, dict):
        return {clean_text(str(name)): _plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return clean_text(str(value))
