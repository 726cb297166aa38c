"""The overview of identity, its numbers defined."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.collect.identity.sizes.spec import SizesSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class JunkId:
    """An id that says nobody: its number, and of how many `others` it makes one person."""

    number: int
    type: str
    text: str
    others: int


@dataclass(frozen=True)
class Sizes:
    """`people` whom the project knows by an id, `identified` of them by a user id; `by_ids` (least, most, people) how many have so many
    ids; `types` (type, ids); `junk` ids that link people."""

    people: int
    identified: int
    by_ids: tuple[tuple[int, int, int], ...]
    types: tuple[tuple[str, int], ...]
    junk: tuple[JunkId, ...]

    @property
    def ids(self) -> int:
        return sum(count for _, count in self.types)


def shape_sizes(spec: SizesSpec, scope: Scope, rows: Rows) -> Sizes:
    by_ids = tuple((row["number"], 2 * row["number"] - 1, row["count"]) for row in rows if row["part"] == "people")
    junk = tuple(_junk(row["name"], row["number"], row["count"]) for row in rows if row["part"] == "junk")
    types = sorted(((row["name"], row["count"]) for row in rows if row["part"] == "ids"), key=lambda one: -one[1])
    identified = sum(row["count"] for row in rows if row["part"] == "identified")
    return Sizes(sum(count for _, _, count in by_ids), identified, by_ids, tuple(types), junk)


def _junk(name: str, number: int, others: int) -> JunkId:
    kind, _, text = name.partition(":")
    return JunkId(number, kind, text, others)


def table_sizes(result: Sizes) -> Table:
    columns = (Column("least", "Ids at least", "number"), Column("most", "Ids at most", "number"), Column("people", "People", "number"))
    return Table(columns, result.by_ids)


def headlines_sizes(result: Sizes) -> tuple[Headline, ...]:
    return (Headline("People", result.people), Headline("Identified people", result.identified), Headline("Ids", result.ids))
