"""Sensors Analytics' (神策) protocol as its Python, browser and other clients speak it: a request in, canonical events out.

`track`, `track_signup` and `track_id_bind`/`unbind` are events of their names; the latter three also link or unlink ids. `profile_set`,
`profile_set_once` and `profile_unset` only say something about a person. The other changes of a profile and those of items become
events that are nobody's doing (source `ledger`): `$profile_increment`, `$profile_append` and `$profile_delete` are folded into a person's
properties when these are read (`engine.profile`), so that each counts once in whatever order they come.

The key of an event is (distinct_id, time, event, `_track_id`). Without a `_track_id`, as from Python, it is the event's content, time in
milliseconds included, and which of several equal ones it is in its request.
"""

from __future__ import annotations

import base64
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from bihuan.collect.bodies import Refused
from bihuan.collect.events import BadEvent, Event, Rejected, canonical, clean_id, clean_text
from bihuan.collect.protocols.posthog import OF_BIHUAN
from bihuan.collect.protocols.reading import loads, read_item
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.protocols.sensors_body import items_of
from bihuan.collect.protocols.sensors_ids import unbound, who
from bihuan.collect.protocols.sensors_properties import properties_of
from bihuan.collect.quarantine import shortened
from bihuan.collect.rows import effect, row
from bihuan.collect.times import milliseconds, skew

SOURCE = "sensors"
LEDGER = "ledger"  # no event of this source is something that a person did
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

_TRACKS = {"track": "", "track_signup": "$SignUp", "track_id_bind": "$BindID", "track_id_unbind": "$UnbindID"}
_LINKS = frozenset({"track_signup", "track_id_bind"})
_PROFILES = frozenset({"profile_set", "profile_set_once", "profile_unset"})
_CHANGES = frozenset({"profile_increment", "profile_append", "profile_delete"})
_ITEMS = frozenset({"item_set", "item_delete"})
_TYPES = frozenset({*_TRACKS, *_PROFILES, *_CHANGES, *_ITEMS})


class Record(msgspec.Struct, rename={"track_id": "_track_id", "flush_time": "_flush_time"}):
    """One record as the client sent it; what is not an object where there must be one fails here, all else is checked later."""

    type: Any = None
    event: Any = None
    time: Any = None
    distinct_id: Any = None
    original_id: Any = None
    login_id: Any = None
    anonymous_id: Any = None
    identities: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    lib: Any = None
    track_id: Any = None
    flush_time: Any = None
    time_free: Any = None
    project: Any = None
    token: Any = None
    item_type: Any = None
    item_id: Any = None


_record = msgspec.json.Decoder(Record)


class Opened(NamedTuple):
    """One record of a request; `problem` says why it cannot be read at all. `key` is the write key that it comes with."""

    item: msgspec.Raw
    record: Record
    key: str
    problem: BadEvent | None = None


async def _take(request: Request) -> Answer:
    outcome = await request.door.keep(*await _events_of(request))
    if request.path == "/sa.gif" and not request.query.keys().isdisjoint(("data", "data_list")):
        return Answer(200, GIF, "image/gif")
    return Answer(200, msgspec.structs.asdict(outcome))


async def _debug(request: Request) -> Answer:
    """Says what is wrong with the data to whoever is instrumenting; with `Dry-Run`, nothing is stored."""
    events, rejected = await _events_of(request)
    wrong = [*(one.detail for one in rejected), *_unfit(events, request.received)]
    if wrong:
        raise Refused(400, "bad_event", " ".join(dict.fromkeys(wrong)))
    if request.headers.get("dry-run", "").lower() == "true":
        return Answer(200, {"checked": len(events), "stored": 0})
    return Answer(200, msgspec.structs.asdict(await request.door.keep(events, ())))


ROUTES = (
    *(Route(("GET", "POST"), path, _take) for path in ("/sa", "/sa.gif")),
    Route(("GET", "POST"), "/debug", _debug),
)


async def _events_of(request: Request) -> tuple[list[Event], list[Rejected]]:
    """The events of a request, each in the project of its own write key or of the address's."""
    records = opened(items_of(await request.body.read(), request.query, request.body.unpacked), request.query)
    keys = {one.key for one in records} or {_key(Record(), request.query)}
    projects = {key: await request.door.project(key) for key in sorted(keys)}
    return read(records, projects, request.received, request.headers.get("user-agent", ""))


def opened(items: Sequence[msgspec.Raw], query: Mapping[str, str]) -> list[Opened]:
    """The records of a request that came with this query."""
    found = []
    for item in items:
        record, problem = Record(), None
        try:
            record = read_item(item, _record)
        except BadEvent as error:
            problem = error
        found.append(Opened(item, record, _key(record, query), problem))
    return found


def read(records: Sequence[Opened], projects: Mapping[str, int], received: int, user_agent: str) -> tuple[list[Event], list[Rejected]]:
    """The events of a request that came at `received` (ms), and what of it cannot be taken. `projects` are those of the write keys."""
    events: list[Event] = []
    rejected: list[Rejected] = []
    equal: Counter[str] = Counter()
    for one in records:
        key, project = "", projects[one.key]
        try:
            if one.problem is not None:
                raise one.problem
            at = _time(one.record)
            key = _event_key(one, at, equal)
            common = {
                "project_id": project,
                "source": SOURCE,
                "key": key,
                "at": received if at is None else at + _behind(one.record, received),
            }
            events.append(_event(one.record, common, user_agent))
        except BadEvent as error:
            body = shortened(bytes(one.item).decode(errors="replace"))
            rejected.append(Rejected(project_id=project, source=SOURCE, reason=error.reason, detail=str(error), key=key, body=body))
    return events, rejected


def _key(record: Record, query: Mapping[str, str]) -> str:
    """The write key: the token, of the record or in the address; without any, what is said to be the project may be one."""
    said = (record.token, query.get("token"), record.project, query.get("project"))
    return next((one for one in said if isinstance(one, str) and one), "")


def _event(record: Record, common: dict[str, Any], user_agent: str) -> Event:
    kind, properties = record.type, record.properties or {}
    if not isinstance(kind, str) or kind not in _TYPES:
        raise BadEvent("bad_type", f"The type must be one of {', '.join(sorted(_TYPES))}.")
    if kind in _ITEMS:
        return Event(**{**common, "source": LEDGER}, name=f"${kind}", props=_item(record, properties))
    identities = record.identities or {}
    distinct_id = clean_id(record.distinct_id)
    is_login = properties.get("$is_login_id") is True or kind == "track_signup"
    person = who(distinct_id, clean_id(record.login_id), clean_id(record.anonymous_id), identities, is_login=is_login)
    common |= {"user_id": person.user, "anonymous_id": person.anonymous}
    if kind in _LINKS:
        common["ids"] = person.ids or None
    elif kind == "track_id_unbind":
        common |= _unbinding(record, identities)
    elif person.user is None and person.anonymous is None:  # whose it is, and nothing is linked
        common["ids"] = dict(list(person.ids.items())[:1]) or None
    if kind in _TRACKS:
        return _track(record, common, properties, user_agent)
    own = {name: value for name, value in properties.items() if name != "$is_login_id"}
    if kind in _PROFILES:
        return _profile(kind, common, own)
    return Event(**{**common, "source": LEDGER}, name=f"${kind}", props=_changes(kind, own))


def _track(record: Record, common: dict[str, Any], properties: dict[str, Any], user_agent: str) -> Event:
    name = record.event if isinstance(record.event, str) and record.event.strip() else _TRACKS[record.type]
    name = name.strip()
    if not name:
        raise BadEvent("bad_name", "An event needs the name of what happened: send event.")
    if name.startswith(OF_BIHUAN):
        raise BadEvent("bad_name", f"“{clean_text(name)[:50]}” is one of Bihuan's own names: choose another.")
    if record.type == "track_signup":
        original = clean_id(record.original_id)
        if original is not None and original not in (common["anonymous_id"], common["user_id"]) and common["user_id"] is not None:
            common["alias_from"] = original
    lib = record.lib if isinstance(record.lib, dict) else {}
    return Event(**common, name=name, props=properties_of(properties, lib, user_agent))


def _unbinding(record: Record, identities: Mapping[str, Any]) -> dict[str, Any]:
    """An unbinding names the ids that leave; where nobody is said to be logged in, they leave whoever has them."""
    found = unbound(identities)
    if not found:
        raise BadEvent("no_id", "An unbinding needs the id that leaves: send identities.")
    user, anonymous = clean_id(record.login_id), clean_id(record.anonymous_id)
    user = user if user not in found.values() else None
    anonymous = anonymous if anonymous not in found.values() else None
    return {"user_id": user, "anonymous_id": anonymous, "unbind": found, "ids": None if user or anonymous else dict([*found.items()][:1])}


def _profile(kind: str, common: dict[str, Any], properties: dict[str, Any]) -> Event:
    if kind == "profile_set_once":
        return Event(**common, traits_once={name: value for name, value in properties.items() if value is not None}, store=False)
    return Event(**common, traits=dict.fromkeys(properties) if kind == "profile_unset" else properties, store=False)


def _changes(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    for name, value in properties.items():
        if kind == "profile_increment" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise BadEvent("bad_property", f"“{clean_text(name)[:50]}” can be incremented by a number only.")
        if kind == "profile_append" and not isinstance(value, list):
            raise BadEvent("bad_property", f"To “{clean_text(name)[:50]}” a list can be appended only.")
    return properties if kind != "profile_delete" else {}


def _item(record: Record, properties: dict[str, Any]) -> dict[str, Any]:
    kind, text = clean_id(record.item_type), clean_id(record.item_id)
    if kind is None or text is None:
        raise BadEvent("no_id", "An item needs its type and its id: send item_type and item_id.")
    return {**properties, "item_type": kind, "item_id": text}


def _time(record: Record) -> int | None:
    said = record.time
    if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 20:
        said = int(said)
    return milliseconds(said, "time")


def _behind(record: Record, received: int) -> int:
    """How far the client's clock is behind ours. A time that is said to be free was chosen and not read from a clock."""
    return 0 if record.time_free is True else skew(record.flush_time, received)


def _event_key(one: Opened, at: int | None, equal: Counter[str]) -> str:
    """The key of a record; `equal` counts those of this request that have no key of their own."""
    record = one.record
    if record.track_id not in (None, ""):
        said = (record.distinct_id, record.item_id, record.time, record.type, record.event, record.track_id)
        return clean_text("\0".join(str(part) for part in said))
    if at is None:
        return uuid.uuid4().hex
    text = bytes(one.item)
    if record.flush_time is not None:  # each attempt has another
        text = canonical({name: value for name, value in loads(text).items() if name != "_flush_time"}).encode()
    content = sha256(text).hexdigest()
    equal[content] += 1
    return content if equal[content] == 1 else f"{content} {equal[content]}"


def _unfit(events: Sequence[Event], received: int) -> Iterator[str]:
    """Why events cannot be stored, as the writer would find out."""
    for event in events:
        try:
            effect(event, received)
            if event.store:
                row(event, received)
        except BadEvent as error:
            yield str(error)
