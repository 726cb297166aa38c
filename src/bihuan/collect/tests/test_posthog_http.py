"""PostHog's protocol against a real process: every address, every wrapping, flags and configuration; and that no input is ever a 5xx."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.collect.protocols import posthog
from bihuan.collect.tests.site import KEY, Site, running
from bihuan.engine.visible import PERSON

BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


def batch(name: str, *uuids: str, **head: Any) -> dict[str, Any]:
    return {"api_key": KEY, "batch": [{"event": name, "distinct_id": "u", "uuid": uuid} for uuid in uuids], **head}


def stored(site: Site, name: str) -> int:
    return int(site.store.fetch("SELECT count() AS n FROM events WHERE event = {name:String}", {"name": name}).rows[0]["n"])


@pytest.mark.parametrize("path", ["/batch", "/e", "/capture", "/i/v0/e"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_address_takes_events_with_a_slash_and_without(site: Site, path: str, slash: str) -> None:
    status, _, answer = site.request("POST", f"{path}{slash}?retry_count=1", batch(f"At {path}", "same"))
    assert (status, answer["status"]) == (200, 1)
    assert stored(site, f"At {path}") + answer["duplicates"] >= 1
    assert site.request("GET", path)[0] == 405


def test_every_wrapping_is_taken_and_the_same_event_counts_once(site: Site) -> None:
    text = json.dumps(batch("Wrapped", "w")).encode()
    encoded = quote(base64.b64encode(text)).encode()
    plain, form = {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}
    for body, headers in (
        (text, plain),
        (gzip.compress(text), plain),
        (gzip.compress(text), {"Content-Encoding": "gzip"}),
        (zlib.compress(text), {"Content-Encoding": "deflate"}),
        (b"data=" + encoded, form),
        (base64.b64encode(text), {}),
    ):
        assert site.request("POST", "/e/", body, headers)[0] == 200
    assert stored(site, "Wrapped") == 1


def test_the_newest_form_answers_for_each_event(site: Site) -> None:
    events = [
        {"event": "Result", "uuid": "good", "distinct_id": "u", "timestamp": "2026-03-08T20:00:00Z", "options": {}, "properties": {}},
        {"event": "", "uuid": "nameless", "distinct_id": "u"},
        {"event": "Result", "uuid": "early", "distinct_id": "u", "timestamp": "1990-01-01T00:00:00Z"},
        {"event": "Result", "uuid": "many", "distinct_id": "u", "properties": {str(n): n for n in range(1001)}},
        {"event": "$set", "uuid": "set", "distinct_id": "u", "properties": {"$set": {"a": 1}}},
    ]
    headers = {**BEARER, "PostHog-Sdk-Info": "posthog-python/7.91.1", "PostHog-Request-Timestamp": "2026-11-21T22:47:03Z"}
    for _ in range(2):
        status, _, answer = site.request("POST", "/i/v1/analytics/events", {"batch": events}, headers)
        assert status == 200
        results = {uuid: result["result"] for uuid, result in answer["results"].items()}
        assert results == {"good": "ok", "nameless": "drop", "early": "drop", "many": "drop", "set": "ok"}
        assert "at most 1000 properties" in answer["results"]["many"]["details"]
    assert stored(site, "Result") == 1
    rows = site.store.fetch("SELECT props FROM events WHERE event = 'Result'").rows
    assert json.loads(rows[0]["props"]) == {"$lib": "posthog-python", "$lib_version": "7.91.1"}
    assert site.request("POST", "/i/v1/analytics/events", {"batch": []}, {"Authorization": "Bearer wrong"})[0] == 401


def test_there_are_no_flags_and_every_client_understands_so(site: Site) -> None:
    asked = {"token": KEY, "distinct_id": "u", "groups": {}}
    for path in ("/flags/?v=2", "/flags?v=4", "/decide/?v=3", "/decide/?v=4"):
        status, _, answer = site.request("POST", path, asked)
        assert status == 200
        assert (answer["flags"], answer["featureFlags"], answer["featureFlagPayloads"]) == ({}, {}, {})
        assert answer["errorsWhileComputingFlags"] is False
    assert site.request("POST", "/decide/", asked)[2]["featureFlags"] == []
    assert site.request("POST", "/decide/?v=3", asked)[2]["sessionRecording"] is False
    assert site.request("POST", "/flags/?v=2", {"token": "wrong"})[0] == 401


def test_the_configuration_comes_as_json_and_as_a_script(site: Site) -> None:
    status, headers, config = site.request("GET", f"/array/{KEY}/config", headers={"Origin": "https://shop.example"})
    assert (status, config["token"], config["hasFeatureFlags"]) == (200, KEY, False)
    assert headers["access-control-allow-origin"] == "https://shop.example"
    kind, script = site.text(f"/array/{KEY}/config.js")
    assert kind == "application/javascript"
    assert script.startswith(f'(window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {{}})["{KEY}"] = {{"config": {{"token"')
    assert site.request("GET", "/array/wrong/config.js")[0] == 401


def test_a_beacon_of_another_origin_comes_with_cookies(site: Site) -> None:
    headers = {"Origin": "https://shop.example", "Cookie": "a=b", "Content-Type": "text/plain"}
    status, answered, _ = site.request("POST", "/e/?beacon=1", gzip.compress(json.dumps(batch("Beacon", "b")).encode()), headers)
    assert (status, answered["access-control-allow-origin"]) == (200, "https://shop.example")
    assert answered["access-control-allow-credentials"] == "true"


def test_bodies_that_cannot_be_are_refused_in_the_fields_that_clients_read(site: Site) -> None:
    bomb = gzip.compress(b"[" * 200_000_000, 1)[:5_000_000]
    inner = b"data=" + quote(base64.b64encode(gzip.compress(bytes(30_000_000)))).encode()
    for body, status in ((bomb, 413), (inner, 413), (b"hello", 400), (b"", 400), (b'{"batch":5}', 400), (b"[" * 1_000_000, 400)):
        got, _, answer = site.request("POST", "/batch/", body)
        assert (got, answer.keys()) == (status, {"code", "message", "detail", "error"})
    assert site.request("POST", "/batch/", {"batch": []})[0] == 401


def test_a_device_is_the_user_from_before_until_it_logs_out(site: Site) -> None:
    device, user, other = (
        "01a2004d-b27f-75c3-a65d-0c9249f32f20",
        "7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "01a2004d-d2b4-77bc-8b4f-0928cf35f9ed",
    )
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("Before", device, {"$is_identified": False, "$device_id": device}),
        ("By the server with the device's id", device, {"$lib": "posthog-node"}),
        ("By the server with the user's id", user, {"$lib": "posthog-node"}),
        ("$identify", user, {"$anon_distinct_id": device, "$is_identified": True, "$device_id": device}),
        ("After", user, {"$is_identified": True, "$device_id": device}),
        ("Logged out", other, {"$is_identified": False, "$device_id": device}),
    ]
    for name, distinct_id, properties in steps:
        event = {"event": name, "distinct_id": distinct_id, "properties": properties, "uuid": name}
        assert site.request("POST", "/e/", {"api_key": KEY, "batch": [event]})[0] == 200
    sql = f"SELECT event, {PERSON} AS person FROM events WHERE event IN {{names:Array(String)}}"
    rows = site.store.fetch(sql, {"names": [name for name, _, _ in steps]})
    people = {row["event"]: row["person"] for row in rows.rows}
    assert people.keys() == {name for name, _, _ in steps} - {"$identify"}
    out = people.pop("Logged out")
    assert len(set(people.values())) == 1
    assert out not in people.values()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(list(posthog.Capture.__struct_encode_fields__))
NAMES = st.sampled_from(["$identify", "$create_alias", "$set", "$merge_dangerously", "$groupidentify", "$pageview", "Order"])
SPECIAL = (
    "$set",
    "$set_once",
    "$unset",
    "$anon_distinct_id",
    "alias",
    "$is_identified",
    "$device_id",
    "$current_url",
    "$referrer",
    "$host",
)
PROPERTIES = st.dictionaries(st.sampled_from(SPECIAL) | st.text(max_size=5), JSON | st.just("u1"), max_size=6)
EVENTS = st.dictionaries(FIELDS, JSON, max_size=6) | st.builds(
    lambda name, rest, properties: {**rest, "event": name, "properties": properties},
    NAMES,
    st.dictionaries(FIELDS, JSON | st.text(max_size=3), max_size=5),
    PROPERTIES,
)
HEADS = st.dictionaries(st.sampled_from(["sent_at", "sentAt", "historical_migration", "token", "batch"]), JSON, max_size=2)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(EVENTS | JSON, max_size=10),
    head=HEADS,
    path=st.sampled_from([*posthog.CAPTURE, "/i/v1/analytics/events", "/flags", "/decide"]),
)
def test_no_json_is_a_5xx(site: Site, events: list[Any], head: dict[str, Any], path: str) -> None:
    bodies: list[Any] = [{"batch": events, "api_key": KEY, **head}, events]
    if events and isinstance(events[0], dict):
        bodies.append({**events[0], "api_key": KEY})
    for body in bodies:
        status, _, answer = site.request("POST", path, json.dumps(body).encode(), BEARER)
        assert status < 500, (body, answer)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")), cut=st.integers(0, 60))
def test_no_bytes_are_a_5xx(site: Site, body: bytes, cut: int) -> None:
    start = json.dumps(batch("Fuzz", "f")).encode()[:cut]
    for sent in (body, start + body, b"data=" + body, b"data=" + base64.b64encode(start + body), b"\x1f\x8b" + body, b"\x78\x9c" + body):
        assert site.request("POST", "/e/", sent)[0] < 500
