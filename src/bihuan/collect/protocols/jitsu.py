"""Jitsu's HTTP API: Segment's calls at addresses and with a write key of its own."""

from __future__ import annotations

import msgspec

from bihuan.collect.protocols import segment
from bihuan.collect.protocols.request import Answer, Request, Route

SOURCE = "jitsu"
CALLS = (*sorted(set(segment.CALLS.values())), "batch", "event")


async def _take(request: Request) -> Answer:
    name = request.path.rpartition("/")[2]
    envelope = segment.open_body("" if name == "event" else name, await request.body.read())
    project = await request.door.project(write_key(request.headers.get("x-write-key", "") or envelope.write_key))
    outcome = await request.door.keep(*segment.read(envelope, project, request.received, source=SOURCE))
    return Answer(200, {"ok": True, **msgspec.structs.asdict(outcome)})


ROUTES = tuple(Route(("POST",), f"{base}/{name}", _take) for base in ("/api/s", "/api/s/s2s") for name in CALLS)


def write_key(text: str) -> str:
    """The secret of Jitsu's `id:secret`; what has no colon is a write key as it is."""
    return text.rpartition(":")[2]
