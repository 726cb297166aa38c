"""Persons with their ids, properties and events, as one sees them before merging."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bihuan.collect.identity.of_person.spec import OfPersonSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class OwnId:
    """One id with its number, and when it was first seen."""

    number: int
    type: str
    text: str
    since: datetime


@dataclass(frozen=True)
class Somebody:
    """`events` (name, count, first, last) and `traits` (name, JSON value) of a person."""

    person: int
    ids: tuple[OwnId, ...]
    traits: tuple[tuple[str, str], ...]
    by_name: tuple[tuple[str, int, datetime, datetime], ...]

    @property
    def events(self) -> int:
        return sum(count for _, count, _, _ in self.by_name)

    @property
    def title(self) -> str:
        """What the person is called: a user id if there is one, else the first id."""
        users = [one.text for one in self.ids if one.type == "user"]
        return users[0] if users else self.ids[0].text if self.ids else str(self.person)

    @property
    def first(self) -> datetime | None:
        return min((first for _, _, first, _ in self.by_name), default=None)

    @property
    def last(self) -> datetime | None:
        return max((last for _, _, _, last in self.by_name), default=None)


@dataclass(frozen=True)
class OfPerson:
    """The persons asked for; two numbers of one person give one."""

    persons: tuple[Somebody, ...]


def shape_of_person(spec: OfPersonSpec, scope: Scope, rows: Rows) -> OfPerson:
    found = []
    for person in dict.fromkeys(row["person"] for row in rows):
        mine = [row for row in rows if row["person"] == person]
        ids = tuple(OwnId(row["number"], row["name"], row["value"], row["at"]) for row in mine if row["part"] == "id")
        traits = tuple((row["name"], row["value"]) for row in mine if row["part"] == "trait")
        events = tuple((row["name"], row["count"], row["at"], row["until"]) for row in mine if row["part"] == "events")
        found.append(Somebody(person, ids, traits, events))
    return OfPerson(tuple(found))


def table_of_person(result: OfPerson) -> Table:
    columns = (
        Column("person", "Person", "person"),
        Column("type", "Type", "text"),
        Column("id", "Id", "text"),
        Column("number", "Number", "text"),
        Column("since", "Since", "time"),
    )
    rows = [(one.person, each.type, each.text, str(each.number), each.since) for one in result.persons for each in one.ids]
    return Table(columns, tuple(rows))


def headlines_of_person(result: OfPerson) -> tuple[Headline, ...]:
    return ()
