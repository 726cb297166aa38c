"""What the tests of campaigns share: a mail server in a thread that does as it is told, and a campaign that is being sent."""

from __future__ import annotations

import asyncio
import email
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP

from bihuan.act.campaigns.smtp import Outlet
from bihuan.act.campaigns.spec import CampaignSpec, Message
from bihuan.act.lift.spec import Goal
from bihuan.collect.events import Event
from bihuan.collect.writer import Writer
from bihuan.engine.filters import PersonProperty

NOW = datetime(2026, 3, 15, 4, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
PEOPLE = 120


class Server:
    """A mail server: `mails` are those it took; `says` is what it answers to an address ("drop" and "late" after the final dot)."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.says: dict[str, str] = {}
        self.at_recipient: dict[str, str] = {}
        self.sender_says = "250 OK"
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        return [to for to, _ in self.mails]

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, hostname: str) -> str:  # noqa: N802
        session.host_name = hostname
        return "250 here"

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.sender_says.startswith("250"):
            envelope.mail_from = address
        return self.sender_says

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        answer = self.at_recipient.get(address, "250 OK")
        if answer == "drop":
            server.transport.abort()
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        to = envelope.rcpt_tos[0]
        answer = self.says.get(to, "250 taken")
        if answer in ("drop", "late") or answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append((to, mail))
        if answer == "drop":
            server.transport.abort()
        if answer == "late":
            await asyncio.sleep(1.5)
            return "250 taken"
        return answer


@pytest.fixture
def server() -> Iterator[Server]:
    made, ready = Server(), threading.Event()
    ends: list[Callable[[], object]] = []

    async def serve() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        listening = await loop.create_server(lambda: SMTP(made, timeout=20, loop=loop), "127.0.0.1", 0)
        made.port = listening.sockets[0].getsockname()[1]
        ends.append(lambda: loop.call_soon_threadsafe(end.set))
        ready.set()
        await end.wait()
        listening.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield made
    ends[0]()
    thread.join()


def campaign(**changes: Any) -> CampaignSpec:
    """A campaign to everybody, without a holdout unless the test asks for one."""
    message = Message(
        from_name="小店 Shop",
        from_address="shop@shop.example",
        subject='Hello {{ name|default:"friend" }}',
        html='<p>Hi {{ name|default:"friend" }}, <a href="https://shop.example/sale?a=1&amp;b=2">look</a></p>',
    )
    return CampaignSpec(**{"message": message, "goal": Goal(event="Order"), "holdout": 0.0, **changes})


@pytest.fixture(scope="module")
def writer(store: Any) -> Iterator[Writer]:
    with Writer(store, lambda project: ZoneInfo("Asia/Shanghai")) as opened:
        assert opened.ready(30)
        yield opened


@pytest.fixture
def tell(writer: Writer) -> Callable[[Any], object]:
    return lambda events: writer.submit(list(events)).result(30)


@pytest.fixture
def people(cast: Any, tell: Any) -> None:
    """A hundred and twenty gold people of whom five have no address, and one shares hers with her brother; and a silver one."""

    def traits(number: int) -> dict[str, Any]:
        address = "" if number in range(1, 6) else "p10@mail.example" if number == 11 else f"p{number}@mail.example"
        return {"email": address, "name": f"P{number}", "plan": "gold"}

    events = [identify(cast, number, traits(number)) for number in range(1, PEOPLE + 1)]
    tell([*events, identify(cast, 999, {"email": "silver@mail.example", "plan": "silver"})])


def identify(cast: Any, number: int, traits: dict[str, Any]) -> Event:
    at = int(BEFORE.timestamp() * 1000)
    return Event(project_id=cast.project.pk, key=f"i{number}", source="test", at=at, user_id=f"u{number}", traits=traits, store=False)


@pytest.fixture
def work(engine: Any, config: Any, server: Server, tell: Any) -> Iterator[dict[str, Any]]:
    outlet = Outlet(server.url)
    yield {"engine": engine, "config": config, "tell": tell, "outlet": outlet}
    outlet.quit()


GOLD = PersonProperty(person="plan", values=("gold",))


def save(cast: Any, key: str = "spring", **changes: Any) -> None:
    from bihuan.catalog.definitions import save_definition

    save_definition(member=cast.bob, kind="campaign", key=key, name="Spring", spec=campaign(**{"filter": GOLD, **changes}))


def launch(cast: Any, key: str = "spring", **more: Any) -> Any:
    from bihuan.act.campaigns.commands import launch

    return launch(member=cast.bob, campaign_key=key, by_worker=False, **more)


def deliver(run: Any, work: dict[str, Any], at: datetime = NOW) -> Any:
    from bihuan.act.campaigns.commands import deliver_all

    return deliver_all(run, clock=lambda: at, **work)


def count(run: Any) -> dict[tuple[str, str], int]:
    from collections import Counter

    return dict(Counter(run.deliveries.values_list("state", "reason")))
