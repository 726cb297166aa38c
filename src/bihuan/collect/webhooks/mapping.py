"""What becomes of a delivery by a webhook's mapping: events, and for what cannot be one, why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from bihuan.collect.events import BadEvent, Event, Rejected, canonical, clean_id, clean_text
from bihuan.collect.protocols.fitting import unfit
from bihuan.collect.protocols.posthog import OF_BIHUAN
from bihuan.collect.protocols.reading import BadRequest, loads
from bihuan.collect.times import milliseconds
from bihuan.collect.webhooks.expressions import Root, value_of
from bihuan.collect.webhooks.spec import Condition, Named, WebhookSpec

MOST = 1_000  # items of one delivery
LONGEST_BODY = 256 * 1024  # characters of a delivery that the quarantine keeps, so that it can be tried again
KEPT_HEADERS = 40


@dataclass
class Mapped:
    """`ignored` counts the items of which the conditions are not true."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ignored: int = 0


@dataclass(frozen=True)
class Delivery:
    """One request of the sender. `headers` by small names, `received` in ms."""

    project_id: int
    webhook: str
    headers: Mapping[str, str]
    body: bytes
    received: int

    @property
    def source(self) -> str:
        return source_of(self.webhook)

    def kept(self) -> str:
        """All that is needed to try again."""
        headers = dict(list(self.headers.items())[:KEPT_HEADERS])
        text = self.body.decode(errors="replace")
        return json.dumps({"headers": headers, "received": self.received, "body": text[:LONGEST_BODY]}, ensure_ascii=False)


def source_of(webhook: str) -> str:
    """The source under which a webhook's events are stored."""
    return f"webhook {webhook}"


def again(project_id: int, webhook: str, kept: str) -> Delivery | None:
    """The delivery that `Delivery.kept` wrote; None for anything else."""
    try:
        found = json.loads(kept)
        return Delivery(project_id, webhook, dict(found["headers"]), str(found["body"]).encode(), int(found["received"]))
    except (ValueError, TypeError, KeyError):
        return None


def mapped(spec: WebhookSpec, delivery: Delivery) -> Mapped:
    """Apply the mapping. Never raises: what cannot be is in `rejected`, with the delivery."""
    found = Mapped()
    try:
        body = _parsed(delivery)
        items = _items(spec, body, delivery.headers)
    except (BadEvent, BadRequest) as error:
        found.rejected.append(_rejected(delivery, error))
        return found
    for index, item in enumerate(items):
        root = Root(item, body, delivery.headers, index)
        try:
            if not all(_is_true(one, root) for one in spec.only_when):
                found.ignored += 1
                continue
            event = _event(spec, delivery, root, many=bool(spec.for_each))
            problem = unfit(event, delivery.received)
            if problem is not None:
                raise problem
            found.events.append(event)
        except BadEvent as error:
            found.rejected.append(_rejected(delivery, error, f"Item {index}: " if spec.for_each else ""))
    return found


def _rejected(delivery: Delivery, error: BadEvent | BadRequest, where: str = "") -> Rejected:
    reason = error.reason if isinstance(error, BadEvent) else "bad_event"
    key = f"{delivery.webhook} {where}{sha256(delivery.body).hexdigest()}"
    return Rejected(
        project_id=delivery.project_id, source=delivery.source, reason=reason, detail=f"{where}{error}", key=key, body=delivery.kept()
    )


def _parsed(delivery: Delivery) -> Any:
    """The body: JSON, or a form, whose field `payload` may hold JSON."""
    if "x-www-form-urlencoded" in delivery.headers.get("content-type", ""):
        form = dict(parse_qsl(delivery.body.decode(errors="replace"), keep_blank_values=True, max_num_fields=1_000))
        return loads(form["payload"].encode()) if "payload" in form else form
    return loads(delivery.body)


def _items(spec: WebhookSpec, body: Any, headers: Mapping[str, str]) -> Sequence[Any]:
    if not spec.for_each:
        return [body]
    found = value_of(spec.for_each, Root(body, body, headers))
    if not isinstance(found, list):
        raise BadEvent("bad_mapping", f"for_each: at “{spec.for_each}” there is {_kind(found)}, not a list.")
    if len(found) > MOST:
        raise BadEvent("too_large", f"A delivery may have at most {MOST} items; this one has {len(found)}.")
    return found


def _is_true(condition: Condition, root: Root) -> bool:
    value = value_of(condition.from_, root)
    if condition.op in ("exists", "missing"):
        return (value is not None) == (condition.op == "exists")
    return (_text(value) in condition.values) == (condition.op == "is")


def _event(spec: WebhookSpec, delivery: Delivery, root: Root, *, many: bool) -> Event:
    at = milliseconds(_one(spec.time, root, "time"), "time")
    person = dict(_named(spec.person, root)) or None
    ids = {one.type: text for one in spec.ids if (text := clean_id(_one(one.from_, root, f"ids.{one.type}"))) is not None}
    return Event(
        project_id=delivery.project_id,
        source=delivery.source,
        key=_key(spec, delivery, root, many),
        at=delivery.received if at is None else at,
        name=_name(spec, root),
        user_id=clean_id(_one(spec.user, root, "user")),
        anonymous_id=clean_id(_one(spec.anonymous, root, "anonymous")),
        ids=ids or None,
        props=_all_of(spec, root) | dict(_named(spec.properties, root)),
        traits=person,
    )


def _name(spec: WebhookSpec, root: Root) -> str:
    name = _one(spec.event, root, "event")
    if not isinstance(name, str) or not name.strip():
        raise BadEvent("bad_mapping", f"event: at “{spec.event}” there is {_kind(name)}, not the name of an event.")
    if name.startswith(OF_BIHUAN):
        raise BadEvent("bad_name", f"“{clean_text(name)[:50]}” is one of Bihuan's own names: choose another.")
    return name.strip()


def _key(spec: WebhookSpec, delivery: Delivery, root: Root, many: bool) -> str:
    place = f" {root.place}" if many else ""
    if spec.id:
        key = clean_id(_one(spec.id, root, "id"))
        if key is None:
            raise BadEvent("bad_mapping", f"id: at “{spec.id}” there is nothing; without a key, an event sent twice would count twice.")
        return key
    sent = delivery.headers.get(spec.delivery_header.lower(), "") if spec.delivery_header else ""
    return f"{sent or sha256(delivery.body).hexdigest()}{place}"


def _all_of(spec: WebhookSpec, root: Root) -> dict[str, Any]:
    if not spec.all_of:
        return {}
    found = value_of(spec.all_of, root)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadEvent("bad_mapping", f"all_of: at “{spec.all_of}” there is {_kind(found)}, not an object.")
    return dict(found)


def _named(parts: tuple[Named, ...], root: Root) -> Iterator[tuple[str, Any]]:
    for one in parts:
        value = value_of(one.from_, root)
        if value is not None:
            yield one.name, value


def _one(expression: str, root: Root, place: str) -> Any:
    """What the expression finds, which must not be a list or an object."""
    value = value_of(expression, root) if expression else None
    if isinstance(value, dict | list):
        raise BadEvent("bad_mapping", f"{place}: at “{expression}” there is {_kind(value)}, not a text or a number.")
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else canonical(value)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text" if value.strip() else "an empty text"
        case dict():
            return "an object"
        case list():
            return "a list"
    return "a number"
