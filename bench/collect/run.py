"""Sends batches to a collector of its own, beside the same batches inserted straight into the store, and prints both of this one run.

    python -m bench.collect [--batch N,N] [--connections N,N] [--seconds S] [--known MILLIONS] [--keys-off] [--bad N] [--json]

Everything runs on this machine: the load, the collector and the engine share its cores. Every acknowledged event is looked for afterwards.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.collect.batches import TYPES, Batch, batches
from bench.collect.client import Answers, load
from bench.run import machine
from bihuan.collect.tests.site import KEY, PROJECT, Site, running
from bihuan.engine.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
HEADERS = (
    b"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Basic "
    + base64.b64encode(f"{KEY}:".encode())
    + b"\r\n"
)
LARGE = 10_000  # rows of one insert as the collector itself makes them under load
MANY_KEYS = """
INSERT INTO events (project_id, event, day, person_id, ts, event_key, props, source, received_at)
SELECT {project:UInt32}, 'Known', today() - toUInt8(number % 90), 1 + number % 1000000, now64(3) - number % 7776000,
  sipHash64(number), '{}', 'bench', now64(3)
FROM numbers({first:UInt64}, {count:UInt64})
"""


@dataclass(frozen=True)
class Measured:
    """One case. Events per second; milliseconds until acknowledged; processor time in µs an event; resident MB.

    `straight` are rows per second of the same batches inserted by clickhouse-connect, `large` of the same events in inserts of 10,000."""

    batch: int
    connections: int
    keys: bool
    events: int
    events_per_second: float
    p50_ms: float
    p99_ms: float
    collector_us: float
    engine_us: float
    client_us: float
    collector_mb: float
    engine_mb: float
    refused: int
    straight: float
    large: float


def main() -> int:
    options = _options()
    folder = options.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with running(folder) as site:
            known = _know(site, options.known) if options.known else None
            with _misbehaving(site, options.bad):
                measured = list(_cases(site, options))
            exact = _all_stored(site, measured, options.known)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = {"machine": machine(), "known": known, "exact": exact, "cases": [asdict(each) for each in measured]}
    print(json.dumps(report, indent=2) if options.json else as_text(report, measured))
    return 0 if exact else 1


def _options() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m bench.collect", description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=numbers, default=[1, 20, 100, 500], help="events in a batch (default 1,20,100,500)")
    parser.add_argument("--connections", type=numbers, default=[1, 8, 32, 64], help="connections at once (default 1,8,32,64)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case sends (default 4)")
    parser.add_argument("--known", type=float, default=0, help="so many million events are in the store before (default 0)")
    parser.add_argument("--keys-off", action="store_true", help="take turns with a collector that does not de-duplicate")
    parser.add_argument("--bad", type=int, default=0, help="so many other clients misbehave meanwhile (default 0)")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="scratch folder, emptied first (default .bench)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _know(site: Site, millions: float) -> dict[str, float]:
    """Put events into the store behind the collector's back, and see how long it takes to start with them, and in what memory."""
    site.kill("collector")
    total, step = int(millions * 1_000_000), 2_000_000
    for first in range(0, total, step):
        site.store.command(MANY_KEYS, {"project": PROJECT, "first": first, "count": min(step, total - first)})
        print(f"\r{first + step:,} events known", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    found = {"millions": millions}
    for name in ("first", "again"):
        began = time.perf_counter()
        site.start("collector")
        site.until_healthy(600)
        found[f"{name}_start_s"] = round(time.perf_counter() - began, 2)
        found[f"{name}_collector_mb"] = round(site.memory())
        if name == "first":
            site.kill("collector")
    return found


@contextlib.contextmanager
def _misbehaving(site: Site, how_many: int) -> Iterator[None]:
    if not how_many:
        yield
        return
    others = subprocess.Popen([sys.executable, "-m", "bench.collect.bad", str(site.port), str(how_many)])
    time.sleep(5)  # until they hold what they can
    try:
        yield
    finally:
        others.kill()
        others.wait()


def _cases(site: Site, options: argparse.Namespace) -> Any:
    first = 0
    collectors = ("collector", "forgetful collector") if options.keys_off else ("collector",)
    running_one = "collector"
    for size, connections in itertools.product(options.batch, options.connections):
        made = batches(size, PROJECT, ZONE)
        for collector in collectors:
            if collector != running_one:
                site.kill(running_one)
                site.start(collector)
                site.until_healthy(600)
                running_one = collector
            load(site.port, connections, 0.5, HEADERS, [one.numbered for one in made], first)  # not counted: connections, caches
            first += 1_000_000
            yield _measure(site, collector, made, size, connections, options.seconds, first)
            first += 1_000_000


def _measure(site: Site, collector: str, made: list[Batch], size: int, connections: int, seconds: float, first: int) -> Measured:
    pids = (site.pid(collector), site.pid("engine"), os.getpid())
    before, began = [_cpu(pid) for pid in pids], time.perf_counter()
    answers: Answers = load(site.port, connections, seconds, HEADERS, [one.numbered for one in made], first)
    took = time.perf_counter() - began
    events = len(answers.seconds) * size
    collector_us, engine_us, client_us = ((_cpu(pid) - was) / max(events, 1) * 1e6 for pid, was in zip(pids, before, strict=True))
    large = [Batch(b"", {name: (LARGE // size + 1) * made[0].columns[name] for name in TYPES})]
    return Measured(
        size,
        connections,
        collector == "collector",
        events,
        events / took,
        answers.percentile(0.5) * 1000,
        answers.percentile(0.99) * 1000,
        collector_us,
        engine_us,
        client_us,
        site.memory(collector),
        site.memory("engine"),
        answers.refused + answers.failed,
        straight(site, made, min(connections, 8), min(seconds, 2)),
        straight(site, large, 1, min(seconds, 1)),
    )


def straight(site: Site, made: list[Batch], threads: int, seconds: float) -> float:
    """Rows per second when clickhouse-connect inserts the same batches from so many threads, into a table like `events`."""
    site.store.command("CREATE TABLE IF NOT EXISTS straight AS events")
    deadline = time.perf_counter() + seconds
    rows = [0] * threads

    def insert(thread: int) -> None:
        store = Store(site.config)
        for number in itertools.count():
            columns = made[number % len(made)].columns
            store.insert("straight", list(TYPES), list(columns.values()), list(TYPES.values()))
            rows[thread] += len(columns["event"])
            if time.perf_counter() > deadline:
                return

    workers = [threading.Thread(target=insert, args=(thread,)) for thread in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - began
    site.store.command("TRUNCATE TABLE straight")
    return sum(rows) / took


def _all_stored(site: Site, measured: list[Measured], known: float) -> bool:
    """Whether each acknowledged event is in the store, and each once."""
    (row,) = site.store.fetch("SELECT count() AS events, uniqExact(event_key) AS keys FROM events WHERE source != 'bench'").rows
    return bool(row["events"] == row["keys"] >= sum(each.events for each in measured))


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def as_text(report: dict[str, Any], measured: list[Measured]) -> str:
    """The report as a Markdown table."""
    machine_ = report["machine"]
    lines = [
        f"{machine_['cores']} cores, {machine_['memory_gb']} GB, {machine_['system']}, load {machine_['load']:.1f}; "
        f"every acknowledged event {'stored once' if report['exact'] else 'NOT STORED ONCE'}",
        *([f"known before: {report['known']}"] if report["known"] else []),
        "",
        "| batch | connections | keys | events/s | p50 ms | p99 ms | straight/s | ÷ straight | ÷ large "
        "| µs an event: collector | engine | load | MB: collector | engine | refused |",
        "| --- " * 15 + "|",
    ]
    lines += [
        f"| {each.batch} | {each.connections} | {'on' if each.keys else 'off'} | {each.events_per_second:,.0f} | {each.p50_ms:.0f} "
        f"| {each.p99_ms:.0f} | {each.straight:,.0f} | {each.events_per_second / each.straight:.2f} "
        f"| {each.events_per_second / each.large:.2f} | {each.collector_us:.0f} | {each.engine_us:.0f} | {each.client_us:.0f} "
        f"| {each.collector_mb:.0f} | {each.engine_mb:.0f} | {each.refused} |"
        for each in measured
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
