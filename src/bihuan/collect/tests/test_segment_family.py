"""Segment's relatives: RudderStack's real Python client under faults, Jitsu's requests, and the batches of analytics-next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bihuan.collect.snippets import snippets
from bihuan.collect.tests.flaky import TRICKS, Flaky
from bihuan.collect.tests.site import KEY, Site, running

pytestmark = pytest.mark.slow
JITSU = json.loads((Path(__file__).parent / "fixtures_jitsu.json").read_text())["requests"]
rudder = pytest.importorskip("rudderstack.analytics.client", reason="rudder-sdk-python is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


def client(url: str, errors: list[Any], key: str = KEY) -> Any:
    given = {"max_retries": 12, "upload_size": 5, "upload_interval": 0.05, "timeout": 2}
    return rudder.Client(key, host=url, on_error=lambda error, batch: errors.append(error), **given)


def test_lost_answers_resets_errors_and_hangs_store_each_event_once(site: Site) -> None:
    flaky = Flaky(site, (*TRICKS, "hang"))
    errors: list[Any] = []
    analytics = client(flaky.url, errors)
    for n in range(20):
        analytics.track("ann", "Flaky", {"n": n})
    analytics.shutdown()
    flaky.close()
    assert errors == []
    assert flaky.asked > 4  # tricks were played
    sql = "SELECT toUInt32(JSONExtractInt(props, 'n')) AS n FROM events WHERE event = 'Flaky' ORDER BY n"
    assert [row["n"] for row in site.store.fetch(sql).rows] == list(range(20))


def test_every_call_arrives(site: Site) -> None:
    errors: list[Any] = []
    analytics = client(site.url, errors)
    analytics.identify("bob", {"plan": "pro"}, anonymous_id="anon-1")
    analytics.page("bob", "Docs", "Home", {"url": "https://shop.example/home"})
    analytics.screen("bob", "App", "Start")
    analytics.group("bob", "acme", {"employees": 11})
    analytics.alias("anon-2", "bob")
    analytics.shutdown()
    assert errors == []
    assert set(site.rows("event, path", "events WHERE event != 'Flaky'")) == {("$pageview", "/home"), ("$screen", ""), ("$group", "")}
    assert set(site.rows("name, value", "traits")) >= {("plan", '"pro"'), ("group_id", '"acme"')}
    assert {("user", "bob"), ("anonymous", "anon-1"), ("anonymous", "anon-2")} <= set(site.rows("id_type, id", "person_ids"))
    assert site.rows("count()", "quarantine") == [(0,)]


def test_a_wrong_write_key_is_a_refusal_that_is_not_tried_again(site: Site) -> None:
    flaky, errors = Flaky(site, ("ok",)), []  # type: ignore[var-annotated]
    analytics = client(flaky.url, errors, key="wrong")
    analytics.track("ann", "Refused")
    analytics.shutdown()
    flaky.close()
    assert flaky.asked == 1
    assert "write key" in str(errors[0])


def test_jitsus_requests_are_taken_once_with_its_kind_of_key(site: Site) -> None:
    for again in (False, True):
        for request in JITSU:
            headers = {**request["headers"], "x-write-key": f"kid:{KEY}"}
            status, _, answer = site.request(request["method"], request["path"], request["body"], headers)
            assert (status, answer["ok"], answer["quarantined"]) == (200, True, 0)
            assert answer["duplicates"] == int(again and request["body"]["type"] != "identify")
    assert site.rows("event, count()", "events WHERE source = 'jitsu' GROUP BY event", "event") == [
        ("$group", 2),
        ("$pageview", 2),
        ("After", 2),
        ("Signed Up", 2),
        ("x", 1),
    ]
    assert site.request("POST", "/api/s/track", JITSU[1]["body"], {"x-write-key": "kid:wrong"})[0] == 401
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-write-key"}
    _, answered, _ = site.request("OPTIONS", "/api/s/track", headers=preflight)
    assert (answered["access-control-allow-headers"], answered["access-control-max-age"]) == ("x-write-key", "86400")


def test_analytics_next_finds_its_settings_and_sends_in_batches(site: Site) -> None:
    status, _, document = site.request("GET", f"/v1/projects/{KEY}/settings")
    assert (status, document["integrations"]["Segment.io"]["apiKey"]) == (200, KEY)
    call = {"type": "track", "event": "Next", "anonymousId": "a", "messageId": "ajs-next-1"}
    body = json.dumps({"batch": [call, {**call, "messageId": "ajs-next-2"}], "writeKey": KEY, "sentAt": "2026-11-21T22:57:35Z"}).encode()
    for _ in range(2):
        assert site.request("POST", "/v1/b", body, {"Content-Type": "text/plain"})[0] == 200
    assert site.rows("count()", "events WHERE event = 'Next'") == [(2,)]


def test_the_python_snippets_of_the_page_sources_run(site: Site) -> None:
    clients = ("segment.analytics", "rudderstack.analytics", "posthog", "sensorsanalytics")
    for name in clients:
        pytest.importorskip(name)
    codes = [one.code for family in snippets(site.url, KEY) for one in family.snippets if one.install.startswith("pip install")]
    assert len(codes) == len(clients)
    for code in codes:
        exec(code, {})
    deadline = time.monotonic() + 10
    sql = "events WHERE event IN ('Order Completed', 'OrderCompleted') AND revenue = 128.5 GROUP BY source"
    while site.rows("source, count()", sql, "source") != [("posthog", 1), ("segment", 2), ("sensors", 1)]:
        assert time.monotonic() < deadline, site.rows("source, count()", sql)
        time.sleep(0.1)
