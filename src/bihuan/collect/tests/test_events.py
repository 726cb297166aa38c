"""Bihuan's own form of events: every field, whose the event is, its key, and what is answered for each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.collect.events import Event
from bihuan.collect.protocols import events
from bihuan.collect.protocols.events import Read
from bihuan.collect.protocols.events_schema import FIELDS
from bihuan.collect.protocols.fitting import unfit
from bihuan.collect.protocols.reading import BadRequest

RECEIVED = 1_773_000_000_000  # 2026-03-08 20:00:00 UTC
AT = "2026-03-08T20:00:00Z"


def read(body: Any, content_type: str = "") -> Read:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return events.read(events.open_body(text, content_type), 7, RECEIVED)


def one(**given: Any) -> Event:
    found = read({"event": "Order", **given})
    assert [result.problem for result in found.results] == [None]
    return found.events[0]


def problem(**given: Any) -> tuple[str, str]:
    found = read(given)
    assert found.events == []
    assert len(found.rejected) == 1
    assert found.results[0].problem is not None
    return found.results[0].problem.reason, str(found.results[0].problem)


def test_every_field_has_its_place() -> None:
    event = one(
        id="o-1",
        time=AT,
        user=42,
        anonymous="c-9",
        ids={"email": "ann@tea.example", "store_card": 88},
        properties={"revenue": 9.5, "city": "Hangzhou", "sku": ["tea"]},
        person={"set": {"plan": "pro"}, "set_once": {"came_by": "poster"}},
        url="https://tea.example/buy?utm_source=mail&x=1",
        referrer="https://search.example/?q=tea",
        user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0",
    )
    assert (event.project_id, event.source, event.key, event.at, event.name) == (7, "events", "o-1", RECEIVED, "Order")
    assert (event.user_id, event.anonymous_id, event.ids) == ("42", "c-9", {"email": "ann@tea.example", "store_card": "88"})
    assert (event.traits, event.traits_once) == ({"plan": "pro"}, {"came_by": "poster"})
    assert event.props == {
        "revenue": 9.5,
        "city": "Hangzhou",
        "sku": ["tea"],
        "host": "tea.example",
        "path": "/buy",
        "utm_source": "mail",
        "referrer": "search.example",
        "browser": "WeChat",
        "os": "iOS",
        "device": "mobile",
    }


def test_what_the_event_says_itself_comes_before_what_its_address_tells() -> None:
    assert one(url="https://tea.example/a", properties={"path": "/b"}).props == {"host": "tea.example", "path": "/b"}


@pytest.mark.parametrize(
    ("time", "at"),
    [
        (AT, RECEIVED),
        ("2026-03-09T04:00:00+08:00", RECEIVED),
        (RECEIVED, RECEIVED),
        (RECEIVED // 1000, RECEIVED),
        (None, RECEIVED),
        ("", RECEIVED),
    ],
)
def test_times_are_iso_or_numbers_and_without_one_it_is_now(time: Any, at: int) -> None:
    assert one(time=time).at == at


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", True, [], 10**40, -1, "1970-01-01", "2999-01-01", 1e308])
def test_absurd_times_are_refused(time: Any) -> None:
    assert problem(event="Order", time=time)[0] == "bad_time"


def test_a_clock_is_corrected_by_when_it_says_it_sent() -> None:
    assert one(time="2026-03-08T19:00:00Z", sent_at="2026-03-08T19:30:00Z").at == RECEIVED - 30 * 60_000
    batch = read({"sent_at": "2026-03-08T21:00:00Z", "events": [{"event": "A", "time": "2026-03-08T20:59:00Z"}]})
    assert batch.events[0].at == RECEIVED - 60_000


def test_the_key_is_the_senders_or_made_of_the_content_or_of_nothing_and_the_answer_says_which() -> None:
    given, content, again, other, nothing = read(
        [
            {"event": "A", "id": 12},
            {"event": "A", "time": AT, "sent_at": AT},
            {"time": AT, "event": "A", "sent_at": "2026-03-08T20:00:01Z"},
            {"event": "A", "time": AT, "user": "u"},
            {"event": "A"},
        ]
    ).results
    assert (given.told()["id"], "id_from" in given.told()) == ("12", False)
    assert content.id == again.id != other.id
    assert content.told()["id_from"] == "content"
    assert nothing.told()["id_from"] == "nothing"
    assert len({given.id, content.id, other.id, nothing.id}) == 4


def test_people_are_told_about_without_an_event() -> None:
    known = {"user": "u", "anonymous": "c"}
    identify, alias, unbind = read(
        [
            {"type": "identify", **known, "ids": {"phone": "138"}, "person": {"set": {"plan": None}}},
            {"type": "alias", "user": "u", "previous": "old"},
            {"type": "unbind", "user": "u", "unbind": {"phone": "138"}},
        ]
    ).events
    assert (identify.store, identify.user_id, identify.anonymous_id, identify.ids, identify.traits) == (
        False,
        "u",
        "c",
        {"phone": "138"},
        {"plan": None},
    )
    assert (alias.store, alias.user_id, alias.alias_from) == (False, "u", "old")
    assert (unbind.store, unbind.user_id, unbind.unbind) == (False, "u", {"phone": "138"})


def test_ids_that_say_nobody_are_nobody() -> None:
    event = one(user="null", anonymous="", ids={"email": "undefined", "phone": None})
    assert (event.user_id, event.anonymous_id, event.ids) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "reason", "says"),
    [
        ({"event": "A", "propertys": {}}, "bad_field", "did you mean “properties”?"),
        ({"event": "A", "colour": 1}, "bad_field", "put what is your own into “properties”"),
        ({"event": "A", "properties": []}, "bad_event", "“properties” must be an object"),
        ({"event": "A", "person": {"add": {}}, "user": "u"}, "bad_field", "“set” and “set_once” only"),
        ({"event": "A", "person": {"set": 1}, "user": "u"}, "bad_event", "“person.set” must be an object"),
        ({"event": "A", "person": {"set": {"a": 1}}}, "no_id", "names nobody"),
        ({"event": "A", "id": 1.5}, "bad_key", "“id” must be a text"),
        ({"event": "A", "id": "x" * 501}, "bad_key", "at most 500"),
        ({"event": "A", "user": ["u"]}, "bad_id", "“user”"),
        ({"event": "A", "user": "u" * 501}, "bad_id", "at most 500"),
        ({"event": "A", "ids": {"E-Mail": "x"}}, "bad_id", "“E-Mail”"),
        ({"event": "A", "ids": {"email": {}}}, "bad_id", "“ids.email”"),
        ({"event": "A", "url": 1}, "bad_event", "“url” must be a text"),
        ({"event": " "}, "bad_name", "send “event”"),
        ({}, "bad_name", "send “event”"),
        ({"event": "$campaign_sent"}, "bad_name", "Bihuan's own"),
        ({"event": "x" * 201}, "bad_name", "1 to 200"),
        ({"type": "track", "event": "A"}, "bad_type", "identify, alias, unbind"),
        ({"type": "identify", "person": {"set": {"a": 1}}}, "no_id", "names nobody"),
        ({"type": "identify", "user": "u", "properties": {"a": 1}}, "bad_field", "“person.set”"),
        ({"type": "alias", "user": "u"}, "no_id", "“previous”"),
        ({"type": "alias", "anonymous": "u", "previous": "p"}, "no_id", "“user”"),
        ({"type": "unbind", "user": "u"}, "no_id", "“unbind”"),
        ({"event": "A", "properties": {str(n): n for n in range(10_000)}}, "too_many_properties", "1000"),
        ({"event": "A", "properties": {"x" * 201: 1}}, "bad_property", "200"),
        ({"event": "A", "properties": {"a": "x" * 300_000}}, "too_large", "256 KB"),
        ({"event": "A", "properties": json.loads('{"a":' * 30 + "1" + "}" * 30)}, "too_deep", "20 deep"),
    ],
)
def test_what_cannot_be_says_what_where_and_what_to_do(given: dict[str, Any], reason: str, says: str) -> None:
    found = problem(**given)
    assert found[0] == reason
    assert says in found[1]


def names(body: bytes, content_type: str = "") -> list[str]:
    found = read(body, content_type)
    return [event.name for event in found.events] + [f"!{one.reason}" for one in found.rejected]


def test_a_body_is_an_object_a_list_a_batch_or_a_line_for_each() -> None:
    assert names(b'{"event":"A"}') == ["A"]
    assert names(b'\xef\xbb\xbf [{"event":"A"},\n {"event":"B"}] ') == ["A", "B"]
    assert names(b'{"events":[{"event":"A"},{"event":"B"}]}') == ["A", "B"]
    assert names(b'{"event":"A"}\n{"event":"B"}\n\n') == ["A", "B"]
    assert names(b'{"event":"A"}\r\n{"event":"B"}\r\n') == ["A", "B"]
    assert names(b'{\n"event":"A"\n}') == ["A"]
    assert names(b'{"event":"A"}', "application/x-ndjson") == ["A"]
    assert names(b"[]") == []


def test_what_is_bad_of_a_batch_does_not_hold_up_the_rest() -> None:
    assert names(b'[{"event":"A"},7,null,"x",{"event":"B"}]') == ["A", "B", "!bad_event", "!bad_event", "!bad_event"]
    assert names(b'{"event":"A"}\nnonsense\n{"event":"B"}\n{"event":"C"') == ["A", "B", "!bad_event", "!bad_event"]


def test_odd_texts_and_numbers_are_taken() -> None:
    assert names(b'{"event":"A","properties":{"a":NaN,"b":1e400,"c":"\\ud800","d":"\xff"}}') == ["A"]
    assert names(b'[{"event":"A","event":"B"}]') == ["B"]  # of a key said twice, the last holds
    assert names(b'{"events":[{"event":"A","properties":{"a":Infinity}}]}') == ["A"]


@pytest.mark.parametrize("body", [b"", b" ", b"null", b"1", b'"x"', b"nonsense", b'{"events":{}}', b'{"event":', b"[" * 100_000, b"[1,2"])
def test_a_body_that_is_no_events_says_what_to_send(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read(body)


def test_a_request_has_a_bounded_number_of_events() -> None:
    assert len(read(b"[" + b'{"event":"A"},' * (events.MOST - 1) + b'{"event":"A"}]').events) == events.MOST
    with pytest.raises(BadRequest, match="Send smaller batches"):
        read(b"{}\n" * (events.MOST + 1))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["event", "identify", "alias", "unbind", AT]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["set", "set_once", "email"]), inner, max_size=4)
    ),
    max_leaves=10,
)
EVENTS = st.dictionaries(st.sampled_from([*FIELDS, "other"]), JSON, max_size=9)


@settings(max_examples=400, deadline=None)
@given(many=st.lists(EVENTS | JSON, max_size=8), lines=st.booleans(), seed=st.binary(max_size=8))
def test_whatever_comes_each_of_it_is_an_event_that_fits_or_refused_with_a_reason(many: list[Any], lines: bool, seed: bytes) -> None:
    body = b"\n".join(json.dumps(one).encode() for one in many) if lines else json.dumps(many).encode()
    try:
        found = read(body + (b"\n" + seed if lines else b""), "application/x-ndjson" if lines else "")
    except BadRequest:
        assert lines
        return
    assert len(found.events) + len(found.rejected) == len(found.results)
    assert all(one.told()["id"] for one in found.results if one.problem is None)
    assert all(unfit(event, RECEIVED) is None for event in found.events)
    assert all(one.reason and one.detail for one in found.rejected)
