"""Days that are over are counted as wholes (`engine.rollup`); what the writer must know and do so that their counts are never wrong.

The writer alone adds events, so between two commits nothing moves and a day can be counted. A commit with a late event of a counted day
says first that the day is whole no more. Killed at any moment, at worst a day that is whole is counted again.

Links make no counted day wrong; but each question looks up whom they moved, until the days are settled again, when no more links come.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.collect.days import day_of
from bihuan.engine.errors import EngineError
from bihuan.engine.rollup import roll, settle, whole_days
from bihuan.engine.store import Store

SHARE = 0.05  # of the time may go into counting
OVER = timedelta(hours=1)  # after its end, clients have sent most of a day
QUIET = 600.0  # seconds without a late event before a day is counted again; without a link before a project's days are settled again
LATEST = 3600.0  # seconds after which they are, however many come: looking up 10,000 links costs hardly more than looking up one
AT_ONCE = 10  # days that are counted together
LATER = 60.0  # seconds until the first day after a start, and until the next attempt after an error

EPOCH = date(1970, 1, 1)
Day = tuple[int, int]  # project, day since 1970-01-01
log = logging.getLogger("bihuan.collect")


@dataclass
class Rolling:
    """Which days have events, which of them are counted, and when events last came for one (monotonic)."""

    whole: set[Day] = field(default_factory=set)
    waiting: dict[Day, tuple[float, float]] = field(default_factory=dict)  # since when, and the last event
    linked: dict[int, tuple[float, float]] = field(default_factory=dict)  # of a project, since when links came, and the last one
    loose: list[Day] = field(default_factory=list)  # days to be settled, the newest first
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
        self.linked, self.loose = {project: (0.0, 0.0) for project, _ in self.whole}, []
        self._not_before = time.monotonic() + LATER

    def unsaid(self, days: Collection[Day]) -> list[tuple[int, int, int, bool]]:
        """Rows of `rolled_days` that must be stored before events of these days."""
        return [(project, day, self.version + 1, False) for project, day in sorted(self.whole.intersection(days))]

    def came(self, days: Collection[Day], linked: Collection[int] = ()) -> None:
        """Events of these days are stored, and before them what is `unsaid`; and links of the projects `linked`, which hold."""
        now = time.monotonic()
        for project in linked:
            self.linked[project] = (self.linked.get(project, (now, now))[0], now)
        self.version += not self.whole.isdisjoint(days)
        for day in days:
            self.whole.discard(day)
            self.waiting[day] = (self.waiting.get(day, (now, now))[0], now)

    def catch_up(self, store: Store, zones: Callable[[int], ZoneInfo]) -> None:
        """Count some days that are over, or settle some, if there are any and it is time. Only between two commits, while all links hold.
        An error is for later."""
        now = time.monotonic()
        if now < self._not_before:
            return
        due = self._due(now, zones)
        try:
            done = self._count(store, due) if due else self._settle(store, now)
        except EngineError as error:
            log.warning("Days are counted later: %s", error)
            self._not_before = time.monotonic() + LATER
            return
        if done:
            ended = time.monotonic()
            self._not_before = ended + (ended - now) * (1 / SHARE - 1)

    def _count(self, store: Store, due: Sequence[Day]) -> bool:
        """Count the first of these days, those of one project together."""
        project, together, dates = _first(due)
        self.version += 1
        roll(store, project, dates, self.version)
        for day in together:
            self.waiting.pop(day, None)
            self.whole.add(day)
        return True

    def _settle(self, store: Store, now: float) -> bool:
        """Settle some days that lack links, or learn which do of a project to which no more of them come. Whether there was any."""
        if not self.loose:
            quiet = (project for project, (since, last) in self.linked.items() if now - last >= QUIET or now - since >= LATEST)
            if (project := next(quiet, None)) is None:
                return False
            days = [day for day, counted in whole_days(store, project).items() if counted.lacks is not None]
            self.loose = [(project, (day - EPOCH).days) for day in sorted(days, reverse=True)]
            del self.linked[project]
            return True
        project, together, dates = _first(self.loose)
        self.version += 1
        settle(store, project, dates, self.version)
        self.loose = self.loose[len(together) :]
        return True

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


def _first(days: Sequence[Day]) -> tuple[int, list[Day], list[date]]:
    """The first of these days with others of its project: the project, they, and their dates."""
    project = days[0][0]
    together = [day for day in days if day[0] == project][:AT_ONCE]
    return project, together, [EPOCH + timedelta(days=day) for _, day in together]
