"""Fill a new demo: its project with accounts and definitions, the shop's history, and a campaign of some weeks ago.

It may be stopped at any point and begins again where it was: what has been sent already counts once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from bihuan.console.demo import wire
from bihuan.console.demo.shop import ZONE, Events, Shop, ms
from bihuan.console.demo.state import State

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bihuan.collect.client import Collector
    from bihuan.collect.events import Event
    from bihuan.console.demo.truth import Mailed

SOURCE = "demo"
BEFORE = 1_000  # days before the history: longer ago than anybody signed up


class History:
    """Tells the shop's history to the collector, with a progress bar."""

    def __init__(self, state: State, data: Path, collector: Collector, project_id: int, progress: Progress) -> None:
        from bihuan.collect.events import canonical

        self.state, self.shop, self.data = state, state.shop, data
        self.collector, self._project_id = collector, project_id
        self._columns = wire.Columns(self.shop, canonical)
        self._progress = progress
        self._task: TaskID = progress.add_task("The shop's history", total=state.begun_at - _start(self.shop))

    def introduce(self, since: int, until: int) -> None:
        """Say who the people are that signed up from day `since` to before day `until`, each at the time when they did."""
        signup = self.shop.everybody.signup[: self.shop.people]
        numbers = np.flatnonzero((signup >= since) & (signup < until))
        task = self._progress.add_task("People who signed up", total=len(numbers))
        for first in range(0, len(numbers), 5_000):
            portion = numbers[first : first + 5_000]
            self.collector.send(self._introductions(portion))
            self._progress.advance(task, len(portion))

    def _introductions(self, numbers: np.typing.NDArray[np.int64]) -> Iterator[Event]:
        from bihuan.collect.events import Event

        start = _start(self.shop)
        for number in map(int, numbers):
            since = start + int(self.shop.everybody.signup[number]) * 86_400_000
            yield Event(
                project_id=self._project_id,
                key=f"who-{number}",
                source=SOURCE,
                at=min(since, self.state.begun_at),
                user_id=wire.user_id(number),
                traits=wire.traits(self.shop, number),
                store=False,
            )

    def tell(self, end: int, mailed: Mailed | None = None) -> None:
        """Send what happened from where the story is up to `end` (ms), with what those who got a mail did because of it."""
        zone = ZoneInfo(ZONE)
        begin = max(self.state.told_to, _start(self.shop))
        day = datetime.fromtimestamp(begin / 1000, zone).date()
        while ms(datetime.combine(day, datetime.min.time(), zone)) < end:
            extra = [mailed.visits_on(day)] if mailed else []
            for events in [*self.shop.day(day), *extra]:
                self._send(events.only((events.at >= begin) & (events.at < end)))
            day += timedelta(days=1)
            at = min(ms(datetime.combine(day, datetime.min.time(), zone)), end)
            self.state = self.state.save(self.data, told_to=at)
            self._progress.update(self._task, completed=at - _start(self.shop))

    def _send(self, events: Events) -> None:
        if events.size:
            self.collector.send_columns(self._columns.table(events), project_id=self._project_id, source=SOURCE)


def fill(data: Path, state: State, smtp_port: int) -> None:
    """Do all that is not done yet."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from bihuan.collect.client import Collector
    from bihuan.console.demo.campaign import AGO, send_past_campaign, sent_at
    from bihuan.console.demo.plan import mistakes
    from bihuan.console.demo.project import ensure_project
    from bihuan.console.demo.truth import write_truth
    from bihuan.engine.config import Config

    begun = time.monotonic()
    config = Config.from_env()
    _do_not_wait_for_the_disk()
    member, write_key = ensure_project(state)
    if write_key:
        state = state.save(data, write_key=write_key)
    columns = (TextColumn("[bold]{task.description:<28}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=False)) as progress:
        history = History(state, data, Collector(config), member.project.pk, progress)
        shop, at, mailed = history.shop, sent_at(history.shop), None
        if at is not None:
            history.introduce(-BEFORE, shop.days - AGO)
            history.tell(ms(at))
            task = progress.add_task("A campaign three weeks ago", total=None)
            mailed = send_past_campaign(config, member, shop, smtp_port, lambda: progress.advance(task))
            progress.update(task, total=mailed.got_it.size, completed=mailed.got_it.size)
        history.introduce(-BEFORE if at is None else shop.days - AGO, shop.days)
        history.tell(state.begun_at, mailed)
        history.collector.send(mistakes(member.project.pk))
    write_truth(data, shop, mailed)
    history.state.save(data, filled=True)
    print(f"Filled in {time.monotonic() - begun:.0f} seconds.", flush=True)


def _do_not_wait_for_the_disk() -> None:
    """Of this process alone: a machine that stops while a demo is filled may spoil it, a process that stops does not."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")


def new_state(people: int, days: int, seed: int, language: str) -> State:
    """A shop whose history ends now."""
    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo(ZONE)).date()
    since = today - timedelta(days=days - 1)
    return State(people, since.isoformat(), today.isoformat(), seed, language, ms(now))


def _start(shop: Shop) -> int:
    return ms(datetime.combine(shop.since, datetime.min.time(), ZoneInfo(ZONE)))


def main() -> int:
    import django

    from bihuan.engine.config import Config

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    django.setup()
    people, days, seed, language, smtp_port = sys.argv[1:6]
    data = Config.from_env().data
    state = State.load(data) or new_state(int(people), int(days), int(seed), language).save(data)
    fill(data, state, int(smtp_port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
