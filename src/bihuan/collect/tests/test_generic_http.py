"""The generic doors against a real process: /events, webhooks and GA4, with nasty input, lost answers and clients that try again."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.collect.protocols.events_schema import FIELDS
from bihuan.collect.tests.flaky import Flaky
from bihuan.collect.tests.site import KEY, PROJECT, Site, running
from bihuan.collect.webhooks.presets import ADDRESS, GITHUB, OWN, STRIPE, Preset
from bihuan.collect.webhooks.signatures import sign

BEARER = {"Authorization": f"Bearer {KEY}"}
SECRET = "s" * 32
GA4 = f"/mp/collect?measurement_id=G-TEA&api_secret={KEY}"
WEBHOOKS = {"own": OWN, "github": GITHUB, "stripe": STRIPE, "form": ADDRESS}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        for key, preset in WEBHOOKS.items():
            define(made, key, preset)
        until(made, "/webhooks/shop/form/none", 401)
        yield made


def define(site: Site, key: str, preset: Preset) -> None:
    with contextlib.closing(sqlite3.connect(site.config.data / "bihuan.sqlite3")) as connection, connection:
        connection.execute(
            "INSERT INTO catalog_definition (project_id, kind, key, state, spec) VALUES (?, 'webhook', ?, 'live', ?)",
            (PROJECT, key, preset.spec.model_dump_json(by_alias=True)),
        )
        for secret, ends in ((SECRET, None), ("old" * 10, "2000-01-01 00:00:00")):
            connection.execute("INSERT INTO collect_webhooksecret VALUES (?, ?, ?, ?)", (PROJECT, key, secret, ends))


def until(site: Site, path: str, status: int) -> None:
    deadline = time.monotonic() + 10
    while site.request("POST", path, b"{}")[0] != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def names(site: Site, source: str) -> list[Any]:
    rows = site.store.fetch("SELECT event FROM events WHERE source = {source:String} ORDER BY ts, event", {"source": source}).rows
    return [row["event"] for row in rows]


def count(site: Site, name: str) -> int:
    return int(site.store.fetch("SELECT count() AS n FROM events WHERE event = {name:String}", {"name": name}).rows[0]["n"])


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (BEARER, ""),
        ({"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}, ""),
        ({"Authorization": "Basic " + base64.b64encode(f":{KEY}".encode()).decode()}, ""),
        ({"X-Write-Key": KEY}, ""),
        ({}, f"?key={KEY}"),
    ],
)
def test_the_write_key_comes_in_any_usual_way(site: Site, headers: dict[str, str], query: str) -> None:
    assert site.request("POST", f"/events{query}", {"event": "Key"}, headers)[0] == 200
    assert site.request("POST", "/events", {"events": [{"event": "Key"}], "key": KEY})[0] == 200


def test_a_wrong_key_or_none_is_a_401(site: Site) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic %%%"}, {"Authorization": "Digest x"}):
        status, _, answer = site.request("POST", "/events", {"event": "Key"}, headers)
        assert status == 401
        assert {"code", "message", "detail", "error"} == answer.keys()


def test_each_event_is_answered_and_the_good_ones_are_stored(site: Site) -> None:
    body = [{"event": "Mixed", "id": "m1", "user": "u"}, {"event": "Mixed", "time": "never"}, {"event": "Mixed", "id": "m2"}]
    for expected in ((2, 0, 1), (0, 2, 1)):
        status, _, answer = site.request("POST", "/events", body, BEARER)
        assert status == 200
        assert (answer["stored"], answer["duplicates"], answer["quarantined"]) == expected
        assert [one["result"] for one in answer["results"]] == ["ok", "refused", "ok"]
        assert answer["results"][1]["reason"] == "bad_time"
    assert count(site, "Mixed") == 2


def test_a_request_of_which_nothing_is_good_is_a_400_that_says_why(site: Site) -> None:
    status, _, answer = site.request("POST", "/events", {"evnt": "Typo"}, BEARER)
    assert status == 400
    assert "did you mean “event”?" in answer["message"]
    assert answer["quarantined"] == 1


def test_lines_packed_in_gzip_or_zstd_are_events(site: Site) -> None:
    for packing, packed in (("gzip", gzip.compress), ("zstd", zstd.compress)):
        lines = b"".join(b'{"event": "Packed", "id": "%s %d"}\n' % (packing.encode(), n) for n in range(200))
        status, _, answer = site.request("POST", "/events", packed(lines), {**BEARER, "Content-Encoding": packing})
        assert (status, answer["stored"]) == (200, 200)


def test_the_schema_is_served(site: Site) -> None:
    status, _, schema = site.request("GET", "/events/schema.json")
    assert status == 200
    assert schema["$defs"]["Event"]["properties"].keys() == FIELDS.keys()


def test_a_purchase_of_ga4_is_a_204_and_counts_once(site: Site) -> None:
    body = {"client_id": "c", "events": [{"name": "purchase", "params": {"transaction_id": "T1", "value": 9.5}}]}
    for _ in range(3):
        status, _, answer = site.request("POST", GA4, body)
        assert (status, answer) == (204, None)
    rows = site.store.fetch("SELECT revenue FROM events WHERE source = 'ga4'").rows
    assert [row["revenue"] for row in rows] == [9.5]
    assert site.request("POST", GA4.replace(KEY, "wrong"), body)[0] == 401
    status, _, answer = site.request("POST", f"/debug{GA4}", {"client_id": "c", "events": [{"name": "_own"}]})
    assert (status, answer["validationMessages"][0]["validationCode"]) == (200, "NAME_RESERVED")


def signed(key: str, body: bytes, secret: str = SECRET, **more: str) -> dict[str, str]:
    signature, now = WEBHOOKS[key].spec.signature, str(int(time.time()))
    return {signature.header: sign(signature, secret, body, timestamp=now), **more}


def test_a_signed_delivery_is_mapped_and_counts_once(site: Site) -> None:
    body = STRIPE.sample.replace("1773000000", str(int(time.time()))).encode()
    for expected in ((1, 0), (0, 1)):
        status, _, answer = site.request("POST", "/webhooks/shop/stripe", body, signed("stripe", body))
        assert (status, answer["stored"], answer["duplicates"]) == (200, *expected)
    assert names(site, "webhook stripe") == ["payment_intent.succeeded"]


def test_what_is_not_signed_rightly_or_lately_is_a_401(site: Site) -> None:
    body = STRIPE.sample.encode()
    good = signed("stripe", body)["Stripe-Signature"]
    old = sign(STRIPE.spec.signature, SECRET, body, timestamp=str(int(time.time()) - 3600))
    for value in ("", "t=1", good[:-1], good.replace("v1=", "v0="), old, signed("stripe", body, "old" * 10)["Stripe-Signature"]):
        status, _, answer = site.request("POST", "/webhooks/shop/stripe", body, {"Stripe-Signature": value})
        assert status == 401, value
        assert SECRET not in json.dumps(answer)
    for path in ("/webhooks/shop/none", "/webhooks/other/stripe", "/webhooks/shop"):
        assert site.request("POST", path, body)[0] == 404


def test_a_secret_address_takes_each_item_of_a_form(site: Site) -> None:
    status, _, answer = site.request("POST", f"/webhooks/shop/form/{SECRET}", ADDRESS.sample.encode())
    assert (status, answer["stored"], answer["ignored"]) == (200, 2, 0)
    status, _, answer = site.request("POST", f"/webhooks/shop/form/{SECRET}", {"kind": "other", "entries": [1, 2, 3]})
    assert (status, answer["stored"], answer["ignored"]) == (200, 0, 3)


def test_what_cannot_be_mapped_is_a_200_and_kept_whole_without_secrets(site: Site) -> None:
    body = b'{"broken": true, "pad": "' + b"x" * 20_000 + b'"}'
    headers = {**signed("own", body), "Authorization": "Bearer private", "X-Topic": "seen"}
    status, _, answer = site.request("POST", "/webhooks/shop/own", body, headers)
    assert (status, answer["quarantined"]) == (200, 1)
    assert "id: at “id” there is nothing" in answer["problems"][0]
    (row,) = site.store.fetch("SELECT body, reason FROM quarantine WHERE source = 'webhook own' AND body LIKE '%broken%'").rows
    kept = json.loads(row["body"])
    assert (row["reason"], kept["body"], kept["headers"]["x-topic"]) == ("bad_mapping", body.decode(), "seen")
    assert "private" not in row["body"]


def test_the_fates_of_deliveries_are_noted(site: Site) -> None:
    def fates() -> set[tuple[str, str]]:
        with contextlib.closing(sqlite3.connect(site.config.data / "bihuan.sqlite3")) as connection:
            return set(connection.execute("SELECT webhook, fate FROM collect_webhookdelivery").fetchall())

    body = json.dumps({"event": "Noted", "id": "n1"}).encode()
    site.request("POST", "/webhooks/shop/own", body, signed("own", body))
    site.request("POST", "/webhooks/shop/own", body, signed("own", body))
    site.request("POST", "/webhooks/shop/own", body, {"X-Signature": "wrong"})
    deadline = time.monotonic() + 10
    while not {("own", "stored"), ("own", "known"), ("own", "forged")} <= fates():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_sent_again_through_lost_answers_resets_hangs_500_and_503_each_counts_once(site: Site) -> None:
    flaky = Flaky(site, ("lost answer", "500", "hang", "503", "reset before", "ok"), hang=0.3)
    body = json.dumps({"id": "k", "event": "pull"}).encode()
    headers = signed("own", body)
    purchase = {"client_id": "c", "timestamp_micros": int(time.time() * 1e6), "events": [{"name": "flaky_ga4"}] * 2}
    try:
        for path, data, more in (
            ("/events", b'{"event":"Flaky","id":"f1"}\n{"event":"Flaky","id":"f2"}', BEARER),
            ("/events", json.dumps({"event": "Flaky", "time": int(time.time() * 1000), "user": "u"}).encode(), BEARER),
            ("/webhooks/shop/own", body, headers),
            (GA4, json.dumps(purchase).encode(), {}),
        ):
            send_until_taken(flaky.url, path, data, more)
    finally:
        flaky.close()
    assert (count(site, "Flaky"), count(site, "pull"), count(site, "flaky_ga4")) == (3, 1, 2)


def send_until_taken(url: str, path: str, data: bytes, headers: dict[str, str]) -> None:
    """What a plain client does: tries again until it is told 2xx."""
    for _ in range(20):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", path, data, headers)
            if connection.getresponse().status < 300:
                return
        connection.close()
    raise AssertionError("never taken")


DEEP = b'{"event":"Deep","properties":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}"
NASTY = (
    b"\xff\xfe\x00",
    b"[" * 2_000_000,
    DEEP,
    b'{"event":"A","event":"A","properties":{"a":1,"a":2}}',
    b'{"event":"A","time":1e400}',
    b'{"event":"A","id":' + b"9" * 5_000 + b"}",
    json.dumps({"event": "A", "properties": {str(n): n for n in range(10_000)}}).encode(),
    b'{"event":"A","properties":{"a":"\\ud800\\udc00\\ud800"}}',
    b"\0" * 1000,
    b"x" * 6_000_000,
    gzip.compress(b"[" + b"1," * 9_000_000 + b"1]", mtime=0),
    zstd.compress(bytes(400_000_000)),
    b"--x\r\nContent-Disposition: form-data\r\n\r\n",
)


@pytest.mark.parametrize("path", ["/events", GA4, f"/debug{GA4}", f"/webhooks/shop/form/{SECRET}"])
def test_no_nasty_body_is_a_5xx_or_takes_long(site: Site, path: str) -> None:
    for body in NASTY:
        began = time.monotonic()
        assert site.request("POST", path, body, BEARER)[0] < 500, body[:50]
        assert time.monotonic() - began < 15
    assert site.memory() < 400


def test_a_body_of_100_mb_is_cut_off_with_a_413(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.putrequest("POST", "/events")
    connection.putheader("Authorization", f"Bearer {KEY}")
    connection.putheader("Content-Length", str(100_000_000))
    connection.endheaders()
    with contextlib.suppress(OSError):
        for _ in range(100):
            connection.send(b" " * 1_000_000)
    with contextlib.suppress(OSError, http.client.HTTPException):
        assert connection.getresponse().status == 413
    connection.close()
    assert site.memory() < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.dictionaries(st.sampled_from([*FIELDS, "other"]), JSON, max_size=8) | st.builds(
    lambda rest, kind: {"event": "Fuzz", "type": kind, **rest},
    st.dictionaries(st.sampled_from([*FIELDS]), JSON | st.text(max_size=3), max_size=5),
    st.sampled_from(["event", "identify", "alias", "unbind", None]),
)
QUIETLY = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIETLY
@given(many=st.lists(EVENTS | JSON, min_size=1, max_size=20), lines=st.booleans())
def test_no_json_at_events_is_a_5xx_and_each_is_accounted_for(site: Site, many: list[Any], lines: bool) -> None:
    body = b"\n".join(json.dumps(one).encode() for one in many) if lines else json.dumps(many).encode()
    status, _, answer = site.request("POST", "/events", body, {**BEARER, **({"Content-Type": "application/x-ndjson"} if lines else {})})
    assert status in (200, 400), answer
    assert len(answer["results"]) == len(many)
    assert answer["stored"] + answer["duplicates"] + answer["quarantined"] >= len(many)


@QUIETLY
@given(
    body=st.dictionaries(
        st.sampled_from(["client_id", "user_id", "timestamp_micros", "user_properties", "events", "device", "user_agent", "params"]), JSON
    ),
    events=st.lists(st.dictionaries(st.sampled_from(["name", "params", "timestamp_micros"]), JSON, max_size=3) | JSON, max_size=5),
)
def test_no_json_at_ga4_is_a_5xx(site: Site, body: dict[str, Any], events: list[Any]) -> None:
    for one in (body, {"client_id": "c", **body, "events": events}):
        assert site.request("POST", GA4, one)[0] == 204
        assert site.request("POST", f"/debug{GA4}", one)[0] == 200


@QUIETLY
@given(body=JSON | st.fixed_dictionaries({"kind": st.just("answer"), "entries": st.lists(JSON, max_size=4)}) | st.binary(max_size=100))
def test_no_delivery_is_a_5xx(site: Site, body: Any) -> None:
    assert site.request("POST", f"/webhooks/shop/form/{SECRET}", body)[0] == 200


@QUIETLY
@given(body=st.binary(max_size=200), cut=st.integers(0, 40))
def test_no_bytes_are_a_5xx(site: Site, body: bytes, cut: int) -> None:
    for given_body in (body, b'{"events":[{"event":"Fuzz","id":1}]}'[:cut] + body, b"\x1f\x8b" + body, b"\x28\xb5\x2f\xfd" + body):
        assert site.request("POST", "/events", given_body, BEARER)[0] < 500
