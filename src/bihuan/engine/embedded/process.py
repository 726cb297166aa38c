"""The engine process: takes the folder's lock, opens chDB within bounds, serves on loopback, and leaves cleanly at SIGTERM."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bihuan.engine.config import Config
from bihuan.engine.errors import Unavailable

# What a question gave back stays the process's for half a minute at least, in large pages: giving memory to the kernel and asking for it
# again took a tenth of a funnel's time. The bounds hold as ever. chDB's allocator reads this once, when it is loaded.
ALLOCATOR = "prof:false,thp:always,dirty_decay_ms:30000"


@contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; Unavailable when another process has it. The kernel frees it however the owner ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise Unavailable(
                "Another engine (process {owner}) has {folder} open; stop it, or use its address.", owner=owner, folder=folder
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def options(config: Config) -> dict[str, int]:
    """chDB's bounds; its defaults would take nine tenths of the machine's memory and a 5 GB cache."""
    bounds = {
        "max_server_memory_usage": config.memory_limit + config.memory_limit // 2,
        "mark_cache_size": 64 * 1024**2,
        "primary_index_cache_size": 64 * 1024**2,
        "uncompressed_cache_size": 0,
        "query_condition_cache_size": 16 * 1024**2,
        "mmap_cache_size": 64,
        "max_concurrent_queries": 0,
    }
    if config.threads:
        bounds["max_threads"] = config.threads
    return bounds


def free_port() -> int:
    """A port of the loopback address that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    os.environ.setdefault("JE_MALLOC_CONF", ALLOCATOR)
    from granian.server.embed import Server

    from bihuan.engine.embedded.http import App
    from bihuan.engine.embedded.pool import Pool

    token, port = config.secret("engine-token"), free_port()
    pool = Pool(config.data / "engine", options(config), config.concurrency, config.queue_limit)
    server = Server(App(pool, token), address="127.0.0.1", port=port, interface="asgi", log_enabled=False, websockets=False)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    config.announce("engine", url=f"clickhouse://bihuan:{token}@127.0.0.1:{port}/default")
    try:
        await server.serve()
    finally:
        await asyncio.to_thread(pool.close)


def main() -> int:
    config = Config.from_env()
    try:
        with sole_owner(config.data / "engine"):
            asyncio.run(serve(config))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    # Straight out: chDB's own threads may hold up the interpreter's end, and everything is on disk by now.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
