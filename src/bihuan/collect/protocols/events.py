"""Bihuan's own form of events: `POST /events`, an object, a list or a line for each, with an answer for each of them.

The key of an event is its `id`: it counts once however often it comes. Without one, an event with a `time` is known by its content, and
one without either is new each time it comes; the answer says which key was made and out of what.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, Literal

import msgspec

from bihuan.collect.agents import agent
from bihuan.collect.events import ID_TYPE, BadEvent, Event, Rejected, canonical, clean_id, clean_text
from bihuan.collect.protocols.context import address
from bihuan.collect.protocols.credentials import write_key
from bihuan.collect.protocols.events_schema import FIELDS, TYPES, schema
from bihuan.collect.protocols.fitting import unfit
from bihuan.collect.protocols.posthog import OF_BIHUAN
from bihuan.collect.protocols.reading import BadRequest, loads, plainly, read_item
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.quarantine import shortened
from bihuan.collect.times import milliseconds, skew

SOURCE = "events"
MOST = 10_000  # events of one request

_BODY = "Send a JSON object, a list of them, {“events”: [ … ]}, or one object on each line."
_TRACK = "event"
_NOTHING: Literal["sender", "content", "nothing"] = "nothing"


class _Head(msgspec.Struct):
    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    sent_at: Any = None
    key: Any = None


class Envelope(msgspec.Struct, frozen=True):
    """A body opened: its events still unread."""

    items: Sequence[msgspec.Raw]
    sent_at: Any = None
    write_key: str = ""


@dataclass(frozen=True)
class Result:
    """What became of one event. `id` is the key that it counts once by, made out of `id_from` where the sender gave none."""

    index: int
    id: str
    id_from: Literal["sender", "content", "nothing"]
    problem: BadEvent | None = None

    def told(self) -> dict[str, Any]:
        made = {} if self.id_from == "sender" else {"id_from": self.id_from}
        if self.problem is None:
            return {"index": self.index, "result": "ok", "id": self.id, **made}
        return {"index": self.index, "result": "refused", "id": self.id, "reason": self.problem.reason, "detail": str(self.problem)}


@dataclass(frozen=True)
class Read:
    """The events of a body, those of it that cannot be taken, and the result of each."""

    events: list[Event]
    rejected: list[Rejected]
    results: list[Result]


_object = msgspec.json.Decoder(dict[str, Any])
_many = msgspec.json.Decoder(list[msgspec.Raw])
_head = msgspec.json.Decoder(_Head)
_raw = msgspec.json.Decoder(msgspec.Raw)


async def _take(request: Request) -> Answer:
    envelope = open_body(await request.body.read(), request.headers.get("content-type", ""))
    project = await request.door.project(write_key(request) or envelope.write_key)
    read_ = read(envelope, project, request.received)
    outcome = await request.door.keep(read_.events, read_.rejected)
    answer = {**msgspec.structs.asdict(outcome), "results": [result.told() for result in read_.results]}
    if read_.events or not read_.rejected:
        return Answer(200, answer)
    first = f"Nothing of this could be taken. Event {read_.results[0].index}: {read_.results[0].problem}"
    return Answer(400, {"code": read_.rejected[0].reason, "message": first, "detail": first, "error": first, **answer})


async def _schema(request: Request) -> Answer:
    return Answer(200, schema())


ROUTES = (
    Route(("POST",), "/events", _take),
    Route(("GET", "HEAD"), "/events/schema.json", _schema),
)


def open_body(body: bytes, content_type: str = "") -> Envelope:
    """Open a body in any of its forms. Raises BadRequest."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise BadRequest(f"The body is empty. {_BODY}")
    try:
        envelope = _opened(text, content_type)
    except RecursionError:
        raise BadRequest("The body is nested too deep.") from None
    if len(envelope.items) > MOST:
        raise BadRequest(f"A request may have at most {MOST:,} events; this one has {len(envelope.items):,}. Send smaller batches.")
    return envelope


def read(envelope: Envelope, project_id: int, received: int) -> Read:
    """The events of a body that came at `received` (ms)."""
    found = Read([], [], [])
    behind = skew(envelope.sent_at, received)
    for index, item in enumerate(envelope.items):
        key, origin = "", _NOTHING
        try:
            given = _checked(read_item(item, _object))
            at = milliseconds(given.get("time"), "time")
            key, origin = _key(given, at)
            own = skew(given.get("sent_at"), received) if given.get("sent_at") is not None else behind
            event = _event(given, project_id, key, received if at is None else at + own)
            problem = unfit(event, received)
            if problem is not None:
                raise problem
        except BadEvent as error:
            body = shortened(bytes(item).decode(errors="replace"))
            found.rejected.append(
                Rejected(project_id=project_id, source=SOURCE, reason=error.reason, detail=str(error), key=key, body=body)
            )
            found.results.append(Result(index, key, origin, error))
        else:
            found.events.append(event)
            found.results.append(Result(index, key, origin))
    return found


def _opened(text: bytes, content_type: str) -> Envelope:
    if "ndjson" in content_type or "jsonl" in content_type:
        return Envelope(_lines(text))
    try:
        if text[:1] == b"[":
            return Envelope(_many.decode(text))
        if text[:1] != b"{":
            raise BadRequest(f"The body is not JSON. {_BODY}")
        head = _head.decode(text)
        if head.events is msgspec.UNSET:
            return Envelope([msgspec.Raw(text)])
        return Envelope(head.events, head.sent_at, head.key if isinstance(head.key, str) else "")
    except msgspec.ValidationError:
        raise BadRequest(f"“events” must be a list. {_BODY}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        if text[:1] == b"{" and b"\n" in text and _is_json(text.partition(b"\n")[0]):
            return Envelope(_lines(text))
    return _patient(text)


def _patient(text: bytes) -> Envelope:
    """A body that strict JSON refuses for what one of its texts or numbers is: lone surrogates, bad UTF-8, NaN, 1e400."""
    found = loads(text)
    if isinstance(found, list):
        return Envelope([plainly(item) for item in found])
    if isinstance(found, dict) and "events" in found:
        if not isinstance(found["events"], list):
            raise BadRequest(f"“events” must be a list. {_BODY}")
        key = found.get("key")
        return Envelope([plainly(item) for item in found["events"]], found.get("sent_at"), key if isinstance(key, str) else "")
    return Envelope([plainly(found)])


def _lines(text: bytes) -> list[msgspec.Raw]:
    return [msgspec.Raw(line) for line in text.split(b"\n") if line.strip()]


def _is_json(line: bytes) -> bool:
    try:
        _raw.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """The event without its nulls; raises BadEvent for a field that there is not, or one of the wrong kind."""
    for name, value in given.items():
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, 1)
            hint = f"did you mean “{near[0]}”?" if near else "put what is your own into “properties”."
            raise BadEvent("bad_field", f"There is no field “{clean_text(name)[:50]}” here: {hint}")
        if value is not None and FIELDS[name] == "object" and not isinstance(value, dict):
            raise BadEvent("bad_event", f"“{name}” must be an object.")
    return {name: value for name, value in given.items() if value is not None}


def _key(given: Mapping[str, Any], at: int | None) -> tuple[str, Literal["sender", "content", "nothing"]]:
    key = given.get("id", "")
    if isinstance(key, bool) or not isinstance(key, str | int) or len(str(key)) > 500:
        raise BadEvent("bad_key", "“id” must be a text of at most 500 characters, or a whole number.")
    if key != "":
        return clean_text(str(key)), "sender"
    if at is None:
        return uuid.uuid4().hex, "nothing"
    content = {name: value for name, value in given.items() if name != "sent_at"}  # which a client sets anew when it tries again
    return sha256(canonical(content).encode()).hexdigest(), "content"


def _event(given: Mapping[str, Any], project_id: int, key: str, at: int) -> Event:
    kind = given.get("type", _TRACK)
    if kind not in TYPES:
        raise BadEvent("bad_type", f"“type” must be one of {', '.join(TYPES)}; without it, this is an event.")
    person = given.get("person", {})
    common: dict[str, Any] = {
        "project_id": project_id,
        "source": SOURCE,
        "key": key,
        "at": at,
        "user_id": _id(given, "user"),
        "anonymous_id": _id(given, "anonymous"),
        "ids": _ids(given, "ids"),
        "unbind": _ids(given, "unbind"),
        "traits": _told(person, "set"),
        "traits_once": _told(person, "set_once"),
    }
    if not any(common[name] for name in ("user_id", "anonymous_id", "ids")) and (kind != _TRACK or person or common["unbind"]):
        raise BadEvent("no_id", "This says something about a person but names nobody: send user, anonymous or ids.")
    if kind == _TRACK:
        return Event(**common, name=_name(given.get("event")), props=_props(given))
    for name in ("event", "properties"):
        if name in given:
            raise BadEvent("bad_field", f"What is of the type {kind} has no “{name}”: what is said of a person belongs into “person.set”.")
    if kind == "alias":
        previous = clean_id(given.get("previous"))
        if previous is None or common["user_id"] is None:
            raise BadEvent("no_id", "An alias needs “user” and, as “previous”, the earlier id that is the same person's.")
        return Event(**common, alias_from=previous, store=False)
    if kind == "unbind" and not common["unbind"]:
        raise BadEvent("no_id", "Say as “unbind” which ids, by type, belong to this person no longer.")
    return Event(**common, store=False)


def _id(given: Mapping[str, Any], name: str) -> str | None:
    try:
        return clean_id(given.get(name))
    except BadEvent as error:
        raise BadEvent(error.reason, f"“{name}”: {error}") from None


def _ids(given: Mapping[str, Any], field: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for kind, value in given.get(field, {}).items():
        if not ID_TYPE.fullmatch(kind):
            raise BadEvent("bad_id", f"“{field}”: a type of id has small letters, digits and _ only; “{clean_text(kind)[:50]}” has not.")
        try:
            text = clean_id(value)
        except BadEvent as error:
            raise BadEvent(error.reason, f"“{field}.{kind}”: {error}") from None
        if text is not None:
            found[kind] = text
    return found or None


def _told(person: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    unknown = [other for other in person if other not in ("set", "set_once")]
    if unknown:
        raise BadEvent("bad_field", f"“person” has “set” and “set_once” only, not “{clean_text(unknown[0])[:50]}”.")
    said = person.get(name)
    if said is not None and not isinstance(said, dict):
        raise BadEvent("bad_event", f"“person.{name}” must be an object.")
    return said or None


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise BadEvent("bad_name", "An event needs the name of what happened: send “event”.")
    if name.strip().startswith(OF_BIHUAN):
        raise BadEvent("bad_name", f"“{clean_text(name)[:50]}” is one of Bihuan's own names: choose another.")
    return name.strip()


def _props(given: Mapping[str, Any]) -> dict[str, Any]:
    """The event's properties; what `url`, `referrer` and `user_agent` tell comes after what it says itself."""
    found: dict[str, Any] = {}
    url, referrer, client = (_text(given, name) for name in ("url", "referrer", "user_agent"))
    if url:
        host, path, campaign = address(url)
        found |= {"host": host, "path": path, **dict(campaign)}
    if referrer:
        found["referrer"] = address(referrer)[0] or referrer
    if client:
        found |= agent(client)._asdict()
    return {**{name: value for name, value in found.items() if value}, **given.get("properties", {})}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadEvent("bad_event", f"“{name}” must be a text.")
    return value
