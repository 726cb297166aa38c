"""What the collector says of itself, for those who look at the console: whether events are taken just now, and if not, why."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from django.utils.translation import gettext

from bihuan.collect.trouble import MB, Trouble
from bihuan.engine.config import Config

SECONDS = 1.0  # that the collector is given to answer


class _Health(msgspec.Struct):
    trouble: Trouble | None = None


def trouble(config: Config) -> Trouble | None:
    """What keeps the collector from storing events; None when nothing does, or when it does not answer at all."""
    announced = config.announced("collector")
    if announced is None:
        return None
    parts = urlsplit(str(announced["url"]))
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=SECONDS)
    try:
        connection.request("GET", "/health")
        return msgspec.json.decode(connection.getresponse().read(), type=_Health).trouble
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None
    finally:
        connection.close()


def in_words(found: Trouble, zone: str) -> str:
    """The trouble as a sentence, with what to do, in the reader's language and the project's time."""
    at, now = (moment.astimezone(ZoneInfo(zone)) for moment in (datetime.fromtimestamp(found.since / 1000, UTC), datetime.now(UTC)))
    since = f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"
    match found.kind:
        case "disk_full":
            text = gettext(
                "The disk is full: {free} MB left. Events are being refused since {since}; free space in {folder}, and they are taken "
                "again by themselves."
            )
        case "read_only":
            text = gettext(
                "Nothing can be written to {folder}. Events are being refused since {since}; make it writable, and they are taken again by "
                "themselves."
            )
        case _:
            text = gettext("The event store has taken nothing since {since}; its log says more. Events are refused until it does.")
    return text.format(free=f"{found.free // MB:,}", since=since, folder=found.folder)
