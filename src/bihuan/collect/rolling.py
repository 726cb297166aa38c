"""Days that are over are counted as wholes (`engine.rollup`); what the writer must know and do so that their counts are never wrong.

The writer alone adds events, so between two commits nothing moves and a day can be counted. A commit with a late event of a counted day
says first that the day is whole no more. Killed at any moment, at worst a day that is whole is counted again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.collect.days import day_of
from bihuan.engine.errors import EngineError
from bihuan.engine.rollup import roll
from bihuan.engine.store import Store

SHARE = 0.05  # of the time may go into counting
OVER = timedelta(hours=1)  # after its end, clients have sent most of a day
QUIET = 600.0  # seconds without a late event before a day is counted again
LATEST = 3600.0  # seconds after which it is, however many come
AT_ONCE = 10  # days that are counted together
LATER = 60.0  # seconds until the first day after a start, and until the next attempt after an error

Day = tuple[int, int]  # project, day since 1970-01-01
log = logging.getLogger("bihuan.collect")


@dataclass
class Rolling:
    """Which days have events, which of them are counted, and when events last came for one (monotonic)."""

    whole: set[Day] = field(default_factory=set)
    waiting: dict[Day, tuple[float, float]] = field(default_factory=dict)  # since when, and the last event
    version: int = 0
    _not_before: float = 0.0

    def load(self, store: Store) -> None:
        """Learn what is stored."""
        newest = store.fetch("SELECT greatest((SELECT max(version) FROM rolled_days), (SELECT max(version) FROM day_rollup)) AS newest")
        self.version = int(newest.rows[0]["newest"])
        sql = "SELECT project_id, toInt32(day) AS day FROM rolled_days GROUP BY project_id, day HAVING argMax(whole, version)"
        self.whole = {(row["project_id"], row["day"]) for row in store.fetch(sql).rows}
        stored = store.fetch("SELECT project_id, toInt32(day) AS day FROM events GROUP BY project_id, day")
        self.waiting = {key: (0.0, 0.0) for key in ((row["project_id"], row["day"]) for row in stored.rows) if key not in self.whole}
        self._not_before = time.monotonic() + LATER

    def unsaid(self, days: Collection[Day]) -> list[tuple[int, int, int, bool]]:
        """Rows of `rolled_days` that must be stored before events of these days."""
        return [(project, day, self.version + 1, False) for project, day in sorted(self.whole.intersection(days))]

    def came(self, days: Collection[Day]) -> None:
        """Events of these days are stored, and before them what is `unsaid`."""
        now = time.monotonic()
        self.version += not self.whole.isdisjoint(days)
        for day in days:
            self.whole.discard(day)
            self.waiting[day] = (self.waiting.get(day, (now, now))[0], now)

    def catch_up(self, store: Store, zones: Callable[[int], ZoneInfo]) -> None:
        """Count some days that are over, if there are any and it is time. Only between two commits. An error is for later."""
        now = time.monotonic()
        if now < self._not_before or not (due := self._due(now, zones)):
            return
        project = due[0][0]
        together = [day for day in due if day[0] == project][:AT_ONCE]
        self.version += 1
        try:
            roll(store, project, [date(1970, 1, 1) + timedelta(days=day) for _, day in together], self.version)
        except EngineError as error:
            log.warning("Days are counted later: %s", error)
            self._not_before = time.monotonic() + LATER
            return
        for day in together:
            self.waiting.pop(day, None)
            self.whole.add(day)
        ended = time.monotonic()
        self._not_before = ended + (ended - now) * (1 / SHARE - 1)

    def _due(self, now: float, zones: Callable[[int], ZoneInfo]) -> list[Day]:
        """Days that are over and quiet, the newest first."""
        at, over = datetime.now(UTC) - OVER, {}
        due = []
        for (project, day), (since, last) in self.waiting.items():
            if project not in over:
                try:
                    over[project] = day_of(at, zones(project))
                except KeyError:  # there is no such project any more
                    over[project] = -1
            if day < over[project] and (now - last >= QUIET or now - since >= LATEST):
                due.append((project, day))
        return sorted(due, key=lambda each: (each[1], each[0]), reverse=True)
