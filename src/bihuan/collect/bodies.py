"""Request bodies within bounds: size, time, all of them together, and what they unpack to."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from backports import zstd

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LARGEST = 5 * 1024 * 1024  # bytes as they come; clients of this family send half a megabyte, RudderStack's up to four
LARGEST_UNPACKED = 20 * 1024 * 1024
ALL_TOGETHER = 96 * 1024 * 1024  # bytes that all requests under way may hold
SMALL = 512 * 1024  # a third of them is kept for bodies so small, which a few large and slow ones can then not keep out
SLOWEST = 30.0  # seconds for a whole body
PARTS = 100  # packed pieces, one behind the other, that one body may have
WIDEST = 23  # log₂ of the bytes that zstd may look back: what unpacking needs in memory

_ZSTD = b"\x28\xb5\x2f\xfd"


class Refused(Exception):
    """The body is not taken: `status` and `code` for the answer, `str()` for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Budget:
    """What all requests under way hold in bytes."""

    def __init__(self, most: int = ALL_TOGETHER) -> None:
        self._left = most
        self._for_small = most // 3

    def take(self, size: int, held: int = 0) -> None:
        """Take so many bytes for a request that holds some already, or refuse."""
        if size > self._left - (self._for_small if held + size > SMALL else 0):
            raise Refused(503, "busy", "The collector holds as much as it can; send this again in a moment.")
        self._left -= size

    def give(self, size: int) -> None:
        """Give them back."""
        self._left += size


class Body:
    """Reads one request's body within a budget; use it as a context manager so that the budget gets its bytes back."""

    def __init__(self, receive: Receive, budget: Budget, largest: int = LARGEST) -> None:
        self._receive = receive
        self._budget = budget
        self._largest = largest
        self._held = 0

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.give(self._held)
        self._held = 0

    async def read(self) -> bytes:
        """The body, unpacked if it is gzip, zlib or zstd, whatever its headers say. Raises Refused."""
        try:
            async with asyncio.timeout(SLOWEST):
                body = await self._raw()
        except TimeoutError:
            raise Refused(408, "slow", f"The body took longer than {SLOWEST:.0f} seconds to come.") from None
        return self.unpacked(body)

    def unpacked(self, body: bytes) -> bytes:
        """The bytes, unpacked if they begin as gzip, zlib or zstd do. Raises Refused."""
        return self._unpacked(body) if _is_packed(body) else body

    async def _raw(self) -> bytes:
        parts: list[bytes] = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "cut", "The connection ended before the body did.")
            part = message.get("body", b"")
            if self._held + len(part) > self._largest:
                raise Refused(413, "too_large", f"A body may have at most {self._largest // 1024} KB: send smaller batches.")
            self._hold(len(part))
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _unpacked(self, body: bytes) -> bytes:
        most = min(LARGEST_UNPACKED, self._largest * 4)
        texts: list[bytes] = []
        for _ in range(PARTS):
            unpacker = _unpacker(body)
            try:
                texts.append(unpacker.decompress(body, most + 1))
            except (zlib.error, zstd.ZstdError):
                raise Refused(400, "bad_packing", "The body begins as if it were packed but cannot be unpacked.") from None
            most -= len(texts[-1])
            if most < 0:
                raise Refused(413, "too_large", f"A body may unpack to at most {LARGEST_UNPACKED // 1024} KB: send smaller batches.")
            if not unpacker.eof:
                raise Refused(400, "bad_packing", "The packed body breaks off in the middle.")
            self._hold(len(texts[-1]))
            body = unpacker.unused_data
            if not body.strip(b"\0"):
                return b"".join(texts)
            if not _is_packed(body):
                break
        raise Refused(400, "bad_packing", f"Behind the packed body comes something else, or more than {PARTS} packed pieces.")

    def _hold(self, size: int) -> None:
        self._budget.take(size, self._held)
        self._held += size


def _is_packed(body: bytes) -> bool:
    """Whether it begins as gzip, zstd or zlib ("deflate") do, which no JSON does."""
    return body[:2] == b"\x1f\x8b" or body[:4] == _ZSTD or (body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0)


def _unpacker(body: bytes) -> Any:
    if body[:4] == _ZSTD:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WIDEST})
    return zlib.decompressobj(wbits=47)
