"""The pages of campaigns: what each role sees and may do, and that nothing written in them can run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bihuan.act.campaigns.tests.conftest import NOW, Server, deliver, launch, save

ROOT = "/p/shop/campaigns/"
FORM = {
    "name": "Spring",
    "filter.all.0.person": "plan",
    "filter.all.0.op": "is",
    "filter.all.0.values.0": "gold",
    "address": "email",
    "message.from_name": "Shop",
    "message.from_address": "shop@shop.example",
    "message.subject": 'Hello {{ name|default:"friend" }}',
    "message.html": "<p>Hi {{ name }}</p>",
    "metric": "",
    "goal.event": "Order",
    "window": "14",
    "holdout": "0.20",
    "language": "en",
}


@pytest.fixture
def bob(cast: Any) -> Any:
    return cast.client(cast.bob)


def text(response: Any) -> str:
    assert response.status_code == 200, response.content.decode()[:2000]
    return str(response.content.decode())


def test_an_empty_list_says_what_to_do(cast: Any, bob: Any, store: Any) -> None:
    assert "No campaign yet" in text(bob.get(ROOT))


def test_an_operator_writes_reviews_launches_and_reads_the_result(
    cast: Any, people: None, bob: Any, server: Server, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bihuan.act.models import Run

    assert "Save and review" in text(bob.get(f"{ROOT}new/"))
    preview = text(bob.post(f"{ROOT}preview/", FORM))
    assert "Hello P1" in preview
    assert "have no e-mail address" in preview
    saved = bob.post(f"{ROOT}new/", FORM)
    assert saved["Location"] == f"{ROOT}spring/"
    assert "There is no mail server yet" in text(bob.get(f"{ROOT}spring/"))
    monkeypatch.setenv("BIHUAN_SMTP_URL", server.url)
    assert "Launch now" in text(bob.get(f"{ROOT}spring/"))
    bob.post(f"{ROOT}spring/do/", {"do": "launch"})
    run = Run.objects.get()
    assert "Scheduled" in text(bob.get(f"{ROOT}spring/"))
    deliver(run, work, run.send_at + timedelta(seconds=1))
    page = text(bob.get(f"{ROOT}spring/"))
    assert "Measuring" in page
    assert "So far nobody reached the goal." in page
    assert "Held out to measure the lift" in page
    assert "Spring" in text(bob.get(ROOT))
    assert bob.get(f"{ROOT}spring/edit/")["Location"] == f"{ROOT}spring/"


def test_what_is_wrong_with_a_form_is_said_at_its_place(cast: Any, people: None, bob: Any) -> None:
    wrong = {**FORM, "message.from_address": "nobody", "message.subject": "{{ name|upper }}", "goal.event": ""}
    answer = bob.post(f"{ROOT}new/", wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "This is not an e-mail address." in page
    assert "is not understood" in page
    assert "Not complete yet" in text(bob.post(f"{ROOT}preview/", wrong))


def test_the_time_of_sending_is_that_of_the_project(cast: Any, people: None, bob: Any) -> None:
    from bihuan.catalog.definitions import definition, spec_of

    bob.post(f"{ROOT}new/", {**FORM, "send_at": "2026-12-01T10:00"})
    assert spec_of(definition(cast.bob, "campaign", "spring")).send_at.isoformat() == "2026-12-01T10:00:00+08:00"
    assert 'value="2026-12-01T10:00"' in text(bob.get(f"{ROOT}spring/edit/"))


def test_a_message_cannot_run_in_the_console(cast: Any, people: None, bob: Any) -> None:
    page = text(bob.post(f"{ROOT}preview/", {**FORM, "message.html": "<script>alert(1)</script>"}))
    assert "<script>alert" not in page
    assert 'sandbox=""' in page


def test_viewers_read_results_without_addresses_and_change_nothing(cast: Any, people: None, work: Any) -> None:
    from bihuan.act.models import Delivery

    save(cast)
    deliver(launch(cast, now=NOW), work)
    Delivery.objects.filter(state="sent").update(answer="250 2.1.5 <p20@mail.example> queued")  # mail servers repeat the address
    vera, anna = cast.client(cast.vera), cast.client(cast.anna)
    for reader in (vera, anna):
        page = text(reader.get(f"{ROOT}spring/"))
        assert "What it changed" in page
        assert "@mail.example" not in page
        assert "@mail.example" not in text(reader.get(f"{ROOT}spring/people/"))
        assert reader.get(f"{ROOT}new/").status_code == 403
        assert reader.post(f"{ROOT}spring/do/", {"do": "cancel"}).status_code == 403
        assert reader.post(f"{ROOT}preview/", FORM).status_code == 403
    assert "2.1.5" in text(cast.client(cast.bob).get(f"{ROOT}spring/people/?state=sent"))
    assert "p20@mail.example" in text(cast.client(cast.bob).get(f"{ROOT}spring/people/?state=sent"))
    assert cast.client(cast.charlie).get(f"{ROOT}spring/").status_code == 404


def test_a_viewer_sees_a_draft_without_anybodys_properties(cast: Any, people: None) -> None:
    save(cast)
    page = text(cast.client(cast.vera).get(f"{ROOT}spring/"))
    assert "Operators launch campaigns" in page
    assert "Hello friend" in page


def test_a_campaign_can_be_copied_paused_resumed_and_cancelled(cast: Any, people: None, bob: Any) -> None:
    from bihuan.act.models import Run

    save(cast)
    launch(cast, now=NOW)
    for todo, state in (("pause", "paused"), ("resume", "scheduled"), ("cancel", "cancelled")):
        bob.post(f"{ROOT}spring/do/", {"do": todo})
        assert Run.objects.get().state == state
    assert "(copy)" in text(bob.get(f"{ROOT}spring/copy/"))


def test_while_it_is_sent_only_the_body_is_renewed(cast: Any, people: None, bob: Any) -> None:
    save(cast)
    launch(cast, now=NOW)
    part = text(bob.get(f"{ROOT}spring/", headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert 'hx-trigger="every 3s"' in part


def test_a_campaign_called_like_a_page_of_ours_gets_another_key(cast: Any, people: None, bob: Any) -> None:
    assert bob.post(f"{ROOT}new/", {**FORM, "name": "New"})["Location"] == f"{ROOT}new-1/"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_unsubscribe_page_asks_first_and_needs_no_log_in(cast: Any, people: None, work: Any, client: Any, language: str) -> None:
    from bihuan.act.campaigns.tokens import sign
    from bihuan.act.models import Unsubscription

    save(cast)
    run = deliver(launch(cast, now=NOW), work)
    address = f"/m/u/{sign(work['config'], run.deliveries.first().pk)}"
    spoken = {"Accept-Language": language}
    asked = text(client.get(address, headers=spoken))
    assert ("退订" if language == "zh-hans" else "Unsubscribe?") in asked
    assert not Unsubscription.objects.exists()
    assert ("您已退订" if language == "zh-hans" else "You are unsubscribed") in text(
        client.post(address, headers={"Accept-Language": language})
    )
    assert client.get("/m/u/1-forged").status_code == 404


def test_the_lift_question_opens_as_a_page_of_its_own(cast: Any, people: None, bob: Any, work: Any) -> None:
    save(cast)
    deliver(launch(cast, now=NOW), work)
    page = text(bob.get("/p/shop/ask/lift/?campaign=spring&goal.event=Order&window=14&period.since=2026-03-14&period.until=2026-03-16"))
    assert "Share meant to be held out" in page
    part = bob.get(
        "/p/shop/ask/lift/?campaign=spring&goal.event=Order&window=14&period.since=2026-03-14&period.until=2026-03-16",
        headers={"HX-Request": "true"},
    )
    assert "Nothing can be said about the lift" in text(part)
