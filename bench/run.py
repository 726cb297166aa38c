"""Fills a scratch store, asks every question in five ways, and prints time and memory as ratios of this one run.

    python -m bench.run [--events N] [--rounds N] [--folder DIR] [--json]

Times are medians over the rounds; the ways take turns, so that whatever else the machine does meets all of them.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.events import DAYS, LAST_DAY, tables
from bench.peer import FILL_OVERRIDES, FILL_PEER, OVERRIDES, PEER
from bench.questions import CASES, FILL_PLAIN, PLAIN, Case
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.embedded.child import own_store
from bihuan.engine.errors import TooLarge
from bihuan.engine.person_map import read_all
from bihuan.engine.question import Scope
from bihuan.engine.rollup import roll
from bihuan.engine.store import Store

PROJECT = 1
MEMORY_ROUNDS = 2
LINKED = 100  # every so manyth person is another one
SCOPE = Scope(PROJECT, "UTC", datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 23, 59, 59, tzinfo=UTC))
MB = 1_000_000


@dataclass(frozen=True)
class Cost:
    """Seconds (median), and the greatest memory (bytes) that the engine's process took for it beyond what it held before."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Measured:
    """One question: Bihuan's whole way from spec to result, its statement alone, the peer's way, the plain SQL and the reading alone.
    `equal`: the answers are the same."""

    name: str
    costs: dict[str, Cost]
    equal: bool


def main() -> int:
    options = _options()
    config = replace(Config.from_env(), data=options.folder.absolute(), events_url="")
    if not options.again:
        shutil.rmtree(config.data, ignore_errors=True)
    try:
        with own_store(config) as store:
            filled = sizes(store) if options.again else fill(store, options.events)
            engine = Engine(store)
            chosen = [case for case in CASES if not options.only or any(part in case.name for part in options.only)]
            measured = []
            for case in chosen:
                try:
                    measured.append(measure(case, store, engine, options.rounds))
                except TooLarge as error:
                    print(f"{case.name}: {error}", file=sys.stderr)
                    measured.append(Measured(case.name, {}, equal=True))
    finally:
        if not (options.keep or options.again):
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
    parser.add_argument("--again", action="store_true", help="measure the scratch folder as it was kept")
    parser.add_argument("--only", action="append", help="only questions with this in their name; may be given several times")
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
    store.command(f"""INSERT INTO person_links SELECT project_id, person_id, person_id - 1, now64(3), 1, 'bench', '' FROM person_ids
                      WHERE person_id % {LINKED} = 0""")
    read_all(store)
    for statement in (PLAIN, FILL_PLAIN, PEER, OVERRIDES, FILL_OVERRIDES, FILL_PEER):
        store.command(statement, settings={"max_partitions_per_insert_block": 0})
    roll(store, PROJECT, [LAST_DAY - timedelta(days=ago) for ago in range(1, DAYS)], 1)  # as the writer would; the last day is today
    for table_name in ("events", "plain", "peer", "person_ids", "day_rollup"):
        store.command(f"OPTIMIZE TABLE {table_name} FINAL")
    print(file=sys.stderr)
    return {**sizes(store), "seconds": round(seconds, 1)}


def sizes(store: Store) -> dict[str, float]:
    """Of the tables on disk, in MB."""
    rows = store.fetch(
        """SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts
        WHERE active AND database = currentDatabase() AND table IN ('events', 'day_rollup', 'plain', 'peer') GROUP BY table"""
    ).rows
    return {"seconds": 0.0, **{f"{row['table']}_mb": round(row["bytes"] / MB) for row in rows}}


def measure(case: Case, store: Store, engine: Engine, rounds: int) -> Measured:
    spec = case.question.spec.model_validate(case.spec)

    def ask() -> Any:
        engine.forget()
        return engine.ask(case.question, spec, SCOPE).result

    whole = engine.statement(case.question, spec, SCOPE)
    ways: dict[str, Callable[[], Any]] = {
        "bihuan": ask,
        "sql": lambda: store.fetch(whole.sql, whole.params, settings=engine.settings()).rows,
        "peer": lambda: store.fetch(case.peer).rows,
        "plain": lambda: store.fetch(case.plain).rows,
        "floor": lambda: store.fetch(case.floor).rows,
    }
    ways = {name: way for name, way in ways.items() if getattr(case, name, True)}  # without SQL of theirs there is no such way
    answers = {name: way() for name, way in ways.items()}  # the first time warms the caches, and is not counted
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begun)
    memory = dict.fromkeys(ways, 0)
    for _ in range(MEMORY_ROUNDS):  # by themselves: to see what one takes the engine must first give back all it keeps, which takes time
        for name, way in ways.items():
            held = _held(store)
            way()
            memory[name] = max(memory[name], _greatest(store) - held)
    costs = {name: Cost(statistics.median(times[name]), memory[name]) for name in ways}
    print(f"{case.name}: {costs['bihuan'].seconds * 1000:.0f} ms", file=sys.stderr)
    ours = case.ours(answers["bihuan"])
    equal = all(ours == case.theirs(answers[name]) for name in ("plain", "peer") if name in answers and (name == "plain" or case.alike))
    return Measured(case.name, costs, equal)


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
    flat: dict[str, Any] = {"question": each.name, "equal": each.equal, "too_large": not each.costs}
    ours = each.costs["bihuan"].seconds if each.costs else 0.0
    for name, cost in each.costs.items():
        flat |= {f"{name}_ms": round(cost.seconds * 1000, 1), f"{name}_mb": round(cost.memory / MB)}
        flat |= {f"{name}_ratio": round(cost.seconds / ours, 2)}
    return flat


def as_text(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    machine_, filled = report["machine"], report["fill"]
    lines = [
        f"{report['events']:,} events; {machine_['cores']} cores, {machine_['memory_gb']} GB, {machine_['system']}, "
        f"load {machine_['load']:.1f}",
        f"filled in {filled['seconds']} s; MB on disk: events {filled['events_mb']}, counted days {filled['day_rollup_mb']}, "
        f"plain table {filled['plain_mb']}, peer's {filled['peer_mb']}",
        "",
        "| question | Bihuan ms | its SQL ms | peer ms | peer / Bihuan | plain SQL ms | plain / Bihuan | reading alone ms "
        "| Bihuan MB | peer MB | plain MB | answers |",
        "| --- " * 12 + "|",
    ]
    for each in report["questions"]:
        told = {name: f"{value:,}" for name, value in each.items() if name.endswith("_mb")}
        told |= {name: f"{value:,.0f}" for name, value in each.items() if name.endswith("_ms")}
        told |= {name: f"{value:,.1f}" for name, value in each.items() if name.endswith("_ratio")}
        names = ("bihuan_ms", "sql_ms", "peer_ms", "peer_ratio", "plain_ms", "plain_ratio", "floor_ms", "bihuan_mb", "peer_mb", "plain_mb")
        cells = [each["question"], *(told.get(name, "") for name in names), _said(each)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _said(each: dict[str, Any]) -> str:
    if each["too_large"]:
        return "more memory or time than allowed"
    return "equal" if each["equal"] else "DIFFERENT"


if __name__ == "__main__":
    sys.exit(main())
