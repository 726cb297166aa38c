"""Bodies within bounds: whatever they are packed with, however slowly they come, and what they would unpack to."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.collect import bodies
from bihuan.collect.bodies import LARGEST_UNPACKED, PARTS, Body, Budget, Refused

PACKINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zlib": zlib.compress, "zstd": zstd.compress}


def read(*parts: bytes, budget: Budget | None = None, pause: float = 0.0) -> bytes:
    left = list(parts)

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    with Body(receive, budget or Budget()) as body:
        return asyncio.run(body.read())


def refused(*parts: bytes, pause: float = 0.0) -> int:
    with pytest.raises(Refused) as found:
        read(*parts, pause=pause)
    return found.value.status


@pytest.mark.parametrize("name", PACKINGS)
def test_what_is_packed_is_known_by_its_first_bytes(name: str) -> None:
    packed = PACKINGS[name](b'{"event": "Seen"}' * 1000)
    assert read(packed) == b'{"event": "Seen"}' * 1000
    assert read(packed[:3], packed[3:]) == b'{"event": "Seen"}' * 1000


@pytest.mark.parametrize("name", PACKINGS)
def test_pieces_packed_one_behind_the_other_are_all_read(name: str) -> None:
    assert read(PACKINGS[name](b'{"n": 1}\n') + PACKINGS[name](b'{"n": 2}\n')) == b'{"n": 1}\n{"n": 2}\n'
    assert refused(PACKINGS[name](b"1") * (PARTS + 1)) == 400


@pytest.mark.parametrize("name", PACKINGS)
def test_what_is_broken_or_goes_on_as_something_else_is_a_400(name: str) -> None:
    packed = PACKINGS[name](os.urandom(1000))
    assert refused(packed[:-20]) == 400
    assert refused(packed[:10] + b"nonsense" + packed[18:-30]) == 400
    assert refused(packed + b'{"event": "lost?"}') == 400


@pytest.mark.parametrize("name", PACKINGS)
def test_a_bomb_is_a_413_and_takes_no_more_memory_than_a_body_may(name: str) -> None:
    bomb = PACKINGS[name](bytes(300_000_000))
    tracemalloc.start()
    assert refused(bomb) == 413
    assert tracemalloc.get_traced_memory()[1] < 3 * LARGEST_UNPACKED
    tracemalloc.stop()


def test_zstd_may_not_ask_for_a_window_of_any_size() -> None:
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    streamed = compressor.compress(b"x" * 100_000) + compressor.flush()
    assert refused(streamed) == 400


def test_a_body_that_comes_too_slowly_is_a_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 0.05)
    assert refused(*[b"x"] * 10, pause=0.02) == 408


def test_the_budget_gets_its_bytes_back_whatever_happens() -> None:
    budget = Budget(10_000)
    for _ in range(20):
        read(b"x" * 4_000, budget=budget)
        with pytest.raises(Refused):
            read(gzip.compress(b"x" * 20_000), budget=budget)
    with pytest.raises(Refused) as found:
        read(b"x" * 10_001, budget=budget)
    assert found.value.status == 503
    budget.take(10_000)


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=300),
    head=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\x28\xb5\x2f\xfd\x04"]),
)
def test_no_bytes_are_anything_but_a_body_or_refused(body: bytes, head: bytes) -> None:
    with contextlib.suppress(Refused):
        assert isinstance(read(head + body), bytes)
