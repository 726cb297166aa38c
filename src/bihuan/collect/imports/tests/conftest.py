"""Small files made by the test, imported by the real pipeline: into a list, or into the test run's store."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from bihuan.collect.events import Outcome
from bihuan.collect.imports.errors import Reject
from bihuan.collect.imports.plan import make_plan
from bihuan.collect.imports.run import Sink, Tally, run_import
from bihuan.collect.writer import Writer
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

FIRST_PERSON = 1_500_000
ZONE = "Asia/Shanghai"

Write = Callable[..., Path]
Import = Callable[..., "Imported"]


@dataclass
class Imported:
    """What an import gave: the tally, the rows handed over, and the rejects."""

    tally: Tally
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.line, str(reject.reason)) for reject in self.rejects]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    """`file("a.csv", text)`: a file with this text (or bytes); a name that ends in .gz is gzipped."""

    def write(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode(encoding)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def read(path: Path, *, zone: str = ZONE, **given: Any) -> Imported:
    """Import into a list; the mapping is guessed where it is not given."""
    tables: list[pa.Table] = []
    rejects: list[Reject] = []

    def sink(events: pa.Table) -> Outcome:
        tables.append(events)
        return Outcome(stored=events.num_rows)

    plan = make_plan(path, given, guess=True)
    tally = run_import(plan, project_id=7, zone=zone, sink=sink, reject=rejects.append)
    return Imported(tally, [row for table in tables for row in table.to_pylist()], rejects)


@pytest.fixture
def sink(store: Store, scope: Scope) -> Iterator[Sink]:
    """Into the test's project of the real store."""
    with Writer(store, lambda _project: ZoneInfo(ZONE), first_person=FIRST_PERSON) as writer:
        yield lambda events: writer.submit_columns(events, project_id=scope.project_id, source="import").result(60)


@pytest.fixture
def bring(sink: Sink, scope: Scope) -> Import:
    """`bring(path, **mapping)`: import into the test's project."""

    def run(path: Path, **given: Any) -> Imported:
        rejects: list[Reject] = []
        plan = make_plan(path, given, guess=True)
        return Imported(run_import(plan, project_id=scope.project_id, zone=ZONE, sink=sink, reject=rejects.append), [], rejects)

    return run


def stored(store: Store, scope: Scope, columns: str) -> list[tuple[Any, ...]]:
    """What is stored of the test's project."""
    sql = f"SELECT {columns} FROM events WHERE project_id = {{project:UInt32}}"
    return [tuple(row.values()) for row in store.fetch(sql, {"project": scope.project_id}).rows]
