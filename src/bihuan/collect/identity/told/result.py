"""The log of links, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bihuan.collect.identity.told.spec import ToldSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class IdNow:
    """An id: its own `number`, `type` and `text` ("" when it has a newer number since), and the `person` it belongs to now."""

    number: int
    type: str
    text: str
    person: int


@dataclass(frozen=True)
class Row:
    """What was said. `state`: of a link or merge `holds` or `undone`; of an id that was taken from its person `apart` or `undone`; of a
    proposal `open`, `confirmed` or `dismissed`; "" of anything else. `last_by`, `last_at`: who said the newest about it, and when."""

    act: int
    at: datetime
    kind: str
    of: int
    why: str
    by: str
    one: IdNow
    other: IdNow | None
    state: str
    last_by: str
    last_at: datetime | None

    @property
    def turns(self) -> str:
        """What can be done about it now: undo, redo, or nothing."""
        return {"holds": "undo", "apart": "undo", "undone": "redo"}.get(self.state, "")


@dataclass(frozen=True)
class Told:
    """The newest rows; `more` says that there are older ones."""

    rows: tuple[Row, ...]
    more: bool


def shape_told(spec: ToldSpec, scope: Scope, rows: Rows) -> Told:
    made = []
    for row in rows[: spec.limit]:
        other = IdNow(row["other"], row["other_type"], row["other_id"], row["other_person"]) if row["other"] else None
        one = IdNow(row["one"], row["one_type"], row["one_id"], row["one_person"])
        state = _state(row["kind"], row["last"], row["turned"], one.person == (other.person if other else 0))
        last_at = row["last_at"] if row["last"] else None
        made.append(Row(row["act"], row["at"], row["kind"], row["of"], row["why"], row["by"], one, other, state, row["last_by"], last_at))
    return Told(tuple(made), len(rows) > spec.limit)


def _state(kind: str, last: str, turned: str, together: bool) -> str:
    if kind in ("link", "merge"):
        return "undone" if turned == "undo" else "holds"
    if kind == "unbind":
        return "undone" if turned == "undo" else "apart"
    if kind == "propose":
        return "confirmed" if together else "dismissed" if last == "dismiss" else "open"
    return ""


def table_told(result: Told) -> Table:
    columns = (
        Column("act", "Number", "text"),
        Column("at", "Time", "time"),
        Column("kind", "What was done", "text"),
        Column("state", "Now", "text"),
        Column("one", "Id", "text"),
        Column("one_person", "Its person", "person"),
        Column("other", "Other id", "text"),
        Column("other_person", "Its person", "person"),
        Column("why", "Why", "text"),
        Column("by", "By whom", "text"),
    )
    rows = [
        (
            str(row.act),
            row.at,
            row.kind,
            row.state,
            f"{row.one.type}:{row.one.text}",
            row.one.person,
            f"{row.other.type}:{row.other.text}" if row.other else "",
            row.other.person if row.other else None,
            row.why,
            row.by,
        )
        for row in result.rows
    ]
    return Table(columns, tuple(rows))


def headlines_told(result: Told) -> tuple[Headline, ...]:
    return ()
