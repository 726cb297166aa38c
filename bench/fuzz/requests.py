"""From the fuzzer's bytes to a request and back: two bytes choose the address and the wrapping, the rest is what the client says."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bihuan.collect.protocols.request import Route
from bihuan.collect.protocols.sensors_body import checksum

TESTS = Path(__file__).resolve().parents[2] / "src" / "bihuan" / "collect"
LAST_PART = "s3cret"
FIXTURES = ("tests/fixtures/*.json", "tests/fixtures_*/*.json", "tests/fixtures_*.json", "webhooks/tests/fixtures*/*.json")

# Of protocols whose clients have no file of captured requests.
MADE: tuple[Any, ...] = (
    {
        "sent_at": "2026-03-08T20:00:01Z",
        "events": [
            {
                "event": "Order",
                "id": "o-1",
                "time": "2026-03-08T20:00:00Z",
                "user": "u1",
                "anonymous": "a1",
                "ids": {"phone": "139"},
                "properties": {"revenue": 9.5, "tags": ["a"]},
                "person": {"set": {"plan": "pro"}, "set_once": {"first": 1}},
                "url": "https://shop.example/a?utm_source=x",
                "referrer": "https://a.example/",
                "user_agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0",
            },
            {"type": "identify", "user": "u1", "anonymous": "a1", "person": {"set": {"email": "a@x.io"}}},
            {"type": "alias", "user": "u1", "previous": "a0"},
            {"type": "unbind", "user": "u1", "unbind": {"phone": "139"}},
        ],
    },
    {"event": "Order", "user": 7, "time": 1773000000000},
    {
        "type": "track",
        "event": "$MPViewScreen",
        "time": 1773000000000,
        "_flush_time": 1773000001000,
        "distinct_id": "$identity_mobile+139",
        "identities": {"$identity_mobile": "139", "$identity_mp_id": "m-1", "Card No": 7},
        "lib": {"$lib": "MiniProgram", "$app_version": "1.2"},
        "properties": {
            "$referrer": "https://www.baidu.com/s?wd=1",
            "$referrer_host": "www.baidu.com",
            "$user_agent": "Mozilla/5.0 (iPad) MicroMessenger/8.0",
            "$latest_utm_source": "spring",
            "$os": "iPadOS",
            "$model": "iPad8,6",
        },
    },
    {
        "event": "Order",
        "uuid": "k",
        "offset": 1000,
        "distinct_id": "u1",
        "options": {"process_person_profile": True},
        "properties": {
            "$current_url": "https://shop.example/a",
            "$referrer": "https://a.example/b",
            "$raw_user_agent": "Mozilla/5.0 (iPhone)",
        },
        "$set": {"a": 1},
        "$unset": ["b"],
    },
    {
        "client_id": "1.2",
        "user_id": "u1",
        "timestamp_micros": "1773000000000000",
        "user_properties": {"plan": {"value": "pro"}},
        "user_location": {"city": "x", "country_id": "CN"},
        "device": {"category": "mobile", "operating_system": "iOS", "browser": "Safari"},
        "events": [
            {"name": "page_view", "params": {"page_location": "https://shop.example/a", "session_id": "1", "engagement_time_msec": 100}},
            {"name": "purchase", "params": {"transaction_id": "t", "value": 9.5, "currency": "CNY", "items": [{"item_id": "b1"}]}},
        ],
    },
)


@dataclass
class Request:
    """What goes to the application."""

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def _plain(request: Request, text: bytes) -> None:
    request.body = text


def _packed(request: Request, text: bytes) -> None:
    request.body, request.headers["content-encoding"] = gzip.compress(text, 1), "gzip"


def _deflated(request: Request, text: bytes) -> None:
    request.body = zlib.compress(text, 1)


def _form(request: Request, text: bytes) -> None:
    request.body = b"data=" + quote(base64.b64encode(text)).encode()


def _packed_form(request: Request, text: bytes) -> None:
    request.body = b"data_list=" + quote(base64.b64encode(gzip.compress(text, 1))).encode() + b"&gzip=1"


def _base64(request: Request, text: bytes) -> None:
    request.body = base64.b64encode(text)


def _image(request: Request, text: bytes) -> None:
    data = base64.b64encode(text)
    request.method, request.query = "GET", request.query + b"&data=%b&ext=crc%%3D%d" % (quote(data).encode(), checksum(data))


def _query(request: Request, text: bytes) -> None:
    """The first line is the query, what follows the body."""
    line, _, rest = text.partition(b"\n")
    request.query, request.body = request.query + b"&" + line.replace(b" ", b"+"), rest


def _header(request: Request, text: bytes) -> None:
    """The first line is the value of each header that a client may send, what follows the body."""
    line, _, rest = text.partition(b"\n")
    value = line.decode("latin-1")
    request.headers.update(dict.fromkeys(("content-type", "user-agent", "origin", "referer", "posthog-sdk-info", "dry-run"), value))
    request.body = rest


WRAPPINGS = (_plain, _packed, _deflated, _form, _packed_form, _base64, _image, _query, _header)


def request_of(data: bytes, routes: Sequence[Route], key: str) -> Request:
    """The request that these bytes stand for; it comes with a right write key in all places where clients have one."""
    route = routes[data[0] % len(routes)] if data else routes[0]
    names = {"project": "shop", "webhook": f"hook{(data[1] if len(data) > 1 else 0) // len(WRAPPINGS)}", "secret": LAST_PART}
    path = re.sub(r"{(\w+)}", lambda found: names.get(found[1], key), route.path)
    query = f"token={key}&api_secret={key}&key={key}&measurement_id=G-1"
    basic = base64.b64encode(f"{key}:".encode()).decode()
    bearer = f"Bearer {key}" if "analytics" in path or path == "/events" else f"Basic {basic}"
    headers = {"authorization": bearer, "x-write-key": f"id:{key}", "content-type": "application/json", "origin": "https://shop.example"}
    request = Request(route.methods[-1] if "POST" in route.methods else "GET", path, query.encode(), b"", headers)
    WRAPPINGS[data[1] % len(WRAPPINGS) if len(data) > 1 else 0](request, data[2:])
    return request


def seeds(routes: Sequence[Route], made: Sequence[Any]) -> Iterator[bytes]:
    """Inputs to begin with: every JSON that a test's captured requests carry, and `made`, at each of the addresses."""
    found = {json.dumps(one).encode() for one in (*MADE, *made)}
    for pattern in FIXTURES:
        for path in sorted(TESTS.glob(pattern)):
            for value in _bodies(json.loads(path.read_text())):
                found.add(json.dumps(value).encode())
    for text in sorted(found):
        for place in range(len(routes)):
            yield bytes((place, 0)) + text
    shortest = sorted(found, key=len)[:20]
    for text in shortest:
        for wrapping in range(1, len(WRAPPINGS)):
            yield bytes((0, wrapping)) + text


def _bodies(document: Any) -> Iterator[Any]:
    """What was sent in each request of a file of captured ones, unpacked."""
    if isinstance(document, list):
        for one in document:
            yield from _bodies(one)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name in ("body", "payload") and isinstance(value, dict | list):
                yield value
            elif name in ("data", "data_list") and isinstance(value, str):
                raw = base64.b64decode(value)
                yield json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
            else:
                yield from _bodies(value)


def dictionary(words: Sequence[str]) -> str:
    """The words of a protocol in the form that libFuzzer reads."""
    escaped = (word.encode().decode("latin-1").replace("\\", "\\\\").replace('"', '\\"') for word in words)
    return "".join(f'"\\"{word}\\":"\n' for word in escaped) + f'"{int(time.time() * 1000)}"\n"null"\n"1e400"\n"\\\\ud800"\n'
