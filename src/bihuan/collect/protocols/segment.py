"""Segment's HTTP API as analytics-python, -node, -next and RudderStack's clients speak it: a body in, canonical events out.

`track` becomes an event of its name, `page` a `$pageview`, `screen` a `$screen`, `group` a `$group` and the person's `group_id`;
`identify` and `alias` only say something about a person. The key of an event is its messageId; without one, an event with a timestamp is
known by its content, and one without either is new each time it comes.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import msgspec

from bihuan.collect.events import BadEvent, Event, Rejected, clean_id, clean_text
from bihuan.collect.protocols.context import decoded, properties_of
from bihuan.collect.protocols.reading import BadRequest, loads, plainly, read_item
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.quarantine import shortened
from bihuan.collect.times import milliseconds, skew

SOURCE = "segment"
CALLS = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
BATCHES = frozenset({"batch", "b", "import"})
_KINDS = frozenset(CALLS.values())
_NAMES = {"page": "$pageview", "screen": "$screen", "group": "$group"}


class Call(msgspec.Struct):
    """One call as the client sent it; what is not an object where there must be one fails here, all else is checked later."""

    type: Any = None
    messageId: Any = None  # noqa: N815 - the protocol's names
    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815
    userId: Any = None  # noqa: N815
    anonymousId: Any = None  # noqa: N815
    previousId: Any = None  # noqa: N815
    groupId: Any = None  # noqa: N815
    event: Any = None
    name: Any = None
    category: Any = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: msgspec.Raw = msgspec.Raw(b"null")


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]
    sentAt: Any = None  # noqa: N815
    writeKey: Any = None  # noqa: N815


class _One(msgspec.Struct):
    sentAt: Any = None  # noqa: N815
    writeKey: Any = None  # noqa: N815


class Envelope(msgspec.Struct, frozen=True):
    """A body opened: its calls still unread. `call` is the type that all of them have, '' for a batch, where each says its own."""

    items: Sequence[msgspec.Raw]
    sent_at: Any
    write_key: str
    call: str


_batch = msgspec.json.Decoder(_Batch)
_one = msgspec.json.Decoder(_One)
_call = msgspec.json.Decoder(Call)


async def _take(request: Request) -> Answer:
    envelope = open_body(request.path.removeprefix("/v1/"), await request.body.read())
    project = await request.door.project(_user(request.headers) or envelope.write_key)
    outcome = await request.door.keep(*read(envelope, project, request.received))
    return Answer(200, {"success": True, **msgspec.structs.asdict(outcome)})


async def _settings(request: Request) -> Answer:
    write_key = unquote(request.names["write_key"])
    await request.door.project(write_key)
    return Answer(200, settings(write_key))


ROUTES = (
    Route(("GET", "HEAD"), "/v1/projects/{write_key}/settings", _settings),
    *(Route(("POST",), f"/v1/{name}", _take) for name in sorted({*BATCHES, *CALLS, *CALLS.values()})),
)


def open_body(path: str, body: bytes) -> Envelope:
    """Open the body of a request to `/v1/<path>`. Raises BadRequest when it is not JSON of that shape."""
    many = path in BATCHES
    call = "" if many else CALLS.get(path, path)
    try:
        head: Any = _batch.decode(body) if many else _one.decode(body)
        items: Sequence[msgspec.Raw] = head.batch if many else [msgspec.Raw(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        head, items = _patient(body, many)
    except RecursionError:
        raise BadRequest("The body is nested too deep.") from None
    return Envelope(items, head.sentAt, head.writeKey if isinstance(head.writeKey, str) else "", call)


def read(envelope: Envelope, project_id: int, received: int, *, source: str = SOURCE) -> tuple[list[Event], list[Rejected]]:
    """The events of a body that came at `received` (ms), and what of it cannot be taken; `source` is what they are said to come by."""
    events: list[Event] = []
    rejected: list[Rejected] = []
    behind = skew(envelope.sent_at, received)
    for item in envelope.items:
        call = Call()
        try:
            call = read_item(item, _call)
            made = _event(call, envelope.call or call.type, item, project_id, received, behind)
            events.append(made if source == SOURCE else msgspec.structs.replace(made, source=source))
        except BadEvent as error:
            key = call.messageId if isinstance(call.messageId, str) else ""
            body = shortened(bytes(item).decode(errors="replace"))
            rejected.append(
                Rejected(project_id=project_id, source=source, reason=error.reason, detail=str(error), key=clean_text(key), body=body)
            )
    return events, rejected


def settings(write_key: str) -> dict[str, Any]:
    """The document that analytics-next asks for before it sends anything."""
    everything = {"__default": {"enabled": True}}
    return {
        "integrations": {"Segment.io": {"apiKey": write_key, "unbundledIntegrations": [], "addBundledMetadata": False}},
        "plan": {"track": everything, "identify": everything, "group": everything},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _user(headers: Mapping[str, str]) -> str:
    """The user name of Basic authorization, '' if there is none."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip()).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _event(call: Call, kind: Any, item: msgspec.Raw, project_id: int, received: int, behind: int) -> Event:
    if not isinstance(kind, str) or kind not in _KINDS:
        raise BadEvent("bad_type", "The type must be one of track, identify, page, screen, group and alias.")
    user, anonymous = clean_id(call.userId), clean_id(call.anonymousId)
    at = milliseconds(call.timestamp, "timestamp")
    if at is None:
        at = milliseconds(call.originalTimestamp, "originalTimestamp")
    common: dict[str, Any] = {
        "project_id": project_id,
        "source": SOURCE,
        "key": _key(call, item, at),
        "at": received if at is None else at + behind,
        "user_id": user,
        "anonymous_id": anonymous,
    }
    if kind == "identify":
        return Event(**common, traits=call.traits or _context_traits(call), store=False)
    if kind == "alias":
        previous = clean_id(call.previousId)
        if previous is None:
            raise BadEvent("no_id", "An alias needs the earlier id: send previousId.")
        return Event(**common, alias_from=previous, store=False)
    props = properties_of(bytes(call.context), call.properties, page=kind == "page")
    if kind == "track":
        return Event(**common, name=_event_name(call.event), props=props)
    if kind == "group":
        group = clean_id(call.groupId)
        if group is None:
            raise BadEvent("no_id", "A group needs its id: send groupId.")
        traits = {"group_id": group} if user or anonymous else None
        return Event(**common, name=_NAMES[kind], props={**props, "group_id": group, "traits": call.traits or {}}, traits=traits)
    for name, value in (("name", call.name), ("category", call.category)):
        if value is not None:
            props.setdefault(name, value)
    return Event(**common, name=_NAMES[kind], props=props)


def _event_name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise BadEvent("bad_name", "A track call needs the name of what happened: send event.")
    if name.startswith("$"):
        raise BadEvent("bad_name", f"Names that begin with $, such as “{clean_text(name)[:50]}”, are Bihuan's own: choose another.")
    return name.strip()


def _context_traits(call: Call) -> dict[str, Any] | None:
    found = decoded(bytes(call.context)).get("traits")
    return found if isinstance(found, dict) else None


def _key(call: Call, item: msgspec.Raw, at: int | None) -> str:
    if call.messageId not in (None, ""):
        return clean_text(str(call.messageId))
    if at is None:
        return uuid.uuid4().hex
    return sha256(bytes(item)).hexdigest()


def _patient(body: bytes, many: bool) -> tuple[Any, Sequence[msgspec.Raw]]:
    """Open a body that strict JSON refuses for what one of its texts or numbers is: lone surrogates, bad UTF-8, NaN, 1e400."""
    found = loads(body)
    if not isinstance(found, dict):
        raise BadRequest("The body must be a JSON object.")
    items = found.get("batch") if many else [found]
    if not isinstance(items, list):
        raise BadRequest("The body must have “batch”, a list of calls.")
    return _One(found.get("sentAt"), found.get("writeKey")), [plainly(item) for item in items]
