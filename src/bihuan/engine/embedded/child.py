"""A store for a process that serves nobody else: the folder's running engine, or one of our own that ends when we do."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bihuan.engine.config import Config
from bihuan.engine.errors import Unavailable
from bihuan.engine.schema import migrate
from bihuan.engine.store import Store

START = 60.0  # seconds that an engine may take to start
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@contextmanager
def own_store(config: Config) -> Iterator[Store]:
    """The configured ClickHouse server, the engine that runs on the folder, or else one that runs for as long as this lasts.

    Raises Unavailable when none answers.
    """
    store = Store(config)
    if config.events_url and not store.ready():
        raise Unavailable("The event store at {place} does not answer.", place=config.events_url.rpartition("@")[2])
    if config.events_url or (_runs(config) and store.ready()) or _served(store):
        yield store
        return
    environment = os.environ | {"BIHUAN_DATA": str(config.data)}
    process = subprocess.Popen([sys.executable, "-m", "bihuan.engine.embedded.process"], env=environment, preexec_fn=end_with_parent)
    try:
        _await(config, process)
        migrate(store)
        yield store
    finally:
        process.terminate()
        process.wait(START)


def _served(store: Store) -> bool:
    """Whether `bihuan serve` has the folder; then returns once its engine answers, as it is only starting again.

    One of our own would keep it from starting.
    """
    deadline = time.monotonic() + START
    while held(store.config, "serve.lock"):
        if store.ready():
            return True
        if time.monotonic() > deadline:
            raise Unavailable("The event store did not answer within {seconds} seconds.", seconds=int(START))
        time.sleep(0.1)
    return False


def held(config: Config, name: str) -> bool:
    """Whether a process holds this lock of the data folder."""
    with (config.run / name).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _runs(config: Config) -> bool:
    """Whether the engine that was announced last still has its process."""
    pid = (config.announced("engine") or {}).get("pid")
    if pid is None:
        return False
    try:
        os.kill(int(pid), 0)
    except OSError:
        return False
    return True


def _await(config: Config, process: subprocess.Popen[bytes]) -> None:
    """Until the new engine has said where it is, which it does once it listens."""
    deadline = time.monotonic() + START
    while (config.announced("engine") or {}).get("pid") != process.pid or not Store(config).ready():
        if process.poll() is not None:
            raise Unavailable("The event store ended while it was starting (exit code {code}); see above why.", code=process.returncode)
        if time.monotonic() > deadline:
            raise Unavailable("The event store did not start within {seconds} seconds.", seconds=int(START))
        time.sleep(0.05)


def end_with_parent() -> None:
    """For a new process: the kernel asks it to end when its parent does, however that is (Linux; elsewhere it would go on)."""
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
