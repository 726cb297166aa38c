"""Visitors of a web site whose pages load the script, each with a browser of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bihuan.collect.tests.conftest import send, writer
from bihuan.collect.tests.site import KEY, Site, running
from bihuan.collect.web.tests.pages import Pages
from bihuan.engine.tests.chromium import start

__all__ = ["send", "writer"]  # fixtures of the stage
STUB = "<script>window.bihuan=window.bihuan||function(){(bihuan.q=bihuan.q||[]).push(arguments)}</script>"


class Visit:
    """Somebody with a browser of their own on the site; `events` are what the collector has stored below this test's path."""

    def __init__(self, chromium: Any, site: Site, pages: Pages, root: str, **context: Any) -> None:
        self.site, self.pages, self.root = site, pages, root
        self.context = chromium.new_context(**context)
        self.context.set_default_timeout(10_000)
        self.problems: list[str] = []
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.context.on("console", lambda message: self.problems.append(message.text) if message.type in ("error", "warning") else None)

    def put(self, path: str = "", body: str = "", *, options: str = "", head: str = STUB, script: str = "", **headers: str) -> None:
        """A page that loads the script."""
        source = script or f"{self.site.url}/bihuan.js"
        self.pages.html[self.root + path] = (
            f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Page {path}</title>{head}"
            f'<script async src="{source}" data-key="{KEY}" {options}></script></head><body>{body}</body></html>'
        )
        self.pages.headers[self.root + path] = headers

    def open(self, path: str = "", page: Any = None, **given: Any) -> Any:
        """Open a page of the site and wait until the script runs."""
        page = page or self.context.new_page()
        page.goto(self.pages.url + self.root + path, **given)
        page.wait_for_function("window.bihuan && bihuan.loaded")
        return page

    def events(self, *names: str) -> list[dict[str, Any]]:
        """What is stored of this test, in order of time, each as one flat document."""
        columns = (
            "event AS name, person_id AS person, props, host, path, referrer, utm_source, utm_medium, utm_campaign, browser, device, source"
        )
        where = "startsWith(path, {root:String}) AND (empty({names:Array(String)}) OR has({names:Array(String)}, event))"
        rows = self.site.store.fetch(
            f"SELECT {columns} FROM events WHERE {where} ORDER BY ts", {"root": self.root, "names": list(names)}
        ).rows
        found = [{**json.loads(row.pop("props")), **row} for row in map(dict, rows)]
        links = dict(self.site.rows("person_id, argMax(canonical, version)", "person_links GROUP BY person_id"))
        return [{**one, "person": links.get(one["person"], one["person"])} for one in found]

    def wait(self, count: int, *names: str, seconds: float = 15) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(found := self.events(*names)) < count:
            assert time.monotonic() < deadline, f"{count} of {names} wanted; there are {[one['name'] for one in found]}; {self.problems}"
            time.sleep(0.05)
        assert len(found) == count, [one["name"] for one in found]
        return found

    def close(self) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("collector")) as made:
        yield made


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    made = Pages()
    yield made
    made.close()


@pytest.fixture
def visit(chromium: Any, collector: Site, pages: Pages, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """`visit(**context)`: somebody comes with a fresh browser."""
    made: list[Visit] = []
    root = f"/{abs(hash(request.node.name))}"

    def come(**context: Any) -> Visit:
        made.append(Visit(chromium, collector, pages, root, **context))
        return made[-1]

    yield come
    for one in made:
        one.close()


@pytest.fixture
def visit_alone(chromium: Any, collector: Site, pages: Pages, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """`visit_alone(**context)`: somebody comes with a browser that has just been started, which paints and tells of inputs in time."""
    browser = start(chromium.browser_type)
    root = f"/{abs(hash(request.node.name))}"
    yield lambda **context: Visit(browser, collector, pages, root, **context)
    browser.close()
