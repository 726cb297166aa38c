"""What a protocol is to the collector: routes, each of which turns one request into an answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bihuan.collect.bodies import Body
from bihuan.collect.events import Event, Outcome, Rejected
from bihuan.collect.webhooks.hooks import Hook, Note


class Door(Protocol):
    """What the collector does for a protocol."""

    async def project(self, write_key: str) -> int:
        """The project that this write key lets in. Raises Refused."""

    async def keep(self, events: Sequence[Event], rejected: Sequence[Rejected]) -> Outcome:
        """What became of the events, once that is on disk. Raises Unavailable."""

    async def hook(self, project: str, key: str) -> Hook:
        """The live webhook of this address. Raises Refused."""

    def note(self, note: Note) -> None:
        """Remember what became of a delivery, for the webhook's page."""

    def visitor(self, project_id: int, at: int, host: str, request: Request) -> str:
        """The anonymous id that the sender of this request has on this site for one day, without anything being kept in the browser."""


@dataclass(frozen=True)
class Request:
    """One request. `path` has no slash at its end, `names` are the parts of it that the route gives names, `received` is in ms;
    `address` is whom it came from: a client, or the proxy in between."""

    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    received: int
    body: Body
    door: Door
    address: str = ""


class Answer(NamedTuple):
    """`content` becomes JSON; bytes go out as they are, as `kind`, with further `headers` (their names in lower case)."""

    status: int
    content: Any
    kind: str = "application/json"
    headers: Mapping[str, str] = {}


class Route(NamedTuple):
    """An address of a protocol; `{name}` stands for one part of the path."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Request], Awaitable[Answer]]


class Routes:
    """Finds the route of a path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._plain = {route.path: route for route in routes if "{" not in route.path}
        self._patterns = [(re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path)), route) for route in routes if "{" in route.path]

    def find(self, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route and its named parts; None when no protocol has this address."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain, {}
        for pattern, route in self._patterns:
            found = pattern.fullmatch(path)
            if found:
                return route, found.groupdict()
        return None
