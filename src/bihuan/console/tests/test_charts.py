"""Charts in a real browser: those in view first, each drawn once for its answer and its size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).parents[1] / "static"
ADDRESS = "http://charts.test"
OPTION = {"xAxis": {"type": "category", "data": ["Mon", "Tue"]}, "yAxis": {"type": "value"}, "series": [{"type": "line", "data": [1, 2]}]}
CHART = f'<bh-chart style="display: block; height: 10rem"><script type="application/json">{json.dumps(OPTION)}</script></bh-chart>'
WATCH = """
window.drawn = []; window.again = 0;
new MutationObserver((seen) => seen.forEach(({ target }) => window.drawn.push(target.id)))
  .observe(document, { subtree: true, attributeFilter: ["data-drawn"] });
let library, init;
Object.defineProperty(window, "echarts", { set: (value) => { library = value; }, get() {
  if (!init && library?.init) {
    init = library.init;
    library.init = (...how) => {
      const chart = init(...how), resize = chart.resize;
      chart.resize = (...size) => { window.again += 1; return resize.apply(chart, size); };
      return chart;
    };
  }
  return library;
} });
"""


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 800, "height": 600})
    opened = context.new_page()
    opened.route(f"{ADDRESS}/static/**", lambda route: route.fulfill(path=STATIC / route.request.url.removeprefix(f"{ADDRESS}/static/")))
    opened.add_init_script(WATCH)
    yield opened
    context.close()


def show(page: Any, body: str) -> None:
    script = '<script src="/static/bihuan/charts.js" data-echarts="/static/vendor/echarts-6.1.0/echarts.min.js" defer></script>'
    whole = f"<!doctype html><html lang=en><head>{script}</head><body>{body}</body></html>"
    page.route(f"{ADDRESS}/", lambda route: route.fulfill(body=whole, content_type="text/html"))
    page.goto(f"{ADDRESS}/")


def chart(name: str) -> str:
    return CHART.replace("<bh-chart", f'<bh-chart id="{name}"', 1)


def test_charts_in_view_are_drawn_before_the_others(page: Any) -> None:
    above = "".join(chart(f"above{number}") for number in range(12))  # they come first, and are out of view by then
    show(page, f'{above}{chart("near")}<script>document.getElementById("near").scrollIntoView()</script>')
    page.wait_for_function("drawn.length === 13")
    seen = page.evaluate(
        "[...document.querySelectorAll('bh-chart')].filter((one) => one.getBoundingClientRect().bottom > 0).map((one) => one.id)"
    )
    assert "near" in seen
    assert set(page.evaluate("drawn")[: len(seen)]) == set(seen)


def test_a_chart_is_drawn_once_and_again_when_its_size_changes(page: Any) -> None:
    show(page, chart("one"))
    page.wait_for_function("drawn.length === 1")
    page.evaluate("markup => document.body.insertAdjacentHTML('beforeend', markup)", chart("comes later"))
    page.wait_for_function("drawn.length === 2")
    page.wait_for_timeout(200)
    assert page.evaluate("again") == 0
    page.set_viewport_size({"width": 500, "height": 600})
    page.wait_for_function("again === 2")
    assert page.evaluate("document.querySelector('canvas').clientWidth") < 500
