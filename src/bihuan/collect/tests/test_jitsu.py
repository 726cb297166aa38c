"""Jitsu's protocol: its addresses, its write key, and the exact requests of its client, which are Segment's calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bihuan.collect.protocols import jitsu, segment

REQUESTS = json.loads((Path(__file__).parent / "fixtures_jitsu.json").read_text())["requests"]


@pytest.mark.parametrize(("key", "found"), [("kid:ksecret", "ksecret"), ("wk_1", "wk_1"), ("", ""), ("a:b:c", "c")])
def test_the_write_key_is_the_secret_after_the_colon(key: str, found: str) -> None:
    assert jitsu.write_key(key) == found


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["path"].rpartition("/")[2])
def test_every_request_of_the_real_client_is_one_call(request_: dict) -> None:  # type: ignore[type-arg]
    assert request_["path"] in {route.path for route in jitsu.ROUTES}
    name, body = request_["path"].rpartition("/")[2], request_["body"]
    (event,), rejected = segment.read(segment.open_body(name, json.dumps(body).encode()), 1, 1_795_400_000_000, source="jitsu")
    assert rejected == []
    assert (event.source, event.key, event.anonymous_id) == ("jitsu", body["messageId"], body["anonymousId"])
    assert event.name == {"page": "$pageview", "group": "$group", "identify": ""}.get(name, body.get("event"))
    if name == "page":
        assert event.props["path" if body["context"]["page"] else "name"] in ("/__page/p", "Docs")


def test_an_address_for_any_call_reads_the_type_from_it() -> None:
    body = json.dumps({"type": "track", "event": "Any", "messageId": "m", "anonymousId": "a"}).encode()
    assert {"/api/s/event", "/api/s/s2s/track", "/api/s/alias", "/api/s/screen"} <= {route.path for route in jitsu.ROUTES}
    (event,), _ = segment.read(segment.open_body("", body), 1, 1_795_400_000_000)
    assert event.name == "Any"
