"""Webhooks without a server: the language of expressions, signatures, and what a mapping makes of a delivery."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bihuan.collect.webhooks.expressions import BadExpression, Root, parsed, value_of
from bihuan.collect.webhooks.mapping import Delivery, Mapped, again, mapped
from bihuan.collect.webhooks.presets import PRESETS
from bihuan.collect.webhooks.signatures import Forged, sign, verify
from bihuan.collect.webhooks.spec import Signature, WebhookSpec

RECEIVED = 1_773_000_000_000
NOW = RECEIVED / 1000
BODY: Any = {
    "a": {"b": [{"c": 1}, {"c": 2, "odd name": "x"}]},
    "none": None,
    "no": False,
    "text": "it's",
    "0": "zero",
    "x-y": "dash",
    "名": "中",
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a.b[0].c", 1),
        ("a.b[-1].c", 2),
        ("a.b[2].c", None),
        ("a.b[-3]", None),
        ('a.b[1]["odd name"]', "x"),
        ("a.b.c", None),
        ("text[0]", None),
        ("none | no", False),
        ("none.deeper | a.b[9] | 'else'", "else"),
        ("'Order '+a.b[0].c + ' ' + no", "Order 1 false"),
        ("'Order ' + none | 'Order'", "Order"),
        ("'it\\'s' ", "it's"),
        ("x-y", "dash"),
        ("0", "zero"),
        ("名", "中"),
        ("@headers.x-event", "paid"),
        ("@headers.X-Event", "paid"),
        ("@headers.missing", None),
        ("@index", 3),
        ("$.top", "whole"),
        ("$", {"top": "whole"}),
    ],
)
def test_expressions_find_what_they_say(expression: str, value: Any) -> None:
    assert value_of(expression, Root(BODY, {"top": "whole"}, {"x-event": "paid"}, 3)) == value


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "|",
        "a |",
        "| a",
        "a + + b",
        "a b",
        "'open",
        "a.b[x]",
        "a..b",
        "a.",
        "a[1",
        "a'b'",
        "'a'b",
        "a$",
        "@other",
        "@index.a",
        "()",
        "a" * 501,
        "a" + ".b" * 60,
    ],
)
def test_what_is_no_expression_is_told(expression: str) -> None:
    with pytest.raises(BadExpression):
        parsed(expression)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text("ab.[]0-1'\"|+$@headrsinx \\", max_size=40),
    body=st.recursive(
        st.none() | st.integers() | st.text("ab", max_size=2),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    ),
)
def test_any_text_is_an_expression_or_told_to_be_none(text: str, body: Any) -> None:
    try:
        parsed(text)
    except BadExpression as error:
        message = str(error)
        assert message
        return
    value_of(text, Root(body, body, {}))


PLAIN = Signature(prefix="sha256=")
LIST = Signature(header="Stripe-Signature", form="list", signed="{timestamp}.{body}")
STANDARD = Signature(
    header="Webhook-Signature",
    prefix="v1,",
    encoding="base64",
    signed="{id}.{timestamp}.{body}",
    key="base64",
    timestamp_header="Webhook-Timestamp",
)
TOKEN = Signature(method="token", header="Authorization", prefix="Bearer ")


def headers(signature: Signature, secret: str = "c2VjcmV0", body: bytes = b"{}", timestamp: str = str(int(NOW))) -> dict[str, str]:
    return {signature.header.lower(): sign(signature, secret, body, timestamp=timestamp, delivery="d1"), "webhook-timestamp": timestamp}


def refused(signature: Signature, secrets: list[str], sent: dict[str, str], body: bytes = b"{}", **more: Any) -> str:
    with pytest.raises(Forged) as found:
        verify(signature, secrets, sent, body, now=NOW, delivery="d1", **more)
    return found.value.code


@pytest.mark.parametrize("signature", [PLAIN, LIST, STANDARD, TOKEN])
def test_only_the_holder_of_the_secret_is_believed(signature: Signature) -> None:
    good = headers(signature)
    verify(signature, ["c2VjcmV0"], good, b"{}", now=NOW, delivery="d1")
    verify(signature, ["b3RoZXI=", "c2VjcmV0"], good, b"{}", now=NOW, delivery="d1")  # while it is changed, two are right
    assert refused(signature, ["b3RoZXI="], good) == "bad_signature"
    assert refused(signature, [], good) == "no_secret"
    assert refused(signature, ["c2VjcmV0"], {}) == "no_signature"
    if signature.method == "hmac":
        assert refused(signature, ["c2VjcmV0"], good, b"{} ") == "bad_signature"


@pytest.mark.parametrize("signature", [LIST, STANDARD])
def test_what_was_signed_long_ago_or_ahead_is_not_believed(signature: Signature) -> None:
    for away in (-301, 301):
        assert refused(signature, ["c2VjcmV0"], headers(signature, timestamp=str(int(NOW) + away))) == "too_old"
    for odd in ("", "now", "1e9", "٣", "9" * 30):
        assert refused(signature, ["c2VjcmV0"], headers(signature, timestamp=odd)) == "no_timestamp"


def test_known_signatures_of_known_senders_are_right() -> None:
    # From GitHub's documentation of validating webhook deliveries.
    github = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
    verify(Signature(header="X-Hub-Signature-256", prefix="sha256="), ["It's a Secret to Everybody"], github, b"Hello, World!", now=NOW)
    # From the specification of Standard Webhooks.
    standard = {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "webhook-timestamp": "1614265330"}
    body = b'{"test": 2432232314}'
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    verify(STANDARD, [secret], standard, body, now=1614265330, delivery="msg_p5jXN8AQM9LWM0D4loKWxJek")


def test_a_secret_address_is_compared_whole() -> None:
    address = Signature(method="address", header="")
    verify(address, ["abc"], {}, b"", now=NOW, given="abc")
    assert refused(address, ["abc"], {}, given="ab") == "bad_signature"
    assert refused(address, ["abc"], {}, given="") == "bad_signature"


def run(spec: WebhookSpec, body: Any, **headers_: str) -> Mapped:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return mapped(spec, Delivery(7, "shop", {name.replace("_", "-"): value for name, value in headers_.items()}, text, RECEIVED))


def spec(**given: Any) -> WebhookSpec:
    return WebhookSpec.model_validate({"event": "'Paid'", **given})


def test_a_mapping_says_what_becomes_an_event() -> None:
    wanted = spec(
        event="'Order ' + state",
        id="id",
        time="at",
        user="buyer.id",
        anonymous="buyer.cookie",
        ids=[{"type": "email", "from": "buyer.mail"}, {"type": "phone", "from": "buyer.phone"}],
        all_of="extra",
        properties=[{"name": "revenue", "from": "total"}, {"name": "shop", "from": "'west lake'"}, {"name": "gift", "from": "gift"}],
        person=[{"name": "level", "from": "buyer.level"}],
    )
    body = {
        "state": "paid",
        "id": 9,
        "at": "2026-03-08T20:00:00Z",
        "total": "12.5",
        "extra": {"sku": "tea", "revenue": 0},
        "buyer": {"id": 1, "cookie": "c", "mail": "a@x.example", "level": 3},
    }
    (event,) = run(wanted, body).events
    assert (event.source, event.key, event.at, event.name) == ("webhook shop", "9", RECEIVED, "Order paid")
    assert (event.user_id, event.anonymous_id, event.ids, event.traits) == ("1", "c", {"email": "a@x.example"}, {"level": 3})
    assert event.props == {"sku": "tea", "revenue": "12.5", "shop": "west lake"}


def test_each_item_of_a_list_is_an_event_if_its_conditions_are_true() -> None:
    wanted = spec(
        for_each="orders",
        only_when=[
            {"from": "state", "values": ["paid", "1"]},
            {"from": "test", "op": "missing"},
            {"from": "$.kind", "op": "is_not", "values": ["x"]},
        ],
        id="$.batch + '-' + @index",
        user="user",
    )
    body = {"batch": "b1", "orders": [{"state": "paid", "user": "u"}, {"state": "open"}, {"state": 1}, {"state": "paid", "test": True}]}
    found = run(wanted, body)
    assert [event.key for event in found.events] == ["b1-0", "b1-2"]
    assert found.ignored == 2


def test_the_key_is_what_the_mapping_says_or_the_delivery_or_the_content() -> None:
    assert run(spec(id="id"), {"id": "k"}).events[0].key == "k"
    delivery = spec(delivery_header="X-Delivery", for_each="list")
    assert [event.key for event in run(delivery, {"list": [1, 2]}, x_delivery="d").events] == ["d 0", "d 1"]
    assert run(spec(), {"a": 1}).events[0].key == run(spec(), {"a": 1}).events[0].key != run(spec(), {"a": 2}).events[0].key


@pytest.mark.parametrize(
    ("wanted", "body", "reason", "says"),
    [
        (spec(event="name"), {}, "bad_mapping", "event: at “name” there is nothing"),
        (spec(event="name"), {"name": [1]}, "bad_mapping", "event: at “name” there is a list"),
        (spec(id="id"), {}, "bad_mapping", "would count twice"),
        (spec(user="u"), {"u": {}}, "bad_mapping", "user: at “u” there is an object"),
        (spec(for_each="list"), {"list": {}}, "bad_mapping", "for_each: at “list” there is an object, not a list"),
        (spec(all_of="o"), {"o": 1}, "bad_mapping", "all_of: at “o” there is a number"),
        (spec(time="t"), {"t": "yesterday"}, "bad_time", "time is not a time"),
        (spec(event="'$message_sent'"), {}, "bad_name", "Bihuan's own"),
        (spec(person=[{"name": "a", "from": "a"}]), {"a": 1}, "no_id", "no id"),
        (spec(), b"<xml>", "bad_event", "not JSON"),
        (spec(), b"[" * 100_000, "bad_event", "nested too deep"),
        (spec(for_each="$"), [1] * 1001, "too_large", "1000 items"),
    ],
)
def test_what_cannot_be_mapped_says_why_and_can_be_tried_again(wanted: WebhookSpec, body: Any, reason: str, says: str) -> None:
    found = run(wanted, body, x_a="1")
    (one,) = found.rejected
    assert (found.events, one.reason) == ([], reason)
    assert says in one.detail
    kept = again(7, "shop", one.body)
    if isinstance(body, bytes) and len(body) < 1000:
        assert kept is not None
        assert (kept.body, kept.headers, kept.received) == (body, {"x-a": "1"}, RECEIVED)


def test_forms_are_read_too() -> None:
    assert run(spec(user="who"), b"who=ann&x=1", content_type="application/x-www-form-urlencoded").events[0].user_id == "ann"
    assert (
        run(spec(user="who"), b"payload=%7B%22who%22%3A%22bob%22%7D", content_type="application/x-www-form-urlencoded").events[0].user_id
        == "bob"
    )


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_every_preset_makes_events_of_its_own_sample(preset: Any) -> None:
    lines = [line.split(": ", 1) for line in preset.headers.splitlines()]
    given = {name.lower(): value for name, value in lines}
    found = mapped(preset.spec, Delivery(7, preset.key, given, preset.sample.encode(), RECEIVED))
    assert found.rejected == []
    assert found.events
    assert all(event.user_id or event.ids for event in found.events)
    assert WebhookSpec.model_validate(preset.spec.model_dump(mode="json", by_alias=True)) == preset.spec


@pytest.mark.parametrize(
    "given",
    [
        {"event": "a b"},
        {"event": ""},
        {"event": "a", "ids": [{"type": "E-mail", "from": "a"}]},
        {"event": "a", "only_when": [{"from": "a", "op": "is"}]},
        {"event": "a", "signature": {"signed": "{timestamp}"}},
        {"event": "a", "signature": {"signed": "{timestamp}.{body}"}},
        {"event": "a", "signature": {"signed": "{body}{secret}"}},
        {"event": "a", "signature": {"header": ""}},
        {"event": "a", "signature": {"secret": "never here"}},
        {"event": "a", "secret": "never here"},
    ],
)
def test_a_definition_that_cannot_work_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebhookSpec.model_validate(given)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "id", "t"]), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(
    body=JSON | st.binary(max_size=40), for_each=st.sampled_from(["", "a", "$", "a.b"]), event=st.sampled_from(["a", "'x'", "b.a | 'y'"])
)
def test_whatever_is_posted_every_item_is_an_event_ignored_or_kept_with_a_reason(body: Any, for_each: str, event: str) -> None:
    wanted = spec(
        event=event, for_each=for_each, id="id | 'k'", time="t", user="a", all_of="b", only_when=[{"from": "'x'", "op": "exists"}]
    )
    found = run(wanted, body)
    assert len(found.events) + len(found.rejected) + found.ignored >= (0 if for_each else 1)
