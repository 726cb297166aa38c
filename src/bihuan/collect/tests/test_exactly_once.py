"""With the real client and real processes: nothing acknowledged is lost and nothing is doubled, whatever is killed."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bihuan.collect.tests.flaky import Flaky
from bihuan.collect.tests.site import KEY, Site, running

pytestmark = pytest.mark.slow
segment_client = pytest.importorskip("segment.analytics.client", reason="segment-analytics-python is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


def client(url: str, errors: list[Any]) -> Any:
    return segment_client.Client(
        KEY, host=url, max_retries=30, upload_size=5, upload_interval=0.05, on_error=lambda error, batch: errors.append(error), timeout=10
    )


def stored(site: Site, name: str) -> list[int]:
    sql = "SELECT toUInt32(JSONExtractInt(props, 'n')) AS n FROM events WHERE event = {name:String} ORDER BY n"
    return [row["n"] for row in site.store.fetch(sql, {"name": name}).rows]


def test_lost_answers_resets_500_and_503_store_each_event_once(site: Site) -> None:
    flaky = Flaky(site)
    errors: list[Any] = []
    analytics = client(flaky.url, errors)
    for n in range(20):
        analytics.track("ann", "Flaky", {"n": n})
    analytics.shutdown()
    flaky.close()
    assert errors == []
    assert flaky.asked > 4  # tricks were played
    assert stored(site, "Flaky") == list(range(20))


@pytest.mark.parametrize("victim", ["collector", "engine", "both"])
def test_kill_9_again_and_again_while_the_client_sends(site: Site, victim: str) -> None:
    errors: list[Any] = []
    name = f"Killed {victim}"
    analytics = client(site.url, errors)
    victims = ("collector", "engine") if victim == "both" else (victim,)
    sent = 0
    for round_ in range(2):
        for _ in range(60):
            analytics.track(f"user {sent % 7}", name, {"n": sent})
            sent += 1
            time.sleep(0.005)
        for one in victims:
            site.kill(one)
        for _ in range(20):
            analytics.track(f"user {sent % 7}", name, {"n": sent})
            sent += 1
        time.sleep(0.1 * round_)
        site.start(*reversed(victims))
    site.until_healthy()
    analytics.shutdown()
    assert errors == []
    assert stored(site, name) == list(range(sent))
    people = site.store.fetch("SELECT uniqExact(person_id) AS people FROM events WHERE event = {name:String}", {"name": name}).rows
    assert people[0]["people"] == 7


def test_the_same_body_again_after_restarts_counts_once(site: Site) -> None:
    body = {"writeKey": KEY, "batch": [{"type": "track", "event": "Again", "userId": "u", "messageId": f"again {n}"} for n in range(10)]}
    assert site.request("POST", "/v1/batch", body)[2]["stored"] == 10
    assert site.request("POST", "/v1/batch", body)[2] == {"success": True, "stored": 0, "duplicates": 10, "quarantined": 0}
    for victim in ("collector", "engine"):
        site.kill(victim, signal.SIGTERM)
        site.start(victim)
        site.until_healthy()
        assert site.request("POST", "/v1/batch", body)[2]["duplicates"] == 10
    assert len(stored(site, "Again")) == 10


def test_sigterm_writes_what_was_taken_and_ends_with_code_0(site: Site) -> None:
    answers: list[int] = []
    body = {"writeKey": KEY, "event": "Last words", "userId": "u", "messageId": "last"}
    asking = threading.Thread(target=lambda: answers.append(site.request("POST", "/v1/track", body)[0]))
    asking.start()
    time.sleep(0.05)  # it lingers for others to write with
    assert site.kill("collector", signal.SIGTERM) == 0
    asking.join()
    assert answers == [200]
    assert len(stored(site, "Last words")) == 1
    site.start("collector")
    site.until_healthy()


def test_while_the_store_is_away_the_answer_is_503_and_afterwards_all_is_well(site: Site) -> None:
    site.kill("engine")
    body = {"writeKey": KEY, "event": "Patience", "userId": "u", "messageId": "patience"}
    status, headers, answer = site.request("POST", "/v1/track", body)
    assert (status, headers["retry-after"]) == (503, "1")
    assert {"code", "message", "detail", "error"} == answer.keys()
    site.start("engine")
    deadline = time.monotonic() + 30
    while site.request("POST", "/v1/track", body)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(stored(site, "Patience")) == 1


def test_a_disk_that_cannot_be_written_is_a_503_and_recovers(site: Site) -> None:
    tables = site.store.fetch("SELECT data_paths[1] AS path FROM system.tables WHERE name = 'events' AND database = currentDatabase()")
    folder = Path(tables.rows[0]["path"])
    away = folder.rename(folder.with_name("away"))
    folder.touch()  # a file where the folder was: nothing can be written there
    body = {"writeKey": KEY, "event": "Full disk", "userId": "u", "messageId": "full"}
    assert site.request("POST", "/v1/track", body)[0] == 503
    folder.unlink()
    away.rename(folder)
    deadline = time.monotonic() + 30
    while site.request("POST", "/v1/track", body)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(stored(site, "Full disk")) == 1


def test_a_second_collector_on_the_folder_says_who_has_it(site: Site) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "bihuan.collect.server"],
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 3
    assert "writes events into" in second.stderr


def test_a_client_that_leaves_in_the_middle_harms_nobody(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port)
    connection.putrequest("POST", "/v1/batch")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"batch":')
    connection.close()
    assert site.healthy()
