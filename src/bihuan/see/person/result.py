"""One person: who they are, what is known of them, what they did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bihuan.engine.question import Column, Headline, Rows, Scope, Table
from bihuan.engine.visible import DOTS
from bihuan.see.person.spec import PersonSpec

NAMING = ("name", "email", "phone")


@dataclass(frozen=True)
class Happened:
    """An event of theirs: `at` its time, `properties` in the order of their names, `source` the protocol or import it came by, `key` by
    which events of one instant are in order."""

    at: datetime
    event: str
    properties: tuple[tuple[str, str], ...]
    source: str
    key: int = 0


@dataclass(frozen=True)
class PersonResult:
    """`name` is the best that is known ("" for nothing), `ids` (type, id, first seen), `traits` their present properties by name,
    `event_names` (name, how many) the most common first, `events` the latest first; `first_seen` and `last_seen` their earliest and
    latest event (None without any), `total` how many events they have, `more` when there are older ones than those shown. Where events
    alone were asked for, there is nothing else."""

    number: int
    name: str
    ids: tuple[tuple[str, str, datetime], ...]
    traits: tuple[tuple[str, str], ...]
    event_names: tuple[tuple[str, int], ...]
    events: tuple[Happened, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    total: int
    more: bool

    @property
    def unknown(self) -> bool:
        return not self.total and not self.ids and not self.traits


def shape_person(spec: PersonSpec, scope: Scope, rows: Rows) -> PersonResult:
    parts: dict[str, list[Mapping[str, Any]]] = {"event": [], "event_name": [], "trait": [], "id": []}
    for row in rows:
        parts[row["part"]].append(row)
    traits = {row["name"]: _text(json.loads(row["value"])) for row in parts["trait"]}
    ids = tuple(sorted((row["name"], row["value"], row["at"]) for row in parts["id"]))
    names = sorted(parts["event_name"], key=lambda row: (-row["count"], row["name"]))
    events = sorted(parts["event"], key=lambda row: (row["at"], row["key"]), reverse=True)
    users = [one[1] for one in ids if one[0] == "user" and one[1] != DOTS]
    return PersonResult(
        number=spec.person,
        name=next(filter(None, [*(traits.get(name, "") for name in NAMING), *users]), ""),
        ids=ids,
        traits=tuple(sorted(traits.items())),
        event_names=tuple((row["name"], int(row["count"])) for row in names),
        events=tuple(Happened(row["at"], row["name"], _properties(row, scope), row["source"], int(row["key"])) for row in events),
        first_seen=min((row["at"] for row in names), default=None),
        last_seen=max((row["until"] for row in names), default=None),
        total=sum(int(row["count"]) for row in names),
        more=len(events) == spec.limit,
    )


def _properties(row: Mapping[str, Any], scope: Scope) -> tuple[tuple[str, str], ...]:
    """All properties that are set, without those hidden from this reader (the raw properties still hold them)."""
    given = {name: json.loads(raw) for name, raw in row["columns"].items() if raw not in ("", '""', "null")}
    given |= json.loads(row["value"] or "{}")
    return tuple(sorted((name, _text(value)) for name, value in given.items() if name not in scope.hidden))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table_person(result: PersonResult) -> Table:
    columns = (Column("time", "Time", "time"), Column("event", "Event"), Column("properties", "Properties"), Column("source", "Source"))
    rows = tuple((one.at, one.event, json.dumps(dict(one.properties), ensure_ascii=False), one.source) for one in result.events)
    return Table(columns, rows)


def headlines_person(result: PersonResult) -> tuple[Headline, ...]:
    return (
        Headline("Events", result.total),
        Headline("First seen", result.first_seen, "time"),
        Headline("Last seen", result.last_seen, "time"),
    )
