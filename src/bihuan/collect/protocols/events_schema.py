"""The fields of `POST /events`, once for reading and for the JSON Schema that developers and their tools read."""

from __future__ import annotations

from typing import Any

from bihuan.collect.events import ID_TYPE, MAX_ID, MAX_NAME, MAX_PROPERTIES
from bihuan.collect.protocols.posthog import OF_BIHUAN
from bihuan.engine.schema import COLUMNS

TYPES = ("event", "identify", "alias", "unbind")

_ID: dict[str, Any] = {"type": ["string", "integer", "null"], "maxLength": MAX_ID}
_TIME: dict[str, Any] = {"type": ["string", "number", "null"]}
_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_SAID: dict[str, Any] = {"type": ["object", "null"]}
_IDS: dict[str, Any] = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": f"^{ID_TYPE.pattern}$"},
    "additionalProperties": _ID,
}

_PROPERTIES: dict[str, dict[str, Any]] = {
    "event": {**_TEXT, "maxLength": MAX_NAME, "description": "What happened: the event's name. Names that begin with "
              f"{', '.join(OF_BIHUAN)} are Bihuan's own."},
    "id": {**_ID, "description": "Your key of this event. The same id is the same event and counts once, whenever it is sent again."},
    "time": {**_TIME, "description": "When it happened: ISO 8601 (UTC without a zone), or milliseconds since 1970. Without it: now."},
    "sent_at": {**_TIME, "description": "When you send it, by the same clock as time: corrects a clock that is wrong."},
    "user": {**_ID, "description": "The id of the person in your own system, once they have logged in."},
    "anonymous": {**_ID, "description": "The id of the device or cookie. Together with user, the two are linked."},
    "ids": {**_IDS, "description": "Further ids of the same person by type: email, phone, openid, unionid, device, or types of your own."},
    "properties": {**_SAID, "maxProperties": MAX_PROPERTIES, "description": "What else is known of what happened. These have columns of "
                   f"their own: revenue, {', '.join(COLUMNS)}."},
    "person": {
        **_SAID,
        "description": "What is known of the person.",
        "additionalProperties": False,
        "properties": {
            "set": {**_SAID, "description": "Properties of the person; null takes one away."},
            "set_once": {**_SAID, "description": "Properties that hold only where none was set before."},
        },
    },
    "type": {"enum": [*TYPES, None], "description": "identify, alias and unbind say something about a person and are no events."},
    "previous": {**_ID, "description": "For an alias: the earlier id that is the same person's as user."},
    "unbind": {**_IDS, "description": "Ids, by type, that belong to this person no longer."},
    "url": {**_TEXT, "description": "The page's address: gives host, path and utm_…"},
    "referrer": {**_TEXT, "description": "The address of the page before."},
    "user_agent": {**_TEXT, "description": "The person's User-Agent: gives browser, os and device."},
}  # fmt: skip

FIELDS: dict[str, str] = {
    name: "object" if field["type"][0] == "object" else "plain" for name, field in _PROPERTIES.items() if "type" in field
}
FIELDS["type"] = "plain"


def schema() -> dict[str, Any]:
    """The JSON Schema of a body. For a line each (NDJSON), each line is an `Event`."""
    of_events = {"type": "array", "items": {"$ref": "#/$defs/Event"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The body of POST /events",
        "anyOf": [
            {"$ref": "#/$defs/Event"},
            of_events,
            {
                "type": "object",
                "required": ["events"],
                "properties": {"events": of_events, "sent_at": _TIME, "key": {**_TEXT, "description": "The write key."}},
            },
        ],
        "$defs": {
            "Event": {
                "type": "object",
                "additionalProperties": False,
                "properties": _PROPERTIES,
                "if": {"properties": {"type": {"enum": ["event", None]}}},
                "then": {"required": ["event"]},
            }
        },
    }
