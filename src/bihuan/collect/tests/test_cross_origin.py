"""What a page of another origin may send and hear, as real Chromium sees it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bihuan.collect.tests.site import KEY, Site, running
from bihuan.collect.web.tests.pages import Pages

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FETCH = """async ([url, options]) => {
  const answer = await fetch(url, options);
  const heard = (name) => answer.headers.get(name);
  return { status: answer.status, body: await answer.json().catch(() => null), retry: heard('retry-after'), etag: heard('etag') };
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of another origin and, as browsers call it, another site."""
    pages = Pages()
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(pages.url.replace("127.0.0.1", "localhost"))
    yield opened
    context.close()
    pages.close()


def until_stored(site: Site, name: str) -> None:
    deadline = time.monotonic() + 10
    while (name,) not in site.rows("event"):
        assert time.monotonic() < deadline, f"{name} did not arrive"
        time.sleep(0.05)


def test_a_request_that_needs_a_preflight_is_let_through_and_asked_for_once(site: Site, page: Any) -> None:
    asked: list[str] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["method"]))
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "X-Any-Other": "1"}
    for n in range(3):
        options = {"method": "POST", "headers": headers, "body": f'{{"event": "Preflight", "id": "p{n}", "user": "u"}}'}
        assert page.evaluate(FETCH, [f"{site.url}/events", options])["status"] == 200
    assert asked.count("POST") == 3
    assert asked.count("OPTIONS") == 1


@pytest.mark.parametrize("credentials", ["omit", "include"])
def test_a_simple_request_is_answered_with_and_without_cookies(site: Site, page: Any, credentials: str) -> None:
    body = f'{{"key": "{KEY}", "events": [{{"event": "Simple", "id": "{credentials}"}}]}}'
    answer = page.evaluate(FETCH, [f"{site.url}/events", {"method": "POST", "credentials": credentials, "body": body}])
    assert answer["status"] == 200
    assert answer["body"]["stored"] == 1


def test_a_beacon_with_cookies_arrives(site: Site, page: Any) -> None:
    body = f'{{"key": "{KEY}", "events": [{{"event": "Beacon text", "id": "1"}}]}}'
    assert page.evaluate("([url, body]) => navigator.sendBeacon(url, body)", [f"{site.url}/web", body])
    until_stored(site, "Beacon text")


def test_a_beacon_of_a_type_that_needs_a_preflight_arrives(site: Site, page: Any) -> None:
    body = f'{{"key": "{KEY}", "events": [{{"event": "Beacon JSON", "id": "2"}}]}}'
    script = "([url, body]) => navigator.sendBeacon(url, new Blob([body], { type: 'application/json' }))"
    assert page.evaluate(script, [f"{site.url}/events", body])
    until_stored(site, "Beacon JSON")


def test_a_request_of_which_the_page_hears_nothing_arrives(site: Site, page: Any) -> None:
    body = f'{{"key": "{KEY}", "events": [{{"event": "No CORS", "id": "3"}}]}}'
    script = "async ([url, body]) => (await fetch(url, { method: 'POST', mode: 'no-cors', keepalive: true, body })).type"
    assert page.evaluate(script, [f"{site.url}/events", body]) == "opaque"
    until_stored(site, "No CORS")


def test_what_was_refused_and_when_to_come_again_can_be_read(site: Site, page: Any) -> None:
    wrong = page.evaluate(FETCH, [f"{site.url}/events", {"method": "POST", "body": '{"key": "nobody", "events": []}'}])
    assert (wrong["status"], wrong["body"]["code"]) == (401, "unknown_write_key")
    site.kill("engine")
    body = f'{{"key": "{KEY}", "events": [{{"event": "Away", "id": "4"}}]}}'
    away = page.evaluate(FETCH, [f"{site.url}/events", {"method": "POST", "body": body}])
    site.start("engine")
    assert away["status"] == 503
    assert int(away["retry"]) >= 1


def test_the_script_is_kept_by_browsers_and_asked_for_by_its_etag(site: Site, page: Any) -> None:
    script = f"{site.url}/bihuan.js"
    etag = raw(site, {})[1]["etag"]
    assert page.evaluate(FETCH, [script, {}])["status"] == 200
    status, headers, _ = raw(site, {"If-None-Match": etag, "Accept-Encoding": "gzip"})
    assert (status, headers["etag"]) == (304, etag)
    status, headers, body = raw(site, {"Accept-Encoding": "gzip, br"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert "max-age=3600" in headers["cache-control"]
    assert int(headers["content-length"]) == len(body) < 5_000
    assert raw(site, {})[1].get("content-encoding") is None
    sizes = []
    for _ in range(2):
        page.reload()
        page.add_script_tag(url=script)
        sizes.append(page.evaluate("performance.getEntriesByType('resource').at(-1).transferSize"))
    assert sizes[1] == 0  # out of the cache


def raw(site: Site, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    try:
        connection.request("GET", "/bihuan.js", headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()
