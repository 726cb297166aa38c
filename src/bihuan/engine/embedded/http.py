"""The part of ClickHouse's HTTP interface that clickhouse-connect uses, as a plain ASGI app over the pool.

Understood: `/ping`; GET and POST with the statement in `query`, the body, or both; `param_*`; settings; `query_id` (also for
KILL QUERY); all of these also as fields of a multipart form; Basic and X-ClickHouse-Key log-in; any output format; data after
`INSERT … FORMAT x`; gzip and zlib bodies. Beyond it `/changes` says how often each table was written, with `?project=` only what
may touch that project (`engine.touched`).
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import secrets
import threading
import zlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from email.parser import BytesParser
from email.policy import compat32
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from bihuan.engine import touched
from bihuan.engine.embedded.pool import Lane, Outcome, Pool, Refused, StatementFailed

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

NOT_SETTINGS = frozenset(
    "query database user password session_id session_timeout session_check query_id quota_key role default_format compress "
    "decompress enable_http_compression wait_end_of_query buffer_size client_protocol_version send_progress_in_http_headers "
    "http_headers_progress_interval_ms".split()
)
FORMAT_AT_END = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
INSERT_WITH_DATA = re.compile(rb"\s*(INSERT\s+INTO\s.+?)\s+FORMAT\s+(\w+)[ \t]*;?\r?(?:\n|$)", re.IGNORECASE | re.DOTALL)
KILL_BY_ID = re.compile(r"^\s*KILL\s+QUERY\s+WHERE\s+query_id\s*=\s*'([\w-]{1,100})'(.*)$", re.IGNORECASE | re.DOTALL)
WRITES = re.compile(r"^\s*(INSERT|ALTER|CREATE|DROP|TRUNCATE|OPTIMIZE|DELETE|SYSTEM|RENAME)\b", re.IGNORECASE)
WRITTEN = re.compile(  # what a statement writes to
    r"\s*(?:INSERT\s+INTO|ALTER\s+TABLE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|SYSTEM\s+RELOAD\s+DICTIONARY)\s+`?(\w+)`?[\s(;]", re.IGNORECASE
)
CHANGES_NOTHING = re.compile(r"\s*(?:OPTIMIZE|SYSTEM\s+(?!RELOAD))\b", re.IGNORECASE)
TAKES_SETTINGS = re.compile(r"^\s*(/\*.*?\*/\s*)?(SELECT|WITH|\()", re.IGNORECASE | re.DOTALL)
# Statuses as ClickHouse gives them for its codes; any other error is a 500.
STATUS = {
    516: 403,
    194: 403,
    60: 404,
    81: 404,
    46: 404,
    47: 404,
    62: 400,
    457: 400,
    202: 503,
    241: 500,
    159: 408,
    160: 408,
}
MAX_BODY = 512 * 1024 * 1024  # once decompressed


class App:
    """The ASGI application; `token` is the password that every request must bring."""

    def __init__(self, pool: Pool, token: str) -> None:
        self._pool = pool
        self._token = token.encode()
        self._life = secrets.token_hex(8)
        self._changes: Counter[str] = Counter()  # by tables, of writes that touch all projects
        self._of_projects: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._counting = threading.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/ping":
            await _reply(send, 200, b"Ok.\n")
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if not self._known(headers, query):
            await _fail(send, 516, "Code: 516. DB::Exception: The engine's token is wrong or missing. (AUTHENTICATION_FAILED)")
            return
        if scope["path"] == "/changes":
            await _reply(send, 200, json.dumps({"life": self._life, "tables": self._touching(query.get("project", ""))}).encode())
            return
        try:
            body, encoding = await _read(receive), headers.get("content-encoding", "")
            if encoding not in ("", "identity"):
                body = await asyncio.to_thread(_decode, body, encoding)
            if headers.get("content-type", "").startswith("multipart/form-data"):  # clickhouse-connect's way to send long values
                query, body = query | _form(headers["content-type"], body), b""
            outcome, fmt = await self._run(body, query)
        except Refused:
            text = "Code: 202. DB::Exception: Too many questions are waiting. (TOO_MANY_SIMULTANEOUS_QUERIES)"
            await _fail(send, 202, text)
        except StatementFailed as error:
            await _fail(send, error.code, str(error))
        except ValueError as error:
            await _fail(send, 62, f"Code: 62. DB::Exception: {error} (SYNTAX_ERROR)")
        else:
            await _reply(send, 200, outcome.body, _headers(outcome, fmt, query))

    def _known(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        given = headers.get("x-clickhouse-key") or query.get("password", "")
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(encoded).decode().partition(":")[2]
            except ValueError:
                return False
        elif scheme.lower() == "bearer":
            given = encoded
        return hmac.compare_digest(given.encode(), self._token)

    async def _run(self, body: bytes, query: Mapping[str, str]) -> tuple[Outcome, str]:
        params = {key[6:]: value for key, value in query.items() if key.startswith("param_")}
        settings = {key: value for key, value in query.items() if key not in NOT_SETTINGS and not key.startswith("param_")}
        text = query.get("query", "").encode()
        whole = text + b"\n" + body if text and body else text or body
        if not whole.strip():
            raise ValueError("The request holds no statement.")
        insert = INSERT_WITH_DATA.match(whole[:100_000])
        if insert:
            head, fmt = insert.group(1).decode(), insert.group(2).decode()
            note = partial(self._note, head, settings.get("log_comment", ""))
            return await self._pool.insert(head + _settings(settings), fmt, whole[insert.end() :], note), fmt
        sql, fmt = _split_format(whole.decode(), query.get("default_format", "TabSeparated"))
        lane, complete = _lane(sql), _complete(sql, settings, query.get("query_id", ""))
        said = partial(self._note, sql, settings.get("log_comment", "")) if lane == "write" else None
        return await self._pool.query(lane, complete, fmt, params, said), fmt

    def _note(self, statement: str, comment: str) -> None:
        """Count what a statement wrote, whatever became of it: also of one that failed, a part may be there."""
        if CHANGES_NOTHING.match(statement):
            return
        found = WRITTEN.match(statement + " ")
        table = found.group(1) if found else ""
        touches = touched.told(table, comment) if table else []
        with self._counting:
            if not touches:
                self._changes[table] += 1
            for project, part in touches:
                self._of_projects[project][part] += 1

    def _touching(self, project: str) -> Counter[str]:
        """How often what was written that may touch `project`; '': any, by tables."""
        with self._counting:
            if project.isdigit():
                return self._changes + self._of_projects[int(project)]
            counted = Counter(self._changes)
            for of_project in self._of_projects.values():
                for part, number in of_project.items():
                    counted[touched.table_of(part)] += number
            return counted


def _complete(sql: str, settings: Mapping[str, str], query_id: str) -> str:
    """The statement as chDB gets it: chDB knows neither settings beside the statement nor a caller's query id."""
    kill = KILL_BY_ID.match(sql)
    if kill:
        return f"KILL QUERY WHERE startsWith(query, '/* query_id {kill.group(1)} */'){kill.group(2)}"
    if settings and TAKES_SETTINGS.match(sql):
        sql += "\n" + _settings(settings)
    return f"/* query_id {query_id} */ {sql}" if re.fullmatch(r"[\w-]{1,100}", query_id) else sql


def _split_format(sql: str, default: str) -> tuple[str, str]:
    found = FORMAT_AT_END.search(sql)
    return (sql[: found.start()], found.group(1)) if found else (sql.rstrip().rstrip(";"), default)


def _lane(sql: str) -> Lane:
    if re.match(r"\s*KILL\b", sql, re.IGNORECASE):
        return "control"
    return "write" if WRITES.match(sql) else "ask"


def _settings(settings: Mapping[str, str]) -> str:
    for key in settings:
        if not re.fullmatch(r"\w{1,100}", key):
            raise ValueError(f"“{key}” is not the name of a setting.")
    quoted = (f"{key} = '{_escape(value)}'" for key, value in settings.items())
    return " SETTINGS " + ", ".join(quoted) if settings else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _headers(outcome: Outcome, fmt: str, query: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    summary = {
        "read_rows": str(outcome.read_rows),
        "read_bytes": str(outcome.read_bytes),
        "written_rows": str(outcome.written_rows),
        "elapsed_ns": str(int(outcome.seconds * 1e9)),
    }
    return [
        (b"x-clickhouse-summary", json.dumps(summary).encode()),
        (b"x-clickhouse-query-id", query.get("query_id", "").encode()),
        (b"x-clickhouse-format", fmt.encode()),
        (b"x-clickhouse-timezone", b"UTC"),
    ]


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ValueError("The client left before it had sent everything.")
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise ValueError(f"A request may have at most {MAX_BODY} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _decode(body: bytes, encoding: str) -> bytes:
    if encoding not in ("gzip", "deflate"):
        raise ValueError(f"Content-Encoding {encoding} is not understood; send gzip, deflate or none.")
    inflate = zlib.decompressobj(wbits=31 if encoding == "gzip" else 15)
    try:
        whole = inflate.decompress(body, MAX_BODY + 1)  # never more than allowed, however little body it takes to ask for it
    except zlib.error as error:
        raise ValueError(f"The body is not valid {encoding}.") from error
    if len(whole) > MAX_BODY:
        raise ValueError(f"A request may have at most {MAX_BODY} bytes.")
    if not inflate.eof:
        raise ValueError(f"The body ends in the middle of its {encoding}.")
    return whole


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form; they mean what they would mean in the query string."""
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=compat32).parsebytes(head + body)
    if not message.is_multipart():
        raise ValueError("The form has no parts.")
    fields: dict[str, str] = {}
    for part in list(message.walk())[1:]:
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(value, bytes):
            raise ValueError("A part of the form has no name or no value.")
        fields[name] = value.decode()
    return fields


async def _fail(send: Send, code: int, text: str) -> None:
    headers = [(b"x-clickhouse-exception-code", str(code).encode())]
    if code == 202:
        headers.append((b"retry-after", b"1"))
    await _reply(send, STATUS.get(code, 500), text.encode(), headers)


async def _reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    fixed = [(b"content-type", b"text/plain; charset=UTF-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fixed + (headers or [])})
    await send({"type": "http.response.body", "body": body})
