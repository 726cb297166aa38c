"""Makes events like those of a shop's site: sessions, a few very busy people, newcomers on every day; the same for the same seed.

The busiest has 300 times as many as most: a tail without an end gave one of 640,000 people half of all events, on the last day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

DAYS = 90
LAST_DAY = date(2026, 3, 15)
STEPS = ("Page viewed", "Product viewed", "Product added", "Checkout started", "Order completed")
OTHERS = tuple(f"Other {number:02}" for number in range(25))
NAMES = (*STEPS, *OTHERS)
REACHED = (0.35, 0.3, 0.2, 0.1, 0.05)  # how many sessions end at each of the steps
COUNTRIES = ("CN", "US", "DE", "JP", "BR", "IN", "FR", "GB", "MX", "ID", "VN", "TH")
DEVICES = ("phone", "desktop", "tablet")
SOURCES = ("", "search", "mail", "social", "partner")
PLANS = ("free", "basic", "pro", "team")
CHUNK = 1_000_000
POOL = 20_000
BUSIEST = 1_000.0


@dataclass(frozen=True)
class People:
    """What does not change of a person: the day they came first, their country and device, and how busy they are."""

    first_day: np.ndarray
    country: np.ndarray
    device: np.ndarray
    busy: np.ndarray


def people(count: int, rng: np.random.Generator) -> People:
    busy = np.minimum(rng.pareto(1.3, count), BUSIEST) + 0.2
    return People(
        first_day=rng.integers(0, DAYS, count).astype(np.float64) * (rng.random(count) < 0.6),
        country=_skewed(rng, len(COUNTRIES), count),
        device=rng.choice(len(DEVICES), count, p=(0.7, 0.25, 0.05)),
        busy=np.cumsum(busy) / busy.sum(),
    )


def tables(events: int, *, project: int, seed: int = 1) -> Iterator[pa.Table]:
    """Exactly `events` events as tables of the store's `events`, at most `CHUNK` rows each."""
    rng = np.random.default_rng(seed)
    everybody = people(max(events // 25, 10), rng)
    pool = pa.array([_json(rng) for _ in range(POOL)])
    made = 0
    while made < events:
        size = min(CHUNK, events - made)
        yield _table(size, everybody, pool, project, made, rng)
        made += size


def _table(size: int, everybody: People, pool: pa.Array, project: int, made: int, rng: np.random.Generator) -> pa.Table:
    sessions = size // 4 + 1
    length = rng.geometric(1 / 6, sessions)
    session = np.repeat(np.arange(sessions), length)[:size]
    first = np.concatenate(([0], np.cumsum(length)[:-1]))
    step = np.arange(len(session)) - first[session]
    person = np.searchsorted(everybody.busy, rng.random(sessions))
    since = everybody.first_day[person]
    second = (since + rng.random(sessions) * (DAYS - since)) * 86_400
    gap = np.cumsum(rng.exponential(40, len(session)))
    offset = gap - gap[first[session]]
    begin = datetime.combine(LAST_DAY - timedelta(days=DAYS - 1), datetime.min.time(), UTC)
    millisecond = ((second[session] + offset) * 1000).astype(np.int64).clip(0, DAYS * 86_400_000 - 1)
    reached = rng.choice(len(STEPS), sessions, p=REACHED)[session]
    name = np.where(step <= reached, np.minimum(step, len(STEPS) - 1), len(STEPS) + _skewed(rng, len(OTHERS), len(session)))
    who = person[session]
    bought = name == len(STEPS) - 1
    revenue = np.where(bought, np.round(rng.lognormal(3, 1, len(session)), 2), np.nan)
    empty = pa.array(np.zeros(len(session), np.int32))

    def words(values: tuple[str, ...], index: np.ndarray) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(values))

    nothing = pa.DictionaryArray.from_arrays(empty, pa.array([""]))
    received = np.full(len(session), int(datetime(2026, 3, 16, tzinfo=UTC).timestamp() * 1000))
    return pa.table(
        {
            "project_id": pa.array(np.full(len(session), project, np.uint32)),
            "event": words(NAMES, name),
            "day": pa.array((millisecond // 86_400_000 + (begin.date() - date(1970, 1, 1)).days).astype(np.int32), pa.date32()),
            "person_id": pa.array((who + 1).astype(np.uint32)),
            "ts": pa.array(millisecond + int(begin.timestamp() * 1000), pa.timestamp("ms", "UTC")),
            "event_key": pa.array(np.arange(made, made + len(session), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)),
            "path": words(tuple(f"/page/{n}" for n in range(200)), _skewed(rng, 200, len(session))),
            "host": nothing,
            "referrer": nothing,
            "utm_source": words(SOURCES, rng.integers(0, len(SOURCES), sessions)[session]),
            "utm_medium": nothing,
            "utm_campaign": nothing,
            "country": words(COUNTRIES, everybody.country[who]),
            "city": nothing,
            "browser": nothing,
            "os": nothing,
            "device": words(DEVICES, everybody.device[who]),
            "app_version": nothing,
            "revenue": pa.array(revenue, from_pandas=True),
            "props": pool.take(pa.array(rng.integers(0, POOL, len(session)))),
            "source": pa.DictionaryArray.from_arrays(empty, pa.array(["bench"])),
            "received_at": pa.array(received, pa.timestamp("ms", "UTC")),
        }
    )


def _skewed(rng: np.random.Generator, choices: int, count: int) -> np.ndarray:
    weights = 1 / np.arange(1, choices + 1)
    return rng.choice(choices, count, p=weights / weights.sum())


def _json(rng: np.random.Generator) -> str:
    props = {
        "plan": PLANS[int(rng.integers(len(PLANS)))],
        "quantity": int(rng.integers(1, 9)),
        "query": f"words {int(rng.integers(1000))}",
        "sku": f"S{int(rng.integers(5000)):05}",
    }
    return json.dumps(props, separators=(",", ":"), sort_keys=True)
