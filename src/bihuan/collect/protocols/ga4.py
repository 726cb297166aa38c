"""The Measurement Protocol of Google Analytics 4: `/mp/collect`, answered with 204, and `/debug/mp/collect`, which says what is wrong.

The protocol has no key of an event. A `purchase` is known by its transaction_id; any other event with a `timestamp_micros` by its content
(client, user, time, name, parameters, and how many equal ones came before it in the same request); one without a time is new each time.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bihuan.collect.agents import agent
from bihuan.collect.events import BadEvent, Event, Rejected, canonical, clean_id, clean_text
from bihuan.collect.protocols.context import address
from bihuan.collect.protocols.fitting import unfit
from bihuan.collect.protocols.posthog import OF_BIHUAN
from bihuan.collect.protocols.reading import BadRequest, loads
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.quarantine import body_of, shortened

SOURCE = "ga4"
MOST = 1_000  # events of one request that are taken

# What Google's own endpoint takes; here these are only told of at /debug, and what is beyond them is stored.
GOOGLES_MOST = 25  # events of a request, parameters of an event, properties of a user
GOOGLES_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
GOOGLES_LONGEST = 100  # characters of a parameter's value
GOOGLES_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")
GOOGLES_NAMES = frozenset(
    """ad_activeview ad_click ad_exposure ad_query ad_reward adunit_exposure app_background app_clear_data app_exception app_remove
    app_store_refund app_store_subscription_cancel app_store_subscription_convert app_store_subscription_renew app_update app_upgrade
    dynamic_link_app_open dynamic_link_app_update dynamic_link_first_open error first_open first_visit in_app_purchase
    notification_dismiss notification_foreground notification_open notification_receive os_update session_start user_engagement""".split()
)

_NAMES = {"page_view": "$pageview", "screen_view": "$screen"}
_CAMPAIGN = {"source": "utm_source", "medium": "utm_medium", "campaign": "utm_campaign", "term": "utm_term", "content": "utm_content"}
_EARLIEST, _LATEST = 10**14, 10**17  # microseconds: 1973 to 5138


@dataclass
class Read:
    """What a request holds: events, what of it cannot be taken, and what Google's validation would say of it."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)

    def add(self, code: str, place: str, description: str) -> None:
        self.messages.append({"fieldPath": place, "description": description, "validationCode": code})


async def _collect(request: Request) -> Answer:
    project = await request.door.project(request.query.get("api_secret", ""))
    found = read(await request.body.read(), request.query, project, request.received)
    await request.door.keep(found.events, found.rejected)
    return Answer(204, None)


async def _validate(request: Request) -> Answer:
    project = await request.door.project(request.query.get("api_secret", ""))
    found = read(await request.body.read(), request.query, project, request.received)
    return Answer(200, {"validationMessages": found.messages})


ROUTES = (
    Route(("POST",), "/mp/collect", _collect),
    Route(("POST",), "/debug/mp/collect", _validate),
)


def read(body: bytes, query: Mapping[str, str], project_id: int, received: int) -> Read:
    """The events of a body that came at `received` (ms)."""
    found = Read()
    try:
        given = loads(body)
        if not isinstance(given, dict):
            raise BadEvent("bad_event", "The body must be a JSON object with “client_id” and “events”.")
        events = _events_of(given)
        sender = _Sender(given, query, project_id, received)
    except (BadRequest, BadEvent) as error:
        reason = error.reason if isinstance(error, BadEvent) else "bad_event"
        found.add("VALUE_INVALID", "", str(error))
        text = shortened(body.decode(errors="replace"))
        found.rejected.append(Rejected(project_id=project_id, source=SOURCE, reason=reason, detail=str(error), body=text))
        return found
    found.messages += _against_googles_limits(given, events)
    seen: Counter[str] = Counter()
    for index, one in enumerate(events):
        try:
            event = sender.event(one, seen)
            problem = unfit(event, received)
            if problem is not None:
                raise problem
            found.events.append(event)
        except BadEvent as error:
            found.add("VALUE_INVALID", f"events[{index}]", str(error))
            text = body_of({**{name: value for name, value in given.items() if name != "events"}, "events": [one]})
            found.rejected.append(Rejected(project_id=project_id, source=SOURCE, reason=error.reason, detail=str(error), body=text))
    return found


class _Sender:
    """Who a request is about and when, for each of its events. Raises BadEvent when that cannot be read."""

    def __init__(self, given: Mapping[str, Any], query: Mapping[str, str], project_id: int, received: int) -> None:
        self.client = clean_id(given.get("client_id")) or clean_id(given.get("app_instance_id"))
        self.user = clean_id(given.get("user_id"))
        if self.client is None and self.user is None:
            raise BadEvent("no_id", "The request names nobody: send client_id (from an app: app_instance_id), or user_id.")
        self.project_id = project_id
        self.received = received
        self.at = _micros(given.get("timestamp_micros"), "timestamp_micros")
        self.traits = _user_properties(given.get("user_properties"))
        self.common = {
            name: value
            for name in ("measurement_id", "firebase_app_id")
            if isinstance(value := query.get(name) or given.get(name), str) and value
        }
        self.common |= _of_device(given)

    def event(self, one: Any, seen: Counter[str]) -> Event:
        if not isinstance(one, dict):
            raise BadEvent("bad_event", "An event must be an object with “name” and “params”.")
        name, params = one.get("name"), one.get("params")
        if not isinstance(name, str) or not name.strip():
            raise BadEvent("bad_name", "An event needs its “name”.")
        if name.startswith(OF_BIHUAN):
            raise BadEvent("bad_name", f"“{clean_text(name)[:50]}” is one of Bihuan's own names: choose another.")
        if params is not None and not isinstance(params, dict):
            raise BadEvent("bad_event", "“params” must be an object.")
        own = _micros(one.get("timestamp_micros"), "events.timestamp_micros")
        at = self.at if own is None else own
        return Event(
            project_id=self.project_id,
            source=SOURCE,
            key=self._key(name, params or {}, at, seen),
            at=self.received if at is None else at // 1000,
            name=_NAMES.get(name, name.strip()),
            user_id=self.user,
            anonymous_id=self.client,
            props=self.common | _props(name, params or {}),
            traits=self.traits or None,
        )

    def _key(self, name: str, params: Mapping[str, Any], at: int | None, seen: Counter[str]) -> str:
        transaction = params.get("transaction_id")
        if name == "purchase" and isinstance(transaction, str | int) and not isinstance(transaction, bool) and transaction != "":
            return clean_text(f"purchase {transaction}")
        if at is None:
            return uuid.uuid4().hex
        content = sha256(canonical([self.client, self.user, at, name, params]).encode()).hexdigest()
        seen[content] += 1
        return content if seen[content] == 1 else f"{content} {seen[content]}"


def _events_of(given: Mapping[str, Any]) -> list[Any]:
    events = given.get("events")
    if not isinstance(events, list) or not events:
        raise BadEvent("bad_event", "“events” must be a list of at least one event.")
    if len(events) > MOST:
        raise BadEvent("too_large", f"A request may have at most {MOST} events; this one has {len(events)}.")
    return events


def _micros(value: Any, place: str) -> int | None:
    """A time in microseconds; also as a text, as it is often sent."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _EARLIEST <= value < _LATEST:
        raise BadEvent("bad_time", f"{place} is the time in microseconds since 1970, as 1773000000000000; this is something else.")
    return value


def _user_properties(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {}
    return {name: said.get("value") if isinstance(said, dict) else said for name, said in given.items()}


def _of_device(given: Mapping[str, Any]) -> dict[str, str]:
    """What a request says about the device and the place; what it says itself comes before what its User-Agent tells."""
    client = given.get("user_agent")
    found = agent(client)._asdict() if isinstance(client, str) else {}
    for part, places in (
        ("device", {"browser": "browser", "operating_system": "os", "category": "device"}),
        ("user_location", {"country_id": "country", "city": "city"}),
    ):
        said = given.get(part)
        if isinstance(said, dict):
            found |= {name: said[theirs] for theirs, name in places.items() if isinstance(said.get(theirs), str)}
    return {name: value for name, value in found.items() if value}


def _props(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters by their own names, and those that have a column. `value` is revenue of a purchase alone: elsewhere it is what a
    cart or a lead is worth, which nobody has paid."""
    props = dict(params)
    location, referrer = params.get("page_location"), params.get("page_referrer")
    if isinstance(location, str):
        host, path, campaign = address(location)
        props = {**{key: value for key, value in (("host", host), ("path", path), *campaign) if value}, **props}
    if isinstance(referrer, str) and referrer:
        props.setdefault("referrer", address(referrer)[0] or referrer)
    if name == "campaign_details":
        props |= {ours: params[theirs] for theirs, ours in _CAMPAIGN.items() if theirs in params}
    if name == "purchase" and "value" in params:
        props.setdefault("revenue", params["value"])
    return props


def _against_googles_limits(given: Mapping[str, Any], events: list[Any]) -> Iterator[dict[str, str]]:
    """What Google's endpoint would refuse, in its words' form."""
    told = Read()
    if clean_id(given.get("client_id")) is None and clean_id(given.get("app_instance_id")) is None:
        told.add("VALUE_REQUIRED", "client_id", "Google asks for client_id or app_instance_id; here user_id alone is enough.")
    if len(events) > GOOGLES_MOST:
        told.add("EXCEEDED_MAX_ENTITIES", "events", f"Google takes {GOOGLES_MOST} events of a request; here are {len(events)}.")
    properties = given.get("user_properties")
    if isinstance(properties, dict) and len(properties) > GOOGLES_MOST:
        told.add("EXCEEDED_MAX_ENTITIES", "user_properties", f"Google takes {GOOGLES_MOST} user properties of a request.")
    for index, one in enumerate(events):
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            _against_googles_names(told, f"events[{index}]", one["name"], one.get("params"))
    yield from told.messages


def _against_googles_names(told: Read, place: str, name: str, params: Any) -> None:
    if name in GOOGLES_NAMES or name.startswith(GOOGLES_PREFIXES):
        told.add("NAME_RESERVED", f"{place}.name", f"Google keeps the name “{name[:50]}” for itself.")
    elif not GOOGLES_NAME.fullmatch(name):
        told.add("NAME_INVALID", f"{place}.name", "Google's names have at most 40 letters, digits and _, and begin with a letter.")
    if not isinstance(params, dict):
        return
    if len(params) > GOOGLES_MOST:
        told.add("EXCEEDED_MAX_ENTITIES", f"{place}.params", f"Google takes {GOOGLES_MOST} parameters of an event.")
    for key, value in params.items():
        if isinstance(value, str) and len(value) > GOOGLES_LONGEST and not key.startswith("page_"):
            told.add("VALUE_OUT_OF_BOUNDS", f"{place}.params.{key[:50]}", f"Google takes {GOOGLES_LONGEST} characters of a value.")
