"""What people do in a browser, from the log-in to a board: nothing fails, nothing leaves this host, and it works on a phone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Reader


@pytest.fixture
def owner(chromium: Any, site: str) -> Iterator[Reader]:
    reader = Reader(chromium, site).log_in()
    yield reader
    reader.close()
    assert reader.problems == []


@pytest.fixture
def root(owner: Reader) -> str:
    """The address of the demo's project."""
    return re.match(r".*(/p/[^/]+/)", owner.page.url)[1]  # type: ignore[index]


def test_a_wrong_password_is_told(chromium, site):
    reader = Reader(chromium, site)
    reader.page.goto("/accounts/login/")
    reader.page.fill("[name=login]", "owner")
    reader.page.fill("[name=password]", "not the password")
    reader.page.press("[name=password]", "Enter")
    reader.page.wait_for_selector("[role=alert]")
    assert reader.problems == []
    reader.close()


def test_the_home_page_shows_what_happened(owner, root):
    owner.open(root)
    assert owner.page.locator(".bh-key").count() >= 3
    assert owner.page.locator(".bh-key bh-chart canvas").count() >= 3


def test_changing_the_form_changes_answer_and_address(owner, root):
    owner.open(f"{root}ask/trend/")
    page = owner.page
    page.select_option("[name='period.last']", "7")
    page.wait_for_url("**period.last=7**")
    owner.settle()
    assert "csrf" not in page.url
    assert "=&" not in page.url
    numbers = page.locator(".bh-headline .bh-number").all_inner_texts()
    owner.open(page.url)  # the address is the page's state
    assert page.locator(".bh-headline .bh-number").all_inner_texts() == numbers
    assert page.input_value("[name='period.last']") == "7"


def test_a_condition_narrows_the_answer_and_survives_a_reload(owner, root):
    owner.open(f"{root}ask/trend/")
    page = owner.page
    before = page.locator("#answer .bh-headline .bh-number").first.inner_text()
    form = page.locator("form[data-question] > fieldset bh-filter").last
    form.locator("[data-add=property]").click()
    row = form.locator(".bh-filter-row")
    row.locator("[data-field=property] + .ts-wrapper .ts-control").click()
    row.locator(".ts-dropdown:visible input").press_sequentially("device")
    page.keyboard.press("Enter")
    row.locator("select[data-values] + .ts-wrapper input").fill("mobile")
    page.keyboard.press("Enter")
    page.wait_for_url("**filter.all.0.values.0=mobile**")
    owner.settle()
    after = page.locator("#answer .bh-headline .bh-number").first.inner_text()
    assert after != before
    owner.open(page.url)
    assert page.locator("#answer .bh-headline .bh-number").first.inner_text() == after
    assert page.locator(".bh-filter-row").last.locator("[data-field=property]").input_value() == "device"


def test_a_step_is_added_to_a_funnel(owner, root):
    owner.open(f"{root}ask/funnel/")
    page = owner.page
    steps = page.locator("form [data-row]").count()
    page.get_by_role("button", name="Add a step").click()
    assert page.locator("form [data-row]").count() == steps + 1


def test_an_answer_goes_to_a_board_and_the_board_shows_it(owner, root):
    owner.open(f"{root}ask/trend/?series.0.event=Order Completed&period.last=14")
    page = owner.page
    page.get_by_role("link", name="Add to board").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=board]").select_option("+")
    dialog.locator("[name=name]").fill("Monday")
    dialog.locator("[name=title]").fill("Orders of two weeks")
    dialog.get_by_role("button", name="Add").click()
    page.wait_for_url("**/boards/monday*/")
    owner.settle()
    tile = page.locator(".bh-board > .card").first
    assert "Orders of two weeks" in tile.inner_text()
    assert tile.locator("bh-chart canvas").count() == 1


def test_a_person_is_found_and_their_timeline_opens(owner, root):
    owner.open(f"{root}people/")
    page = owner.page
    page.locator("#people tbody a").first.click()
    owner.settle()
    event = page.locator(".bh-timeline details").first
    event.locator("summary").click()
    assert event.locator("dl").is_visible()


def test_the_statement_and_the_program_open_as_dialogs_and_close_by_key(owner, root):
    owner.open(f"{root}ask/trend/")
    page = owner.page
    for name, text in (("SQL", "WITH visible"), ("Use in a program", "Authorization: Bearer")):
        page.get_by_role("link", name=name).click()
        page.wait_for_selector("dialog[open]")
        assert text in page.locator("dialog[open]").inner_text()
        page.keyboard.press("Escape")
        page.wait_for_selector("bh-dialog", state="detached")


def test_the_look_changes_at_once_and_is_kept(owner, root):
    owner.open(root)
    page = owner.page
    page.evaluate("window.sameDocument = true")
    page.locator("button[name=look][value=dark]").click()
    page.wait_for_selector("html[data-bs-theme=dark]")
    assert page.evaluate("window.sameDocument")
    owner.open(root)
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_the_language_changes_and_is_kept(owner, root):
    owner.open(root)
    page = owner.page
    page.locator("button[name=language]").click()
    page.wait_for_selector("html[lang=zh-Hans]")
    owner.settle()
    assert "发生了什么" in page.locator("main").inner_text()


def held_back(route: Any) -> None:
    time.sleep(0.7)
    route.continue_()


@pytest.mark.parametrize("late", ["", "app.js", "charts.js", "htmx.min.js"])
def test_a_running_question_can_be_stopped(owner, root, late):
    """The question is held back on its way, as a slow store would; the button tells the server which question to stop, however late a
    script of the page came."""
    page = owner.page
    held: list[Any] = []
    page.route(
        re.compile(r"/ask/trend/\?"), lambda route: held.append(route) if route.request.headers.get("hx-request") else route.continue_()
    )
    if late:
        page.route(re.compile(rf"/static/.*{re.escape(late)}"), held_back)
    page.goto(f"{root}ask/trend/")
    button = page.locator("#answer [data-cancel]")
    button.wait_for(state="visible")
    with page.expect_response(re.compile(r"/ask/cancel/")) as told:
        button.click()
    assert told.value.status == 204
    asked = held[0].request.headers["x-query-id"]
    assert told.value.url.endswith(f"/ask/cancel/{asked}/")
    held[0].continue_()
    page.locator("#answer .bh-answer").wait_for()


def test_everything_is_reached_by_keyboard(owner, root):
    owner.open(root)
    page = owner.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    seen = set()
    for _press in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.name || ''"))
    assert any("ask/trend" in each for each in seen)


def test_the_navigation_of_a_phone_opens(chromium, site):
    reader = Reader(chromium, site, width=360).log_in()
    reader.settle()
    page = reader.page
    page.locator(".navbar-toggler").click()
    page.locator("#nav.show").wait_for()
    page.get_by_role("link", name="Boards").click()
    page.wait_for_url("**/boards/")
    assert reader.problems == []
    reader.close()
