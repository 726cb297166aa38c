"""Sending against a real mail server that refuses, breaks off and dawdles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bihuan.act.campaigns.smtp import Address, Outlet, SenderRefused, Unreachable
from bihuan.act.campaigns.tests.conftest import NOW, Server, campaign

Send = Callable[..., bool]


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(cast: Any) -> Any:
    from bihuan.act.campaigns.template import links
    from bihuan.act.models import Run

    spec = campaign()
    return Run.objects.create(
        project=cast.project,
        key="spring",
        name="Spring",
        uid="u1",
        salt="s",
        spec={"campaign": spec.model_dump(mode="json", by_alias=True), "links": list(links(spec.message.html))},
        goal={},
        state=Run.State.SENDING,
        send_at=NOW,
        assigned_at=NOW,
    )


def add(run: Any, *addresses: str) -> None:
    from bihuan.act.models import Delivery

    Delivery.objects.bulk_create(
        Delivery(
            run=run, person_id=number, address=address, address_key=address, arm="treatment", told_assigned=True, properties={"name": "Ada"}
        )
        for number, address in enumerate(addresses, 1)
    )


@pytest.fixture
def send(server: Server, config: Any, clock: Clock, run: Any) -> Send:
    from bihuan.act.campaigns.send import Sender

    def once(timeout: float = 5.0) -> bool:
        outlet = Outlet(server.url, timeout=timeout)
        try:
            return Sender(config, outlet, per_second=None, clock=clock).send(run, lambda: True)
        finally:
            outlet.quit()

    return once


def states(run: Any) -> dict[str, tuple[str, str]]:
    return {row.address: (row.state, row.reason) for row in run.deliveries.all()}


def test_everybody_gets_one_mail_over_one_connection(server: Server, run: Any, send: Send) -> None:
    addresses = [f"p{n}@mail.example" for n in range(45)]
    add(run, *addresses)
    assert send()
    assert server.recipients == addresses
    assert server.connections == 1
    assert set(states(run).values()) == {("sent", "")}
    assert server.mails[0][1]["Subject"] == "Hello Ada"
    assert run.deliveries.first().properties == {}, "what was only needed for writing is gone"
    send()
    assert len(server.mails) == 45


def test_a_refusal_for_good_is_a_bounce_and_the_others_go_on(server: Server, run: Any, send: Send) -> None:
    server.at_recipient["gone@mail.example"] = "550 no such user"
    server.says["spam@mail.example"] = "554 not this"
    add(run, "gone@mail.example", "spam@mail.example", "ada@mail.example")
    assert send()
    assert states(run) == {
        "gone@mail.example": ("failed", "bounced"),
        "spam@mail.example": ("failed", "bounced"),
        "ada@mail.example": ("sent", ""),
    }
    assert run.deliveries.get(address="gone@mail.example").answer == "550 no such user"


@pytest.mark.parametrize("where", ["at_recipient", "says"])
def test_a_refusal_for_now_is_tried_again_later_and_given_up_in_the_end(
    server: Server, run: Any, send: Send, clock: Clock, where: str
) -> None:
    getattr(server, where)["busy@mail.example"] = "451 come back later"
    add(run, "busy@mail.example")
    assert send()
    assert states(run)["busy@mail.example"] == ("queued", "")
    send()
    assert run.deliveries.get().attempts == 1, "not before its time"
    clock.passes(minutes=2)
    getattr(server, where).clear()
    send()
    assert states(run)["busy@mail.example"] == ("sent", "")
    assert len(server.mails) == 1


def test_a_refusal_for_now_that_never_ends_is_given_up(server: Server, run: Any, send: Send, clock: Clock) -> None:
    server.at_recipient["busy@mail.example"] = "451 come back later"
    add(run, "busy@mail.example")
    for _ in range(10):
        send()
        clock.passes(hours=2)
    assert states(run)["busy@mail.example"] == ("failed", "gave_up")
    assert run.deliveries.get().attempts == 6


def test_a_connection_that_breaks_before_the_message_is_tried_again(server: Server, run: Any, send: Send, clock: Clock) -> None:
    server.at_recipient["ada@mail.example"] = "drop"
    add(run, "ada@mail.example", "bo@mail.example")
    with pytest.raises(Unreachable):
        send()
    assert states(run)["bo@mail.example"] == ("queued", "")
    server.at_recipient.clear()
    clock.passes(minutes=2)
    send()
    assert sorted(server.recipients) == ["ada@mail.example", "bo@mail.example"]


@pytest.mark.parametrize("trouble", ["drop", "late"])
def test_no_answer_after_the_final_dot_is_uncertain_and_never_sent_again_by_itself(
    server: Server, run: Any, send: Send, clock: Clock, trouble: str
) -> None:
    server.says["ada@mail.example"] = trouble
    add(run, "ada@mail.example", "bo@mail.example")
    send(timeout=0.5)
    assert states(run) == {"ada@mail.example": ("uncertain", "interrupted"), "bo@mail.example": ("sent", "")}
    clock.passes(days=1)
    send()
    assert server.recipients.count("ada@mail.example") == 1


def test_what_a_dead_worker_left_on_its_way_is_uncertain_once_its_lease_is_over(server: Server, run: Any, send: Send, clock: Clock) -> None:
    add(run, "ada@mail.example")
    run.deliveries.update(state="sending", lease_by="dead", lease_until=clock() + timedelta(minutes=1))
    send()
    assert states(run)["ada@mail.example"] == ("sending", "")
    clock.passes(minutes=2)
    send()
    assert states(run)["ada@mail.example"] == ("uncertain", "interrupted")
    assert server.mails == []


def test_a_sender_that_the_server_refuses_is_nobodys_bounce(server: Server, run: Any, send: Send) -> None:
    server.sender_says = "553 sender not allowed"
    add(run, "ada@mail.example")
    with pytest.raises(SenderRefused, match="553 sender not allowed"):
        send()
    assert states(run)["ada@mail.example"] == ("queued", "")


def test_no_server_at_all_leaves_everybody_waiting(run: Any, config: Any, clock: Clock) -> None:
    from bihuan.act.campaigns.send import Sender

    add(run, "ada@mail.example")
    with pytest.raises(Unreachable):
        Sender(config, Outlet("smtp://127.0.0.1:1"), per_second=None, clock=clock).send(run, lambda: True)
    row = run.deliveries.get()
    assert (row.state, row.attempts, row.lease_by) == ("queued", 0, "")


def test_pausing_takes_effect_at_the_very_next_message(server: Server, run: Any, send: Send, config: Any, clock: Clock) -> None:
    from bihuan.act.campaigns.send import Sender
    from bihuan.act.models import Run

    class PausedMeanwhile(Outlet):
        def hand_over(self, sender: str, recipient: str, body: bytes, leave: Callable[[], bool]) -> str | None:
            if recipient.startswith("bo"):
                Run.objects.update(state=Run.State.PAUSED)
            return super().hand_over(sender, recipient, body, leave)

    add(run, "ada@mail.example", "bo@mail.example", "cy@mail.example")
    outlet = PausedMeanwhile(server.url)
    Sender(config, outlet, per_second=None, clock=clock).send(run, lambda: True)
    outlet.quit()
    assert server.recipients == ["ada@mail.example"]
    assert states(run)["bo@mail.example"] == ("queued", "")


def test_the_pace_is_kept_by_all_senders_together(server: Server, run: Any, config: Any) -> None:
    from bihuan.act.campaigns.send import Sender

    waited: list[float] = []
    first, second = (Sender(config, Outlet(server.url), per_second=20, sleep=waited.append) for _ in range(2))
    assert second._reserve(10) - first._reserve(10) == pytest.approx(-0.5, abs=0.05), "ten messages take half a second"
    add(run, *(f"p{n}@mail.example" for n in range(3)))
    first.send(run, lambda: True)
    first.outlet.quit()
    assert len(waited) == 3


def test_mail_is_not_lost_in_its_dots(server: Server, run: Any, send: Send) -> None:
    run.spec["campaign"]["message"]["text"] = ".\n..\nlast line\n.\n"
    run.save()
    add(run, "ada@mail.example")
    send()
    body = server.mails[0][1].get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r", "").startswith(".\n..\nlast line\n.\n")


def test_where_mail_goes_is_one_address() -> None:
    assert Address.parse("smtp://u%40x:p%3Aw@mail.example:2525?starttls=1&rate=50") == Address(
        "mail.example", 2525, False, True, "u@x", "p:w", 50.0
    )
    assert Address.parse("smtps://mail.example").port == 465
    with pytest.raises(ValueError, match="BIHUAN_SMTP_URL"):
        Address.parse("http://mail.example")
