"""What the tests of campaigns share: a mail server in a thread that does as it is told, and a campaign that is being sent."""

from __future__ import annotations

import asyncio
import email
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from bihuan.act.campaigns.spec import CampaignSpec, Message
from bihuan.act.lift.spec import Goal

NOW = datetime(2026, 3, 15, 4, tzinfo=UTC)


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
