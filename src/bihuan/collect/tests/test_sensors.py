"""Sensors Analytics' protocol: what each record means, whose it is, keys, clocks, wrappings, and the exact requests of the real clients."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.collect.bodies import Body, Budget, Refused
from bihuan.collect.events import Event, Rejected
from bihuan.collect.protocols import sensors
from bihuan.collect.protocols.reading import BadRequest
from bihuan.collect.protocols.sensors_body import checksum, items_of
from bihuan.collect.protocols.sensors_ids import id_type

FIXTURES = Path(__file__).parent / "fixtures_sensors"
AT = 1_773_000_000_000  # 2026-03-08 20:00:00 UTC
RECEIVED = AT + 1000
COOKIE = "1a20052aac957e-047fd30cfe3e82-11462c68-480000-1a20052aac"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.40 Language/zh_CN"


def unpacked(body: bytes) -> bytes:
    async def receive() -> Any: ...

    return Body(receive, Budget()).unpacked(body)


def read(*records: Any, query: dict[str, str] | None = None, user_agent: str = "") -> tuple[list[Event], list[Rejected]]:
    items = [msgspec.Raw(json.dumps(one).encode()) for one in records]
    opened = sensors.opened(items, query or {"token": "wk"})
    return sensors.read(opened, dict.fromkeys((one.key for one in opened), 1), RECEIVED, user_agent)


def record(kind: str = "track", **given: Any) -> dict[str, Any]:
    """A record of the Python client; `given` are its fields, and `properties`."""
    event = {"event": "Order"} if kind == "track" else {}
    return {"type": kind, "time": AT, "distinct_id": "u1", "properties": {}, **event, **given}


def one(kind: str = "track", user_agent: str = "", **given: Any) -> Event:
    (event,), rejected = read(record(kind, **given), user_agent=user_agent)
    assert rejected == []
    return event


def reason(*given: Any) -> str:
    events, (rejected,) = read(*given)
    assert events == []
    return rejected.reason


def ids(kind: str = "track", **given: Any) -> tuple[Any, ...]:
    event = one(kind, **given)
    return (event.user_id, event.anonymous_id, event.ids)


def test_an_event_keeps_its_name_its_time_and_its_properties() -> None:
    event = one(properties={"sku": "tea", "$lib": "python", "$is_login_id": True}, lib={"$lib": "python", "$lib_detail": "a.py##3"})
    assert (event.name, event.source, event.at, event.user_id) == ("Order", "sensors", AT, "u1")
    assert event.props == {"sku": "tea", "$lib": "python"}


def test_an_id_is_a_user_where_the_client_says_so() -> None:
    assert ids() == (None, "u1", None)
    assert ids(properties={"$is_login_id": True}) == ("u1", None, None)
    assert ids(login_id="u1", anonymous_id=COOKIE) == ("u1", COOKIE, None)
    assert ids(anonymous_id=COOKIE) == ("u1", COOKIE, None)  # older browser clients say no more than this
    assert ids(distinct_id=COOKIE, anonymous_id=COOKIE) == (None, COOKIE, None)
    assert ids(distinct_id="null") == (None, None, None)


def test_a_cookie_outlives_a_log_out_and_links_nothing() -> None:
    new = "1a2005307798ce-01c9d528625393d-11462c68"
    identities = {"$identity_cookie_id": COOKIE, "$identity_anonymous_id": new}
    assert ids(distinct_id=new, anonymous_id=new, identities=identities) == (None, new, None)


def test_signing_up_links_what_the_client_was_before() -> None:
    python = one("track_signup", event="$SignUp", original_id="anon-1")
    assert (python.name, python.user_id, python.anonymous_id, python.alias_from) == ("$SignUp", "u1", None, "anon-1")
    browser = one("track_signup", event="$SignUp", login_id="u1", anonymous_id=COOKIE, original_id=COOKIE)
    assert (browser.user_id, browser.anonymous_id, browser.alias_from) == ("u1", COOKIE, None)


def test_binding_says_whose_further_ids_are_and_other_events_link_nothing() -> None:
    both = {"$identity_login_id": "u1", "$identity_mobile": "139", "$identity_email": "a@x.io", "Card No": "7"}
    assert ids("track_id_bind", identities=both) == ("u1", None, {"email": "a@x.io", "phone": "139", "card_no": "7"})
    assert ids(identities=both) == ("u1", None, None)
    assert list(one("track_id_bind", identities=both).ids or ()) == ["email", "phone", "card_no"]  # the most certain first


def test_an_event_with_only_typed_ids_is_theirs_who_has_the_most_certain() -> None:
    identities = {"$identity_mp_openid": "o1", "$identity_mobile": "139"}
    assert ids(distinct_id="$identity_mobile+139", identities=identities) == (None, None, {"phone": "139"})


def test_a_log_in_with_a_phone_number_is_no_user_id() -> None:
    login = "$identity_mobile+139"
    identities = {"$identity_mobile": "139", "$identity_cookie_id": COOKIE}
    signup = one("track_signup", distinct_id=login, login_id=login, anonymous_id=COOKIE, original_id=COOKIE, identities=identities)
    assert (signup.user_id, signup.anonymous_id, signup.ids, signup.alias_from) == (None, COOKIE, {"phone": "139"}, None)


def test_unbinding_names_the_ids_that_leave() -> None:
    event = one("track_id_unbind", event="$UnbindID", distinct_id="$identity_mobile+139", identities={"$identity_mobile": "139"})
    assert (event.name, event.unbind, event.user_id, event.anonymous_id) == ("$UnbindID", {"phone": "139"}, None, None)
    event = one("track_id_unbind", login_id="u1", anonymous_id=COOKIE, identities={"$identity_mobile": "139"})
    assert (event.unbind, event.user_id, event.anonymous_id) == ({"phone": "139"}, "u1", COOKIE)
    assert reason(record("track_id_unbind")) == "no_id"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("$identity_mp_openid", "openid"),
        ("$identity_mp_unionid", "unionid"),
        ("$identity_oaid", "device"),
        ("$identity_member_no", "member_no"),
        ("MemberNo", "memberno"),
        ("会员号", "id"),
        ("9lives", "id_9lives"),
        ("user", "user_id"),
        ("x" * 90, "x" * 32),
    ],
)
def test_an_identity_has_a_type(name: str, kind: str) -> None:
    assert id_type(name) == kind


def test_profiles_say_something_about_a_person() -> None:
    assert (one("profile_set", properties={"city": "x"}).traits, one("profile_set").store) == ({"city": "x"}, False)
    assert one("profile_set_once", properties={"first": 1, "none": None}).traits_once == {"first": 1}
    assert one("profile_unset", properties={"city": True}).traits == {"city": None}


def test_what_changes_a_profile_is_kept_once_as_an_event_that_is_nobodys_doing() -> None:
    for kind, properties in (("profile_increment", {"n": 2}), ("profile_append", {"tags": ["c"]}), ("profile_delete", {})):
        event = one(kind, properties={**properties, "$is_login_id": True})
        assert (event.name, event.props, event.source, event.user_id, event.store) == (f"${kind}", properties, "ledger", "u1", True)
    assert reason(record("profile_increment", properties={"n": "2"})) == "bad_property"
    assert reason(record("profile_append", properties={"n": "2"})) == "bad_property"


def test_items_are_events_of_nobody() -> None:
    given = {"type": "item_set", "time": AT, "item_type": "book", "item_id": 7, "properties": {"name": "t"}}
    (event,), _ = read(given)
    assert (event.name, event.props, event.user_id, event.anonymous_id) == (
        "$item_set",
        {"name": "t", "item_type": "book", "item_id": "7"},
        None,
        None,
    )
    assert reason({"type": "item_set", "time": AT, "properties": {}}) == "no_id"


def test_the_clock_is_corrected_by_when_it_was_sent_unless_the_time_was_chosen() -> None:
    assert one(_flush_time=AT - 60_000).at == AT + 61_000
    assert one(_flush_time=AT - 60_000, time_free=True).at == AT
    assert one(time=AT // 1000).at == AT
    assert one(time=str(AT)).at == AT
    assert one(time=None).at == RECEIVED
    assert reason(record(time="yesterday")) == "bad_time"


def keys(*records: Any) -> list[str]:
    return [event.key for event in read(*records)[0]]


def test_a_browsers_event_is_known_by_its_track_id_and_time() -> None:
    (key,) = keys(record(_track_id=7, _flush_time=1))
    assert keys(record(_track_id=7, _flush_time=2)) == [key]
    other = [record(_track_id=8), record(_track_id=7, time=AT + 1), record(_track_id=7, distinct_id="u2"), record(_track_id=7, event="x")]
    assert len({key, *keys(*other)}) == 5


def test_without_a_track_id_content_tells_and_equal_ones_in_one_request_are_several() -> None:
    first, second = record(), record(properties={"n": 1})
    assert keys(first) == keys(first)
    again = keys(first, first, second)
    assert len(set(again)) == 3
    assert keys(first, first, second, first)[:3] == again  # the batch that is sent again may have grown
    assert keys(record(_flush_time=1)) == keys(record(_flush_time=2))
    assert keys(record(time=None)) != keys(record(time=None))


def test_columns_are_taken_from_presets() -> None:
    props = one(
        properties={
            "$url": "https://shop.example/a?utm_source=x&utm_medium=cpc",
            "$url_path": "/a",
            "$referrer": "https://www.baidu.com/s?wd=1",
            "$latest_utm_source": "old",
            "$latest_utm_campaign": "spring",
            "$latest_referrer": "取值异常_x",
            "$os": "iPadOS",
            "$model": "iPad8,6",
            "$lib": "iOS",
            "$city": "上海",
            "$country": "中国",
            "$app_version": "1.2",
            "$province": "上海",
        }
    ).props
    assert {name: props[name] for name in ("host", "path", "utm_source", "utm_medium", "utm_campaign", "referrer", "referrer_url")} == {
        "host": "shop.example",
        "path": "/a",
        "utm_source": "x",
        "utm_medium": "cpc",
        "utm_campaign": "spring",
        "referrer": "www.baidu.com",
        "referrer_url": "https://www.baidu.com/s?wd=1",
    }
    assert (props["os"], props["device"], props["city"], props["country"], props["app_version"]) == ("iOS", "tablet", "上海", "中国", "1.2")
    assert props["$province"] == "上海"
    assert "$os" not in props


def test_a_browser_leaves_it_to_the_server_to_know_itself() -> None:
    props = one(user_agent=IPHONE, lib={"$lib": "js"}, properties={"$referrer": "", "$referrer_host": "", "$browser": "safari"}).props
    assert (props["browser"], props["os"], props["device"]) == ("WeChat", "iOS", "mobile")
    assert "referrer" not in props
    assert "os" not in one(user_agent="Python-urllib/3.11", lib={"$lib": "python"}).props


@pytest.mark.parametrize("name", ["$campaign_sent", "$message_opened", "$profile_increment", "$item_set"])
def test_nobody_forges_what_bihuan_itself_writes(name: str) -> None:
    assert reason(record(event=name)) == "bad_name"


def test_bad_records_are_told_apart() -> None:
    assert reason(record(event=" ")) == "bad_name"
    assert reason(record("poke")) == "bad_type"
    assert reason(record(properties=[])) == "bad_event"
    assert reason(record(distinct_id={})) == "bad_id"
    assert reason(5) == "bad_event"


def test_the_write_key_is_the_token_or_what_is_said_to_be_the_project() -> None:
    def key(query: dict[str, str], **given: Any) -> str:
        return sensors.opened([msgspec.Raw(json.dumps(given).encode())], query)[0].key

    assert key({"token": "wk", "project": "default"}) == "wk"
    assert key({"token": "wk"}, token="own") == "own"
    assert key({"project": "wk"}) == "wk"
    assert key({}, project="wk") == "wk"
    assert key({}) == ""


TEXT = json.dumps([record()]).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"data_list=" + quote(base64.b64encode(TEXT), safe="").encode(),
        b"gzip=1&data_list=" + quote(base64.b64encode(gzip.compress(TEXT, mtime=0)), safe="").encode(),
        b"data=" + base64.b64encode(TEXT) + b"&ext=",
        b"data=" + base64.b64encode(TEXT).rstrip(b"="),
        b"data=" + base64.urlsafe_b64encode(TEXT),
        b"data=" + quote(TEXT).encode(),
        base64.b64encode(TEXT),
        TEXT,
        b"\xef\xbb\xbf" + TEXT,
    ],
    ids=["quoted", "packed", "plain", "no padding", "url-safe", "json in a form", "no form", "json", "byte order mark"],
)
def test_every_wrapping_is_opened(body: bytes) -> None:
    (item,) = items_of(body, {}, unpacked)
    assert json.loads(bytes(item)) == record()


def test_an_images_address_carries_the_data() -> None:
    data = base64.b64encode(b'{"type":"track","a":"\xe4\xbd\xa0>>>"}').decode()
    assert "+" in data
    query = dict(parse_qsl(f"project=default&data={data}&ext=crc%3D{checksum(data.encode())}"))  # an unquoted plus sign becomes a space
    assert json.loads(bytes(items_of(b"", query, unpacked)[0]))["a"] == "你>>>"
    with pytest.raises(Refused, match="damaged"):
        items_of(b"", {**query, "ext": "crc=1"}, unpacked)


@given(st.binary(max_size=10_000))
def test_the_checksum_is_javas(text: bytes) -> None:
    total = 0
    for byte in text:
        total = (31 * total + byte) % 2**32
    assert checksum(text) == (total - 2**32 if total >= 2**31 else total)


def test_what_cannot_be_opened_is_said_so() -> None:
    for body in (b"", b"hello", b"data=", b"data=%%%", b"data=" + base64.b64encode(b"hello"), b"[", b"{" * 100_000, b"x=1"):
        with pytest.raises(BadRequest):
            items_of(body, {}, unpacked)
    with pytest.raises(Refused, match="Encrypted"):
        items_of(base64.b64encode(b'{"ekey":"k","pkv":1,"payloads":"x"}'), {}, unpacked)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_request_of_a_real_client_is_read_whole(path: Path) -> None:
    kinds = set()
    for request in json.loads(path.read_text())["requests"]:
        body = urlencode(request["form"]).encode() if "form" in request else b""
        items = items_of(body, request["query"], unpacked)
        kinds |= {json.loads(bytes(item))["type"] for item in items}
        opened = sensors.opened(items, request["query"])
        events, rejected = sensors.read(opened, dict.fromkeys((one.key for one in opened), 1), 1_795_400_000_000, "")
        assert rejected == []
        assert len(events) == len(items)
        assert all(event.user_id or event.anonymous_id or event.ids or event.unbind or "item_id" in event.props for event in events)
    assert {"track", "track_signup", "track_id_bind", "profile_set", "profile_set_once", "profile_increment", "profile_append"} <= kinds
