"""The writer: alone adds events to the store, in group commits, each event once. Why so: `docs/decisions/0004-writer.md`."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from bihuan.collect.commit import Commit, Memory, Zones
from bihuan.collect.events import BadEvent, Event, Outcome, Rejected
from bihuan.collect.identity import Done, People, RulesOf, Wanted, default_rules
from bihuan.collect.links import LinkMap
from bihuan.collect.plan.enforce import Found, Plans, enforce, enforce_columns, no_plans
from bihuan.collect.plan.unfinished import forget_unfinished
from bihuan.collect.properties import PropertiesSeen, shapes
from bihuan.collect.quarantine import Recently, body_of
from bihuan.collect.rows import DAY, ROW, Effect, check_name, check_time, effect, row
from bihuan.collect.seen_keys import SeenKeys
from bihuan.collect.trouble import Trouble, find, still
from bihuan.engine.errors import EngineError, Unavailable
from bihuan.engine.schema import COLUMNS
from bihuan.engine.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

LINGER = 0.2  # seconds that the first event of a commit waits for others
PAUSE = 0.008  # when as long nobody came and the commit is worth its while, it does not wait longer
WORTH = 1_000
LARGEST = 10_000  # events in one commit
BUFFER = 100_000  # events that may wait; more are refused
GIVE_UP = 30.0  # seconds after which a commit that fails while the store answers is given up, unacknowledged

log = logging.getLogger("bihuan.collect")


class Full(Unavailable):
    """More events wait than the buffer holds; the same events may be taken in a moment."""


@dataclass
class _Waiting:
    """What one caller submitted: rows by column, in the order of `rows.ROW`."""

    columns: list[Sequence[Any]]
    effects: list[Effect]
    rejected: list[Rejected]
    found: list[Found] = field(default_factory=list)  # where they are not as the tracking plan says
    wanted: Wanted | None = None  # a decision about people instead
    future: Future[Any] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)

    @property
    def events(self) -> int:
        return len(self.columns[0]) if self.columns else 0


class Writer:
    """Takes events from any thread and writes them from its own. One for a data folder; a second one raises Unavailable at `start`.

    `zones` gives the time zone of a project (KeyError: there is none), `plans` its tracking plan, if it has one, `rules` what it sets about
    identity. Until the store answers, what is submitted waits.
    Use it as a context manager, or `start` and `close` it.
    """

    def __init__(
        self, store: Store, zones: Zones, *, first_person: int = 1, plans: Plans = no_plans, rules: RulesOf = default_rules
    ) -> None:
        self.store = store
        self.zones = zones
        self.plans = plans
        self.trouble: Trouble | None = None  # what keeps events from being stored now
        self.memory = Memory(SeenKeys(store.config.data / "keys"), People(first_person), PropertiesSeen(), rules)
        self._links = LinkMap(store)
        self._recently = Recently()
        self._waiting: deque[_Waiting] = deque()
        self._events = 0
        self._last = 0.0
        self._stamp = 0
        self._changed = threading.Condition()
        self._closing = False
        self._loaded = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._lock: IO[str] | None = None

    def __enter__(self) -> Writer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Take the folder's lock and begin. Raises Unavailable when another process or writer has it."""
        self._lock = _sole_writer(self.store)
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits, for so many seconds at most, and let go of the lock; what is left is told that it is not stored."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)
        for waiting in self._waiting:
            _fail(waiting, Unavailable("The collector is stopping; send this again in a moment."))
        if self._lock is not None:
            self._lock.close()

    def ready(self, seconds: float = 0.0) -> bool:
        """Whether it knows all of the store; waits for it so long."""
        return self._loaded.wait(seconds)

    def submit(self, events: Sequence[Event], rejected: Sequence[Rejected] = ()) -> Future[Outcome]:
        """Take events; the future is done when they are on disk. Those that are not well-formed go to the quarantine, as do `rejected`.

        Raises Full when too much waits already.
        """
        received = int(time.time() * 1000)
        events, refused, found = enforce(events, self.plans)
        rows, effects, bad = [], [], [*rejected, *refused]
        for event in events:
            try:
                said = effect(event, received)
                if event.store:
                    rows.append(row(event, received))
                if said is not None:
                    effects.append(said)
            except BadEvent as error:
                bad.append(_rejected(event, error))
        return self._enqueue(_Waiting(list(zip(*rows, strict=True)), effects, bad, found))

    def submit_columns(self, table: pa.Table, *, project_id: int, source: str) -> Future[Outcome]:
        """Take many rows at once (10,000 to 50,000 are a good number), as `submit` does. The columns of `table`, by name:

        `event_key` uint64 (see `events.event_key`), `name` string, `at` int64 (ms since 1970, UTC), `props` string
        (`events.canonical_props` of what has no column); and if there is something to say, `user_id` and `anonymous_id` string
        (`events.clean_id`; null: none), any of `engine.schema.COLUMNS` string (null or '': none), and `revenue` float64.
        A name or time that cannot be puts the row into the quarantine.
        """
        columns = {name: column.to_pylist() for name, column in zip(table.schema.names, table.columns, strict=True)}
        return self.submit_lists(columns, project_id=project_id, source=source)

    def submit_lists(self, columns: dict[str, list[Any]], *, project_id: int, source: str) -> Future[Outcome]:
        """`submit_columns` for columns that are plain lists. Raises ValueError when they do not fit together."""
        total = len(columns["event_key"])
        if any(len(column) != total for column in columns.values()):
            raise ValueError("The columns must have equally many rows.")
        unknown = columns.keys() - {"event_key", "name", "user_id", "anonymous_id", "at", "props", "revenue", *COLUMNS}
        if unknown:
            raise ValueError(f"There are no such columns: {', '.join(sorted(unknown))}.")
        rejected = _drop_bad_rows(columns, project_id, source)
        refused, found = enforce_columns(columns, project_id, source, self.plans)
        total = len(columns["event_key"])
        nothing = [None] * total
        texts = [[value or "" for value in columns[name]] if name in columns else [""] * total for name in COLUMNS]
        revenue = columns.get("revenue", nothing)
        made = {
            "project_id": [project_id] * total,
            "event": columns["name"],
            "ts": columns["at"],
            "event_key": columns["event_key"],
            "source": [source] * total,
            "user": columns.get("user_id", nothing),
            "anonymous": columns.get("anonymous_id", nothing),
            "person": nothing,
            "shape": list(shapes(project_id, columns["name"], texts, revenue, columns["props"])),
            **dict(zip(COLUMNS, texts, strict=True)),
            "revenue": revenue,
            "props": columns["props"],
        }
        return self._enqueue(_Waiting([made[name] for name in ROW] if total else [], [], [*rejected, *refused], found))

    def decide(self, wanted: Wanted) -> Future[Done]:
        """Do what somebody decided about people; the future is done when it is on disk and holds."""
        return self._enqueue(_Waiting([], [], [], wanted=wanted))

    def _enqueue(self, waiting: _Waiting) -> Future[Any]:
        for project in {*(waiting.columns[0] if waiting.columns else ()), *(one.project_id for one in waiting.effects)}:
            self.zones(project)  # raises KeyError here, to whom it concerns
        with self._changed:
            if self._closing:
                raise Full("The collector is stopping; send this again in a moment.")
            if self._events and self._events + waiting.events > BUFFER:
                raise Full("More events wait to be written than the collector holds; send this again in a moment.")
            self._waiting.append(waiting)
            self._events += waiting.events
            self._last = time.monotonic()
            self._changed.notify_all()
        return waiting.future

    def _run(self) -> None:
        while not self._closing or self._waiting:
            try:
                if not self._loaded.is_set():
                    self._load()
                group = self._take()
                if group:
                    self._commit(group)
                elif self.trouble is not None:
                    self._look_again(self.trouble)
                if self._loaded.is_set():  # otherwise links may be stored that do not hold yet
                    self._links.catch_up()
                    self.memory.rolling.catch_up(self.store, self.zones)
            except EngineError as error:
                self.trouble = find(self.store.config, self.trouble)
                log.warning("The store does not answer yet: %s", error)
                if self._closing:
                    return
                time.sleep(0.5)
            except Exception:
                log.exception("The writer goes on after an error.")  # without its thread, all that comes would be refused for ever
                time.sleep(0.5)

    def _look_again(self, trouble: Trouble) -> None:
        """While nobody sends, what kept events from being stored may have ended by itself."""
        left = still(self.store.config, trouble)
        self.trouble = left if left is not None or self.store.ready() else trouble

    def _load(self) -> None:
        """Learn what is stored. First let the store finish what a writer before this one may have left under way."""
        began = time.perf_counter()
        self._links.reload()
        forget_unfinished(self.store)
        self.memory.load(self.store)
        if self.memory.people.mended:
            self._links.reload()
        self._loaded.set()
        if self.trouble is not None:
            self._look_again(self.trouble)
        log.info("Knows %d events after %.1f s.", len(self.memory.keys), time.perf_counter() - began)

    def _take(self) -> list[_Waiting]:
        """What to commit next: waits for somebody to come, and then a little for others."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing, timeout=1.0)
            while self._waiting and not self._closing and self._events < LARGEST:
                now = time.monotonic()
                left = self._waiting[0].since + LINGER - now
                if self._events >= WORTH:
                    left = min(left, self._last + PAUSE - now)
                if left <= 0:
                    break
                self._changed.wait(left)
            group: list[_Waiting] = []
            size = 0
            while self._waiting and (not group or (size + self._waiting[0].events <= LARGEST and not self._waiting[0].wanted)):
                group.append(self._waiting.popleft())
                size += group[-1].events
                if group[-1].wanted:
                    break
            self._events -= size
            return group

    def _commit(self, group: list[_Waiting]) -> None:
        """Write a group, trying until it is written; then tell each caller what became of its events."""
        try:
            commit = self._planned(group)
        except Exception as error:
            log.exception("A commit could not be planned.")
            for waiting in group:
                _fail(waiting, error)
            return
        try:
            if self._written(commit):
                commit.remember(self.memory)
                if commit.wanted:
                    group[0].future.set_result(commit.done)
                else:
                    _tell(group, commit.fresh)
                return
        except Exception:
            log.exception("A commit broke off.")
            self._loaded.clear()  # what it left half-done is learned from the store
        for waiting in group:
            _fail(waiting, Unavailable("The event store could not take this; send it again in a moment."))

    def _planned(self, group: list[_Waiting]) -> Commit:
        with_rows = [waiting.columns for waiting in group if waiting.columns]
        columns: list[Sequence[Any]] = [list(chain.from_iterable(parts)) for parts in zip(*with_rows, strict=True)]
        rejected = self._recently.new(chain.from_iterable(waiting.rejected for waiting in group))
        self._stamp = max(self._stamp + 1, int(time.time() * 1000))
        found = [one for waiting in group for one in waiting.found]
        commit = Commit(columns, [effect for waiting in group for effect in waiting.effects], rejected, found, self._stamp, group[0].wanted)
        commit.plan(self.memory, self.zones)
        return commit

    def _written(self, commit: Commit) -> bool:
        """Run the commit until it is done. While the store is away, wait: what was planned stays true, as nobody else writes."""
        began, pause, failed = time.monotonic(), 0.05, False
        while True:
            try:
                commit.run(self.store, self._links.changed)
            except EngineError as error:
                self.trouble = find(self.store.config, self.trouble)
                if not failed:
                    log.warning("The store did not take a commit; trying again: %s", error)
                failed = True
                if self._closing:
                    return False
                if time.monotonic() - began > GIVE_UP and self.store.ready():
                    log.error("A commit is given up: %s", error)
                    self._loaded.clear()  # what it left half-done is learned from the store
                    return False
            else:
                self.trouble = None
                if failed:
                    log.warning("The store took the commit.")
                return True
            time.sleep(pause)
            pause = min(pause * 2, 1.0)


@contextlib.contextmanager
def _closing_on_error(file: IO[str]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        file.close()
        raise


def _sole_writer(store: Store) -> IO[str]:
    file = (store.config.run / "writer.lock").open("a+")
    with _closing_on_error(file):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Unavailable(
                "Another process ({owner}) writes events into {folder}; send them to it, or stop it first.",
                owner=file.read().strip() or "unknown",
                folder=store.config.data,
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
    return file


def _tell(group: list[_Waiting], fresh: Any) -> None:
    place = 0
    for waiting in group:
        new = int(fresh[place : place + waiting.events].sum())
        only_effects = sum(1 for effect in waiting.effects if not effect.stored)
        outcome = Outcome(new + only_effects, waiting.events - new, len(waiting.rejected))
        place += waiting.events
        with contextlib.suppress(Exception):  # whoever asked may have left
            waiting.future.set_result(outcome)


def _fail(waiting: _Waiting, error: Exception) -> None:
    with contextlib.suppress(Exception):
        waiting.future.set_exception(error)


def _rejected(event: Event, error: BadEvent) -> Rejected:
    return Rejected(
        project_id=event.project_id, source=event.source, reason=error.reason, detail=str(error), key=event.key, body=body_of(event)
    )


def _drop_bad_rows(columns: dict[str, list[Any]], project_id: int, source: str) -> list[Rejected]:
    """Take the rows out of `columns` that cannot be stored."""
    received = int(time.time() * 1000)
    rejected: list[Rejected] = []
    good: list[int] = []
    for place, (name, at) in enumerate(zip(columns["name"], columns["at"], strict=True)):
        try:
            check_time(at, received, DAY)  # files reach far back; the store's days begin with 1970
            check_name(name)
        except BadEvent as error:
            body = body_of({column: values[place] for column, values in columns.items()})
            rejected.append(Rejected(project_id=project_id, source=source, reason=error.reason, detail=str(error), body=body))
        else:
            good.append(place)
    if rejected:
        for name, values in columns.items():
            columns[name] = [values[place] for place in good]
    return rejected
