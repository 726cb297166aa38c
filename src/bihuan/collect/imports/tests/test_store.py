"""Imports into the real store: exact counts, nothing twice, and an import killed in the middle is finished by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.collect.imports.sinks import open_sink
from bihuan.collect.imports.tests.conftest import ZONE, Import, Write, stored
from bihuan.engine.config import Config
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

HEAD = "user_id,anonymous_id,event,timestamp,price\n"
COUNTS = (
    "count() AS events, uniqExact(event_key) AS keys, uniqExactIf(person_id, person_id != 0) AS people, countIf(person_id = 0) AS nobody"
)


def test_an_imported_event_is_stored_as_it_was_written(file: Write, bring: Import, store: Store, scope: Scope) -> None:
    bring(file("a.csv", f"{HEAD}NA,,Order,2024-03-13 00:30:00,9.5\n"))
    columns = "event, day, ts, props, source, person_id != 0"
    event, day, ts, props, source, known = stored(store, scope, columns)[0]
    assert (event, str(day), ts.isoformat(), props, source, known) == (
        "Order",
        "2024-03-13",  # the day in Shanghai; in UTC it was the 12th
        "2024-03-12T16:30:00+00:00",
        '{"price":9.5}',
        "import",
        1,
    )
    ids = store.fetch("SELECT id_type, id FROM person_ids WHERE project_id = {project:UInt32}", {"project": scope.project_id}).rows
    assert ids == ({"id_type": "user", "id": "NA"},)


def test_equal_lines_each_count_and_the_same_file_again_changes_nothing(file: Write, bring: Import, store: Store, scope: Scope) -> None:
    path = file("a.csv", HEAD + "u1,,Order,2024-03-13,1\n" * 3 + "u2,,Order,2024-03-13,1\n" + ",,Order,2024-03-13,1\n" * 2)
    first, second = bring(path).tally, bring(path).tally
    assert (first.stored, first.duplicates) == (6, 0)
    assert (second.stored, second.duplicates) == (0, 6)
    assert stored(store, scope, COUNTS) == [(6, 6, 2, 2)]


def test_of_a_file_that_has_grown_only_the_new_lines_are_imported(file: Write, bring: Import, store: Store, scope: Scope) -> None:
    bring(file("a.csv", HEAD + "u1,,Order,2024-03-13,1\n" * 2))
    grown = bring(file("a.csv", HEAD + "u1,,Order,2024-03-13,1\n" * 3 + "u2,,Order,2024-03-13,1\n"))
    assert (grown.tally.stored, grown.tally.duplicates) == (2, 2)
    assert stored(store, scope, COUNTS) == [(4, 4, 2, 0)]


def test_a_row_with_both_ids_makes_them_one_person(file: Write, bring: Import, store: Store, scope: Scope) -> None:
    bring(file("a.csv", f"{HEAD},device,Visit,2024-03-13 10:00:00,\nu1,device,Order,2024-03-13 11:00:00,\n"))
    sql = "uniqExact(dictGetOrDefault('person_map', 'person', toUInt64(person_id), person_id)) AS people, uniqExact(person_id) AS numbers"
    deadline = time.monotonic() + 10  # the map of persons is read again a moment later
    while (found := stored(store, scope, sql)) != [(1, 2)]:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_bad_rows_are_rejected_and_the_rest_is_stored(file: Write, bring: Import, store: Store, scope: Scope) -> None:
    done = bring(file("a.csv", f"{HEAD}u1,,Order,2024-03-13,1\nu2,,Order,someday,1\nu3,,Order\nu4,,Order,2024-03-14,1\n"))
    assert [reject.line for reject in done.rejects] == [3, 4]
    assert (done.tally.read, done.tally.stored, done.tally.rejected) == (4, 2, 2)
    assert stored(store, scope, "count() AS events") == [(2,)]


def test_events_of_many_years_fit_into_one_file(file: Write, bring: Import, store: Store, scope: Scope) -> None:
    lines = [f"u1,,Order,{1997 + month // 12}-{month % 12 + 1:02}-13,1\n" for month in range(250)]
    assert bring(file("a.csv", HEAD + "".join(lines))).tally.stored == 250
    assert stored(store, scope, "count() AS events, uniqExact(day) AS days, toYear(min(day)) AS first") == [(250, 250, 1997)]


IMPORTING = """
import sys
from pathlib import Path
from zoneinfo import ZoneInfo
from bihuan.collect.imports import readers
from bihuan.collect.imports.plan import make_plan
from bihuan.collect.imports.run import run_import
from bihuan.collect.writer import Writer
from bihuan.engine.config import Config
from bihuan.engine.store import Store

readers.ROWS = 2000
with Writer(Store(Config.from_env()), lambda _project: ZoneInfo("{zone}"), first_person=1_600_000) as writer:
    sink = lambda events: writer.submit_columns(events, project_id={project}, source="import").result(60)
    say = lambda tally: print(tally.read, flush=True)
    run_import(make_plan(Path("{path}"), {{}}, guess=True), project_id={project}, zone="{zone}", sink=sink, reject=print, progress=say)
"""


def importing(path: Path, scope: Scope, config: Config) -> subprocess.Popen[str]:
    code = IMPORTING.format(path=path, project=scope.project_id, zone=ZONE)
    environment: dict[str, Any] = os.environ | {"BIHUAN_DATA": str(config.data)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)


def test_an_import_killed_in_the_middle_is_finished_by_the_next(file: Write, store: Store, scope: Scope, config: Config) -> None:
    lines = [f"u{number % 997},,Order,2024-03-{number % 28 + 1:02} 10:00:00,{number % 5}\n" for number in range(40_000)]
    path = file("a.csv", HEAD + "".join(lines) + "".join(lines[:2_000]))
    seen = []
    for rows in (2_000, 10_000, 24_000):
        process = importing(path, scope, config)
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= rows:
                break
        time.sleep(rows / 400_000)  # somewhere within the next chunk
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
        seen.append(stored(store, scope, "count() AS events, uniqExact(event_key) AS keys")[0])
    assert all(events == keys for events, keys in seen)
    assert 2_000 <= seen[0][0] <= seen[1][0] <= seen[2][0] < 42_000  # each was really killed in the middle
    assert importing(path, scope, config).communicate(timeout=120)[0].splitlines()[-1] == "42000"
    assert stored(store, scope, COUNTS) == [(42_000, 42_000, 997, 0)]


def test_two_imports_at_once_without_a_server_take_turns(tmp_path: Path) -> None:
    told: list[str] = []

    def bring(name: str) -> None:
        with open_sink(Config(tmp_path), project_id=1, zones=lambda _project: ZoneInfo(ZONE)):
            told.append(name)
            time.sleep(0.5)
            told.append(name)

    threads = [threading.Thread(target=bring, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["first", "first", "second", "second"]
    assert told[0] == told[1]


WORKER = """
import time, types, django
django.setup()
from bihuan.collect.imports import uploads
uploads.PROCESS = "long_import"
print(uploads.child(types.SimpleNamespace(pk=1)).pid, flush=True)
time.sleep(60)
"""


def test_the_process_of_an_import_ends_with_its_worker(tmp_path: Path) -> None:
    (tmp_path / "long_import.py").write_text("import time; time.sleep(60)")
    told = {"BIHUAN_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "bihuan.console.settings", "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", WORKER], env=os.environ | told, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        importing = int(worker.stdout.readline())
        worker.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{importing}/cmdline").exists() and Path(f"/proc/{importing}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "it outlived its worker"
        time.sleep(0.05)
