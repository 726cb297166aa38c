"""The page Sources as somebody sees it who puts the script into a web site."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from bihuan.govern.keys import create_write_key, revoke_write_key
from bihuan.govern.tests.cast import Cast

HTMX = {"HX-Request": "true"}


def text(response) -> str:
    return html.unescape(re.sub(r"\s+", " ", response.content.decode()))


def test_the_lines_to_copy_have_the_key_that_is_given(cast: Cast) -> None:
    key, secret = create_write_key(member=cast.alice, name="Web")
    viewer = cast.client(cast.vera)
    assert 'bihuan.js" data-key="YOUR_WRITE_KEY"></script>' in text(viewer.get("/p/shop/sources/"))
    seen = text(viewer.get(f"/p/shop/sources/?key={secret}"))
    assert f'src="http://127.0.0.1:8001/bihuan.js" data-key="{secret}"></script>' in seen
    revoke_write_key(member=cast.alice, pk=key.pk)
    seen = text(viewer.get(f"/p/shop/sources/?key={secret}"))
    assert "no valid write key of this project" in seen
    assert "YOUR_WRITE_KEY" in seen


def test_what_is_no_key_is_never_a_part_of_the_lines(cast: Cast) -> None:
    response = cast.client(cast.vera).get("/p/shop/sources/", {"key": '"><script>alert(1)</script>'})
    assert "<script>alert(1)" not in response.content.decode()
    assert "no valid write key" in text(response)


def test_the_page_waits_for_the_first_event_and_then_says_so(cast: Cast, send: Callable[..., object]) -> None:
    viewer = cast.client(cast.vera)
    waiting = text(viewer.get("/p/shop/sources/?key=a", headers=HTMX))
    assert "<html" not in waiting
    assert 'hx-get="?key=a" hx-trigger="every 3s"' in waiting
    assert "Waiting for the first event" in waiting
    send({"name": "$pageview", "source": "segment"})
    assert "Waiting for the first event" in text(viewer.get("/p/shop/sources/", headers=HTMX))
    send({"name": "$pageview", "source": "web"})
    arrived = text(viewer.get("/p/shop/sources/", headers=HTMX))
    assert "Your web site sends events" in arrived
    assert "every 3s" not in arrived
    assert "已收到你网站的事件" in text(viewer.get("/p/shop/sources/", headers={"Accept-Language": "zh-hans"}))


def test_whoever_makes_a_key_is_led_to_the_lines(cast: Cast) -> None:
    made = cast.client(cast.alice).post("/p/shop/settings/keys/", {"name": "Web"})
    assert "sources/?key=bw_" in text(made)
