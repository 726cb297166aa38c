"""A list of people, each as far as the reader may know them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bihuan.engine.question import Column, Headline, Rows, Scope, Table
from bihuan.engine.visible import DOTS
from bihuan.see.people.spec import PeopleSpec


@dataclass(frozen=True)
class Person:
    """`number` is the person's in this store, `name` the best that is known (name, e-mail, phone, an id of theirs; "" for none), `email`
    as given. `events` counts theirs in the period, `last_seen` is the latest of those (None: none), `first_seen` when their
    first id came (None: unknown), `ids` how many ids they have."""

    number: int
    name: str
    email: str
    events: int
    first_seen: datetime | None
    last_seen: datetime | None
    ids: int


@dataclass(frozen=True)
class PeopleResult:
    """At most `limit` people; `whole` when there are no more."""

    people: tuple[Person, ...]
    whole: bool


def shape_people(spec: PeopleSpec, scope: Scope, rows: Rows) -> PeopleResult:
    people = tuple(
        Person(
            number=int(row["person"]),
            name=row["name"]
            or row["email"]
            or row["phone"]
            or next((id for id in (*row["user_ids"], *row["other_ids"]) if id != DOTS), ""),
            email=row["email"],
            events=int(row["events"]),
            first_seen=row["first_seen"] if row["ids"] else None,
            last_seen=row["last_seen"],
            ids=int(row["ids"]),
        )
        for row in rows
    )
    return PeopleResult(people, whole=len(people) < spec.limit)


def table_people(result: PeopleResult) -> Table:
    columns = (
        Column("person", "Person", "person"),
        Column("name", "Name"),
        Column("email", "E-mail"),
        Column("events", "Events", "number"),
        Column("first_seen", "First seen", "time"),
        Column("last_seen", "Last seen", "time"),
    )
    rows = tuple((one.number, one.name, one.email, one.events, one.first_seen, one.last_seen) for one in result.people)
    return Table(columns, rows)


def headlines_people(result: PeopleResult) -> tuple[Headline, ...]:
    return ()
