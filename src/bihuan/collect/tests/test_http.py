"""The collector's HTTP against a real process: keys, bodies, other origins, limits; and that no input is ever a 5xx."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.collect.client import Collector
from bihuan.collect.events import Event, Outcome, event_key
from bihuan.collect.protocols import segment
from bihuan.collect.tests.site import KEY, PROJECT, Site, running
from bihuan.engine.errors import EngineError

BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
TRACK = {"type": "track", "event": "Seen", "userId": "u"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


def named(site: Site, name: str) -> list[Any]:
    return list(site.store.fetch("SELECT * FROM events WHERE event = {name:String}", {"name": name}).rows)


def test_the_key_comes_as_basic_user_or_in_the_body(site: Site) -> None:
    assert site.request("POST", "/v1/track", TRACK, BASIC)[0] == 200
    assert site.request("POST", "/v1/t", {**TRACK, "writeKey": KEY})[0] == 200
    assert site.request("POST", "/v1/batch/", {"batch": [TRACK], "writeKey": KEY})[0] == 200


@pytest.mark.parametrize("key", ["", "wrong", "键"])
def test_without_a_known_key_the_answer_is_401_in_the_fields_that_clients_read(site: Site, key: str) -> None:
    status, _, answer = site.request("POST", "/v1/track", {**TRACK, "writeKey": key})
    assert status == 401
    assert {"code", "message", "detail", "error"} == answer.keys()


def test_gzip_is_known_by_its_first_bytes_whatever_the_headers_say(site: Site) -> None:
    body = gzip.compress(json.dumps({**TRACK, "event": "Zipped"}).encode())
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": "text/plain"}, {}):
        assert site.request("POST", "/v1/t", body, {**BASIC, **headers})[0] == 200
    assert len(named(site, "Zipped")) == 3


def test_bodies_that_cannot_be_are_refused(site: Site) -> None:
    bomb = gzip.compress(b"[" * 200_000_000, 1)[:5_000_000]
    for body, status in (
        (bomb, 413),
        (b"x" * 6_000_000, 413),
        (gzip.compress(b"{}" * 1000)[:-9], 400),
        (b"\x1f\x8bnothing", 400),
        (b"", 400),
        (b"null", 400),
        (b'{"batch": {}}', 400),
        (b"[" * 1_000_000, 400),
    ):
        got, _, answer = site.request("POST", "/v1/batch", body, BASIC)
        assert (got, answer.keys()) == (status, {"code", "message", "detail", "error"})


def test_pages_of_other_origins_may_send(site: Site) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    status, headers, _ = site.request("OPTIONS", "/v1/t", None, asked)
    assert status == 204
    assert headers["access-control-allow-headers"] == "authorization"
    assert headers["access-control-max-age"] == "86400"
    status, headers, _ = site.request("POST", "/v1/t", json.dumps(TRACK).encode(), {**BASIC, **origin, "Content-Type": "text/plain"})
    assert status == 200
    assert headers["access-control-allow-origin"] == "https://shop.example"
    assert headers["access-control-allow-credentials"] == "true"


def test_analytics_next_gets_its_settings(site: Site) -> None:
    status, _, document = site.request("GET", f"/v1/projects/{KEY}/settings")
    assert status == 200
    assert document["integrations"]["Segment.io"]["apiKey"] == KEY
    assert site.request("GET", "/v1/projects/wrong/settings")[0] == 401


def test_other_addresses_and_methods_are_told_apart(site: Site) -> None:
    assert site.request("GET", "/nothing")[0] == 404
    assert site.request("GET", "/v1/batch")[0] == 405
    assert site.request("POST", "/internal/events", b"")[0] == 401


def test_bihuans_own_processes_send_events_and_columns(site: Site) -> None:
    import pyarrow as pa

    collector = Collector(site.config)
    event = Event(project_id=PROJECT, key="k", source="ledger", at=int(time.time() * 1000), name="$campaign_assigned", person_id=3)
    assert collector.send([event]) == Outcome(stored=1)
    assert collector.send([event]) == Outcome(duplicates=1)
    table = pa.table(
        {
            "event_key": pa.array([event_key(PROJECT, "import", "1"), 2], pa.uint64()),
            "name": ["Bought", "Bought"],
            "at": [1_767_196_800_000, 1],
            "user_id": ["ann", None],
            "path": ["/buy", None],
            "revenue": [9.5, None],
            "props": ['{"sku":"tea"}', "{}"],
        }
    )
    assert collector.send_columns(table, project_id=PROJECT, source="import") == Outcome(stored=1, quarantined=1)
    assert collector.send_columns(table, project_id=PROJECT, source="import") == Outcome(duplicates=1, quarantined=1)
    (stored,) = named(site, "Bought")
    assert (str(stored["day"]), stored["path"], stored["revenue"], stored["props"]) == ("2026-01-01", "/buy", 9.5, '{"sku":"tea"}')
    with pytest.raises(EngineError):
        Collector(site.config, patience=0).send([Event(project_id=99, key="k", source="s", at=event.at, name="x")])


def test_many_clients_that_keep_their_connections_open_keep_nobody_out(site: Site) -> None:
    with contextlib.ExitStack() as held:
        for number in range(500):
            idle = held.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=5))
            if number % 2:
                idle.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: a")
        began = time.monotonic()
        assert site.request("POST", "/v1/batch", {"batch": [TRACK]}, BASIC)[0] == 200
        assert time.monotonic() - began < 5


def test_large_bodies_that_never_end_keep_no_small_one_out(site: Site) -> None:
    head = b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"
    with contextlib.ExitStack() as held:
        for _ in range(40):
            slow = held.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=10))
            with contextlib.suppress(OSError):  # those beyond what may be held are refused
                slow.sendall(head + b" " * 4_000_000)
        for number in range(20):
            call = {**TRACK, "messageId": f"small {number}", "properties": {"text": "x" * 100_000}}
            began = time.monotonic()
            assert site.request("POST", "/v1/batch", {"batch": [call]}, BASIC)[0] == 200
            assert time.monotonic() - began < 5
        assert site.memory() < 300


def test_a_hundred_megabytes_and_deep_or_broken_json_are_a_4xx_while_others_go_on(site: Site) -> None:
    for body in (b"[" * 3_000_000, b'{"batch": [' + b'{"a":' * 100_000, b'{"batch": [{"event": "\xff\xfe\x00"}]}', b"\xef\xbb\xbf{}"):
        assert 400 <= site.request("POST", "/v1/batch", body)[0] < 500
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        with contextlib.suppress(OSError):  # it need not be read to its end
            for _ in range(100):
                connection.sendall(b" " * 1_000_000)
    assert site.request("POST", "/v1/batch", {"batch": [TRACK]}, BASIC)[0] == 200


def test_an_event_of_ten_thousand_properties_or_of_an_absurd_time_is_quarantined_beside_good_ones(site: Site) -> None:
    many = {**TRACK, "properties": {f"p{number}": number for number in range(10_000)}}
    times = [{**TRACK, "timestamp": at} for at in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", 1e300, -(10**18), "1969-12-31")]
    status, _, answer = site.request("POST", "/v1/batch", {"batch": [many, *times, {**TRACK, "messageId": "the good one"}]}, BASIC)
    assert (status, answer["stored"], answer["quarantined"]) == (200, 1, 6)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*segment.Call.__struct_fields__, "sentAt"])
CALLS = st.dictionaries(NAMES, JSON, max_size=8) | st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]),
    st.dictionaries(NAMES, JSON | st.text(max_size=3), max_size=8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(CALLS | JSON, max_size=20), path=st.sampled_from(["batch", "t", "i", "p", "s", "g", "a", "b"]))
def test_no_json_is_a_5xx_and_every_call_is_accounted_for(site: Site, calls: list[Any], path: str) -> None:
    body: Any = {"batch": calls} if path in ("batch", "b") else (calls[0] if calls else None)
    status, _, answer = site.request("POST", f"/v1/{path}", json.dumps(body).encode(), BASIC)
    assert status < 500, (body, answer)
    if status == 200:
        expected = len(calls) if path in ("batch", "b") else 1
        assert answer["stored"] + answer["duplicates"] + answer["quarantined"] == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")), cut=st.integers(0, 60))
def test_no_bytes_are_a_5xx(site: Site, body: bytes, cut: int) -> None:
    for given_body in (body, json.dumps({"batch": [TRACK]}).encode()[:cut] + body, b"\x1f\x8b" + body):
        assert site.request("POST", "/v1/batch", given_body, BASIC)[0] < 500
