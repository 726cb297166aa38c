"""Where imported events go: to the collector if one runs on the folder, else to a writer of our own."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bihuan.collect.client import Collector
from bihuan.collect.imports.convert import SOURCE
from bihuan.collect.writer import Writer
from bihuan.engine.config import Config
from bihuan.engine.embedded.child import held, own_store

if TYPE_CHECKING:
    from bihuan.collect.commit import Zones
    from bihuan.collect.imports.run import Sink

PATIENCE = 120.0  # seconds for which a collector may be away in the middle of an import
LOCKS = ("serve.lock", "writer.lock")  # held by the server, and by whoever writes


@contextmanager
def open_sink(config: Config, *, project_id: int, zones: Zones) -> Iterator[Sink]:
    """Whoever may write to the store just now."""
    if not held(config, "serve.lock"):
        with _turn(config):
            if not any(held(config, name) for name in LOCKS):
                with own_store(config) as store, Writer(store, zones) as writer:
                    yield lambda events: writer.submit_columns(events, project_id=project_id, source=SOURCE).result()
                return
    collector = Collector(config, patience=PATIENCE)
    yield lambda events: collector.send_columns(events, project_id=project_id, source=SOURCE)


@contextmanager
def _turn(config: Config) -> Iterator[None]:
    """Imports that have no server write one after the other: each waits until those before it are done."""
    with (config.run / "import.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
