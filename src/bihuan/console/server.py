"""The console process: Django by WSGI in one granian worker; leaves within seconds of SIGTERM."""

from __future__ import annotations

import gc
import sys
from typing import Any

from bihuan.console.lifeline import die_with_parent
from bihuan.engine.config import Config

THREADS = 6  # pages wait for the store, not for the processor


def application() -> Any:
    """The console, made in the process that serves it; its parent loads none of it."""
    die_with_parent()
    from django.urls import get_resolver

    from bihuan.console.wsgi import application as made

    _ = get_resolver().url_patterns  # all pages: not by the first requests, several at once, which might each find half of them
    gc.collect()
    gc.freeze()  # what is loaded now stays: later collections need not look at it
    return made


def main() -> int:
    from granian import Granian
    from granian.constants import Interfaces

    config = Config.from_env()
    config.announce("console", url=config.public_url)
    Granian(
        "bihuan.console.server:application",
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=1,
        factory=True,
        blocking_threads=THREADS,
        backlog=1024,
        workers_kill_timeout=3,
        respawn_failed_workers=False,
        websockets=False,
        log_enabled=False,
    ).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
