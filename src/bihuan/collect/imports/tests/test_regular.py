"""Import definitions: started once, on time whatever the clock does; resumed, retried, told of; credentials seen by nobody."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database_connection
from django.test import Client

from bihuan.catalog.definitions import save_definition
from bihuan.catalog.models import Definition, Revision
from bihuan.collect.events import Outcome
from bihuan.collect.imports import connections, runs, uploads
from bihuan.collect.imports.connections import delete_connection, save_connection
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.definition import KIND, ImportSpec
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.schedules import Schedule, next_run, retry_after
from bihuan.collect.imports.sources import sql
from bihuan.collect.imports.tasks import run_now, settle, start_due, task_of
from bihuan.collect.models import Connection, ImportRun, ImportTask
from bihuan.engine.config import Config
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict, Forbidden, Invalid
from bihuan.govern.models import AuditEntry, Job
from bihuan.govern.tests.cast import Cast

pytestmark = pytest.mark.django_db
ROOT = "/p/shop/imports"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SQLite file of orders where connections may read it, as a data folder of this test's own."""
    monkeypatch.setenv("BIHUAN_DATA", str(tmp_path))
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path)
    path = tmp_path / "sources" / "shop.sqlite"
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER, user_id TEXT, time TEXT, amount REAL)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, 1)", [(n, f"u{n}", f"2026-03-10 10:00:{n:02}") for n in range(40)])
    assert Config.from_env().data == tmp_path
    return path


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Instead of the store: events by their keys, as it would keep them."""
    taken: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def open_sink(*_: Any, **__: Any) -> Any:
        def sink(events: Any) -> Outcome:
            known = {event["event_key"] for event in taken}
            new = [event for event in events.to_pylist() if event["event_key"] not in known]
            taken.extend(new)
            return Outcome(stored=len(new), duplicates=events.num_rows - len(new))

        yield sink

    monkeypatch.setattr(runs, "open_sink", open_sink)
    return taken


def define(owner: Member, shop: Path, **spec: Any) -> Definition:
    found = Connection.objects.first() or save_connection(member=owner, name="Shop", place=f"sqlite:///{shop}")
    document = {
        "connection": found.key,
        "query": "SELECT * FROM orders",
        "mapping": {"event": "Order", "person": "user_id", "time": "time", "id": "id"},
        "cursor": "time",
        "schedule": {"kind": "every", "minutes": 30},
        **spec,
    }
    return save_definition(member=owner, kind=KIND, name="Orders", spec=ImportSpec.model_validate(document))


@pytest.mark.parametrize(
    ("zone", "at", "after", "expected"),
    [
        ("Asia/Shanghai", "06:00", "2026-03-15T05:59:59", "2026-03-15T06:00:00+08:00"),
        ("Asia/Shanghai", "06:00", "2026-03-15T06:00:00", "2026-03-16T06:00:00+08:00"),
        ("Europe/Berlin", "02:30", "2026-03-28T12:00:00", "2026-03-29T03:30:00+02:00"),  # skipped: moved by the gap
        ("Europe/Berlin", "02:30", "2025-10-25T12:00:00", "2025-10-26T02:30:00+02:00"),  # twice: its first occurrence
        ("Europe/Berlin", "02:30", "2025-10-26T02:45:00", "2025-10-27T02:30:00+01:00"),  # not once more in the second hour
    ],
)
def test_a_daily_import_runs_once_a_day_whatever_the_clock_does(zone: str, at: str, after: str, expected: str) -> None:
    begun = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    assert next_run(Schedule(kind="daily", at=at), zone=zone, after=begun) == datetime.fromisoformat(expected)


def test_failures_wait_longer_each_time_and_never_more_than_an_hour() -> None:
    assert [retry_after(failures) // timedelta(minutes=1) for failures in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]


def test_a_run_goes_on_where_the_last_one_ended(cast: Cast, shop: Path, stored: list[Any]) -> None:
    definition = define(cast.alice, shop)
    (run,) = start_due()
    assert start_due() == []  # it is under way
    uploads.import_run(run.pk)
    run.refresh_from_db()
    settle(run)
    assert (run.state, run.rows_stored, run.rows_known) == ("done", 40, 0)
    task = task_of(definition)
    assert Cursor.from_json(task.cursor) == Cursor("2026-03-10 10:00:39")
    with contextlib.closing(sqlite3.connect(shop)) as database, database:
        database.execute("INSERT INTO orders VALUES (99, 'late', '2026-03-10 10:00:39', 1), (100, 'new', '2026-03-11 10:00:00', 1)")
    (again,) = start_due(datetime.now(UTC) + timedelta(minutes=31))
    uploads.import_run(again.pk)
    again.refresh_from_db()
    assert (again.rows_read, again.rows_stored, again.rows_known) == (3, 2, 1)
    assert len(stored) == 42


def test_a_run_that_broke_off_goes_on_behind_its_last_block(
    cast: Cast, shop: Path, stored: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "ROWS", 10)
    monkeypatch.setattr(runs, "NOTE", 0.0)
    define(cast.alice, shop)
    (run,) = start_due()
    save, seen = runs._Noted.__call__, []

    def killed(noted: Any, tally: Any) -> None:
        save(noted, tally)
        seen.append(tally.read)
        if tally.read == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs._Noted, "__call__", killed)
    with pytest.raises(KeyboardInterrupt):
        uploads.import_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.rows_read) == ("running", 20)
    uploads.import_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.rows_stored, len(stored)) == ("done", 40, 40)
    assert run.rows_read < 60  # it did not begin anew


def test_another_query_begins_anew_and_another_schedule_does_not(cast: Cast, shop: Path, stored: list[Any]) -> None:
    definition = define(cast.alice, shop)
    (run,) = start_due()
    uploads.import_run(run.pk)
    spec = ImportSpec.model_validate(definition.spec)

    def saved(**changed: Any) -> ImportTask:
        changed_spec = spec.model_copy(update=changed)
        return task_of(save_definition(member=cast.alice, kind=KIND, key=definition.key, name="Orders", spec=changed_spec))

    assert saved(schedule=Schedule(kind="daily", at="06:00")).cursor is not None
    assert saved(query="SELECT * FROM orders WHERE id > 3").cursor is None


def test_a_failed_run_is_said_on_the_home_page_and_tried_again(cast: Cast, shop: Path) -> None:
    definition = define(cast.alice, shop, query="SELECT * FROM nowhere")
    (run,) = start_due()
    with pytest.raises(ImportProblem):
        uploads.import_run(run.pk)
    run.refresh_from_db()
    settle(run)
    task = task_of(definition)
    assert (run.state, task.failures) == ("failed", 1)
    assert "no such table" in run.problem
    assert task.next_at is not None
    assert task.next_at - datetime.now(UTC) < timedelta(seconds=61)
    assert "The import “Orders” has failed." in cast.client(cast.alice).get("/p/shop/home/needs/").content.decode()
    page = cast.client(cast.alice).get(f"{ROOT}/regular/orders/").content.decode()
    assert "The last run failed" in page


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_start_a_run_once(cast: Cast, shop: Path) -> None:
    definition = define(cast.alice, shop)
    task_of(definition)
    started: list[Any] = []
    barrier = threading.Barrier(2)

    def work() -> None:
        try:
            barrier.wait(10)
            with contextlib.suppress(Exception):  # SQLite may say that it is busy; then the next look starts it
                started.extend(start_due())
        finally:
            database_connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    start_due()
    assert ImportRun.objects.count() == 1
    assert Job.objects.filter(kind="import").count() == 1
    assert run_now(member=cast.alice, definition=definition) is None


def test_a_dry_run_stores_nothing_and_moves_nothing(cast: Cast, shop: Path, stored: list[Any]) -> None:
    definition = define(cast.alice, shop, schedule={"kind": "manual"})
    run = run_now(member=cast.alice, definition=definition, dry=True)
    assert run is not None
    uploads.import_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.rows_read, stored, task_of(definition).cursor) == ("done", 40, [], None)


def test_a_password_is_seen_by_nobody_and_goes_nowhere_else(cast: Cast) -> None:
    place = "postgresql://reader:h%40rd2guess@db.example.com:5432/shop"
    made = save_connection(member=cast.alice, name="Shop", place=place)
    assert (made.place, made.secret) == ("postgresql://reader@db.example.com:5432/shop", {"password": "h@rd2guess"})
    client = cast.client(cast.alice)
    seen = [client.get(f"{ROOT}/{path}").content.decode() for path in ("connections/", "connections/shop/", "regular/new/")]
    seen += [str(list(AuditEntry.objects.values())), str(list(Revision.objects.values())), repr(made)]
    assert not any("rd2guess" in text for text in seen)
    assert save_connection(member=cast.alice, key="shop", name="Shop", place=made.place + "2").secret == made.secret
    assert save_connection(member=cast.alice, key="shop", name="Shop", place="postgresql://reader@elsewhere.example.com/shop").secret == {}
    wrong = client.post(f"{ROOT}/connections/", {"name": "", "place": place}).content.decode()
    assert "rd2guess" not in wrong


def test_connections_are_for_owners_and_stay_while_they_are_used(cast: Cast, shop: Path) -> None:
    with pytest.raises(Forbidden):
        save_connection(member=cast.bob, name="Shop", place="https://files.example.com/")
    with pytest.raises(Invalid, match="SQLite files below"):
        save_connection(member=cast.alice, name="All", place=f"sqlite:///{shop.parent.parent}/bihuan.sqlite3")
    define(cast.alice, shop)
    with pytest.raises(Conflict, match="used by"):
        delete_connection(member=cast.alice, key="shop")
    assert connections.connections(cast.alice.project)


def test_the_form_looks_guesses_saves_and_shows(cast: Cast, shop: Path, stored: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    save_connection(member=cast.alice, name="Shop", place=f"sqlite:///{shop}")
    monkeypatch.setattr(uploads, "looked", looked_here)
    client = cast.client(cast.bob)
    form = {"name": "Orders", "kind": "events", "connection": "shop", "query": "SELECT * FROM orders", "cursor": "id"}
    form |= {"schedule.kind": "daily", "schedule.at": "05:30"}
    look = client.post(f"{ROOT}/regular/look/", form | {"query": "SELECT * FROM nowhere"}).content.decode()
    assert "no such table" in look
    assert 'name="mapping"' not in look
    look = client.post(f"{ROOT}/regular/look/", form).content.decode()
    assert "Which events are these?" in look
    assert 'value="time" selected' in look
    assert client.post(f"{ROOT}/regular/new/", form).status_code == 422
    form |= {"mapping": "1", "of": "events", "event": "Order", "person": "user_id", "time": "time", "id": "id", "revenue": "amount"}
    look = client.post(f"{ROOT}/regular/look/", form).content.decode()
    assert "10 Mar 2026 10:00" in look
    assert client.post(f"{ROOT}/regular/new/", form).status_code == 303
    page = client.get(f"{ROOT}/regular/orders/").content.decode()
    assert "Daily at 05:30, Asia/Shanghai" in page
    assert 'value="user_id" selected' in client.post(f"{ROOT}/regular/look/", form).content.decode()
    assert client.get(f"{ROOT}/regular/orders/edit/").status_code == 200
    client.post(f"{ROOT}/regular/orders/do/", {"verb": "run"})
    assert ImportRun.objects.get().created_by == cast.bob.user
    client.post(f"{ROOT}/regular/orders/do/", {"verb": "pause"})
    assert Definition.objects.get(kind=KIND).state == "draft"
    assert cast.client(cast.vera).get(f"{ROOT}/regular/orders/").status_code == 200


def looked_here(place: Any, project: Any, given: Any, *, guess: bool) -> dict[str, Any]:
    """What the process of its own would say, which does not see the test's database."""
    from bihuan.collect.imports.connections import source_of_spec
    from bihuan.collect.imports.preview import preview

    source = source_of_spec(project, ImportSpec.model_construct(**place["spec"]))
    return preview(source, given, guess=guess, zone=project.timezone, currency=project.currency)


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path)
    monkeypatch.setenv("BIHUAN_UPLOAD_LIMIT", "10")
    answer = cast.client(cast.bob).post(f"{ROOT}/upload/", b"x" * 100, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert "The file is too large" in answer.content.decode()
    assert not list(tmp_path.iterdir())
    assert Client(enforce_csrf_checks=True).post(f"{ROOT}/upload/").status_code == 302  # nobody is logged in
