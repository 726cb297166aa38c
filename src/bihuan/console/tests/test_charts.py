"""Charts in a real browser: those in view first, each drawn once for its answer and its size, and seen at once by who comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).parents[1] / "static"
ADDRESS = "http://charts.test"
LIBRARY = "/static/vendor/echarts-6.1.0/echarts.min.js"
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


def show(page: Any, body: str, *, reader: str = "", theme: str = "light") -> None:
    script = f'<script src="/static/bihuan/charts.js" data-echarts="{LIBRARY}" data-reader="{reader}" defer></script>'
    style = '<link rel="stylesheet" href="/static/bihuan/app.css">'
    whole = f'<!doctype html><html lang=en data-bs-theme="{theme}"><head>{style}{script}</head><body>{body}</body></html>'
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


FILL = "sessionStorage.setItem(`bihuan.picture:${size} ${n}`, 'x'.repeat(2 ** size))"


def kept(page: Any) -> int:
    """How many pictures the tab keeps."""
    number: int = page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('bihuan.picture:')).length")
    return number


def seen_once(page: Any, body: str, **how: str) -> None:
    show(page, body, **how)
    page.wait_for_function("Object.keys(sessionStorage).some((key) => key.startsWith('bihuan.picture:'))")


def test_who_comes_back_sees_what_the_chart_looked_like_before_its_library_is_read(page: Any) -> None:
    seen_once(page, chart("one"), reader="7")
    before = page.locator("#one").screenshot()
    held: list[Any] = []
    page.route(f"{ADDRESS}{LIBRARY}", lambda route: held.append(route))
    show(page, chart("one"), reader="7")
    page.wait_for_selector("#one[data-pictured] img")
    assert page.locator("#one").screenshot() == before
    while not held:
        page.wait_for_timeout(20)
    held[0].fulfill(path=STATIC / LIBRARY.removeprefix("/static/"))
    page.wait_for_selector("#one[data-drawn]")
    assert page.locator("#one img").count() == 0
    assert page.locator("#one").screenshot() == before


def test_a_chart_that_the_reader_points_at_is_drawn_though_the_browser_never_rests(page: Any) -> None:
    seen_once(page, chart("one"), reader="7")
    page.add_init_script("window.requestIdleCallback = () => 0")
    show(page, chart("one"), reader="7")
    page.wait_for_selector("#one[data-pictured]")
    page.wait_for_timeout(100)
    assert page.locator("#one[data-drawn]").count() == 0
    page.hover("#one")
    page.wait_for_selector("#one[data-drawn]")


@pytest.mark.parametrize("change", ["answer", "theme", "size"])
def test_a_picture_of_something_else_is_not_shown(page: Any, change: str) -> None:
    seen_once(page, chart("one"), reader="7")
    if change == "size":
        show(page, "", reader="7")
        page.set_viewport_size({"width": 500, "height": 600})
    other = chart("one").replace("[1, 2]", "[1, 3]") if change == "answer" else chart("one")
    show(page, other, reader="7", theme="dark" if change == "theme" else "light")
    page.wait_for_selector("#one[data-drawn]")
    assert page.locator("#one[data-pictured]").count() == 0


def test_the_name_of_a_picture_is_made_once_for_each_look(page: Any) -> None:
    seen_once(page, chart("one"), reader="7")
    page.evaluate("""() => {
      const { text } = one;
      window.made = 0;
      Object.defineProperty(one, "text", { get() { window.made += 1; return text; } });
    }""")
    page.evaluate("for (const _ of [1, 2, 3]) one.finished()")
    assert page.evaluate("made") == 0
    page.set_viewport_size({"width": 500, "height": 600})
    page.wait_for_function("again === 1")
    page.evaluate("for (const _ of [1, 2, 3]) one.finished()")
    assert page.evaluate("made") == 1


@pytest.mark.parametrize("reader", ["8", ""])
def test_pictures_are_forgotten_when_somebody_else_or_nobody_is_signed_in(page: Any, reader: str) -> None:
    seen_once(page, chart("one"), reader="7")
    show(page, "", reader=reader)
    assert kept(page) == 0


def test_nothing_is_kept_of_who_is_not_signed_in(page: Any) -> None:
    show(page, chart("one"))
    page.wait_for_selector("#one[data-drawn]")
    page.wait_for_timeout(300)
    assert kept(page) == 0


def test_a_full_tab_forgets_old_pictures_for_the_new_one(page: Any) -> None:
    show(page, "", reader="7")
    page.evaluate("for (const size of [20, 12, 4]) for (let n = 0; ; n++) try { " + FILL + " } catch { break }")
    filled = kept(page)
    show(page, chart("one"), reader="7")
    page.wait_for_function("Object.keys(sessionStorage).length === 2")
    assert filled > 1
