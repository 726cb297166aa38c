"""From rows to the people of an audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.act.audience.spec import AudienceSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Person:
    """A person's number, the ids that belong to it (known users first) and the properties asked for, as text."""

    number: int
    ids: tuple[str, ...]
    properties: Mapping[str, str]


@dataclass(frozen=True)
class Audience:
    """`people` of this page; `total` and `reachable` count everybody after the number that the page begins at."""

    names: tuple[str, ...]
    people: tuple[Person, ...]
    total: int
    reachable: int


def shape_audience(spec: AudienceSpec, scope: Scope, rows: Rows) -> Audience:
    """The people in the order of their numbers."""
    names = tuple(dict.fromkeys((*filter(None, (spec.address,)), *spec.properties)))
    people = tuple(_person(row) for row in rows)
    return Audience(names, people, int(rows[0]["total"]) if rows else 0, int(rows[0]["reachable"]) if rows else 0)


def _person(row: Mapping[str, Any]) -> Person:
    pairs = {str(name): str(value) for name, value in row["pairs"]}
    return Person(int(row["person"]), (*sorted(row["user_ids"]), *sorted(row["other_ids"])), pairs)


def table_audience(result: Audience) -> Table:
    """One row a person."""
    columns = (Column("person", "Person", "person"), Column("id", "Id"), *(Column(name, name) for name in result.names))
    rows = tuple(
        (person.number, person.ids[0] if person.ids else "", *(person.properties.get(name) for name in result.names))
        for person in result.people
    )
    return Table(columns, rows)


def headlines_audience(result: Audience) -> tuple[Headline, ...]:
    """How many people, and how many with an address."""
    return (Headline("People", result.total), Headline("With an address", result.reachable))
