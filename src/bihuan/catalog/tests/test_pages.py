"""The catalog's pages: lists of what came in, segments and metrics from form to history."""

from __future__ import annotations

import re

import pytest

from bihuan.catalog.definitions import definition, save_definition, spec_of
from bihuan.catalog.kinds import MetricSpec, SegmentSpec
from bihuan.engine.ask import Engine
from bihuan.engine.errors import Unavailable
from bihuan.engine.filters import All, Did, EventProperty, InSegment
from bihuan.govern.tests.cast import Cast

HTMX = {"HX-Request": "true"}
BUYERS = SegmentSpec(filter=Did(did="Buy"))
SEGMENT = {"name": "Buyers", "filter.all.0.did": "Buy", "filter.all.0.times": "2", "filter.all.0.days": "7"}


@pytest.fixture
def shop(cast: Cast, engine: Engine, write) -> Cast:
    write((1, "View", "2026-03-14 10:00", {"page": "tea", "email": "a@x.example"}), (2, 'Odd & "name"', "2026-03-14 11:00"))
    return cast


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_catalog_lists_events_with_links_to_each(shop: Cast) -> None:
    viewer = shop.client(shop.vera)
    assert "hx-get" in text(viewer.get("/p/shop/catalog/"))
    panel = viewer.get("/p/shop/catalog/?days=365", headers=HTMX)
    assert "<html" not in text(panel)
    assert "?name=Odd%20%26%20%22name%22" in text(panel)
    assert "HX-Request" in panel["Vary"]


def test_an_event_shows_its_properties_without_the_private_ones_to_a_viewer(shop: Cast) -> None:
    address = "/p/shop/catalog/event/?name=View&days=365"
    assert "a@x.example" in text(shop.client(shop.alice).get(address, headers=HTMX))
    seen = text(shop.client(shop.vera).get(address, headers=HTMX))
    assert "tea" in seen
    assert "a@x.example" not in seen


def test_an_unknown_event_is_no_error_and_no_name_is(shop: Cast) -> None:
    viewer = shop.client(shop.vera)
    assert "without properties" in text(viewer.get("/p/shop/catalog/event/?name=Nothing", headers=HTMX))
    assert viewer.get("/p/shop/catalog/event/").status_code == 404


def test_while_the_store_does_not_answer_the_pages_say_so(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Unavailable("The event store does not answer just now; it is starting again. Try again in a moment.")

    monkeypatch.setattr(Engine, "ask", fail)
    viewer = cast.client(cast.anna)
    panel = viewer.get("/p/shop/catalog/", headers=HTMX)
    assert panel.status_code == 503
    assert "starting again" in text(panel)
    assert viewer.get("/p/shop/segments/new/").status_code == 200
    assert "starting again" in text(viewer.get("/p/shop/segments/size/", headers=HTMX))


def test_a_segment_is_made_changed_and_restored_by_forms(shop: Cast) -> None:
    analyst = shop.client(shop.anna)
    made = analyst.post("/p/shop/segments/new/", SEGMENT)
    assert (made.status_code, made["Location"]) == (303, "/p/shop/segments/buyers/")
    assert spec_of(definition(shop.anna, "segment", "buyers")) == SegmentSpec(filter=All(all=(Did(did="Buy", times=2, days=7),)))
    assert "at least 2 times in the last 7 days" in text(analyst.get("/p/shop/segments/buyers/"))
    changed = {**SEGMENT, "filter.all.0.days": "30", "revision": "1", "reason": "longer"}
    analyst.post("/p/shop/segments/buyers/edit/", changed)
    page = text(analyst.get("/p/shop/segments/buyers/"))
    assert "longer" in page
    assert "spec.filter.all.0.days" in page
    analyst.post("/p/shop/segments/buyers/restore/", {"number": "1"})
    assert definition(shop.anna, "segment", "buyers").revision == 3


def test_a_form_with_a_mistake_keeps_what_was_typed_and_says_where(shop: Cast) -> None:
    analyst = shop.client(shop.anna)
    wrong = analyst.post("/p/shop/segments/new/", {**SEGMENT, "filter.all.0.times": "-1"})
    assert wrong.status_code == 422
    assert "at least 0" in text(wrong)
    assert "Buyers" in text(wrong)
    unnamed = analyst.post("/p/shop/segments/new/", {**SEGMENT, "name": " "})
    assert "Give it a name" in text(unnamed)
    about_events = analyst.post("/p/shop/segments/new/", {"name": "x", "filter.property": "page", "filter.op": "set"})
    assert "made of people" in text(about_events)


def test_two_who_edit_at_once_do_not_overwrite_each_other(shop: Cast) -> None:
    save_definition(member=shop.anna, kind="segment", key="buyers", name="Buyers", spec=BUYERS)
    shop.client(shop.bob).post("/p/shop/segments/buyers/edit/", {**SEGMENT, "revision": "1"})
    late = shop.client(shop.anna).post("/p/shop/segments/buyers/edit/", {**SEGMENT, "name": "Mine", "revision": "1"})
    assert late.status_code == 422
    assert "Somebody changed this meanwhile" in text(late)


def test_a_viewer_reads_segments_and_cannot_change_them(shop: Cast) -> None:
    save_definition(member=shop.anna, kind="segment", key="buyers", name="Buyers", spec=BUYERS)
    viewer = shop.client(shop.vera)
    assert "did Buy in the last 30 days" in text(viewer.get("/p/shop/segments/"))
    assert "New segment" not in text(viewer.get("/p/shop/segments/"))
    assert viewer.get("/p/shop/segments/new/").status_code == 403
    for verb in ("archive", "restore"):
        assert viewer.post(f"/p/shop/segments/buyers/{verb}/", {"number": "1"}).status_code == 403
    assert shop.client(shop.charlie).get("/p/shop/segments/buyers/").status_code == 404


def test_the_size_of_conditions_is_shown_while_they_are_edited(shop: Cast) -> None:
    viewer = shop.client(shop.vera)
    assert "of the 0 people" in text(viewer.get("/p/shop/segments/size/", {"filter.did": "View", "filter.days": "3660"}, headers=HTMX))
    assert "at least 1" in text(viewer.get("/p/shop/segments/size/", {"filter.did": "View", "filter.days": "0"}, headers=HTMX))


def test_a_used_segment_is_not_archived_and_says_by_what_it_is_used(shop: Cast) -> None:
    save_definition(member=shop.anna, kind="segment", key="buyers", name="Buyers", spec=BUYERS)
    save_definition(member=shop.anna, kind="segment", key="loyal", name="Loyal", spec=SegmentSpec(filter=InSegment(segment="buyers")))
    analyst = shop.client(shop.anna)
    assert "/p/shop/segments/loyal/" in text(analyst.get("/p/shop/segments/buyers/"))
    assert "It is used by “Loyal”" in text(analyst.post("/p/shop/segments/buyers/archive/", follow=True))
    assert "“Loyal” is archived" in text(analyst.post("/p/shop/segments/loyal/archive/", follow=True))


def test_a_metric_is_made_by_a_form_and_shown_as_a_trend(shop: Cast) -> None:
    analyst = shop.client(shop.anna)
    form = {"name": "Revenue", "event": "Buy", "measure": "sum", "property": "revenue", "kind": "money", "good": "up"}
    assert "Choose the property" in text(analyst.post("/p/shop/metrics/new/", {**form, "property": ""}))
    assert analyst.post("/p/shop/metrics/new/", {**form, "filter.all.0.property": "page", "filter.all.0.op": "set"}).status_code == 303
    spec = spec_of(definition(shop.anna, "metric", "revenue"))
    assert spec == MetricSpec(
        event="Buy", measure="sum", property="revenue", kind="money", filter=All(all=(EventProperty(property="page", op="set"),))
    )
    page = text(analyst.get("/p/shop/metrics/revenue/"))
    assert "Sum of revenue over “Buy” (where page is set)" in page
    [address] = re.findall(r'hx-get="(/p/shop/ask/trend/[^"]*)"', page)
    assert analyst.get(address.replace("&amp;", "&"), headers=HTMX).status_code == 200
    assert "Revenue" in text(analyst.get("/p/shop/metrics/"))
