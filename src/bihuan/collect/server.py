"""The collector process: one writer and one HTTP server, which answers 503 until it knows the store and whenever that is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import sys

from bihuan.collect.app import App
from bihuan.collect.directory import Directory
from bihuan.collect.web.visitors import Visitors
from bihuan.collect.writer import Writer
from bihuan.engine.config import Config
from bihuan.engine.errors import Unavailable
from bihuan.engine.store import Store

CONNECTIONS = 4_096  # held at once: clients keep theirs open between batches, and those beyond would wait until one leaves
WAITING = 1_024  # connections that the kernel holds until they are accepted


async def serve(config: Config, writer: Writer, directory: Directory) -> None:
    """Serve until SIGTERM or SIGINT; what has been taken is written before it ends."""
    from granian.server.embed import Server

    visitors = Visitors(config.run / "visitor-salts.json", directory.zone, config.proxies)
    app = App(writer, directory, config.secret("collector-token"), visitors)
    server = Server(
        app,
        address=config.host,
        port=config.collect_port,
        interface="asgi",
        backlog=WAITING,
        backpressure=CONNECTIONS,
        log_enabled=False,
        websockets=False,
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)  # noqa: S104
    config.announce("collector", url=f"http://{host}:{config.collect_port}")
    await server.serve()


def allow_files() -> None:
    """Let this process have as many files open as the machine lets it: each connection is one."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_small() -> None:
    """Keep clickhouse-connect from importing pandas (60 MB) only to see that what is inserted is no DataFrame."""
    from clickhouse_connect.driver import options

    vars(options).update(pd=None, pd_time_test=None)


def main() -> int:
    keep_small()
    allow_files()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # an engine that restarts is not an error worth a line a try
    config = Config.from_env()
    directory = Directory(config)
    writer = Writer(Store(config), directory.zone, plans=directory.plan, rules=directory.rules)
    try:
        writer.start()
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 3
    directory.start()
    try:
        asyncio.run(serve(config, writer, directory))
    finally:
        writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
