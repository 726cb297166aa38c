"""What identity costs: numbers for ids and links in memory, the map of persons at query time, and merge and undo on a million events.

python -m bench.identity [--events N] [--links N] [--folder DIR]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.events import LAST_DAY, tables
from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.retention import RETENTION
from bihuan.collect.identity import Changes, Id, People, Wanted
from bihuan.collect.writer import Writer
from bihuan.engine import person_map, visible
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.engine.embedded.child import own_store
from bihuan.engine.question import Scope
from bihuan.engine.schema import migrate
from bihuan.engine.store import Store
from bihuan.see.trend import TREND

SCOPE = Scope(1, "UTC", datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 23, 59, 59, tzinfo=UTC))
COMMIT = 10_000
STEPS = ("Page viewed", "Product viewed", "Product added")
ASKED: tuple[tuple[Any, dict[str, Any]], ...] = (
    (TREND, {"series": [{"event": STEPS[0], "measure": "people"}], "period": {"last": 90}}),
    (FUNNEL, {"steps": [{"event": name} for name in STEPS], "period": {"last": 90}}),
    (RETENTION, {"start": {"event": STEPS[0]}, "returning": {"event": STEPS[0]}, "period": {"last": 90}}),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path(".bench-identity"))
    options = parser.parse_args()
    in_memory()
    leases()
    shutil.rmtree(options.folder, ignore_errors=True)
    config = replace(Config.from_env(), data=options.folder.absolute(), events_url="")
    try:
        with own_store(config) as store:
            migrate(store)
            for table in tables(options.events, project=1):
                store.insert_arrow("events", table)
            merge_and_undo(store)
            query_cost(store, options.events, options.links)
    finally:
        shutil.rmtree(options.folder, ignore_errors=True)


def in_memory(ids: int = 1_000_000) -> None:
    """Numbers for new ids and a link for each second one, as commits make them; then looking them up."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    people = People()
    began = time.process_time()
    for first in range(0, ids, COMMIT):
        new = {Id(1, kind, str(place)): 0 for place in range(first // 2, (first + COMMIT) // 2) for kind in ("user", "anonymous")}
        changes = Changes(people, new)
        pair = list(new)
        for user, device in zip(pair[::2], pair[1::2], strict=True):
            changes.meet(user, device, "identify", "bench")
        list(changes.moves())
        changes.take()
    given = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    asked = [Id(1, "user", str(place * 37 % (ids // 2))) for place in range(COMMIT)]
    with timed() as looked:
        found = people.find(asked)
    assert len(found) == COMMIT
    print(
        f"{ids:,} ids with {ids // 2:,} links: {ids / given:,.0f} a second, {grown:.0f} MB more; "
        f"{COMMIT:,} looked up in {looked() * 1000:.0f} ms"
    )


def leases(rounds: int = 200) -> None:
    """A block of numbers leased by one conditional update, as several collectors would have to."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE lease (next INTEGER)")
        database.execute("INSERT INTO lease VALUES (1)")
        with timed() as took:
            for _ in range(rounds):
                (now,) = database.execute("SELECT next FROM lease").fetchone()
                assert database.execute("UPDATE lease SET next = ? WHERE next = ?", (now + 100_000, now)).rowcount == 1
                database.commit()
    print(f"a block of 100,000 numbers leased in {took() / rounds * 1e6:.0f} µs of SQLite, without its fsync")


def merge_and_undo(store: Store) -> None:
    """The answers before a merge and after its undo are the same, byte for byte."""
    store.command("""INSERT INTO person_ids SELECT project_id, 'user', toString(person_id), person_id, min(ts) FROM events
      GROUP BY project_id, person_id""")
    with Writer(store, lambda _project: ZoneInfo("UTC")) as writer:
        assert writer.ready(120)
        before = answers(store)
        busiest = store.fetch("SELECT person_id AS id FROM events GROUP BY person_id ORDER BY count() DESC LIMIT 2").rows

        def done(verb: Any, **what: int) -> int:
            return writer.decide(Wanted(project_id=1, verb=verb, by="bench", **what)).result(60).act

        with timed() as merging:
            act = done("merge", one=busiest[0]["id"], other=busiest[1]["id"])
        merged = answers(store)
        with timed() as undoing:
            done("undo", act=act)
        after = answers(store)
    assert before != merged
    assert before == after, "the answers differ after the undo"
    print(f"merge in {merging() * 1000:.0f} ms, undo in {undoing() * 1000:.0f} ms; trend, funnel and retention byte for byte as before")


def answers(store: Store) -> list[bytes]:
    engine = Engine(store)
    return [repr(engine.ask(question, question.spec.model_validate(spec), SCOPE).result).encode() for question, spec in ASKED]


def query_cost(store: Store, events: int, most: int, rounds: int = 7) -> None:
    """Each question with no map at all, and with the map at no links, 10,000 and many, with recent ones besides."""
    people = max(events // 25, 10)
    for links in dict.fromkeys((0, 10_000, most)):
        store.command("TRUNCATE TABLE person_links")
        store.command(
            """INSERT INTO person_links SELECT 1, 1 + number, 1 + (number + 1) % {people:UInt32}, now64(3), 1, '', ''
            FROM numbers({links:UInt64}) WHERE number % 2 = 0 OR number > {people:UInt32}""",
            {"people": people, "links": links * 2 if links < people else links},
        )
        with timed() as reading:
            person_map.read_all(store)
        store.command(
            """INSERT INTO person_links SELECT 1, 1 + 4 * number, 2 + 4 * number, now64(3), 2, '', '' FROM numbers({recent:UInt64})""",
            {"recent": min(5_000, links)},
        )
        with timed() as recent:
            person_map.read_recent(store)
        print(f"{links:,} links: all read in {reading() * 1000:.0f} ms, 5,000 recent ones in {recent() * 1000:.0f} ms")
        for question, spec in ASKED:
            times: dict[str, list[float]] = {"person_id": [], visible.PERSON: []}
            for _ in range(rounds):
                for sql, measured in times.items():
                    with mapped_by(sql), timed() as took:
                        Engine(store).ask(question, question.spec.model_validate(spec), SCOPE)
                    measured.append(took())
            without, with_map = (min(measured) for measured in times.values())
            middle = statistics.median(times[visible.PERSON]) / statistics.median(times["person_id"])
            print(
                f"  {question.name:10} {without * 1000:6.0f} ms without, {with_map * 1000:6.0f} with: "
                f"×{with_map / without:.2f} (medians ×{middle:.2f})"
            )


@contextmanager
def mapped_by(sql: str) -> Iterator[None]:
    kept, visible.PERSON = visible.PERSON, sql
    try:
        yield
    finally:
        visible.PERSON = kept


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    began = time.perf_counter()
    took: list[float] = []
    yield lambda: took[0]
    took.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
