"""Segment's protocol: what each call means, clocks, bad input, and the exact requests of the real clients."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bihuan.collect.events import Event, Rejected
from bihuan.collect.protocols import segment
from bihuan.collect.protocols.reading import BadRequest

FIXTURES = Path(__file__).parent / "fixtures"
RECEIVED = 1_773_000_000_000  # 2026-03-08 20:00:00 UTC
AT = "2026-03-08T20:00:00.000Z"


def read(*calls: dict[str, Any] | str, sent_at: str | None = None) -> tuple[list[Event], list[Rejected]]:
    texts = ",".join(call if isinstance(call, str) else json.dumps(call) for call in calls)
    body = f'{{"batch":[{texts}],"sentAt":{json.dumps(sent_at)},"writeKey":"wk"}}'
    envelope = segment.open_body("batch", body.encode("utf-8", "surrogatepass"))
    assert envelope.write_key == "wk"
    return segment.read(envelope, 1, RECEIVED)


def track(**given: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Order", "userId": "u", "messageId": "m", "timestamp": AT, **given}


def one(**given: Any) -> Event:
    ((event,), rejected) = read(track(**given))
    assert rejected == []
    return event


def reason(call: dict[str, Any] | str) -> str:
    events, (rejected,) = read(call)
    assert events == []
    return rejected.reason


def test_track_is_an_event_of_its_name() -> None:
    event = one(properties={"sku": "a"}, anonymousId=None)
    assert (event.name, event.key, event.user_id, event.anonymous_id, event.props) == ("Order", "m", "u", None, {"sku": "a"})
    assert event.at == RECEIVED


def test_identify_and_alias_only_say_something_about_the_person() -> None:
    calls = (
        {"type": "identify", "userId": "u", "anonymousId": "a", "traits": {"plan": "pro"}},
        {"type": "identify", "userId": "u", "context": {"traits": {"plan": "free"}}},  # as RudderStack's clients do
        {"type": "alias", "userId": "u", "previousId": "a"},
    )
    events, rejected = read(*calls)
    assert rejected == []
    assert [(event.store, event.traits, event.alias_from) for event in events] == [
        (False, {"plan": "pro"}, None),
        (False, {"plan": "free"}, None),
        (False, None, "a"),
    ]


def test_page_screen_and_group_have_names_of_their_own() -> None:
    events, _ = read(
        {"type": "page", "userId": "u", "name": "Docs", "category": "Help", "properties": {"url": "https://x.io/a?utm_source=mail"}},
        {"type": "screen", "userId": "u", "name": "Cart"},
        {"type": "group", "userId": "u", "groupId": "acme", "traits": {"size": 11}},
    )
    assert [(event.name, event.props) for event in events] == [
        ("$pageview", {"host": "x.io", "path": "/a", "utm_source": "mail", "name": "Docs", "category": "Help"}),
        ("$screen", {"name": "Cart"}),
        ("$group", {"group_id": "acme", "traits": {"size": 11}}),
    ]
    assert events[2].traits == {"group_id": "acme"}


def test_the_context_becomes_properties_and_what_the_call_says_comes_first() -> None:
    context = {
        "page": {
            "url": "https://shop.cn/p?x=1",
            "path": "/p",
            "referrer": "https://www.baidu.com/s?wd=1",
            "title": "商品",
            "search": "?x=1",
        },
        "campaign": {"name": "spring", "source": "wechat", "medium": "social", "content": "b"},
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.40",
        "app": {"version": "3.1"},
        "location": {"country": "CN", "city": "上海"},
        "locale": "zh-CN",
    }
    assert one(context=context, properties={"path": "/own"}).props == {
        "host": "shop.cn",
        "path": "/own",
        "referrer": "www.baidu.com",
        "referrer_url": "https://www.baidu.com/s?wd=1",
        "title": "商品",
        "search": "?x=1",
        "utm_campaign": "spring",
        "utm_source": "wechat",
        "utm_medium": "social",
        "utm_content": "b",
        "browser": "WeChat",
        "os": "iOS",
        "device": "mobile",
        "app_version": "3.1",
        "country": "CN",
        "city": "上海",
        "locale": "zh-CN",
    }


def test_a_wrong_clock_is_corrected_by_when_the_batch_was_sent() -> None:
    (event,), _ = read(track(timestamp="2031-01-01T00:00:00Z"), sent_at="2031-01-01T00:00:10Z")
    assert event.at == RECEIVED - 10_000


def test_times_come_with_an_offset_without_one_and_as_numbers() -> None:
    for text in ("2026-03-08T20:00:00+00:00", "2026-03-09T04:00:00.000+08:00", "2026-03-08T20:00:00", RECEIVED, RECEIVED // 1000):
        assert one(timestamp=text).at == RECEIVED
    assert reason(track(timestamp="yesterday")) == "bad_time"
    assert one(timestamp=None).at == RECEIVED


def test_what_says_nobody_is_no_id_and_a_number_is_one() -> None:
    for nobody in (None, "", "null", "undefined", 0, " "):
        assert one(userId=nobody).user_id is None
    assert one(userId=12).user_id == "12"
    assert one(userId=12.0).user_id == "12"
    assert reason(track(userId={"id": 1})) == "bad_id"
    assert reason(track(userId="x" * 501)) == "bad_id"


def test_one_bad_call_is_told_apart_and_the_others_are_taken() -> None:
    events, rejected = read(track(messageId="1"), track(properties=[1]), track(event=""), {"type": "guess"}, 5, track(messageId="2"))  # type: ignore[arg-type]
    assert [event.key for event in events] == ["1", "2"]
    assert [one.reason for one in rejected] == ["bad_event", "bad_name", "bad_type", "bad_event"]
    assert json.loads(rejected[0].body)["properties"] == [1]


def test_names_that_are_bihuans_own_are_refused() -> None:
    assert reason(track(event="$message_sent")) == "bad_name"


def test_one_odd_text_or_number_does_not_harm_its_batch() -> None:
    odd = (
        '{"type":"track","event":"Odd\\ud800","userId":"u\\udc00","properties":{"a":1e400,"a":NaN,"b":-1e999,"c":123456789012345678901234}}'
    )
    events, rejected = read(odd, track())
    assert rejected == []
    assert [event.name for event in events] == ["Odd�", "Order"]
    assert events[0].user_id == "u�"
    assert events[0].props == {"a": None, "b": None, "c": "123456789012345678901234"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'"x"', b'{"batch":5}', b"\xff\xfe", b'{"batch":' + b"[" * 100_000, b'{"a":' * 100_000]
)
def test_a_body_that_is_no_batch_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        segment.open_body("batch", body)


def test_without_a_message_id_the_content_is_the_key_if_it_has_a_time() -> None:
    (first, again, other), _ = read(track(messageId=None), track(messageId=None), track(messageId=None, event="Else"))
    assert first.key == again.key != other.key
    (first, again), _ = read(track(messageId=None, timestamp=None), track(messageId=None, timestamp=None))
    assert first.key != again.key


def shared_samples() -> list[Any]:
    base = Path(os.environ.get("BIHUAN_SHARED_DATA") or Path(__file__).parents[5] / "shared" / "data").parent / "wire"
    names = ("segment-python", "segment-node", "segment-analytics-next", "rudder-python")
    return [pytest.param(base / f"{name}.json", marks=pytest.mark.shared_data, id=f"captured {name}") for name in names]


@pytest.mark.parametrize("path", [*(pytest.param(path, id=path.stem) for path in sorted(FIXTURES.glob("*.json"))), *shared_samples()])
def test_every_request_of_a_real_client_is_read_whole(path: Path) -> None:
    if not path.exists():
        pytest.skip("the captured requests are not here")
    kinds = set()
    for sample in json.loads(path.read_text())["samples"]:
        for request in sample["requests"]:
            if request["method"] != "POST" or not request["body"]:
                continue
            name = request["path"].removeprefix("/v1/")
            envelope = segment.open_body(name, json.dumps(request["body"]).encode())
            sent = request["body"].get("batch", [request["body"]])
            kinds |= {call["type"] for call in sent}
            events, rejected = segment.read(envelope, 1, 1_795_400_000_000)
            assert rejected == []
            assert [event.key for event in events] == [call["messageId"] for call in sent]
            assert all(event.user_id or event.anonymous_id for event in events)
    assert {"track", "identify", "page", "group", "alias"} <= kinds
