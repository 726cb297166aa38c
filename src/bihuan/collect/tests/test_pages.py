"""The pages of collecting, as their readers see them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bihuan.collect.directory import KEYS, ZONES
from bihuan.collect.events import Rejected
from bihuan.collect.writer import Writer
from bihuan.engine.ask import Engine
from bihuan.engine.errors import Unavailable
from bihuan.engine.question import Scope
from bihuan.govern.hashes import digest_of
from bihuan.govern.keys import create_write_key
from bihuan.govern.tests.cast import Cast

HTMX = {"HX-Request": "true"}


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.fixture
def arrived(cast: Cast, scope: Scope, send: Callable[..., object], writer: Writer) -> Cast:
    old = datetime.now(UTC) - timedelta(hours=3)
    send(
        {"name": "Order", "user_id": "ann", "props": {"path": "/buy", "email": "ann@x.example", "revenue": 9}},
        {"name": "Look", "at": int(old.timestamp() * 1000), "source": "import"},
    )
    rejected = Rejected(
        project_id=scope.project_id, source="segment", reason="bad_time", detail="timestamp is not a time", key="k", body='{"secret": 1}'
    )
    writer.submit([], [rejected]).result(30)
    return cast


def test_live_shows_what_arrived_without_what_is_private(arrived: Cast) -> None:
    seen = text(arrived.client(arrived.vera).get("/p/shop/live/"))
    assert "Order" in seen
    assert "path: /buy" in seen
    assert "ann@x.example" not in seen
    assert "nobody" in seen
    assert "ann@x.example" in text(arrived.client(arrived.alice).get("/p/shop/live/"))


def test_live_asks_again_by_itself_until_it_is_paused(arrived: Cast) -> None:
    viewer = arrived.client(arrived.vera)
    panel = text(viewer.get("/p/shop/live/?event=Order", headers=HTMX))
    assert "<html" not in panel
    assert 'hx-get="?event=Order"' in panel
    assert "Look" not in panel
    assert "every 3s" not in text(viewer.get("/p/shop/live/?paused=1"))


def test_sources_show_what_came_the_keys_and_how_to_send(arrived: Cast) -> None:
    create_write_key(member=arrived.alice, name="Web shop")
    seen = text(arrived.client(arrived.alice).get("/p/shop/sources/"))
    for expected in ("test", "import", "Web shop", "bw_", "segment-analytics-python", "analytics.host", "New write key"):
        assert expected in seen
    assert "New write key" not in text(arrived.client(arrived.vera).get("/p/shop/sources/"))


def test_the_quarantine_says_why_and_shows_bodies_only_to_whom_nothing_is_hidden(arrived: Cast) -> None:
    owner = arrived.client(arrived.alice)
    seen = text(owner.get("/p/shop/quarantine/"))
    assert "Impossible time" in seen
    assert "timestamp is not a time" in seen
    assert "secret" in seen
    assert "secret" not in text(arrived.client(arrived.vera).get("/p/shop/quarantine/"))
    assert "timestamp is not a time" not in text(owner.get("/p/shop/quarantine/?reason=bad_name"))


@pytest.mark.parametrize("page", ["live", "sources", "quarantine"])
def test_the_pages_speak_chinese_and_are_closed_to_strangers(arrived: Cast, page: str) -> None:
    viewer = arrived.client(arrived.vera)
    seen = text(viewer.get(f"/p/shop/{page}/", headers={"Accept-Language": "zh-hans"}))
    assert {"live": "实时", "sources": "来源", "quarantine": "隔离区"}[page] in seen
    assert arrived.client(arrived.charlie).get(f"/p/shop/{page}/").status_code == 404


@pytest.mark.parametrize("page", ["live", "sources", "quarantine"])
def test_the_pages_say_so_while_the_store_is_away(cast: Cast, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Unavailable("The event store does not answer just now; it is starting again. Try again in a moment.")

    monkeypatch.setattr(Engine, "ask", fail)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    response = cast.client(cast.vera).get(f"/p/shop/{page}/")
    assert response.status_code in (200, 503)
    assert "does not answer just now" in text(response)


def test_what_the_collector_reads_of_the_definitions_is_what_the_models_write(cast: Cast) -> None:
    from django.db import connection

    _, secret = create_write_key(member=cast.alice, name="Web shop")
    with connection.cursor() as cursor:
        cursor.execute(KEYS)
        assert (digest_of(secret), cast.project.pk) in cursor.fetchall()
        cursor.execute(ZONES)
        assert (cast.project.pk, "Asia/Shanghai") in cursor.fetchall()
