"""Sensors Analytics' protocol against a real process and with the real Python client: every address, faults, ids and profiles; no 5xx."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.collect.protocols import sensors
from bihuan.collect.protocols.sensors_body import checksum
from bihuan.collect.tests.flaky import TRICKS, Flaky
from bihuan.collect.tests.site import KEY, PROJECT, Site, running
from bihuan.engine import profile
from bihuan.engine.visible import PERSON

pytestmark = pytest.mark.slow
sdk = pytest.importorskip("sensorsanalytics", reason="SensorsAnalyticsSDK is not installed")

NOW = int(time.time() * 1000)
QUERY = f"?project=default&token={KEY}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


def record(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "distinct_id": "u", "time": NOW, "properties": {}, **given}


def data(*records: Any) -> str:
    return base64.b64encode(json.dumps(records[0] if len(records) == 1 else records).encode()).decode()


def post(site: Site, *records: Any, path: str = "/sa", headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], Any]:
    return site.request("POST", path + QUERY, urlencode({"data_list": data(*records)}).encode(), headers or {})


def stored(site: Site, name: str) -> list[int]:
    sql = "SELECT toInt32(JSONExtractInt(props, 'n')) AS n FROM events WHERE event = {name:String} ORDER BY n"
    return [row["n"] for row in site.store.fetch(sql, {"name": name}).rows]


def traits(site: Site, number: int) -> dict[str, Any]:
    """The present properties of the person to whom this number belongs."""
    person = PERSON.replace("person_id", "{number:UInt32}")
    sql = f"SELECT name, value FROM ({profile.traits(PERSON)}) WHERE person = {person}"
    rows = site.store.fetch(sql, {"scope_project": PROJECT, "number": number}).rows
    return {row["name"]: json.loads(row["value"]) for row in rows}


def number(site: Site, kind: str, text: str) -> int:
    sql = "SELECT max(person_id) AS n FROM person_ids WHERE id_type = {kind:String} AND id = {text:String}"
    return int(site.store.fetch(sql, {"kind": kind, "text": text}).rows[0]["n"])


def person(site: Site, kind: str, text: str) -> int:
    sql = f"SELECT {PERSON.replace('person_id', '{n:UInt32}')} AS person"
    return int(site.store.fetch(sql, {"n": number(site, kind, text)}).rows[0]["person"])


@pytest.mark.parametrize("path", ["/sa", "/sa/", "/sa.gif", "/debug"])
def test_every_address_takes_a_form_and_an_image(site: Site, path: str) -> None:
    name = f"At {path}"
    one = data(record(name))
    status, _, answer = post(site, record(name), path=path)
    assert (status, answer["stored"]) == (200, 1)
    image = f"{path}{QUERY}&data={quote(one)}&ext=crc%3D{checksum(one.encode())}"
    if path == "/sa.gif":
        with urlopen(site.url + image) as answered:
            assert (answered.headers["Content-Type"], answered.read()[:3]) == ("image/gif", b"GIF")
    else:
        assert site.request("GET", image)[2]["duplicates"] == 1
    assert len(stored(site, name)) == 1


def test_damaged_data_is_refused_and_nothing_of_it_stored(site: Site) -> None:
    one = quote(data(record("Damaged")))
    status, _, answer = site.request("GET", f"/sa{QUERY}&data={one}&ext=crc%3D17")
    assert (status, answer["code"]) == (400, "bad_crc")
    assert stored(site, "Damaged") == []


def test_a_beacon_is_a_form_under_the_name_of_text(site: Site) -> None:
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example", "Cookie": "a=b"}
    status, answered, _ = post(site, record("Beacon"), path="/sa.gif", headers=headers)
    assert (status, answered["access-control-allow-origin"]) == (200, "https://shop.example")


def test_nobody_comes_in_without_a_write_key_and_the_token_of_a_record_serves(site: Site) -> None:
    body = urlencode({"data": data(record("Key"))}).encode()
    assert [site.request("POST", f"/sa{query}", body)[0] for query in ("", "?project=default", "?token=wrong")] == [401, 401, 401]
    assert site.request("POST", f"/sa?project={KEY}", body)[0] == 200
    assert site.request("POST", "/sa", urlencode({"data": data(record("Key", token=KEY, time=NOW + 1))}).encode())[0] == 200
    assert len(stored(site, "Key")) == 2


def test_debugging_says_what_is_wrong_and_a_dry_run_stores_nothing(site: Site) -> None:
    status, _, answer = post(site, record("Dry"), path="/debug", headers={"Dry-Run": "true"})
    assert (status, answer) == (200, {"checked": 1, "stored": 0})
    status, _, answer = post(site, record(""), record("Dry", time=1), path="/debug")
    assert status == 400
    assert "name of what happened" in answer["message"]
    assert "before the year 2000" in answer["message"]
    assert stored(site, "Dry") == []


def through(flaky: Flaky, consumer: Any, send: Callable[[Any], None]) -> None:
    """Send through faults as the client's documentation tells users to: catch, and flush or send again."""
    client = sdk.SensorsAnalytics(consumer, "default")
    for _ in range(30):
        try:
            send(client)
            client.flush()
            client.close()
            break
        except (sdk.SensorsAnalyticsNetworkException, OSError):  # a reset, or no answer in time
            continue
    flaky.close()


def test_single_events_of_the_real_client_sent_again_after_faults_count_once(site: Site) -> None:
    flaky = Flaky(site, (*TRICKS, "hang"))
    consumer = sdk.DefaultConsumer(f"{flaky.url}/sa{QUERY}", request_timeout=2)
    sent: list[int] = []

    def send(client: Any) -> None:
        for n in range(len(sent), 8):  # with a time of its own, the event sent again is the same
            client.track("ann", "Single", {"n": n, "$time": NOW + n}, is_login_id=True)
            sent.append(n)

    through(flaky, consumer, send)
    assert flaky.asked > 8
    assert stored(site, "Single") == list(range(8))


def test_batches_of_the_real_client_flushed_again_after_faults_count_once(site: Site) -> None:
    flaky = Flaky(site, ("lost answer", "500", "503", "reset before", "hang", "ok"))
    consumer = sdk.BatchConsumer(f"{flaky.url}/sa{QUERY}", max_size=4, request_timeout=2)
    sent: list[int] = []

    def send(client: Any) -> None:
        for n in range(len(sent), 10):
            sent.append(n)  # what could not be sent stays in its buffer
            client.track("ann", "Batch", {"n": n // 2, "$time": NOW}, is_login_id=True)  # each twice, in the same millisecond

    through(flaky, consumer, send)
    assert flaky.asked > 5
    assert stored(site, "Batch") == [n // 2 for n in range(10)]


def test_the_debugging_consumer_of_the_real_client_learns_what_is_wrong(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for write in (False, True):
        sdk.SensorsAnalytics(sdk.DebugConsumer(f"{site.url}/sa{QUERY}", write_data=write)).track("ann", "Debugged", {"n": 1})
        assert len(stored(site, "Debugged")) == int(write)
    with pytest.raises(sdk.SensorsAnalyticsDebugException):
        sdk.SensorsAnalytics(sdk.DebugConsumer(f"{site.url}/sa{QUERY}")).track("ann", "Debugged", {"$time": 4_000_000_000_000})
    assert "more than a day in the future" in capsys.readouterr().out


def test_the_real_clients_ids_profiles_and_items_arrive(site: Site) -> None:
    consumer = sdk.BatchConsumer(f"{site.url}/sa{QUERY}")
    client = sdk.SensorsAnalytics(consumer, "default")
    identity = sdk.SensorsAnalyticsIdentity
    client.track("anon-1", "Looked", {"n": 1})
    client.track_signup("bob", "anon-1")
    client.profile_set("bob", {"plan": "free", "n": 10, "tags": ["x"], "$time": NOW - 50}, is_login_id=True)
    client.profile_set("bob", {"plan": "pro", "$time": NOW - 40}, is_login_id=True)
    client.profile_set_once("bob", {"first": "2025", "plan": "never"}, is_login_id=True)
    client.profile_increment("bob", {"n": 2}, is_login_id=True)
    client.profile_append("bob", {"tags": ["y", "x"]}, is_login_id=True)
    client.profile_unset("bob", ["first"], is_login_id=True)
    client.item_set("book", "b1", {"name": "t"})
    client.bind(identity(identity.LOGIN_ID, "bob"), identity(identity.MOBILE, "139"))
    client.track_by_id("ByPhone", {}, identity(identity.MOBILE, "139"))
    for _ in range(3):
        buffered = list(consumer._buffers)
        client.flush()
        consumer._buffers = buffered  # its answer was lost
    assert traits(site, number(site, "user", "bob")) == {"plan": "pro", "n": 12, "tags": ["x", "y"]}
    bob = person(site, "user", "bob")
    assert person(site, "anonymous", "anon-1") == bob == person(site, "phone", "139")
    assert site.rows("event, props", "events WHERE event = '$item_set'") == [
        ("$item_set", '{"item_id":"b1","item_type":"book","name":"t"}')
    ]
    assert site.rows("count()", "events WHERE event IN ('$SignUp', '$BindID', 'ByPhone', '$profile_increment')") == [(4,)]
    sdk.SensorsAnalytics(sdk.DefaultConsumer(f"{site.url}/sa{QUERY}")).unbind(identity(identity.MOBILE, "139"))
    assert person(site, "phone", "139") != bob
    client.flush()  # the binding once more, after the unbinding: an event that was stored has no effect again
    assert person(site, "phone", "139") != bob
    client.profile_delete("bob", is_login_id=True)
    client.flush()
    assert traits(site, number(site, "user", "bob")) == {}
    assert site.rows("reason", "quarantine WHERE source = 'sensors' AND detail LIKE '%bob%'") == []


def test_what_was_added_before_and_after_a_log_in_is_one_sum(site: Site) -> None:
    def add(person: dict[str, Any], by: int, at: int) -> dict[str, Any]:
        return {"type": "profile_increment", "time": NOW + at, "properties": {"points": by}, "_track_id": at, **person}

    cookie = {"distinct_id": "c-9", "anonymous_id": "c-9"}
    both = {"distinct_id": "eve", "login_id": "eve", "anonymous_id": "c-9"}
    post(site, add(cookie, 5, 1))
    post(site, add({"distinct_id": "eve", "login_id": "eve"}, 7, 2), add(cookie, 5, 1))
    assert traits(site, number(site, "user", "eve")) == {"points": 7}
    post(site, {**both, "type": "track_signup", "event": "$SignUp", "original_id": "c-9", "time": NOW + 3}, add(cookie, 5, 1))
    assert traits(site, number(site, "user", "eve")) == {"points": 12}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(list(sensors.Record.__struct_encode_fields__))
TYPES = st.sampled_from(["track", "track_signup", "track_id_bind", "track_id_unbind", "profile_set", "profile_increment", "profile_append"])
IDENTITIES = st.dictionaries(st.sampled_from(["$identity_login_id", "$identity_mobile", "$identity_cookie_id"]) | st.text(max_size=9), JSON)
RECORDS = st.dictionaries(FIELDS, JSON, max_size=6) | st.builds(
    lambda kind, rest, identities, properties: {"time": NOW, **rest, "type": kind, "identities": identities, "properties": properties},
    TYPES,
    st.dictionaries(FIELDS, JSON | st.text(max_size=3), max_size=5),
    IDENTITIES,
    st.dictionaries(st.sampled_from(["$url", "$os", "$lib", "$referrer", "$is_login_id"]) | st.text(max_size=5), JSON, max_size=4),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RECORDS | JSON, max_size=8), path=st.sampled_from(["/sa", "/sa.gif"]))
def test_no_json_is_a_5xx_and_every_record_is_accounted_for(site: Site, records: list[Any], path: str) -> None:
    body = base64.b64encode(gzip.compress(json.dumps(records).encode()))
    status, _, answer = site.request("POST", f"{path}{QUERY}", urlencode({"data_list": body, "gzip": 1}).encode())
    assert status < 500, (records, answer)
    if status == 200:
        assert answer["stored"] + answer["duplicates"] + answer["quarantined"] == len(records)
    assert site.request("POST", f"/debug{QUERY}", urlencode({"data_list": body}).encode(), {"Dry-Run": "true"})[0] in (200, 400, 401)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")), cut=st.integers(0, 80))
def test_no_bytes_are_a_5xx(site: Site, body: bytes, cut: int) -> None:
    start = base64.b64encode(json.dumps([record("Fuzz")]).encode())[:cut]
    for sent in (body, b"data=" + start + body, b"data_list=" + base64.b64encode(body), b"data=" + base64.b64encode(b"\x1f\x8b" + body)):
        assert site.request("POST", f"/sa{QUERY}", sent)[0] < 500


def test_the_documentations_examples_run(site: Site) -> None:
    page = (Path(__file__).parents[4] / "docs" / "collect-sensors.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for code in examples:
        exec(code.replace("https://collect.example.com", site.url).replace("YOUR_WRITE_KEY", KEY), {})
    assert site.rows("count()", "events WHERE event IN ('ViewProduct', 'Order', 'Paid')") == [(3,)]
    assert person(site, "anonymous", "cookie-7") == person(site, "user", "user-42")
    assert traits(site, number(site, "user", "user-42")) == {"orders": 1}
