"""A campaign from launch to lift on the real store, the real writer and a real mail server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bihuan.act.campaigns.tests.conftest import NOW, PEOPLE, Server, count, deliver, identify, launch, save
from bihuan.act.lift import LIFT, Goal, LiftSpec
from bihuan.collect.events import Event
from bihuan.engine.periods import Between
from bihuan.govern.errors import Conflict, Forbidden, Invalid


def test_everybody_of_the_segment_is_sent_to_held_out_or_left_out_with_a_reason(
    cast: Any, people: None, server: Server, work: dict[str, Any], store: Any
) -> None:
    save(cast, holdout=0.2)
    run = deliver(launch(cast, now=NOW, salt="salt"), work)
    counted = count(run)
    assert counted[("suppressed", "no_address")] == 5
    assert counted[("suppressed", "duplicate_address")] == 1
    assert counted[("sent", "")] + counted[("held", "holdout")] == 114
    assert 10 <= counted[("held", "holdout")] <= 36
    assert len(server.mails) == len(set(server.recipients)) == counted[("sent", "")]
    assert run.state == "measuring"
    assert run.closes_at == NOW + timedelta(days=14)
    rows = store.fetch(
        "SELECT event, JSONExtractString(props, 'arm') AS arm, JSONExtractString(props, 'reason') AS reason, count() AS n FROM events"
        " WHERE project_id = {project:UInt32} GROUP BY event, arm, reason",
        {"project": cast.project.pk},
    ).rows
    told = {(row["event"], row["arm"], row["reason"]): row["n"] for row in rows}
    assert told == {
        ("$campaign_assigned", "treatment", ""): counted[("sent", "")],
        ("$campaign_assigned", "holdout", ""): counted[("held", "holdout")],
        ("$message_sent", "treatment", ""): counted[("sent", "")],
        ("$message_suppressed", "holdout", "holdout"): counted[("held", "holdout")],
        ("$message_suppressed", "", "no_address"): 5,
        ("$message_suppressed", "", "duplicate_address"): 1,
    }


def test_the_lift_of_a_campaign_is_that_of_the_people_it_was_drawn_for(
    cast: Any, people: None, server: Server, work: dict[str, Any], engine: Any, tell: Any
) -> None:
    from bihuan.catalog.door import scope

    save(cast, holdout=0.5)
    run = deliver(launch(cast, now=NOW, salt="salt"), work)
    buyers = list(run.deliveries.filter(arm="treatment").values_list("person_id", flat=True)[:30])
    at = int((NOW + timedelta(days=2)).timestamp() * 1000)
    tell(Event(project_id=cast.project.pk, key=f"o{n}", source="test", at=at, name="Order", person_id=n) for n in buyers)
    period = Between(since=NOW.date() - timedelta(days=1), until=NOW.date() + timedelta(days=1))
    spec = LiftSpec(campaign="spring", goal=Goal(event="Order"), window=14, holdout=0.5, period=period)
    result = engine.ask(LIFT, spec, scope(cast.anna, now=NOW + timedelta(days=20))).result
    assert (result.treated.people, result.held.people) == (
        run.deliveries.filter(arm="treatment").count(),
        run.deliveries.filter(arm="holdout").count(),
    )
    assert (result.treated.converted, result.held.converted) == (30, 0)
    assert result.significant
    assert not result.ratio_broken


def test_the_same_salt_draws_the_same_arms_and_shares_come_out_as_meant() -> None:
    from bihuan.act.campaigns.draw import arm_of

    first = [arm_of("a", person, 0.1) for person in range(20_000)]
    assert first == [arm_of("a", person, 0.1) for person in range(20_000)]
    assert 1_870 < first.count("holdout") < 2_130
    both = sum(arm_of("b", person, 0.1) == arm == "holdout" for person, arm in enumerate(first))
    assert 140 < both < 260, "two campaigns hold out independently"


def test_whoever_unsubscribes_gets_no_campaign_any_more_however_the_address_is_written(
    cast: Any, people: None, server: Server, work: dict[str, Any], client: Any, tell: Any
) -> None:
    save(cast)
    deliver(launch(cast, now=NOW), work)
    mail = dict(server.mails)["p20@mail.example"]
    address = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("http://127.0.0.1:8000")
    assert client.get(address).status_code == 200
    save(cast, key="second")
    assert client.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.post(address).status_code == 200, "again does no harm"
    tell([identify(cast, 2000, {"email": "P20@mail.example", "plan": "gold"})])
    server.mails.clear()
    run = deliver(launch(cast, key="second", now=NOW), work)
    assert "p20@mail.example" not in [to.lower() for to in server.recipients]
    assert len(server.mails) == 113
    assert count(run)[("suppressed", "unsubscribed")] == 2


def test_unsubscribing_between_the_draw_and_the_sending_is_heeded(cast: Any, people: None, server: Server, work: dict[str, Any]) -> None:
    from bihuan.act.campaigns.commands import Work, advance
    from bihuan.act.campaigns.freeze import freeze
    from bihuan.act.campaigns.send import Sender
    from bihuan.act.campaigns.touches import unsubscribe
    from bihuan.act.models import Run
    from bihuan.catalog.door import scope
    from bihuan.govern.door import bihuan_itself

    save(cast)
    run = launch(cast, now=NOW)
    Run.objects.update(state="preparing", assigned_at=NOW)
    run.refresh_from_db()
    system = scope(bihuan_itself(cast.project), now=NOW)
    assert freeze(run, engine=work["engine"], scope=system, tell=work["tell"], go_on=lambda: True, chunk=17)
    assert run.deliveries.count() == PEOPLE
    unsubscribe(run.deliveries.get(address="p30@mail.example").pk, at=NOW)
    sender = Sender(work["config"], work["outlet"], per_second=None, clock=lambda: NOW)
    advance(run, Work(work["engine"], work["tell"], sender), lambda: True)
    assert "p30@mail.example" not in server.recipients
    assert count(run)[("suppressed", "unsubscribed")] == 1


def test_freezing_that_was_interrupted_goes_on_and_doubles_nobody(cast: Any, people: None, work: dict[str, Any]) -> None:
    from bihuan.act.campaigns.freeze import freeze
    from bihuan.act.models import Run
    from bihuan.catalog.door import scope
    from bihuan.govern.door import bihuan_itself

    save(cast, holdout=0.2)
    run = launch(cast, now=NOW, salt="salt")
    Run.objects.update(assigned_at=NOW)
    run.refresh_from_db()
    system = scope(bihuan_itself(cast.project), now=NOW)
    told: list[str] = []

    class Died(Exception):
        pass

    def dies(events: Any) -> None:
        told.extend(event.key for event in events)
        if len(told) > 40:
            raise Died

    for tell in (dies, dies, lambda events: told.extend(event.key for event in events)):
        try:
            freeze(run, engine=work["engine"], scope=system, tell=tell, go_on=lambda: True, chunk=25)
        except Died:
            continue
    assert run.deliveries.count() == PEOPLE
    assert run.deliveries.filter(told_assigned=False).count() == 0
    assert len(set(told)) == run.deliveries.exclude(arm="").count()


def test_opens_and_clicks_are_counted_and_links_lead_only_where_the_message_did(
    cast: Any, people: None, server: Server, work: dict[str, Any], client: Any, tell: Any, store: Any
) -> None:
    from bihuan.act.campaigns.ledger import tell_touches

    save(cast)
    run = deliver(launch(cast, now=NOW), work)
    body = dict(server.mails)["p20@mail.example"].get_body(("html",))
    assert body is not None
    page = body.get_content()
    base = "http://127.0.0.1:8000"
    pixel = page.split(f'src="{base}')[1].split('"')[0]
    link = page.split(f'href="{base}')[1].split('"')[0]
    assert client.get(pixel)["Content-Type"] == "image/gif"
    client.get(pixel)
    assert client.get(link)["Location"] == "https://shop.example/sale?a=1&b=2"
    assert client.get(link[:-1] + "9").status_code == 404
    assert client.get(link.replace("-", "-x")).status_code == 404
    assert client.get(pixel.replace("-", "-x"))["Content-Type"] == "image/gif"
    row = run.deliveries.get(address="p20@mail.example")
    assert (row.opens, row.clicks) == (2, 1)
    tell_touches(tell)
    tell_touches(tell)
    found = store.fetch(
        "SELECT event, count() AS n, uniqExact(person_id) AS people FROM events WHERE project_id = {project:UInt32}"
        " AND event IN ('$message_opened', '$message_clicked') GROUP BY event ORDER BY event",
        {"project": cast.project.pk},
    ).rows
    assert [(row["event"], row["n"], row["people"]) for row in found] == [("$message_clicked", 1, 1), ("$message_opened", 2, 1)]


def test_a_cancelled_campaign_sends_nothing_more_and_says_why(cast: Any, people: None, server: Server, work: dict[str, Any]) -> None:
    from bihuan.act.campaigns.commands import cancel
    from bihuan.act.models import Delivery, Run

    save(cast)
    run = launch(cast, now=NOW)
    Run.objects.update(state="sending")
    Delivery.objects.create(run=run, person_id=1, address="a@b.example", address_key="a@b.example", arm="treatment", told_assigned=True)
    cancel(member=cast.bob, campaign_key="spring")
    deliver(run, work)
    assert server.mails == []
    assert count(run) == {("suppressed", "cancelled"): 1}
    with pytest.raises(Conflict):
        cancel(member=cast.bob, campaign_key="spring")


def test_who_may_launch_and_what_cannot_be_launched(cast: Any, people: None) -> None:
    from bihuan.act.campaigns.commands import launch as really_launch

    save(cast)
    with pytest.raises(Forbidden):
        really_launch(member=cast.anna, campaign_key="spring")
    launch(cast)
    with pytest.raises(Conflict, match="launched before"):
        launch(cast)
    from bihuan.catalog.definitions import save_definition
    from bihuan.catalog.kinds import MetricSpec

    spec = MetricSpec(event="Order", measure="median", property="revenue")
    save_definition(member=cast.anna, kind="metric", key="middle", name="Middle", spec=spec)
    save(cast, key="odd", goal=None, metric="middle")
    with pytest.raises(Invalid, match="averages and medians"):
        launch(cast, key="odd")


def test_a_metric_as_a_goal_is_what_each_person_does_or_adds(cast: Any) -> None:
    from bihuan.catalog.definitions import save_definition
    from bihuan.catalog.kinds import MetricSpec

    spec = MetricSpec(event="Order", measure="sum", property="revenue")
    save_definition(member=cast.anna, kind="metric", key="revenue", name="Revenue", spec=spec)
    save(cast, goal=None, metric="revenue")
    assert launch(cast).goal["measure"] == "value"


def test_uncertain_messages_are_sent_again_only_when_somebody_says_so(
    cast: Any, people: None, server: Server, work: dict[str, Any]
) -> None:
    from bihuan.act.campaigns.commands import send_again

    server.says["p20@mail.example"] = "drop"
    save(cast)
    run = deliver(launch(cast, now=NOW), work)
    assert count(run)[("uncertain", "interrupted")] == 1
    server.says.clear()
    assert send_again(member=cast.bob, campaign_key="spring") == 1
    run = deliver(run, work, NOW + timedelta(hours=1))
    assert server.recipients.count("p20@mail.example") == 2
    assert count(run)[("sent", "")] == 114


def test_the_worker_does_the_same_piece_by_piece(
    cast: Any, people: None, server: Server, work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bihuan.act import jobs
    from bihuan.act.campaigns import commands
    from bihuan.act.campaigns.send import Sender
    from bihuan.govern.jobs import run_next

    monkeypatch.setenv("BIHUAN_SMTP_URL", server.url)
    here = commands.Work(work["engine"], work["tell"], Sender(work["config"], work["outlet"], per_second=None))
    monkeypatch.setattr(jobs, "_work", lambda: here)
    save(cast)
    run = commands.launch(member=cast.bob, campaign_key="spring")
    handlers = {commands.RUN_JOB: jobs.run_campaign}
    assert run_next("w", handlers) is not None
    run.refresh_from_db()
    assert run.state == "measuring"
    assert len(server.mails) == 114
    assert run_next("w", handlers, datetime.now(UTC) + timedelta(days=15)) is not None
