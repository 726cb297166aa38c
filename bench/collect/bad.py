"""Clients that misbehave, all at once, for as long as this runs: `python -m bench.collect.bad PORT HOW_MANY`."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import sys

HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
BOMB = gzip.compress(b"[" * 200_000_000, 1)[:900_000]
DEEP = b'{"batch": ' + b"[" * 1_000_000
BINARY = b'{"batch": [{"event": "\xff\xfe' + b"\x00" * 50_000


async def misbehave(port: int, number: int) -> None:
    """One of them: by its number it trickles a large body, sends 100 MB, a bomb, nested or binary bodies, or leaves in the middle."""
    for turn in itertools.count():
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await _one(reader, writer, (number + turn) % 6 if number % 2 else 0)
            finally:
                writer.close()
        await asyncio.sleep(0.2)


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, how: int) -> None:
    if how == 0:  # four megabytes at once, and then a byte now and then
        writer.write(HEAD % 5_000_000 + b" " * 4_000_000)
        for _ in range(60):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.5)
    elif how == 1:
        writer.write(HEAD % 100_000_000)
        for _ in range(100):
            writer.write(b" " * 1_000_000)
            await writer.drain()
    elif how == 5:
        writer.write(HEAD % 1_000_000 + b'{"batch": [')
        await writer.drain()
    else:
        body = (BOMB, DEEP, BINARY)[how - 2]
        writer.write(HEAD % len(body) + body)
        await writer.drain()
        await asyncio.wait_for(reader.read(1), 20)


async def _all(port: int, how_many: int) -> None:
    await asyncio.gather(*(misbehave(port, number) for number in range(how_many)))


if __name__ == "__main__":
    asyncio.run(_all(int(sys.argv[1]), int(sys.argv[2])))
