"""One group commit: rows become changes of people and inserts in an order that may break anywhere and be taken up again.

Numbers, links and traits go before the events that need them: repeated, they say the same. Events go last, and an insert of theirs that
got no answer is repeated only for those that a look into the store does not find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from bihuan.collect.days import days
from bihuan.collect.events import Rejected, clean_text, event_key
from bihuan.collect.identity import TABLES, Changes, Done, Id, People, RulesOf, Typed, Wanted, anonymous_id, default_rules, plan_act
from bihuan.collect.identity.meeting import Meetings, without_junk
from bihuan.collect.plan.enforce import Found, of_stored
from bihuan.collect.properties import PropertiesSeen, Seen, spans
from bihuan.collect.rolling import Day, Rolling
from bihuan.collect.rows import ROW, Effect
from bihuan.collect.seen_keys import SeenKeys
from bihuan.collect.sorted_runs import Hashes
from bihuan.engine.schema import COLUMNS
from bihuan.engine.store import Store

MONTHS_AT_ONCE = 50  # the store refuses one insert into more than 100 months

_TIME = "DateTime64(3, 'UTC')"
_EVENT_TYPES = {
    "project_id": "UInt32",
    "event": "String",
    "day": "UInt16",
    "person_id": "UInt32",
    "ts": _TIME,
    "event_key": "UInt64",
    **dict.fromkeys(COLUMNS, "String"),
    "revenue": "Nullable(Float64)",
    "props": "String",
    "source": "String",
    "received_at": _TIME,
}
_TYPES = {
    **TABLES,
    "traits": {"project_id": "UInt32", "name": "String", "person_id": "UInt32", "once": "Bool", "value": "String", "rank": "Int64"},
    "properties_seen": {
        "project_id": "UInt32",
        "event": "String",
        "property": "String",
        "type": "String",
        "first_seen": _TIME,
        "last_seen": _TIME,
    },
    "plan_violations": {
        **dict.fromkeys(("event", "property", "kind", "expected", "value", "source", "app_version", "verdict"), "String"),
        "project_id": "UInt32",
        "event_key": "UInt64",
        "received_at": _TIME,
    },
    "quarantine": {
        "project_id": "UInt32",
        "received_at": _TIME,
        "source": "String",
        "reason": "String",
        "detail": "String",
        "event_key": "UInt64",
        "body": "String",
    },
    "rolled_days": {"project_id": "UInt32", "day": "UInt16", "version": "UInt64", "whole": "Bool"},
    "events": _EVENT_TYPES,
}
_IDS = (ROW.index("project_id"), ROW.index("user"), ROW.index("anonymous"))
_ONCE_ONLY = frozenset({"events", "quarantine"})  # tables where a row repeated would count twice; all of them have event_key, received_at

Zones = Callable[[int], ZoneInfo]


@dataclass
class Memory:
    """What the writer knows of the store, so that it need not ask."""

    keys: SeenKeys
    people: People
    properties: PropertiesSeen
    rules: RulesOf = default_rules
    rolling: Rolling = field(default_factory=Rolling)

    def load(self, store: Store) -> None:
        self.rolling.load(store)
        self.keys.load(store)
        self.people.load(store)
        self.properties.load(store)


@dataclass
class Commit:
    """What is to be committed together: `columns` in the order of `rows.ROW`."""

    columns: list[Sequence[Any]]
    effects: list[Effect]
    rejected: list[Rejected]
    found: list[Found]
    stamp: int  # ms; no other commit has it
    wanted: Wanted | None = None  # what somebody decided about people, done by itself
    done: Done = field(init=False)
    changes: Changes = field(init=False)
    _meetings: Meetings = field(default_factory=Meetings)
    news: dict[Seen, tuple[int, int]] = field(init=False)
    fresh: Any = field(init=False)  # for each row, whether it is stored for the first time
    keys: Hashes = field(init=False)
    days: set[Day] = field(init=False)  # of its events
    linked: set[int] = field(init=False)  # projects in which it links somebody, or undoes that
    _inserts: list[tuple[str, list[Sequence[Any]]]] = field(init=False)
    _attempts: int = 0

    def plan(self, memory: Memory, zones: Zones) -> None:
        """Decide everything. Changes nothing: neither the store nor what is remembered of it."""
        keys: Hashes = np.array(self._column("event_key"), dtype=np.uint64)
        self.fresh = memory.keys.new(keys)
        if not self.fresh.all():
            self.columns = [list(compress(column, self.fresh)) for column in self.columns]
            self.effects = self._first_said(set(keys[~self.fresh].tolist()) - set(keys[self.fresh].tolist()))
        self.keys = keys[self.fresh]
        self.found, self.rejected = of_stored(self.found, self.rejected, self.keys, memory.keys)
        self.changes = self._people(memory)
        traits = self._traits()
        spanned = spans(self._column("shape"), self._column("ts"))
        self.news = memory.properties.news(spanned, ((project, name, value, abs(rank)) for project, name, _, _, value, rank in traits))
        tables: dict[str, list[Any]] = {
            **self._identity(),
            "traits": traits,
            "properties_seen": [
                (project, event, clean_text(name), kind, times[0], times[1]) for (project, event, name, kind), times in self.news.items()
            ],
            "plan_violations": [(*one[1:9], one.project_id, one.event_key, self.stamp) for one in self.found],
            "quarantine": [self._rejection(one) for one in self.rejected],
        }
        events = self._events(zones)
        self.days = set(zip(*(events[list(_EVENT_TYPES).index(name)] for name in ("project_id", "day")), strict=True)) if events else set()
        self.linked = {project for project, *_ in tables["person_links"]}
        tables["rolled_days"] = memory.rolling.unsaid(self.days)
        self._inserts = [(table, list(zip(*rows, strict=True))) for table, rows in tables.items() if rows]
        self._inserts += [("events", part) for part in _by_months(events)]

    def run(self, store: Store, links_changed: Callable[[Sequence[int]], None]) -> None:
        """Do what is planned; after an error, call it again and it goes on where it was."""
        while self._inserts:
            table, columns = self._inserts[0]
            if self._attempts and table in _ONCE_ONLY:
                columns = self._missing(store, table, columns)
            self._attempts += 1
            # A token of its own for each attempt: the store would drop an attempt that looks like one it wrote down but did not finish.
            store.insert(table, list(_TYPES[table]), columns, list(_TYPES[table].values()), token=f"{self.stamp}-{table}-{self._attempts}")
            if table == "person_links":
                links_changed(columns[list(_TYPES[table]).index("project_id")])
            self._inserts.pop(0)
            self._attempts = 0

    def remember(self, memory: Memory) -> None:
        """All is stored."""
        memory.keys.add(self.keys, self.stamp)
        self.changes.take()
        memory.properties.take(self.news)
        memory.rolling.came(self.days, self.linked)

    def _column(self, name: str) -> Sequence[Any]:
        return self.columns[ROW.index(name)] if self.columns else ()

    def _first_said(self, stored: set[int]) -> list[Effect]:
        """The effects without those of events that are stored already: an id that one of them bound may have been unbound since."""
        return [one for one in self.effects if not (one.stored and event_key(one.project_id, one.source, one.key) in stored)]

    def _people(self, memory: Memory) -> Changes:
        """Give numbers to new ids, and link what came together."""
        if self.wanted is not None:
            changes, self.done = plan_act(memory.people, self.wanted, self.stamp)
            return changes
        self.columns, self.effects = without_junk(self.columns, _IDS, self.effects, memory.rules)
        met = zip(*(self._column(name) for name in ("project_id", "user", "anonymous", "ts", "source")), strict=True)
        return self._meetings.changes(memory.people, met, self.effects, self.rejected, self.stamp, memory.rules)

    def _identity(self) -> dict[str, list[Any]]:
        """Rows about people, in the order in which they are to be stored: the map follows from the log."""
        first = self._meetings.first
        return {
            "person_ids": [(one.project, one.type, one.text, number, first[one]) for one, number in self.changes.new.items()],
            "identity_log": list(self.changes.acts),
            "person_links": [
                (act.project_id, number, person, self.stamp, act.act, act.why, act.by) for number, person, act in self.changes.moves()
            ],
        }

    def _number(self, project: int, user: str | None, anonymous: str | Typed | None, person: int | None) -> int:
        if person is not None:
            return person
        if user is not None:
            return self.changes.number(Id(project, "user", user))
        return 0 if anonymous is None else self.changes.number(anonymous_id(project, anonymous))

    def _traits(self) -> list[tuple[int, str, int, bool, str, int]]:
        """Every value of each trait of each person, of one instant the last: the store keeps the newest (for `once` the oldest), and all of
        them as history."""
        told: dict[tuple[int, str, int, bool, int], str] = {}
        for effect in self.effects:
            number = self._number(effect.project_id, effect.user, effect.anonymous, effect.person)
            for name, value, once in effect.traits:
                rank = -effect.at if once else effect.at
                told[(effect.project_id, name, number, once, rank)] = value
        return [(project, name, number, once, value, rank) for (project, name, number, once, rank), value in told.items()]

    def _rejection(self, one: Rejected) -> tuple[int, int, str, str, str, int, str]:
        key = event_key(one.project_id, one.source, one.key) if one.key else 0
        return (one.project_id, self.stamp, one.source, one.reason, clean_text(one.detail), key, clean_text(one.body))

    def _events(self, zones: Zones) -> list[Sequence[Any]]:
        if not len(self.keys):
            return []
        projects, times = self._column("project_id"), self._column("ts")
        people = [
            self._number(*who) for who in zip(*(self._column(name) for name in ("project_id", "user", "anonymous", "person")), strict=True)
        ]
        made: dict[str, Sequence[Any]] = {
            "day": days(projects, times, zones),
            "person_id": people,
            "received_at": [self.stamp] * len(people),
        }
        return [made[name] if name in made else self._column(name) for name in _EVENT_TYPES]

    def _missing(self, store: Store, table: str, columns: list[Sequence[Any]]) -> list[Sequence[Any]]:
        """Those rows that an earlier attempt without an answer has not stored."""
        # Writes go through the store one at a time, so what was under way before this statement is done after it.
        store.command("SYSTEM RELOAD DICTIONARY person_map")
        sql = f"SELECT event_key FROM {table} WHERE received_at = fromUnixTimestamp64Milli({{at:Int64}}, 'UTC')"
        there = np.frombuffer(store.raw(sql, "RowBinary", {"at": self.stamp}), dtype="<u8")
        keys = np.array(columns[list(_TYPES[table]).index("event_key")], dtype=np.uint64)
        missing = ~np.isin(keys, there)
        return [list(compress(column, missing)) for column in columns]


def _by_months(columns: list[Sequence[Any]]) -> list[list[Sequence[Any]]]:
    """The columns in parts of few enough months each; nearly always one part."""
    if not columns:
        return []
    day = np.array(columns[list(_EVENT_TYPES).index("day")], dtype=np.int64)
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    distinct = np.unique(months)
    if len(distinct) <= MONTHS_AT_ONCE:
        return [columns]
    parts: list[list[Sequence[Any]]] = []
    for begin in range(0, len(distinct), MONTHS_AT_ONCE):
        chosen = np.isin(months, distinct[begin : begin + MONTHS_AT_ONCE])
        parts.append([list(compress(column, chosen)) for column in columns])
    return parts
