"""The collector's HTTP: who asks for what, cross-origin answers, limits, and errors that every client understands."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from bihuan.collect.bodies import Body, Budget, Receive, Refused
from bihuan.collect.directory import Directory
from bihuan.collect.events import Event, Outcome, Rejected
from bihuan.collect.identity import Wanted
from bihuan.collect.protocols import PROTOCOLS
from bihuan.collect.protocols.request import Answer, Request, Routes
from bihuan.collect.refusals import Known, Refusals, asking
from bihuan.collect.trouble import Trouble
from bihuan.collect.web.visitors import Visitors
from bihuan.collect.webhooks.hooks import Hook, Note
from bihuan.collect.writer import Writer
from bihuan.engine.errors import EngineError, Unavailable

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Mapping[str, str]

WAIT = 8.0  # seconds that a request waits to be on disk before it is told to come again; clients themselves give up after 10 to 15
LARGEST_INTERNAL = 128 * 1024 * 1024

log = logging.getLogger("bihuan.collect")
_encode = msgspec.json.Encoder().encode
_events = msgspec.msgpack.Decoder(list[Event]).decode


class _Columns(msgspec.Struct):
    project_id: int
    source: str
    columns: dict[str, list[Any]]


_columns = msgspec.msgpack.Decoder(_Columns).decode
_wanted = msgspec.msgpack.Decoder(Wanted).decode


class App:
    """The ASGI application. `token` lets Bihuan's own processes in."""

    def __init__(self, writer: Writer, directory: Directory, token: str, visitors: Visitors) -> None:
        self._writer = writer
        self._visitors = visitors
        self._directory = directory
        self._refusals = Refusals(writer.store)
        self._token = token.encode()
        self._outside, self._inside = Budget(), Budget(2 * LARGEST_INTERNAL)
        self._routes = Routes([route for protocol in PROTOCOLS for route in protocol.ROUTES])

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asking.set(None)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            answer = await self._answer(scope, headers, receive)
        except Refused as refused:
            answer = Answer(refused.status, _error(refused.code, str(refused)))
            self._refusals.note(refused.status, refused.code, str(refused), scope["path"], headers)
        except Unavailable as error:
            answer = Answer(503, _unavailable(error, self._writer.trouble))
        except Exception:
            log.exception("A request could not be answered.")
            answer = Answer(500, _error("internal", "Something went wrong in the collector; its log says what."))
        await _reply(send, answer, headers, self._retry_after())

    async def _answer(self, scope: Mapping[str, Any], headers: Headers, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"].rstrip("/")
        if method == "OPTIONS":
            return Answer(204, None)
        if path in ("", "/health"):
            _allow(method, "GET", "HEAD")
            return self._health()
        if path in ("/internal/events", "/internal/columns", "/internal/identity"):
            _allow(method, "POST")
            return await self._internal(path, headers, receive)
        found = self._routes.find(path)
        if found is None:
            return Answer(404, _error("not_found", "There is nothing at this address; the page Sources says where clients send."))
        route, names = found
        _allow(method, *route.methods)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        with Body(receive, self._outside) as body:
            address = (scope.get("client") or ("",))[0]
            return await route.answer(Request(path, names, query, headers, int(time.time() * 1000), body, self, address))

    def _health(self) -> Answer:
        trouble = self._writer.trouble
        if trouble is not None:
            return Answer(503, {"status": "trouble", "trouble": trouble, **_error(trouble.kind, str(trouble))})
        if not self._writer.ready():
            raise Unavailable("The event store does not answer just now; it is starting again. Try again in a moment.")
        return Answer(200, {"status": "ok"})

    async def _internal(self, path: str, headers: Headers, receive: Receive) -> Answer:
        if not hmac.compare_digest(headers.get("x-bihuan-token", "").encode(), self._token):
            return Answer(401, _error("unauthorized", "Only Bihuan's own processes may send here."))
        with Body(receive, self._inside, LARGEST_INTERNAL) as body:
            try:
                text = await body.read()
                self._refuse_in_trouble()
                future: Future[Any]
                if path == "/internal/events":
                    future = self._writer.submit(_events(text))
                elif path == "/internal/identity":
                    future = self._writer.decide(_wanted(text))
                else:
                    many = _columns(text)
                    future = self._writer.submit_lists(many.columns, project_id=many.project_id, source=many.source)
            except KeyError as error:  # a project made a moment ago, or none
                await asyncio.to_thread(self._directory.refresh, older_than=0.5)
                raise Unavailable("The collector knows no project with the number {number}.", number=error.args[0]) from None
            except (msgspec.MsgspecError, ValueError) as error:
                return Answer(400, _error("bad_request", str(error)))
            return Answer(200, msgspec.structs.asdict(await self._stored(future)))

    async def keep(self, events: Sequence[Event], rejected: Sequence[Rejected]) -> Outcome:
        """What became of the events, once that is on disk. Raises Unavailable."""
        self._refuse_in_trouble()
        outcome: Outcome = await self._stored(self._writer.submit(events, rejected))
        return outcome

    def visitor(self, project_id: int, at: int, host: str, request: Request) -> str:
        """The anonymous id that the sender of this request has on this site for one day."""
        said = {"forwarded": request.headers.get("x-forwarded-for", ""), "agent": request.headers.get("user-agent", "")}
        return self._visitors.anonymous(project_id, at, request.received, host=host, peer=request.address, **said)

    async def project(self, write_key: str) -> int:
        """The project that this write key lets in. Raises Refused."""
        if not write_key:
            raise Refused(401, "no_write_key", "Send the write key as your client does: the page Sources shows where.")
        project = self._directory.project_of(write_key)
        if project is None:  # perhaps it was made a moment ago
            try:
                await asyncio.to_thread(self._directory.refresh, older_than=0.5)
            except Exception as error:
                if not self._directory.known:
                    raise Unavailable("The definitions' database does not answer just now; try again in a moment.") from error
            project = self._directory.project_of(write_key)
        known = self._directory.once(write_key) if project is None else project
        asking.set(None if known is None else Known(known, write_key[:8]))
        if project is None:
            raise Refused(401, "unknown_write_key", "This write key is not known here, or it was revoked; see the page Sources.")
        return project

    def _retry_after(self) -> int:
        """Seconds until it is worth trying again after a 503."""
        return 10 if self._writer.trouble is not None and self._writer.trouble.lasting else 1

    def _refuse_in_trouble(self) -> None:
        """Raise Unavailable at once while it is known that nothing can be stored, rather than hold what nobody will get an answer to."""
        if self._writer.trouble is not None and self._writer.trouble.lasting:
            raise Unavailable("Events are being refused.")  # said with the reason, as all answers while there is trouble

    async def hook(self, project: str, key: str) -> Hook:
        """The live webhook of this address. Raises Refused."""
        found = self._directory.webhooks.of(project, key)
        if found is None:
            with contextlib.suppress(Exception):  # perhaps it was made a moment ago
                await asyncio.to_thread(self._directory.refresh, older_than=0.5)
            found = self._directory.webhooks.of(project, key)
        if found is None and not self._directory.known:
            raise Unavailable("The definitions' database does not answer just now; try again in a moment.")
        if found is None:
            raise Refused(404, "not_found", "There is no webhook at this address, or it was archived; its page says its address.")
        return found

    def note(self, note: Note) -> None:
        """Remember what became of a delivery, for the webhook's page."""
        self._directory.webhooks.note(note)

    async def _stored(self, future: Future[Any]) -> Any:
        """The outcome, once it is on disk. Nobody is told so before."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), WAIT)
        except TimeoutError:
            raise Unavailable("The event store does not answer just now; send this again in a moment.") from None
        except EngineError as error:
            raise Unavailable(str(error)) from error


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(405, "method_not_allowed", f"Use {' or '.join(allowed)} here.")


def _error(code: str, message: str) -> dict[str, str]:
    """The error in the fields that the various clients look for."""
    return {"code": code, "message": message, "detail": message, "error": message}


def _unavailable(error: Exception, trouble: Trouble | None) -> dict[str, str]:
    return _error("unavailable", str(error)) if trouble is None else _error(trouble.kind, str(trouble))


async def _reply(send: Send, answer: Answer, headers: Headers, retry_after: int) -> None:
    status, content, kind, more = answer
    body = content if isinstance(content, bytes) else b"" if content is None else _encode(content)
    out = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    out += [(name.encode(), value.encode()) for name, value in {"cache-control": "no-store", **more}.items()]
    origin = headers.get("origin")
    if origin and "access-control-allow-origin" not in more:  # a beacon comes with cookies, to which “*” is no answer
        out += [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", b"retry-after, etag"),
            (b"vary", b"origin"),
        ]
        wanted = headers.get("access-control-request-headers", "authorization, content-type")
        if "access-control-request-method" in headers:
            out += [
                (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
                (b"access-control-allow-headers", wanted.encode("latin-1")),
                (b"access-control-max-age", b"86400"),
            ]
    if status == 503:
        out.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": out})
    await send({"type": "http.response.body", "body": body})
