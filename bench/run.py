"""Fills a scratch store, asks every question in three ways, and prints time and memory as ratios of this one run.

    python -m bench.run [--events N] [--rounds N] [--folder DIR] [--json]

Times are medians over the rounds; the three ways take turns, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.events import LAST_DAY, tables
from bench.questions import CASES, FILL_PLAIN, PLAIN, Case
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.embedded.child import own_store
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

PROJECT = 1
SCOPE = Scope(PROJECT, "UTC", datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 23, 59, 59, tzinfo=UTC))
MB = 1_000_000


@dataclass(frozen=True)
class Cost:
    """Seconds (median), and the greatest memory (bytes) that the engine's process took for it beyond what it held before."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Measured:
    """One question: Bihuan's whole way from spec to result, the plain SQL and the reading alone. `equal`: the answers are the same."""

    name: str
    bihuan: Cost
    plain: Cost
    floor: Cost
    equal: bool


def main() -> int:
    options = _options()
    config = replace(Config.from_env(), data=options.folder.absolute(), events_url="")
    shutil.rmtree(config.data, ignore_errors=True)
    try:
        with own_store(config) as store:
            filled = fill(store, options.events)
            measured = [measure(case, store, options.rounds) for case in CASES]
    finally:
        if not options.keep:
            shutil.rmtree(config.data, ignore_errors=True)
    report = {"events": options.events, "machine": machine(), "fill": filled, "questions": [_flat(each) for each in measured]}
    print(json.dumps(report, indent=2) if options.json else as_text(report))
    return 0 if all(each.equal for each in measured) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="how many events to make (default 1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked (default 5)")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="scratch folder, emptied first (default .bench)")
    parser.add_argument("--keep", action="store_true", help="leave the scratch folder there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def fill(store: Store, events: int) -> dict[str, float]:
    """Both tables with the same events, merged as they would be after a while; returns seconds and the sizes on disk."""
    begun = time.perf_counter()
    for number, table in enumerate(tables(events, project=PROJECT), 1):
        store.insert_arrow("events", table, token=f"bench-{number}")
        print(f"\r{number * len(table):,} events", end="", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    store.command("""INSERT INTO person_ids SELECT project_id, 'user', toString(person_id), person_id, min(ts) FROM events
                     GROUP BY project_id, person_id""")
    store.command(PLAIN)
    store.command(FILL_PLAIN)
    for table_name in ("events", "plain", "person_ids"):
        store.command(f"OPTIMIZE TABLE {table_name} FINAL")
    print(file=sys.stderr)
    sizes = store.fetch(
        "SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND table IN ('events', 'plain') GROUP BY table"
    ).rows
    return {"seconds": round(seconds, 1), **{f"{row['table']}_mb": round(row["bytes"] / MB) for row in sizes}}


def measure(case: Case, store: Store, rounds: int) -> Measured:
    spec = case.question.spec.model_validate(case.spec)
    ways: dict[str, Callable[[], Any]] = {
        "bihuan": lambda: Engine(store).ask(case.question, spec, SCOPE).result,  # a new engine: nothing is cached
        "plain": lambda: store.fetch(case.plain).rows,
        "floor": lambda: store.fetch(case.floor).rows,
    }
    answers = {name: way() for name, way in ways.items()}  # the first time warms the caches, and is not counted
    times: dict[str, list[float]] = {name: [] for name in ways}
    memory = dict.fromkeys(ways, 0)
    for _ in range(rounds):
        for name, way in ways.items():
            held = _held(store)
            begun = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begun)
            memory[name] = max(memory[name], _greatest(store) - held)
    costs = {name: Cost(statistics.median(times[name]), memory[name]) for name in ways}
    print(f"{case.name}: {costs['bihuan'].seconds * 1000:.0f} ms", file=sys.stderr)
    equal = case.ours(answers["bihuan"]) == case.theirs(answers["plain"])
    return Measured(case.name, costs["bihuan"], costs["plain"], costs["floor"], equal)


def _engine_process(store: Store) -> Path:
    return Path("/proc") / str((store.config.announced("engine") or {}).get("pid", "none"))


def _held(store: Store) -> int:
    """What the engine's process holds, once it gave back what it needs no more; its greatest is counted anew from here (Linux)."""
    store.command("SYSTEM JEMALLOC PURGE")
    try:
        (_engine_process(store) / "clear_refs").write_text("5")
    except OSError:
        return 0
    return _greatest(store)


def _greatest(store: Store) -> int:
    """The greatest resident memory of the engine's process, in bytes; 0 where that is not known."""
    try:
        lines = (_engine_process(store) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def machine() -> dict[str, Any]:
    """What was measured on, and how busy it was."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load": os.getloadavg()[0],
    }


def _flat(each: Measured) -> dict[str, Any]:
    return {
        "question": each.name,
        "bihuan_ms": round(each.bihuan.seconds * 1000, 1),
        "plain_ms": round(each.plain.seconds * 1000, 1),
        "floor_ms": round(each.floor.seconds * 1000, 1),
        "times_quicker": round(each.plain.seconds / each.bihuan.seconds, 2),
        "times_floor": round(each.bihuan.seconds / each.floor.seconds, 2),
        "bihuan_mb": round(each.bihuan.memory / MB),
        "plain_mb": round(each.plain.memory / MB),
        "equal": each.equal,
    }


def as_text(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    machine_, filled = report["machine"], report["fill"]
    lines = [
        f"{report['events']:,} events; {machine_['cores']} cores, {machine_['memory_gb']} GB, {machine_['system']}, "
        f"load {machine_['load']:.1f}",
        f"filled in {filled['seconds']} s; on disk: events {filled['events_mb']} MB, plain table {filled['plain_mb']} MB",
        "",
        "| question | Bihuan ms | plain SQL ms | plain / Bihuan | reading alone ms | Bihuan / reading | Bihuan MB | plain MB | answers |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each['question']} | {each['bihuan_ms']:,.0f} | {each['plain_ms']:,.0f} | {each['times_quicker']:.1f} "
        f"| {each['floor_ms']:,.0f} | {each['times_floor']:.1f} | {each['bihuan_mb']:,} | {each['plain_mb']:,} "
        f"| {'equal' if each['equal'] else 'DIFFERENT'} |"
        for each in report["questions"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
