"""Where imported rows go: to the collector if one runs here, else to a writer of our own; measured numbers straight to the store."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from bihuan.collect.client import Collector
from bihuan.collect.events import Event, Outcome
from bihuan.collect.imports.convert import SOURCE
from bihuan.collect.writer import Writer
from bihuan.engine.config import Config
from bihuan.engine.embedded.child import held, own_store
from bihuan.engine.errors import Unavailable
from bihuan.engine.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from bihuan.collect.commit import Zones
    from bihuan.collect.imports.run import Sink

PATIENCE = 120.0  # seconds for which a collector or store may be away in the middle of an import
LOCKS = ("serve.lock", "writer.lock")  # held by the server, and by whoever writes
BATCH = 5_000
MEASURED = {
    "project_id": "UInt32",
    "metric": "String",
    "day": "UInt16",
    "at": "DateTime64(3, 'UTC')",
    "dimensions": "String",
    "value": "Float64",
    "version": "UInt64",
}

Hand = Callable[[Sequence[Event]], Outcome]


@contextmanager
def open_sink(config: Config, *, project_id: int, zones: Zones, kind: str = "events") -> Iterator[Sink]:
    """Whoever may write to the store just now."""
    if not held(config, "serve.lock"):
        with _turn(config):
            if not any(held(config, name) for name in LOCKS):
                with own_store(config) as store:
                    if kind in ("metrics", "costs"):
                        yield measured(store, project_id=project_id)
                        return
                    with Writer(store, zones) as writer:
                        yield written(writer, project_id=project_id, kind=kind)
                return
    if kind in ("metrics", "costs"):
        yield measured(Store(config), project_id=project_id)
        return
    with Collector(config, patience=PATIENCE) as collector:
        if kind == "persons":
            yield lambda persons: _handed(persons, project_id, collector.send)
        else:
            yield lambda events: collector.send_columns(events, project_id=project_id, source=SOURCE)


def written(writer: Writer, *, project_id: int, kind: str) -> Sink:
    """By a writer of this process."""
    if kind == "persons":
        return lambda persons: _handed(persons, project_id, lambda events: writer.submit(events).result())
    return lambda events: writer.submit_columns(events, project_id=project_id, source=SOURCE).result()


def measured(store: Store, *, project_id: int) -> Sink:
    """Numbers replace what was there for the same series, time and dimensions, so that an insert may be repeated."""
    stamp = 0

    def sink(table: pa.Table) -> Outcome:
        nonlocal stamp
        stamp = max(stamp + 1, int(time.time() * 1000))
        columns: list[Sequence[Any]] = [table[name].to_pylist() for name in ("metric", "day", "at", "dimensions", "value")]
        size = table.num_rows
        data = [[project_id] * size, *columns, [stamp] * size]
        _patiently(lambda: store.insert("metric_values", list(MEASURED), data, list(MEASURED.values())))
        return Outcome(stored=size)

    return sink


def _patiently(insert: Callable[[], None]) -> None:
    deadline, pause = time.monotonic() + PATIENCE, 0.1
    while True:
        try:
            return insert()
        except Unavailable:
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 2.0)


def _handed(persons: pa.Table, project_id: int, hand: Hand) -> Outcome:
    """What is known of persons, by the same way as what clients say of them."""
    total = Outcome()
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for batch in persons.to_batches(max_chunksize=BATCH):
        columns = [batch.column(name).to_pylist() for name in ("user_id", "anonymous_id", "ids", "traits", "once", "at")]
        events = [
            Event(
                project_id=project_id,
                key="",
                source=SOURCE,
                at=at,
                user_id=user,
                anonymous_id=anonymous,
                ids=decode(ids) if ids else None,
                traits=decode(traits) if traits else None,
                traits_once=decode(once) if once else None,
                store=False,
            )
            for user, anonymous, ids, traits, once, at in zip(*columns, strict=True)
        ]
        total += hand(events)
    return total


@contextmanager
def _turn(config: Config) -> Iterator[None]:
    """Imports that have no server write one after the other: each waits until those before it are done."""
    with (config.run / "import.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
