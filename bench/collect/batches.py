"""Batches as a site's clients send them, made beforehand so that sending costs nothing, and their events as the store's columns."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bihuan.collect.days import days
from bihuan.collect.protocols import segment
from bihuan.collect.rows import ROW, row
from bihuan.engine.schema import COLUMNS

USERS = 20_000
NEWCOMERS = 50  # one event of so many comes from somebody never seen before
DIFFERENT = 32  # batches of each size
NUMBER = "0000000000"  # stands in each body where the number of the request goes, so that no key and no newcomer comes twice
NAMES = ("Page viewed", "Product viewed", "Product added", "Checkout started", "Order completed", "Searched", "Liked", "Shared")
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
)
DAY = 86_400_000

_TIME = "DateTime64(3, 'UTC')"
_LOW = "LowCardinality(String)"
TYPES = {
    "project_id": "UInt32",
    "event": _LOW,
    "day": "UInt16",
    "person_id": "UInt32",
    "ts": _TIME,
    "event_key": "UInt64",
    **dict.fromkeys(COLUMNS, _LOW),
    "revenue": "Nullable(Float64)",
    "props": "String",
    "source": _LOW,
    "received_at": _TIME,
}


@dataclass(frozen=True)
class Batch:
    """One batch: its body, and the rows that the store gets from it, by column in the order of `TYPES`."""

    body: bytes
    columns: dict[str, list[Any]]

    def numbered(self, number: int) -> bytes:
        """The body of request `number`."""
        return self.body.replace(NUMBER.encode(), b"%010d" % number)


def batches(size: int, project: int, zone: Any) -> list[Batch]:
    """`DIFFERENT` batches of `size` events each; the same ones each time, but for their days, which end today."""
    rng = random.Random(size)  # noqa: S311
    now = int(time.time() * 1000)
    return [_batch([_call(rng, now, place) for place in range(size)], project, zone, now) for _ in range(DIFFERENT)]


def _batch(calls: Sequence[dict[str, Any]], project: int, zone: Any, now: int) -> Batch:
    body = json.dumps({"batch": calls, "sentAt": _iso(now)}).encode()
    events, rejected = segment.read(segment.open_body("batch", body), project, now)
    assert not rejected
    found: dict[str, Sequence[Any]] = dict(zip(ROW, zip(*(row(event, now) for event in events), strict=True), strict=True))
    found["day"] = days(found["project_id"], found["ts"], lambda _: zone)
    found["person_id"] = [1 + hash(user or anonymous) % USERS for user, anonymous in zip(found["user"], found["anonymous"], strict=True)]
    found["received_at"] = [now] * len(events)
    return Batch(body, {name: list(found[name]) for name in TYPES})


def _call(rng: random.Random, now: int, place: int) -> dict[str, Any]:
    """One `track` as analytics-next sends it, 650 bytes: six properties, and a context with page and browser."""
    user = rng.randrange(USERS)
    who = {"anonymousId": f"new-{NUMBER}-{place}"} if rng.randrange(NEWCOMERS) == 0 else {"userId": f"user-{user}"}
    return {
        "type": "track",
        "event": rng.choice(NAMES),
        "messageId": f"bench-{NUMBER}-{place}",
        "timestamp": _iso(now - rng.randrange(DAY)),
        **who,
        "properties": {
            "sku": f"S{rng.randrange(5000):05}",
            "price": rng.randrange(100, 90_000) / 100,
            "quantity": rng.randrange(1, 5),
            "category": rng.choice(("tea", "cups", "gifts")),
            "coupon": rng.random() < 0.1,
            "revenue": rng.randrange(100, 90_000) / 100,
        },
        "context": {
            "library": {"name": "analytics.js", "version": "next-1.70.0"},
            "userAgent": AGENTS[user % len(AGENTS)],
            "locale": "zh-CN",
            "page": {"path": f"/product/{user % 200}", "title": "Tea", "url": f"https://shop.example/product/{user % 200}"},
        },
        "integrations": {},
    }


def _iso(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + f".{at % 1000:03}Z"
