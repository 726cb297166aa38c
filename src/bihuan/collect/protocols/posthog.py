"""PostHog's capture API as posthog-js, -node, -python and the other clients of that family speak it: a body in, canonical events out.

An event keeps its name (`$pageview`, `$autocapture`, `$groupidentify` …); `$identify`, `$create_alias`, `$merge_dangerously`, `$set` and
`$set_once` only say something about a person. The key of an event is its `uuid`; without one its `$insert_id`; without that, an event with
a timestamp is known by its content, as those of posthog-python 3 are, and one without either is new each time it comes.

How PostHog's one kind of id becomes a user or an anonymous id (`who`):

- an event that says so itself decides: `$is_identified`, or a `$user_id` or `$device_id` that equals the distinct_id;
- else an id that looks generated (five groups of hexadecimal digits, as a UUID) is anonymous, and any other is a user;
- a user whose id looks generated is linked with the anonymous id of the same text, so that events from where nobody knew better are theirs;
- `$identify` links `$anon_distinct_id` to the user. `$create_alias` links the one of its two ids that looks generated; if that does not
  tell, the `alias`, or from posthog-python, which turns them round, the distinct_id. `$device_id` links nothing: it outlives a log-out.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from bihuan.collect.events import BadEvent, Event, Rejected, clean_id, clean_text
from bihuan.collect.protocols.posthog_body import json_of
from bihuan.collect.protocols.posthog_properties import properties_of
from bihuan.collect.protocols.reading import BadRequest, loads, plainly, read_item
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.quarantine import shortened
from bihuan.collect.rows import effect, row
from bihuan.collect.times import milliseconds, skew

SOURCE = "posthog"
CAPTURE = ("/batch", "/capture", "/e", "/i/v0/e")
# What Bihuan itself writes: its ledger about people, and what changes profiles and items.
OF_BIHUAN = ("$campaign_", "$message_", "$unsubscribed", "$profile_", "$item_")

_ALIASES = frozenset({"$create_alias", "$merge_dangerously"})
_ABOUT_PEOPLE = frozenset({"$identify", "$set", "$set_once", "$unset", *_ALIASES})
_GENERATED = re.compile(r"[0-9a-f]{4,20}(-[0-9a-f]{4,20}){4}", re.IGNORECASE)
# Ids that PostHog does not link either, and the one that all browsers without cookies have in common.
_NOBODY = frozenset(
    {"anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined", "true", "false", "none", "nan"}
    | {"$posthog_cookieless"}
)
_LATEST_OFFSET = 30 * 86_400_000.0


class Capture(msgspec.Struct, rename={"set": "$set", "set_once": "$set_once", "unset": "$unset"}):
    """One event as the client sent it; what is not an object where there must be one fails here, all else is checked later."""

    event: Any = None
    uuid: Any = None
    distinct_id: Any = None
    timestamp: Any = None
    offset: Any = None
    properties: dict[str, Any] | None = None
    set: Any = None
    set_once: Any = None
    unset: Any = None
    options: Any = None
    session_id: Any = None
    window_id: Any = None
    api_key: Any = None
    token: Any = None


class _Head(msgspec.Struct):
    batch: list[msgspec.Raw] | None = None
    api_key: Any = None
    token: Any = None
    sent_at: Any = None
    sentAt: Any = None  # noqa: N815 - older clients' name
    historical_migration: Any = None


@dataclass(frozen=True)
class Envelope:
    """A body opened: its events still unread. `sent_at` is when the client says it sent it; nothing if clocks are not to be corrected."""

    items: Sequence[msgspec.Raw]
    sent_at: Any
    write_key: str
    library: str = ""  # "name/version" where it comes as a header


_head = msgspec.json.Decoder(_Head)
_many = msgspec.json.Decoder(list[msgspec.Raw])
_capture = msgspec.json.Decoder(Capture)


async def _take(request: Request) -> Answer:
    envelope = open_body(json_of(await request.body.read(), request.body.unpacked), request.query)
    project = await request.door.project(envelope.write_key)
    outcome = await request.door.keep(*read(envelope, project, request.received))
    return Answer(200, {"status": 1, **msgspec.structs.asdict(outcome)})


async def _take_with_results(request: Request) -> Answer:
    headers = request.headers
    opened = open_body(json_of(await request.body.read(), request.body.unpacked), {})
    sent_at = headers.get("posthog-request-timestamp") if opened.sent_at is None else opened.sent_at
    bearer = headers.get("authorization", "").partition(" ")
    key = bearer[2].strip() if bearer[0].lower() == "bearer" else opened.write_key
    envelope = Envelope(opened.items, sent_at, key, headers.get("posthog-sdk-info", ""))
    project = await request.door.project(envelope.write_key)
    events, rejected = read(envelope, project, request.received)
    events, unfit = _fit(events, request.received)
    await request.door.keep(events, [*rejected, *unfit])
    results = {event.key: {"result": "ok"} for event in events}
    results |= {one.key: {"result": "drop", "details": one.detail} for one in (*rejected, *unfit) if one.key}
    return Answer(200, {"results": results})


async def _flags(request: Request) -> Answer:
    """No flags, in all the forms that clients of the last years look for; with what /decide also says about itself."""
    envelope = open_body(json_of(await request.body.read(), request.body.unpacked), request.query)
    await request.door.project(envelope.write_key)
    lists = request.path == "/decide" and request.query.get("v", "1") == "1"
    said = {
        "flags": {},
        "featureFlags": [] if lists else {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "requestId": str(uuid.uuid4()),
        "evaluatedAt": request.received,
    }
    about = {"config": {"enable_collect_everything": True}, "toolbarParams": {}, "isAuthenticated": False, **_remote_config("")}
    return Answer(200, {**about, **said} if request.path == "/decide" else said)


async def _config(request: Request) -> Answer:
    token = request.names["token"]
    await request.door.project(token)
    return Answer(200, _remote_config(token))


async def _config_script(request: Request) -> Answer:
    token = request.names["token"]
    await request.door.project(token)
    name, config = json.dumps(token), json.dumps({"config": _remote_config(token), "siteApps": []})
    script = f"(window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {{}})[{name}] = {config};\n"
    return Answer(200, script.encode(), "application/javascript")


ROUTES = (
    *(Route(("POST",), path, _take) for path in CAPTURE),
    Route(("POST",), "/i/v1/analytics/events", _take_with_results),
    Route(("POST",), "/flags", _flags),
    Route(("POST",), "/decide", _flags),
    Route(("GET", "HEAD"), "/array/{token}/config", _config),
    Route(("GET", "HEAD"), "/array/{token}/config.js", _config_script),
)


def open_body(body: bytes, query: Mapping[str, str]) -> Envelope:
    """Open a body: a batch, a list of events, or one. Raises BadRequest."""
    head, items = _opened(body)
    first = _first(items) if not (head.api_key or head.token) else Capture()
    properties = first.properties or {}
    keys = (head.api_key, head.token, first.api_key, first.token, properties.get("token"), properties.get("api_key"), query.get("token"))
    sent_at = next((one for one in (head.sent_at, head.sentAt, _sent(query)) if one not in (None, "")), None)
    return Envelope(
        items,
        "" if head.historical_migration is True else sent_at,
        next((key for key in (*keys, query.get("api_key")) if isinstance(key, str) and key), ""),
    )


def read(envelope: Envelope, project_id: int, received: int) -> tuple[list[Event], list[Rejected]]:
    """The events of a body that came at `received` (ms), and what of it cannot be taken."""
    events: list[Event] = []
    rejected: list[Rejected] = []
    behind = skew(envelope.sent_at, received)
    for item in envelope.items:
        one = Capture()
        try:
            one = read_item(item, _capture)
            events += _events(one, item, project_id, received, behind, envelope.library)
        except BadEvent as error:
            key = one.uuid if isinstance(one.uuid, str) else ""
            body = shortened(bytes(item).decode(errors="replace"))
            rejected.append(
                Rejected(project_id=project_id, source=SOURCE, reason=error.reason, detail=str(error), key=clean_text(key), body=body)
            )
    return events, rejected


def who(distinct_id: str | None, properties: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The distinct_id as (user, anonymous id); both, if they are to be linked."""
    if distinct_id is None:
        return None, None
    identified = properties.get("$is_identified")
    if identified is True or properties.get("$user_id") == distinct_id:
        return distinct_id, distinct_id if generated(distinct_id) else None
    if identified is False or properties.get("$device_id") == distinct_id or generated(distinct_id):
        return None, distinct_id
    return distinct_id, None


def generated(text: str) -> bool:
    """Whether an id looks as a client makes them: a UUID, or what posthog-js made before it used them."""
    return _GENERATED.fullmatch(text) is not None


def _opened(body: bytes) -> tuple[_Head, Sequence[msgspec.Raw]]:
    try:
        if body.lstrip()[:1] == b"[":
            return _Head(), _many.decode(body)
        head = _head.decode(body)
        return head, [msgspec.Raw(body)] if head.batch is None else head.batch
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = loads(body)
    except RecursionError:
        raise BadRequest("The body is nested too deep.") from None
    if isinstance(found, list):
        return _Head(), [plainly(item) for item in found]
    if not isinstance(found, dict):
        raise BadRequest("The body must be a JSON object, or a list of events.")
    items = found.get("batch", [found])
    if not isinstance(items, list):
        raise BadRequest("The body must have “batch”, a list of events.")
    return _Head(None, *(found.get(name) for name in _Head.__struct_fields__[1:])), [plainly(item) for item in items]


def _first(items: Sequence[msgspec.Raw]) -> Capture:
    """The first event of a body whose head names no write key: it may."""
    for item in items[:1]:
        try:
            return read_item(item, _capture)
        except BadEvent:
            break
    return Capture()


def _sent(query: Mapping[str, str]) -> int | None:
    """When older posthog-js says that it sent: ms in the query."""
    text = query.get("_", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) == 13 else None


def _events(one: Capture, item: msgspec.Raw, project_id: int, received: int, behind: int, library: str) -> Iterator[Event]:
    if not isinstance(one.event, str) or not one.event.strip():
        raise BadEvent("bad_name", "An event needs the name of what happened: send event.")
    name = one.event.strip()
    if name.startswith(OF_BIHUAN):
        raise BadEvent("bad_name", f"“{clean_text(name)[:50]}” is one of Bihuan's own names: choose another.")
    options = one.options if isinstance(one.options, dict) else {}
    properties = _completed(one, library)
    at = _time(one, received)
    exact = properties.pop("$ignore_sent_at", options.get("disable_skew_correction")) is True
    common: dict[str, Any] = {
        "project_id": project_id,
        "source": SOURCE,
        "key": _key(one, item, at),
        "at": received if at is None else at if exact or one.timestamp in (None, "") else at + behind,
    }
    distinct_id = _id(properties.get("distinct_id") if one.distinct_id is None else one.distinct_id)
    if name == "$groupidentify" and distinct_id == f"${properties.get('$group_type')}_{properties.get('$group_key')}":
        distinct_id = None  # what clients send for want of a person
    user, anonymous = who(distinct_id, properties)
    profile = options.get("process_person_profile", properties.get("$process_person_profile")) is not False
    said: dict[str, Any] = {"traits": _traits(one, properties), "traits_once": _traits_once(one, properties)} if profile else {}
    if name in _ALIASES:
        yield from _alias(common, distinct_id, properties)
    elif name == "$identify":
        yield from _identify({**common, **said}, distinct_id, _id(properties.get("$anon_distinct_id")))
    elif name not in _ABOUT_PEOPLE:
        # Nobody can be told anything about; the event is kept.
        told = said if user or anonymous else {}
        yield Event(**common, name=name, user_id=user, anonymous_id=anonymous, props=properties_of(properties), **told)
    elif profile:
        yield Event(**common, user_id=user, anonymous_id=anonymous, store=False, **said)


def _completed(one: Capture, library: str) -> dict[str, Any]:
    """The event's properties with those that the newest form of the protocol keeps beside them."""
    properties = dict(one.properties or {})
    for name, value in (("$session_id", one.session_id), ("$window_id", one.window_id)):
        if isinstance(value, str):
            properties.setdefault(name, value)
    if library:
        name, _, version = library.partition("/")
        properties.setdefault("$lib", name)
        properties.setdefault("$lib_version", version)
    return properties


def _identify(common: dict[str, Any], user: str | None, anonymous: str | None) -> Iterator[Event]:
    own = user if user is not None and generated(user) else None
    if anonymous is None or anonymous == user:
        yield Event(**common, user_id=user, anonymous_id=own, store=False)
        return
    if user is None or generated(anonymous):
        yield Event(**common, user_id=user, anonymous_id=anonymous, store=False)
    else:  # perhaps a user id: then it is refused, and recorded
        yield Event(**common, user_id=user, alias_from=anonymous, store=False)
    if own is not None:
        yield _only_link(common, own)


def _alias(common: dict[str, Any], distinct_id: str | None, properties: Mapping[str, Any]) -> Iterator[Event]:
    alias = _id(properties.get("alias"))
    if distinct_id is None or alias is None:
        raise BadEvent("no_id", "An alias needs two ids: send distinct_id and properties.alias.")
    user, earlier = distinct_id, alias
    if generated(distinct_id) != generated(alias):
        if generated(distinct_id):
            user, earlier = alias, distinct_id
    elif properties.get("$is_identified") is not True and properties.get("$lib") == "posthog-python":
        user, earlier = alias, distinct_id
    yield Event(**common, user_id=user, alias_from=earlier, store=False)
    if generated(user):
        yield _only_link(common, user)


def _only_link(common: Mapping[str, Any], text: str) -> Event:
    """The user and the anonymous id of one text are the same person."""
    plain = {name: common[name] for name in ("project_id", "source", "key", "at")}
    return Event(**plain, user_id=text, anonymous_id=text, store=False)


def _traits(one: Capture, properties: dict[str, Any]) -> dict[str, Any]:
    given = {**_object(properties.pop("$set", None)), **_object(one.set)}
    for names in (properties.pop("$unset", None), one.unset):
        given |= dict.fromkeys((name for name in names if isinstance(name, str)) if isinstance(names, list) else ())
    return given


def _traits_once(one: Capture, properties: dict[str, Any]) -> dict[str, Any]:
    given = {**_object(properties.pop("$set_once", None)), **_object(one.set_once)}
    return {name: value for name, value in given.items() if value is not None}  # posthog-js sends dozens of nulls


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(one: Capture, received: int) -> int | None:
    at = milliseconds(one.timestamp, "timestamp")
    if at is not None or one.offset is None:
        return at
    ago = one.offset  # ms before it was sent
    if isinstance(ago, bool) or not isinstance(ago, int | float) or not math.isfinite(ago) or not 0 <= ago <= _LATEST_OFFSET:
        raise BadEvent("bad_time", "offset is how many milliseconds ago it happened, 30 days at most.")
    return received - round(ago)


def _key(one: Capture, item: msgspec.Raw, at: int | None) -> str:
    for key in (one.uuid, (one.properties or {}).get("$insert_id")):
        if isinstance(key, str) and key:
            return clean_text(key)
    return uuid.uuid4().hex if at is None else sha256(bytes(item)).hexdigest()


def _id(value: Any) -> str | None:
    text = clean_id(value)
    return None if text is None or text.lower() in _NOBODY else text


def _fit(events: Sequence[Event], received: int) -> tuple[list[Event], list[Rejected]]:
    """Those that can be stored, and why the others cannot: found out here because each is to be answered."""
    good: list[Event] = []
    bad: list[Rejected] = []
    for event in events:
        try:
            effect(event, received)
            if event.store:
                row(event, received)
        except BadEvent as error:
            body = shortened(json.dumps(event.props, default=str))
            bad.append(
                Rejected(project_id=event.project_id, source=SOURCE, reason=error.reason, detail=str(error), key=event.key, body=body)
            )
        else:
            good.append(event)
    return good, bad


def _remote_config(token: str) -> dict[str, Any]:
    """What posthog-js asks about the project: everything that Bihuan does not do is off."""
    return {
        "token": token,
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": False,
        "sessionRecording": False,
        "surveys": False,
        "heatmaps": False,
        "capturePerformance": False,
        "captureDeadClicks": False,
        "autocapture_opt_out": False,
        "autocaptureExceptions": False,
        "defaultIdentifiedOnly": True,
        "siteApps": [],
    }
