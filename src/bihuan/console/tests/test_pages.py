"""The console's own pages: the page of every question, the home page, looks and languages, and what is said when something is wrong."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import shlex
from html import unescape

import pytest
from django.db import OperationalError
from django.test import Client

from bihuan.analyse.process.listing.spec import ProcessCasesSpec
from bihuan.analyse.process.spec import ProcessCell
from bihuan.catalog.definitions import definition, save_definition, spec_of
from bihuan.catalog.kinds import MetricSpec
from bihuan.console.pages import ask as ask_page
from bihuan.console.questions import listed
from bihuan.engine.errors import Busy, Cancelled, Unavailable
from bihuan.engine.here import engine as engine_here
from bihuan.govern.forms import parse_dotted, validated
from bihuan.govern.keys import create_write_key
from bihuan.govern.tests.cast import Cast
from bihuan.see.trend.spec import TrendSpec

pytestmark = pytest.mark.django_db
PANEL = {"HX-Request": "true"}
VIEWS = "series.0.event=View&period.since=2026-03-01&period.until=2026-03-15"


@pytest.fixture
def views(write) -> None:
    write((1, "View", "2026-03-02 10:00"), (1, "View", "2026-03-03 10:00"), (2, "View", "2026-03-10 10:00", {"path": "=1+1"}))


@pytest.fixture
def vera(cast: Cast, store) -> Client:
    return cast.client(cast.vera)


@pytest.fixture
def anna(cast: Cast, store) -> Client:
    return cast.client(cast.anna)


@pytest.mark.parametrize("question", listed(), ids=lambda question: question.name)
def test_every_question_has_its_page(vera, question):
    page = vera.get(f"/p/shop/ask/{question.name}/")
    assert page.status_code == 200
    assert '<section class="card bh-panel"' in page.content.decode()
    assert page["Vary"].count("HX-Request") == 1


def test_the_same_address_answers_the_page_and_the_panel(vera, views):
    address = f"/p/shop/ask/trend/?{VIEWS}"
    page, panel = vera.get(address).content.decode(), vera.get(address, headers=PANEL).content.decode()
    assert "<html" in page
    assert 'value="2026-03-01"' in page
    assert "<html" not in panel
    assert '<span class="bh-number">3</span>' in panel


def test_an_address_without_anything_asks_the_example(vera, views):
    assert vera.get("/p/shop/ask/trend/", headers=PANEL).status_code == 200


def test_a_mistake_is_shown_at_its_place(vera):
    panel = vera.get("/p/shop/ask/trend/?series.0.measure=mode", headers=PANEL)
    assert panel.status_code == 422
    page = vera.get("/p/shop/ask/trend/?series.0.measure=mode")
    assert page.status_code == 200
    for shown in (panel, page):
        assert re.search(r'data-place="series\.0\.measure">series\.0\.measure</span>:\s*Choose one of', shown.content.decode())


def test_beside_a_mistake_the_form_shows_what_would_have_been_asked(vera):
    page = vera.get("/p/shop/ask/interval/?start.event=View&end.event=View&top=900").content.decode()
    assert re.search(r'<option value="30"\s+selected', page)
    assert re.search(r'name="top"[^>]*value="900"', page)


@pytest.mark.parametrize("question", [one for one in listed() if "sample" in one.spec.model_fields], ids=lambda question: question.name)
def test_whoever_can_ask_a_sample_chooses_it_in_the_form_and_keeps_one_that_it_does_not_offer(vera, question):
    for sample, offered in (("0.1", 4), ("0.25", 5)):
        page = vera.get(f"/p/shop/ask/{question.name}/?sample={sample}").content.decode()
        (options,) = re.findall(r'<select[^>]*name="sample">(.*?)</select>', page, re.DOTALL)
        assert re.findall(r'<option value="([^"]*)"\s+selected', options) == [sample]
        assert options.count("<option") == offered


def test_a_tile_with_a_mistake_leads_to_where_it_is_mended(vera):
    tile = vera.get("/p/shop/ask/interval/?start.event=View&as=tile", headers=PANEL).content.decode()
    assert re.search(r'href="/p/shop/ask/interval/\?[^"]*start\.event=View', tile)


def test_the_cases_of_a_process_stay_those_when_their_form_is_sent_again(vera):
    meant = "cell.variant.0=View&cell.variant.1=%C3%84ra+%22x%22&cell.conforming=no&cell.running=true&limit=7"
    page = vera.get(f"/p/shop/ask/process_cases/?case=person&{meant}").content.decode()
    hidden = re.findall(r'<input type="hidden" name="((?:cell|limit)[^"]*)" value="([^"]*)">', page)
    sent = parse_dotted([(name, unescape(value)) for name, value in hidden])
    spec, errors = validated(ProcessCasesSpec, sent)
    assert not errors
    assert spec == ProcessCasesSpec(cell=ProcessCell(variant=("View", 'Ära "x"'), conforming="no", running=True), limit=7)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Unavailable("The event store does not answer just now; it is starting again. Try again in a moment."), 503, "One moment"),
        (Busy("Many questions are being answered just now; ask again in a moment."), 503, "One moment"),
        (Cancelled("The question was cancelled."), 200, "Stopped"),
    ],
)
def test_what_passes_is_said_kindly(vera, monkeypatch, error, status, words):
    class Failing:
        def ask(self, *_args, **_kwargs):
            raise error

    monkeypatch.setattr(ask_page, "engine", Failing)
    panel = vera.get(f"/p/shop/ask/trend/?{VIEWS}", headers=PANEL)
    assert panel.status_code == status
    assert words in panel.content.decode()
    assert ("load delay:3s" in panel.content.decode()) == (status == 503)


def test_a_full_disk_is_said_in_words(anna, monkeypatch):
    def full(**_: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("bihuan.see.boards.change.save_definition", full)
    answer = anna.post("/p/shop/boards/new/", {"name": "Till"})
    assert answer.status_code == 507
    assert "The data folder needs room" in answer.content.decode()


def test_a_page_asked_while_the_store_is_away_asks_again_by_itself(vera, monkeypatch):
    from bihuan.see.people import views

    def away():
        raise Unavailable("The event store does not answer just now; it is starting again. Try again in a moment.")

    monkeypatch.setattr(views, "engine", away)
    page = vera.get("/p/shop/people/")
    assert page.status_code == 503
    assert page["Retry-After"] == "4"
    assert 'http-equiv="refresh"' in page.content.decode()


def test_an_export_has_the_numbers_of_the_page(vera, views):
    response = vera.get(f"/p/shop/ask/trend/export.csv?{VIEWS}&unit=week")
    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert [row[-1] for row in rows[1:]] == ["0", "2", "1"]
    assert "trend-" in response["Content-Disposition"]


def test_an_export_in_an_unknown_format_is_not_found(vera):
    assert vera.get(f"/p/shop/ask/trend/export.exe?{VIEWS}").status_code == 404


def test_the_statement_behind_an_answer_can_be_read(vera, views):
    page = vera.get(f"/p/shop/ask/trend/sql/?{VIEWS}").content.decode()
    assert re.search(r"WITH (visible|daily\w*) AS", page)
    assert "scope_project" in page


def test_a_program_is_told_how_to_ask_the_same(vera, views):
    page = vera.get(f"/p/shop/ask/trend/use/?{VIEWS}").content.decode()
    assert "/api/v1/projects/shop/ask/trend" in page
    assert "2026-03-15" in page


def test_what_a_program_is_told_is_the_same_question(vera, views):
    from html import unescape

    page = unescape(vera.get(f"/p/shop/ask/trend/use/?{VIEWS}").content.decode())
    texts = re.findall(r"<code>(.*?)</code>", page, re.DOTALL)
    sent = shlex.split(texts[0].replace("\\\n", " "))
    document = json.loads(texts[3])
    assert document.pop("question") == "trend"
    assert json.loads(sent[-1]) == document
    assert ast.literal_eval(texts[1].partition("spec = ")[2].partition("\nanswer")[0]) == document
    assert TrendSpec.model_validate(document).series[0].event == "View"


def test_nobody_stops_a_question_of_somebody_else(cast, vera, monkeypatch):
    stopped: list[str] = []
    monkeypatch.setattr(engine_here().store, "cancel", stopped.append)
    name = "0" * 32
    assert vera.post(f"/p/shop/ask/cancel/{name}/").status_code == 204
    assert stopped == [f"u{cast.vera.user.pk}-{name}"]
    vera.post("/p/shop/ask/cancel/anything-else/")
    assert len(stopped) == 1


def test_a_question_goes_to_a_new_board(cast, anna, views):
    response = anna.post(f"/p/shop/ask/trend/add-to-board/?{VIEWS}", {"board": "+", "name": "Monday", "title": "Views", "width": "12"})
    assert response.status_code == 303
    (tile,) = spec_of(definition(cast.anna, "board", "monday")).tiles
    assert (tile.question, tile.title, tile.width) == ("trend", "Views", "12")
    board = anna.get("/p/shop/boards/monday/").content.decode()
    assert "series.0.event=View" in board
    assert "as=tile" in board


def _board(anna, *tiles: tuple[str, str]) -> str:
    for place, (question, query) in enumerate(tiles):
        where = {"board": "monday"} if place else {"board": "+", "name": "Monday"}
        assert anna.post(f"/p/shop/ask/{question}/add-to-board/?{query}", {**where, "title": "", "width": "12"}).status_code == 303
    return "/p/shop/boards/monday/"


def test_a_board_has_the_answers_that_are_kept_and_asks_for_the_others(anna, views):
    board = _board(anna, ("trend", VIEWS), ("lifecycle", "active.event=View&period.since=2026-03-01&period.until=2026-03-07"))
    engine_here().forget()
    assert anna.get(board).content.decode().count("as=tile") == 2
    tile = anna.get(f"/p/shop/ask/trend/?{VIEWS}&as=tile", headers=PANEL).content.decode()
    page = anna.get(board).content.decode()
    assert page.count("as=tile") == 1
    assert re.search(r'<div class="bh-panel" id="tile-0">\s*<div class="bh-tile">', page)
    assert tile.strip() in page
    assert re.findall(r'class="text-reset"[^>]*>([^<]+)</a>', page) == ["Trend", "Lifecycle"]


def test_one_tile_that_cannot_be_written_leaves_the_rest_of_the_board(anna, views, monkeypatch):
    board = _board(anna, ("trend", VIEWS))
    anna.get(f"/p/shop/ask/trend/?{VIEWS}&as=tile", headers=PANEL)

    def broken(*_: object) -> None:
        raise KeyError("a template's own")

    monkeypatch.setattr("bihuan.console.pages.kept.answered", broken)
    page = anna.get(board)
    assert page.status_code == 200
    assert "as=tile" in page.content.decode()


def test_a_viewer_makes_no_board(vera):
    assert vera.get(f"/p/shop/ask/trend/add-to-board/?{VIEWS}").status_code == 403
    assert "Add to board" not in vera.get(f"/p/shop/ask/trend/?{VIEWS}", headers=PANEL).content.decode()


@pytest.mark.parametrize("path", ["", "ask/", "ask/trend/", "ask/trend/sql/", "people/", "boards/", "home/needs/"])
def test_a_stranger_sees_no_project(cast, store, path):
    assert cast.client(cast.charlie).get(f"/p/shop/{path}").status_code == 404
    assert Client().get(f"/p/shop/{path}").status_code == 302


def test_the_home_page_shows_the_metrics_with_their_change(cast, vera, write):
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    spec = MetricSpec(event="Pay", measure="sum", property="revenue", kind="money")
    save_definition(member=cast.anna, kind="metric", name="Takings", spec=spec)
    write((1, "Pay", now - timedelta(days=2), {"revenue": 30.0}), (1, "Pay", now - timedelta(days=9), {"revenue": 20.0}))
    panel = vera.get("/p/shop/home/happened/?days=7").content.decode()
    assert "Takings" in panel
    assert "30.00" in panel
    assert "+50.0%" in panel


def test_an_empty_project_says_what_to_do_next(vera):
    assert "Connect a product" in vera.get("/p/shop/home/happened/").content.decode()
    assert "first event" in vera.get("/p/shop/home/needs/").content.decode()
    assert "Nothing is under way" in vera.get("/p/shop/home/runs/").content.decode()


def test_on_its_first_day_the_home_page_says_once_that_no_event_has_come(cast, vera):
    create_write_key(member=cast.alice, name="shop")
    happened, needs = (vera.get(f"/p/shop/home/{panel}/").content.decode() for panel in ("happened", "needs"))
    assert happened.count("No event") == 1
    assert "No event" not in needs
    assert "Send the first event with your write key." in needs


@pytest.mark.parametrize("path", ["ask/trend/", "ask/interval/", "ask/funnel/", "people/"])
def test_a_page_of_a_project_without_an_event_says_what_to_do_next(vera, path):
    panel = vera.get(f"/p/shop/{path}", headers=PANEL).content.decode()
    assert "No event has come yet" in panel
    assert 'href="/p/shop/sources/"' in panel
    assert "longer period" not in panel


def test_where_events_came_at_another_time_a_longer_period_is_advised(vera, views):
    panel = vera.get("/p/shop/ask/funnel/?steps.0.event=View&steps.1.event=Buy&period.last=7", headers=PANEL).content.decode()
    assert "Choose a longer period" in panel
    assert "No event has come yet" not in panel


def test_a_refused_event_needs_somebody(cast, scope, store, vera, write):
    from datetime import UTC, datetime

    write((1, "View", datetime.now(UTC)))
    columns = ["project_id", "received_at", "source", "reason", "detail", "event_key", "body"]
    types = ["UInt32", "DateTime64(3, 'UTC')", "LowCardinality(String)", "LowCardinality(String)", "String", "UInt64", "String"]
    store.insert("quarantine", columns, [[scope.project_id], [datetime.now(UTC)], ["test"], ["no_name"], ["No name."], [1], ["{}"]], types)
    assert "1 event was refused" in vera.get("/p/shop/home/needs/").content.decode()


def test_language_and_look_are_kept(vera):
    response = vera.post("/preferences/", {"language": "zh-hans", "next": "/p/shop/"})
    assert (response.status_code, response["Location"]) == (302, "/p/shop/")
    vera.post("/preferences/", {"look": "dark", "next": "/p/shop/"})
    page = vera.get("/p/shop/").content.decode()
    assert '<html lang="zh-Hans" data-look="dark" data-bs-theme="dark">' in " ".join(page.split())
    assert "发生了什么" in page


def test_preferences_lead_to_no_other_host(vera):
    assert vera.post("/preferences/", {"look": "dark", "next": "https://elsewhere.example/"})["Location"] == "/"


@pytest.mark.parametrize("odd", ["²", "9" * 5000, "٣", "-1", "1e9"])
def test_an_odd_number_in_an_address_breaks_no_page(vera, odd):
    for path in (f"home/happened/?days={odd}", f"ask/trend/?period.last={odd}", f"ask/trend/?a.{odd}=1", f"catalog/?days={odd}"):
        assert vera.get(f"/p/shop/{path}").status_code == 200, path


def test_a_missing_page_leads_home(vera):
    page = vera.get("/p/shop/nowhere/")
    assert page.status_code == 404
    assert "Nothing is at this address" in page.content.decode()


@pytest.mark.parametrize(("headers", "whole"), [({}, True), (PANEL, False)])
def test_a_mistake_of_our_own_is_a_page_and_in_a_panel_a_panel(cast, store, monkeypatch, headers, whole):
    from bihuan.console.pages import home

    def broken(*_args):
        raise RuntimeError("broken")

    monkeypatch.setattr(home, "things_to_do", broken)
    browser = cast.client(cast.vera)
    browser.raise_request_exception = False
    response = browser.get("/p/shop/home/needs/", headers=headers)
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert ("<html" in response.content.decode()) == whole


def test_landing_leads_to_the_project_and_a_stranger_to_the_log_in(cast, vera, store):
    assert vera.get("/")["Location"] == "/p/shop/"
    assert Client().get("/")["Location"] == "/accounts/login/"
    assert "not in a project yet" in cast.client(cast.charlie).get("/").content.decode()


def test_the_log_in_page_shows_no_project(cast):
    page = Client().get("/accounts/login/").content.decode()
    assert "Log in" in page
    assert cast.project.name not in page
