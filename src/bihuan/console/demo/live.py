"""The demo while it runs: people go on visiting the shop, sent by the real Segment client to the public collector; and who gets a mail
from Bihuan may open it, click, and order, as the shop's rules say."""

from __future__ import annotations

import asyncio
import html
import logging
import re
import signal
import sys
import time
import urllib.request
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from bihuan.console.demo import wire
from bihuan.console.demo.goods import person_of_email
from bihuan.console.demo.mail import Mail, Mailbox, Sink, smtp_protocol
from bihuan.console.demo.mail_page import show
from bihuan.console.demo.shop import EVENTS, SIGNUP, Events, Shop, ms
from bihuan.console.demo.state import State, instant
from bihuan.engine.config import Config

AHEAD = timedelta(minutes=10)  # so much of the future is worked out at once
QUEUE = 2_000  # events that may wait in the client
SAVE_EVERY = 5.0
OPENS_WITHIN, CLICKS_WITHIN = (3.0, 60.0), (2.0, 40.0)  # seconds: a demo's people are quick
PIXEL = re.compile(r"""<img[^>]+src=["']([^"']+)["']""", re.IGNORECASE)
LINK = re.compile(r"""<a[^>]+href=["'](https?://[^"']+)["']""", re.IGNORECASE)
log = logging.getLogger("demo")


class Traffic:
    """Tells the shop's story as time passes, and remembers how far it has been told."""

    def __init__(self, config: Config, state: State) -> None:
        from segment.analytics.client import Client

        self.config, self.state, self.shop = config, state, state.shop
        self.client = Client(state.write_key, host=config.collect_url, on_error=self._note_error, thread=1, max_retries=20)
        self.failed = False

    async def run(self) -> None:
        """Send everything from where the story was left up to now, then each event at its time."""
        begin = instant(self.state.told_to)
        saved_at = time.monotonic()
        while True:
            end = max(begin, datetime.now(begin.tzinfo)) + AHEAD
            events = await asyncio.to_thread(self.shop.between, begin, end)
            for place in range(events.size):
                await self._until(int(events.at[place]) / 1000)
                await self.send(self.shop, events, place)
                if time.monotonic() - saved_at > SAVE_EVERY:
                    saved_at = time.monotonic()
                    await self._save(int(events.at[place]))
            begin = end
            await self._until(end.timestamp())
            await self._save(ms(end))

    async def send(self, shop: Shop, events: Events, place: int) -> None:
        """Send one event as the shop's own servers would; who signs up is introduced first."""
        while self.client.queue.qsize() > QUEUE:
            await asyncio.sleep(0.05)
        call = wire.single(shop, events, place)
        if call["event"] == EVENTS[SIGNUP]:
            facts = wire.traits(shop, int(events.person[place]))
            self.client.identify(
                call["user_id"],
                facts,
                timestamp=call["timestamp"],
                anonymous_id=call["anonymous_id"],
                message_id=f"{call['message_id']}-who",
            )
        self.client.track(**call)

    async def _save(self, at: int) -> None:
        """Wait until the collector has acknowledged everything so far, then remember; after a failure the same is told again."""
        await asyncio.to_thread(self.client.flush)
        if not self.failed:
            self.state = self.state.save(self.config.data, told_to=max(at, self.state.told_to))

    def _note_error(self, error: Exception, batch: Any) -> None:
        log.warning("%s events could not be delivered (%s); they will be sent again at the next start.", len(batch), error)
        self.failed = True

    @staticmethod
    async def _until(at: float) -> None:
        while (wait := at - time.time()) > 0:
            await asyncio.sleep(min(wait, 5.0))


class Readers:
    """What people do with the mails that they get."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def got(self, mail: Mail) -> None:
        """A mail has come: its reader will look at it soon, or not."""
        person = person_of_email(mail.recipient)
        if person is None or person >= self.traffic.shop.everybody.size:
            return
        task = self._loop.create_task(self._read(mail, person))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, mail: Mail, person: int) -> None:
        shop = self.traffic.shop
        opens, clicks, orders = (bool(answer[0]) for answer in shop.reaction(np.array([person]), campaign_of(mail)))
        body = mail.part("html")
        if not opens:
            return
        await asyncio.sleep(_draw(person, 1, OPENS_WITHIN))
        for address in PIXEL.findall(body):
            await asyncio.to_thread(visit, html.unescape(address))
        if not clicks:
            return
        await asyncio.sleep(_draw(person, 2, CLICKS_WITHIN))
        link = next((address for address in LINK.findall(body) if "/m/c/" in address), None)
        if link is not None:
            await asyncio.to_thread(visit, html.unescape(link))
        events = shop.after_mail(np.array([person]), np.array([int(time.time() * 1000)]), np.array([orders]))
        for place in range(events.size):
            await self.traffic._until(int(events.at[place]) / 1000)
            await self.traffic.send(shop, events, place)


def campaign_of(mail: Mail) -> str:
    """What distinguishes the reactions to one campaign's mails from those to another's."""
    return str(mail.message.get("X-Campaign", mail.subject))


def visit(address: str) -> None:
    """Ask for an address as a mail program or a browser does; only Bihuan itself is asked, the shop's own site does not exist."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    if not address.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]")):
        return
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay())
    try:
        opener.open(address, timeout=20).close()
    except OSError as error:  # a redirect that is not followed, or Bihuan starting again
        log.debug("%s: %s", address, error)


def _draw(person: int, number: int, between: tuple[float, float]) -> float:
    low, high = between
    return low + (high - low) * float(np.random.default_rng([person, number, int(time.time())]).random())


async def live(config: Config, smtp_port: int, mail_port: int, *, quiet: bool) -> None:
    """Run until SIGTERM; a `quiet` demo has a mailbox, but nobody visits the shop or reads mails."""
    state = State.load(config.data)
    assert state is not None, "the demo is filled before it lives"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    traffic = Traffic(config, state)
    readers = Readers(traffic)
    mailbox = Mailbox(config.data / "mail.sqlite3")
    sink = Sink(mailbox, time.time, (lambda mail: None) if quiet else readers.got)
    server = await loop.create_server(lambda: smtp_protocol(sink), "127.0.0.1", smtp_port)
    page = show(mailbox, config.host, mail_port)
    config.announce("mailbox", url=f"http://127.0.0.1:{mail_port}", smtp=f"smtp://127.0.0.1:{smtp_port}")
    tasks = {asyncio.create_task(stop.wait()), *(() if quiet else (asyncio.create_task(traffic.run()),))}
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    server.close()
    page.shutdown()
    for task in done:
        task.result()  # raises what ended the story, if it was not the signal


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    smtp_port, mail_port = map(int, sys.argv[1:3])
    asyncio.run(live(Config.from_env(), smtp_port, mail_port, quiet="quiet" in sys.argv[3:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
