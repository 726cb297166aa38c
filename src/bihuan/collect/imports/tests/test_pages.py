"""The pages of imports, and the worker's part: who may, what is shown, what becomes of an uploaded file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bihuan.collect.events import Outcome
from bihuan.collect.imports import runs, uploads
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.models import ImportRun
from bihuan.govern.models import AuditEntry, Job, Membership, Project, Role
from bihuan.govern.projects import create_project

pytestmark = pytest.mark.django_db
CSV = b"user_id,event,timestamp,price\nu1,Order,2024-03-13 10:00:00,9.5\nu2,Order,someday,1\n,Visit,2024-03-14 10:00:00,\n"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def alice() -> Client:
    """Owns the project `shop`."""
    owner = User.objects.create_user("alice")
    create_project(key="shop", name="Shop", timezone="Asia/Shanghai", owner=owner)
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def victor(alice: Client) -> Client:
    """May only look."""
    viewer = User.objects.create_user("victor")
    Membership.objects.create(project=Project.objects.get(), user=viewer, role=Role.VIEWER)
    client = Client()
    client.force_login(viewer)
    return client


def address(name: str, **where: Any) -> str:
    return reverse(f"collect:{name}", kwargs={"project": "shop", **where})


def uploaded(client: Client, content: bytes = CSV, name: str = "orders.csv") -> ImportRun:
    client.post(address("upload"), {"file": SimpleUploadedFile(name, content)})
    return ImportRun.objects.get()


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Instead of the store: the events of each chunk that was handed over."""
    taken: list[Any] = []

    @contextmanager
    def open_sink(*_: Any, **__: Any) -> Iterator[Any]:
        def sink(events: Any) -> Outcome:
            taken.extend(events.to_pylist())
            return Outcome(stored=events.num_rows)

        yield sink

    monkeypatch.setattr(runs, "open_sink", open_sink)
    return taken


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    page = alice.get(address("imports")).content.decode()
    assert "bihuan import FILE --project shop" in page
    assert 'type="file"' in page


def test_an_upload_leads_to_the_first_events_before_anything_is_stored(alice: Client) -> None:
    run = uploaded(alice)
    assert (run.state, run.file_name, run.size) == ("uploaded", "orders.csv", len(CSV))
    panel = alice.get(address("import", pk=run.pk), headers=HTMX).content.decode()
    assert "13 Mar 2024 10:00" in panel
    assert '<option value="user_id" selected' in panel
    assert "Line 3: “someday” is not a time" in panel
    assert not Job.objects.filter(kind="import").exists()


def test_a_wrong_mapping_says_so_and_cannot_be_started(alice: Client) -> None:
    run = uploaded(alice)
    form = {"mapping": "1", "time": "timestamp", "person": "user_id"}
    page = alice.get(address("import", pk=run.pk), form, headers=HTMX).content.decode()
    assert "Which events are these?" in page
    assert alice.post(address("start_import", pk=run.pk), form).status_code == 422
    assert ImportRun.objects.get().state == "uploaded"


def test_an_import_that_was_started_twice_runs_once_and_tells_what_became_of_the_rows(alice: Client, stored: list[Any]) -> None:
    run = uploaded(alice)
    form = {"mapping": "1", "event_column": "event", "time": "timestamp", "person": "user_id", "revenue": "price * 2"}
    for _ in range(2):
        alice.post(address("start_import", pk=run.pk), form)
    (job,) = Job.objects.filter(kind="import")
    assert job.payload == {"run": run.pk}
    uploads.import_run(run.pk)
    assert [(event["user_id"], event["revenue"]) for event in stored] == [("u1", 19.0), (None, None)]
    run.refresh_from_db()
    assert (run.state, run.rows_read, run.rows_stored, run.rows_rejected, run.rows_of_nobody) == ("done", 3, 2, 1, 1)
    page = alice.get(address("import", pk=run.pk)).content.decode()
    assert "period.since=2024-03-13&amp;period.until=2024-03-14" in page
    assert AuditEntry.objects.filter(verb="import", object_key="orders.csv").count() == 1
    rejects = b"".join(alice.get(address("import_rejects", pk=run.pk)))
    assert rejects.decode().splitlines()[1].startswith('3,"“someday” is not a time')


def test_a_mapping_file_holds_instead_of_the_fields(alice: Client, stored: list[Any]) -> None:
    run = uploaded(alice)
    text = "event: Sale\ntime: timestamp\nproperties: {cost: price}"
    alice.post(address("start_import", pk=run.pk), {"mapping": "1", "event_column": "event", "yaml": text})
    uploads.import_run(run.pk)
    assert [(event["name"], event["props"], event["user_id"]) for event in stored] == [("Sale", '{"cost":9.5}', None), ("Sale", "{}", None)]


def test_a_file_that_breaks_off_is_said_in_the_language_of_who_brought_it(alice: Client, stored: list[Any]) -> None:
    run = uploaded(alice)
    alice.post(address("start_import", pk=run.pk), {"mapping": "1", "event_column": "event", "time": "timestamp"})
    ImportRun.objects.update(language="zh-hans")
    (uploads.folder() / run.upload).write_text("event,timestamp\n")
    with pytest.raises(ImportProblem):
        uploads.import_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.problem) == ("failed", "文件中没有数据行。")
    assert "文件中没有数据行。" in alice.get(address("import", pk=run.pk)).content.decode()


def test_a_file_of_no_known_kind_is_not_kept(alice: Client, folder: Path) -> None:
    page = alice.post(address("upload"), {"file": SimpleUploadedFile("a.xlsx", b"x")}, follow=True).content.decode()
    assert "a.xlsx is a spreadsheet" in page
    assert not list(folder.iterdir())


def test_a_discarded_file_is_gone(alice: Client, folder: Path) -> None:
    run = uploaded(alice)
    alice.post(address("discard_import", pk=run.pk))
    assert not ImportRun.objects.exists()
    assert not list(folder.iterdir())


def test_who_may_only_look_sees_imports_but_brings_nothing_in(alice: Client, victor: Client) -> None:
    run = uploaded(alice)
    assert 'type="file"' not in victor.get(address("imports")).content.decode()
    assert victor.post(address("upload"), {"file": SimpleUploadedFile("a.csv", CSV)}).status_code == 403
    assert victor.post(address("start_import", pk=run.pk)).status_code == 403
    assert victor.get(address("import", pk=run.pk)).status_code == 403  # its first rows may hold private properties
    assert victor.get(address("import_rejects", pk=run.pk)).status_code == 403


def test_an_import_of_another_project_does_not_exist(alice: Client) -> None:
    run = uploaded(alice)
    other = create_project(key="other", name="Other", owner=User.objects.get(username="alice"))
    ImportRun.objects.filter(pk=run.pk).update(project=other)
    assert alice.get(address("import", pk=run.pk)).status_code == 404
