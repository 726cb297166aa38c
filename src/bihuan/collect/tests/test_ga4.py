"""Google Analytics' Measurement Protocol: whose events they are, their keys, revenue, and what the validation says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.collect.events import Event
from bihuan.collect.protocols import ga4
from bihuan.collect.protocols.fitting import unfit
from bihuan.collect.protocols.ga4 import Read

RECEIVED = 1_773_000_000_000
MICROS = RECEIVED * 1000


def read(*events: Any, query: dict[str, str] | None = None, **given: Any) -> Read:
    body = {"client_id": "c.1", "timestamp_micros": MICROS, **given, "events": list(events)}
    return ga4.read(json.dumps(body).encode(), query or {"measurement_id": "G-TEA"}, 7, RECEIVED)


def one(name: str = "view_item", params: dict[str, Any] | None = None, **given: Any) -> Event:
    found = read({"name": name, "params": params or {}}, **given)
    assert found.rejected == []
    return found.events[0]


def keys(*events: Any, **given: Any) -> list[str]:
    return [event.key for event in read(*events, **given).events]


def test_a_client_is_anonymous_and_a_user_a_user_whose_properties_are_kept() -> None:
    event = one(user_id=12, user_properties={"plan": {"value": "pro"}, "gone": {"value": None}})
    assert (event.anonymous_id, event.user_id, event.traits) == ("c.1", "12", {"plan": "pro", "gone": None})
    assert one(client_id=None, app_instance_id="a1").anonymous_id == "a1"
    assert read({"name": "x"}, client_id=None).rejected[0].reason == "no_id"


def test_parameters_keep_their_names_and_fill_the_columns() -> None:
    event = one(
        "page_view",
        {"page_location": "https://tea.example/buy?utm_source=mail", "page_referrer": "https://a.example/x", "session_id": "9"},
        device={"category": "mobile", "browser": "Chrome"},
        user_location={"country_id": "CN", "city": "Hangzhou"},
        user_data={"sha256_email_address": "never kept"},
    )
    assert event.name == "$pageview"
    assert event.props == {
        "measurement_id": "G-TEA",
        "browser": "Chrome",
        "device": "mobile",
        "country": "CN",
        "city": "Hangzhou",
        "host": "tea.example",
        "path": "/buy",
        "utm_source": "mail",
        "referrer": "a.example",
        "page_location": "https://tea.example/buy?utm_source=mail",
        "page_referrer": "https://a.example/x",
        "session_id": "9",
    }


def test_the_value_of_a_purchase_alone_is_revenue() -> None:
    params = {"value": 128.5, "currency": "CNY"}
    assert one("purchase", params).props["revenue"] == 128.5
    for name in ("add_to_cart", "refund", "generate_lead"):
        assert "revenue" not in one(name, params).props
        assert one(name, params).props["value"] == 128.5


def test_the_same_request_sent_again_has_the_same_keys_and_equal_events_of_one_request_are_several() -> None:
    events = [{"name": "click", "params": {"a": 1}}, {"name": "click", "params": {"a": 1}}, {"name": "click", "params": {"a": 2}}]
    assert keys(*events) == keys(*events)
    assert len(set(keys(*events))) == 3
    assert keys(events[0]) != keys(events[0], client_id="c.2")
    assert keys(events[0]) != keys(events[0], timestamp_micros=MICROS + 1)


def test_without_a_time_only_a_purchase_is_known_again() -> None:
    click, purchase = {"name": "click"}, {"name": "purchase", "params": {"transaction_id": "T-1", "value": 9}}
    assert keys(click, timestamp_micros=None) != keys(click, timestamp_micros=None)
    assert keys(purchase, timestamp_micros=None) == keys(purchase) == ["purchase T-1"]


def test_times_are_microseconds_of_the_event_or_of_the_request() -> None:
    assert one().at == RECEIVED
    assert one(timestamp_micros=str(MICROS)).at == RECEIVED
    assert one(timestamp_micros=None).at == RECEIVED
    own = read({"name": "x", "timestamp_micros": MICROS - 60_000_000}).events[0]
    assert own.at == RECEIVED - 60_000
    for time in (RECEIVED, RECEIVED // 1000, "now", True, 1e30, -MICROS, [1]):
        assert read({"name": "x"}, timestamp_micros=time).rejected[0].reason == "bad_time"


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"client_id":"c","events":[]}', b'{"client_id":"c","events":{}}', b"[" * 90_000]
)
def test_what_is_no_request_is_kept_with_its_reason(body: bytes) -> None:
    found = ga4.read(body, {}, 7, RECEIVED)
    assert (found.events, len(found.rejected), len(found.messages)) == ([], 1, 1)


def test_a_bad_event_does_not_hold_up_the_others() -> None:
    found = read({"name": "a"}, 7, {"params": {}}, {"name": "b", "params": []}, {"name": "$message_sent"}, {"name": "c"})
    assert [event.name for event in found.events] == ["a", "c"]
    assert [one.reason for one in found.rejected] == ["bad_event", "bad_name", "bad_event", "bad_name"]
    assert {message["fieldPath"] for message in found.messages} >= {"events[1]", "events[2]", "events[3]", "events[4]"}


def test_the_validation_tells_googles_limits_and_what_is_beyond_them_is_stored() -> None:
    found = read(
        *[{"name": "ok"}] * 24,
        {"name": "first_visit"},
        {"name": "Bad Name"},
        {"name": "wide", "params": {f"p{n}": n for n in range(26)} | {"long": "x" * 101}},
        user_properties={f"u{n}": {"value": n} for n in range(26)},
    )
    assert len(found.events) == 27
    told = {(message["validationCode"], message["fieldPath"]) for message in found.messages}
    assert told == {
        ("EXCEEDED_MAX_ENTITIES", "events"),
        ("EXCEEDED_MAX_ENTITIES", "user_properties"),
        ("NAME_RESERVED", "events[24].name"),
        ("NAME_INVALID", "events[25].name"),
        ("EXCEEDED_MAX_ENTITIES", "events[26].params"),
        ("VALUE_OUT_OF_BOUNDS", "events[26].params.long"),
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(MICROS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "transaction_id", "page_location", "a"]), inner, max_size=4)
    ),
    max_leaves=8,
)
EVENT = st.dictionaries(st.sampled_from(["name", "params", "timestamp_micros"]), JSON | st.just("purchase"), max_size=3)
FIELDS = ["client_id", "user_id", "app_instance_id", "timestamp_micros", "user_properties", "device", "user_location", "user_agent"]


@settings(max_examples=300, deadline=None)
@given(given=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6), events=st.lists(EVENT | JSON, max_size=6))
def test_whatever_comes_each_event_fits_or_is_kept_with_its_reason(given: dict[str, Any], events: list[Any]) -> None:
    found = ga4.read(json.dumps({**given, "events": events}).encode(), {}, 7, RECEIVED)
    assert found.events or found.rejected
    assert len(found.messages) >= len(found.rejected)
    assert all(one.reason and one.detail and one.body for one in found.rejected)
    assert all(unfit(event, RECEIVED) is None for event in found.events)
