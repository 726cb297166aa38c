"""With the real browser clients, installed and unmodified, in real Chromium: nothing is lost and nothing is doubled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bihuan.collect.tests.flaky import Flaky
from bihuan.collect.tests.site import KEY, Site
from bihuan.collect.web.tests.pages import Pages
from tests.clients.conftest import people

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STORED = {"ok", "lost answer", "hang"}  # after these the collector has it, whatever the client heard


@dataclass(frozen=True)
class Client:
    """`setup` is JavaScript that makes `client` with track(name, n), identify(user) and reset(); `posts` is where its events go to,
    and `retries` whether it sends again what was not acknowledged, as another does that it is the `same_as`."""

    setup: str
    posts: tuple[str, ...]
    retries: bool = True
    classic: str = ""
    same_as: str = ""


POSTHOG = """
  import posthog from '/modules/%s/dist/module.no-external.js';
  await new Promise((loaded) => posthog.init(KEY, {
    api_host: URL, loaded, opt_out_useragent_filter: true, request_batching: false, disable_session_recording: true,
    autocapture: false, capture_pageview: false, capture_pageleave: false, persistence: 'localStorage', disable_compression: %s,
  }));
  window.client = {
    track: (name, n) => posthog.capture(name, { n }),
    identify: (user) => posthog.identify(user, { plan: 'pro' }),
    reset: () => posthog.reset(),
  };"""
SEGMENT = """
  const analytics = AnalyticsNext.AnalyticsBrowser.load(
    { writeKey: KEY, cdnURL: URL },
    { integrations: { 'Segment.io': { apiHost: URL.replace('http://', '') + '/v1', protocol: 'http', %s } } });
  await analytics.ready();
  window.client = {
    track: (name, n) => void analytics.track(name, { n }),
    identify: (user) => analytics.identify(user, { plan: 'pro' }),
    reset: () => analytics.reset(),
  };"""
JITSU = """
  import { jitsuAnalytics } from '/modules/@jitsu/js/dist/jitsu.es.js';
  const jitsu = jitsuAnalytics({ host: URL, writeKey: 'any:' + KEY });
  window.client = {
    track: (name, n) => void jitsu.track(name, { n }).catch(() => {}),
    identify: (user) => jitsu.identify(user, { plan: 'pro' }),
    reset: () => jitsu.reset(),
  };"""
SENSORS = """
  import sensors from '/modules/sa-sdk-javascript/sensorsdata.es6.min.js';
  sensors.init({ server_url: URL + '/sa?project=' + KEY + '&token=' + KEY, send_type: '%s', show_log: false, %s });
  window.client = {
    track: (name, n) => sensors.track(name, { n }),
    identify: (user) => { sensors.login(user); sensors.setProfile({ plan: 'pro' }); },
    reset: () => sensors.logout(true),
  };"""
UMD = "/modules/@segment/analytics-next/dist/umd/index.js"
CLIENTS = {
    "posthog-js 1.449": Client(POSTHOG % ("posthog-js", "false"), ("/e/",)),
    "posthog-js 1.200": Client(POSTHOG % ("posthog-js-200", "false"), ("/e/",)),
    "posthog-js 1.449 unpacked": Client(POSTHOG % ("posthog-js", "true"), ("/e/",), same_as="posthog-js 1.449"),
    "analytics-next": Client(SEGMENT % "", ("/v1/t", "/v1/i"), classic=UMD),
    "analytics-next in batches": Client(
        SEGMENT % "deliveryStrategy: { strategy: 'batching', config: { size: 3, timeout: 300 } }", ("/v1/b",), classic=UMD
    ),
    "jitsu": Client(JITSU, ("/track", "/identify"), retries=False),
    "sensors image": Client(SENSORS % ("image", ""), ("/sa.gif",), retries=False),
    "sensors ajax": Client(SENSORS % ("ajax", ""), ("/sa.gif",), retries=False),
    "sensors beacon": Client(SENSORS % ("beacon", ""), ("/sa.gif",), retries=False),
    "sensors batch": Client(
        SENSORS % ("beacon", "batch_send: { datasend_timeout: 1000, send_interval: 500, one_send_max_length: 3 }"), ("/sa.gif",)
    ),
}


@pytest.fixture
def opened(chromium: Any, pages: Pages, site: Site) -> Iterator[Callable[..., Any]]:
    """`opened(client, url)`: a page with this client, in a browser of its own."""
    contexts: list[Any] = []

    def open_page(name: str, url: str) -> Any:
        client = CLIENTS[name]
        path = f"/{name.replace(' ', '-')}-{len(contexts)}.html"
        classic = f'<script src="{client.classic}"></script>' if client.classic else ""
        head = f"const KEY = {json.dumps(KEY)}, URL = {json.dumps(url)};"
        imports = "\n".join(line for line in client.setup.splitlines() if line.strip().startswith("import "))
        rest = client.setup.replace(imports, "")
        pages.html[path] = f'<!doctype html><title>Shop</title>{classic}<script type="module">{imports}\n{head}\n{rest}\n</script>'
        contexts.append(chromium.new_context())
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.goto(pages.url + path)
        page.wait_for_function("window.client")
        return page

    yield open_page
    for context in contexts:
        context.close()


def until(condition: Callable[[], bool], page: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        page.wait_for_timeout(50)


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_done_before_a_log_in_is_the_users_and_after_a_log_out_somebody_elses(
    site: Site, opened: Callable[..., Any], name: str
) -> None:
    page = opened(name, site.url)
    page.evaluate("(name) => client.track(name, 1)", name)
    page.wait_for_timeout(100)
    page.evaluate("(name) => client.identify(name + ' user')", name)
    page.wait_for_timeout(100)
    page.evaluate("(name) => client.track(name, 2)", name)
    until(lambda: len(people(site, name)[name]) == 2, page)
    page.evaluate("client.reset()")
    page.wait_for_timeout(100)
    page.evaluate("(name) => client.track(name, 3)", name)
    until(lambda: len(people(site, name)[name]) == 3, page)
    (_, before), (_, known), (_, after) = people(site, name)[name]
    assert before == known != after
    until(lambda: (known, '"pro"') in site.rows("person_id, value", "traits WHERE name = 'plan'"), page)
    assert site.rows("reason, detail", "quarantine") == []


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.retries and not client.same_as])
def test_a_client_that_sends_again_has_each_event_stored_once(site: Site, opened: Callable[..., Any], name: str) -> None:
    tricks = ("500", "lost answer", "reset before", "503", "ok", "ok", "lost answer", *("ok",) * 20)
    flaky = Flaky(site, tricks, only=CLIENTS[name].posts)
    event = f"{name} again"
    page = opened(name, flaky.url)
    for n in range(6):
        page.evaluate("([event, n]) => client.track(event, n)", [event, n])
    until(lambda: "ok" in flaky.played and [n for n, _ in people(site, event)[event]] == list(range(6)), page)
    page.wait_for_timeout(300)
    flaky.close()
    assert [n for n, _ in people(site, event)[event]] == list(range(6))
    assert {"500", "lost answer"} <= set(flaky.played)


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if not client.retries])
def test_of_a_client_that_never_sends_again_what_arrived_is_stored_once(site: Site, opened: Callable[..., Any], name: str) -> None:
    tricks = ("ok", "500", "lost answer", "503", "reset before", "ok")
    flaky = Flaky(site, tricks, only=CLIENTS[name].posts)
    event = f"{name} once"
    page = opened(name, flaky.url)
    page.wait_for_timeout(500)  # what it says of itself at first
    arrived: list[int] = []
    for n in range(6):
        before = flaky.asked
        page.evaluate("([event, n]) => client.track(event, n)", [event, n])
        until(lambda before=before: flaky.asked > before, page)  # type: ignore[misc]
        if flaky.played[before] in STORED:
            arrived.append(n)
    until(lambda: [n for n, _ in people(site, event)[event]] == arrived, page)
    flaky.close()
    assert 0 < len(arrived) < 6
