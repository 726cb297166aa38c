"""Mending of quarantined events: a body is read whoever sent it, a list of small steps changes it, and it is judged as if it came now.

Pure. The event keeps the key that its client gave it, so that mending twice, or the client sending it again, counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, model_validator

from bihuan.collect.events import BadEvent, Event, canonical, clean_id, event_key
from bihuan.collect.plan.check import Plan
from bihuan.collect.plan.enforce import reasons
from bihuan.collect.rows import effect, money, row
from bihuan.collect.times import milliseconds
from bihuan.engine.question import Spec
from bihuan.engine.schema import COLUMNS

Do = Literal["rename_event", "rename", "set", "convert", "drop", "time", "user_id", "anonymous_id"]
DOES: tuple[Do, ...] = ("rename_event", "rename", "set", "convert", "drop", "time", "user_id", "anonymous_id")
CONVERSIONS = ("string", "number", "integer", "boolean", "time")
_FIELDS = frozenset(Event.__struct_fields__)
_decode = msgspec.json.Decoder().decode


class Step(Spec):
    """One change. `property` and `to` mean, by what to `do`: `rename_event` to a name; `rename` a property to a name; `set` a property to a
    JSON value (what is none is text); `convert` a property to a type; `drop` a property; `time` to `received`, to that of a property, or by
    `to` hours; `user_id` and `anonymous_id` to the value of a property, to `to`, or (both empty) to nobody."""

    do: Do
    property: Annotated[str, Field(max_length=200)] = ""
    to: Annotated[str, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _complete(self) -> Step:
        if self.do in ("rename", "set", "convert", "drop") and not self.property:
            raise ValueError("Name the property.")
        if self.do in ("rename_event", "rename") and not self.to:
            raise ValueError("Give the new name.")
        if self.do == "convert" and self.to not in CONVERSIONS:
            raise ValueError("Choose what to convert it to: string, number, integer, boolean or time.")
        if self.do == "time" and not self.property and self.to != "received" and money(self.to) is None:
            raise ValueError("Say “received”, a number of hours, or the property that holds the time.")
        return self


Steps = Annotated[tuple[Step, ...], Field(max_length=50)]


@dataclass(frozen=True)
class Item:
    """A row of the quarantine, as the question gives it."""

    number: int
    source: str
    reason: str
    event_key: int
    body: str
    received: int  # ms


@dataclass(frozen=True)
class Mended:
    """An event that is ready, with the number that stands for its key: its client's own where that is known."""

    event: Event
    event_key: int


def read(item: Item, project_id: int) -> Mended:
    """The event that a body tells of, as well as it can be told. Raises BadEvent when it cannot be read at all."""
    try:
        body = _decode(item.body)
    except (msgspec.MsgspecError, RecursionError):
        raise BadEvent(
            "cut", "The body is no whole JSON: it was too long to be kept, or came broken. Only its client can send it again."
        ) from None
    if not isinstance(body, dict):
        raise BadEvent("cut", "The body is not an event.")
    if "event_key" in body:
        return _of_columns(body, item, project_id)
    event = _own(body, project_id) or _of_client(body, item, project_id)
    return Mended(event, event_key(project_id, event.source, event.key))


def mended(one: Mended, steps: Sequence[Step], item: Item, zone: ZoneInfo) -> Mended:
    """The event after all the steps. Raises BadEvent where one cannot be done."""
    event = one.event
    for step in steps:
        event = _done(event, step, item, zone)
    return replace(one, event=event)


def judged(event: Event, now: int, plan: Plan | None) -> str:
    """Why the event would not be taken if it came now; '' when it would."""
    try:
        effect(event, now)
        if event.store:
            row(event, now)
    except BadEvent as error:
        return str(error)
    wrong = plan.check(event.name, event.props) if plan and event.store else ()
    return reasons(event.name, wrong) if any(one.quarantine for one in wrong) else ""


def _done(event: Event, step: Step, item: Item, zone: ZoneInfo) -> Event:
    props = dict(event.props)
    if step.do == "rename_event":
        return msgspec.structs.replace(event, name=step.to)
    if step.do == "time":
        return msgspec.structs.replace(event, at=_time(event, step, item, zone))
    if step.do in ("user_id", "anonymous_id"):
        return msgspec.structs.replace(event, **{step.do: clean_id(props.get(step.property) if step.property else step.to or None)})
    if step.do == "set":
        props[step.property] = _value(step.to)
    elif step.property in props:
        value = props.pop(step.property)
        if step.do == "rename":
            props[step.to] = value
        elif step.do == "convert":
            props[step.property] = _converted(value, step, zone)
    return msgspec.structs.replace(event, props=props)


def _time(event: Event, step: Step, item: Item, zone: ZoneInfo) -> int:
    if step.property:
        at = _moment(event.props.get(step.property), zone)
        if at is None:
            raise BadEvent("bad_time", f"“{step.property}” holds no time.")
        return at
    hours = money(step.to)
    return item.received if hours is None else event.at + round(hours * 3_600_000)


def _moment(value: Any, zone: ZoneInfo) -> int | None:
    """A time; without an offset it is in the project's zone."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            number = money(value)
            return None if number is None else milliseconds(number, "time")
        return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
    try:
        return milliseconds(value, "time")
    except BadEvent:
        return None


def _converted(value: Any, step: Step, zone: ZoneInfo) -> Any:
    cannot = BadEvent("bad_value", f"“{step.property}” is {canonical(value)[:80]}, of which no {step.to} can be made.")
    if value is None:
        return None
    if step.to == "string":
        return value if isinstance(value, str) else canonical(value)
    if step.to == "boolean":
        known = {"true": True, "1": True, "yes": True, "是": True, "false": False, "0": False, "no": False, "否": False}
        made: bool | int | float | None = known.get(canonical(value).strip('"').lower())
    elif step.to == "time":
        at = _moment(value, zone)
        return _raise(cannot) if at is None else datetime.fromtimestamp(at / 1000, zone).isoformat()
    else:
        number = money(value.strip().replace(",", "").lstrip("¥￥$€") if isinstance(value, str) else value)
        made = (
            None if number is None or (step.to == "integer" and not number.is_integer()) else int(number) if number.is_integer() else number
        )
    return _raise(cannot) if made is None else made


def _raise(error: Exception) -> Any:
    raise error


def _value(text: str) -> Any:
    try:
        return _decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text


def _own(body: Mapping[str, Any], project_id: int) -> Event | None:
    """A body that the writer kept: the canonical event itself."""
    if not {"project_id", "key", "source", "at"} <= body.keys() or not body.keys() <= _FIELDS:
        return None
    try:
        event = msgspec.convert(body, Event, strict=False)
    except msgspec.ValidationError:
        return None
    return event if event.project_id == project_id else None


def _of_columns(body: Mapping[str, Any], item: Item, project_id: int) -> Mended:
    """A row of an import."""
    props: dict[str, Any] = {
        **_value(str(body.get("props") or "{}")),
        **{name: body[name] for name in (*COLUMNS, "revenue") if body.get(name) not in (None, "")},
    }
    event = Event(
        project_id=project_id,
        key=str(body["event_key"]),
        source=item.source,
        at=int(body.get("at") or 0),
        name=str(body.get("name") or ""),
        user_id=body.get("user_id"),
        anonymous_id=body.get("anonymous_id"),
        props=props,
    )
    return Mended(event, int(body["event_key"]))


def _of_client(body: Mapping[str, Any], item: Item, project_id: int) -> Event:
    """A call as its client sent it, by the names that clients give to these things."""
    props: dict[str, Any] = next((body[name] for name in ("properties", "props", "params") if isinstance(body.get(name), dict)), {})
    at = next(
        (at for name in ("timestamp", "originalTimestamp", "time", "ts", "at") if (at := _moment(body.get(name), ZoneInfo("UTC")))), 0
    )
    user = _first(body, "userId", "user_id", "login_id", "distinct_id")
    anonymous = _first(body, "anonymousId", "anonymous_id", "device_id", "client_id")
    return Event(
        project_id=project_id,
        key=_key(body, props, item, project_id),
        source=item.source,
        at=at,
        name=str(_first(body, "event", "name", "type") or ""),
        user_id=clean_id(user),
        anonymous_id=clean_id(anonymous),
        props={name: value for name, value in props.items() if name not in ("distinct_id", "$insert_id", "token")},
    )


def _first(body: Mapping[str, Any], *names: str) -> Any:
    return next((body[name] for name in names if isinstance(body.get(name), str | int | float) and body[name] != ""), None)


def _key(body: Mapping[str, Any], props: Mapping[str, Any], item: Item, project_id: int) -> str:
    """The client's own key: the one whose number stands in the quarantine; without one, a name for this very row."""
    named = (
        str(part.get(name))
        for part in (body, props)
        for name in ("messageId", "uuid", "$insert_id", "key", "id", "event_id", "_track_id")
        if part.get(name)
    )
    keys = list(named)
    known = next((key for key in keys if event_key(project_id, item.source, key) == item.event_key), None)
    return known or (keys[0] if keys and not item.event_key else f"quarantine-{item.number}")
