"""What Bihuan's own script in a browser asks for: itself at `/bihuan.js`, and `/web` for what it saw.

Its body is that of `/events`. What only the request itself shows is completed here: browser, system and device out of the User-Agent, and,
with `?visitor=day` (cookieless mode), who the visitor is today, as `web/visitors.py` tells.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from bihuan.collect.agents import agent
from bihuan.collect.events import Event
from bihuan.collect.protocols import events
from bihuan.collect.protocols.request import Answer, Request, Route
from bihuan.collect.web.build import BUILT

SOURCE = "web"
SCRIPT_HOLDS = 3600  # seconds that browsers use the script without asking again; then its ETag tells whether it changed


class Script(NamedTuple):
    """The script as it is served."""

    plain: bytes
    packed: bytes
    etag: str


async def _take(request: Request) -> Answer:
    envelope = events.open_body(await request.body.read())
    project = await request.door.project(envelope.write_key)
    read = events.read(envelope, project, request.received)
    rejected = [msgspec.structs.replace(one, source=SOURCE) for one in read.rejected]
    outcome = await request.door.keep(list(completed(read.events, request)), rejected)
    told = [result.told() for result in read.results if result.problem]
    return Answer(200, {**msgspec.structs.asdict(outcome), "refused": told})


async def _script(request: Request) -> Answer:
    found = script()
    headers = {
        "etag": found.etag,
        "cache-control": f"public, max-age={SCRIPT_HOLDS}, stale-while-revalidate=86400",
        "cross-origin-resource-policy": "cross-origin",
        "timing-allow-origin": "*",
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding",
        "access-control-allow-origin": "*",  # for everybody the same, so that it is cached once
    }
    kind = "text/javascript; charset=utf-8"
    if found.etag in request.headers.get("if-none-match", ""):
        return Answer(304, None, kind, headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Answer(200, found.packed, kind, {**headers, "content-encoding": "gzip"})
    return Answer(200, found.plain, kind, headers)


ROUTES = (
    Route(("GET", "HEAD"), "/bihuan.js", _script),
    Route(("POST",), "/web", _take),
)


@cache
def script() -> Script:
    """The script of this version."""
    plain = BUILT.read_bytes()
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'"{blake2b(plain, digest_size=8).hexdigest()}"')


def completed(found: Sequence[Event], request: Request) -> Iterator[Event]:
    """The events with what the request itself shows."""
    device = {name: value for name, value in agent(request.headers.get("user-agent", ""))._asdict().items() if value}
    without_cookies = request.query.get("visitor") == "day"
    for event in found:
        anonymous = event.anonymous_id
        if without_cookies:  # several people may share an address and a browser: who is known is not linked to them
            host = str(event.props.get("host", ""))
            anonymous = None if event.user_id else request.door.visitor(event.project_id, event.at, host, request)
        yield msgspec.structs.replace(event, source=SOURCE, anonymous_id=anonymous, props={**device, **event.props})
