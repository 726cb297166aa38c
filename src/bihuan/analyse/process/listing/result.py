"""The cases behind a number of a process, each with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bihuan.analyse.process.listing.spec import ProcessCasesSpec
from bihuan.analyse.process.spec import ProcessCell
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Case:
    """`id` is the property's value, or '' where a case is a person's; `person` is one of its people (0: nobody). It began at `begin` and
    takes `seconds` so far."""

    id: str
    person: int
    begin: datetime
    seconds: float
    complete: bool
    names: tuple[str, ...]


@dataclass(frozen=True)
class ProcessCases:
    """The longest cases of all `total` that `of` means; `named`: they have ids of their own."""

    cases: tuple[Case, ...]
    total: int
    of: ProcessCell
    named: bool


def shape_cases(spec: ProcessCasesSpec, scope: Scope, rows: Rows) -> ProcessCases:
    cases = tuple(
        Case(
            id=str(row["id"]),
            person=int(row["one"]),
            begin=datetime.fromtimestamp(int(row["begin"]) / 1000, UTC),
            seconds=int(row["duration"]) / 1000,
            complete=bool(row["complete"]),
            names=tuple(row["trail"]),
        )
        for row in rows
    )
    return ProcessCases(cases, int(rows[0]["total"]) if rows else 0, spec.cell, named=spec.case == "property")


DEVIATING = {
    "missing": "Cases that lack {activity}",
    "out_of_order": "Cases with {activity} out of order",
    "repeated": "Cases that repeat {activity}",
    "unexpected": "Cases with {activity}, which the order does not know",
}
KEEPING = {"yes": "Cases that keep the order", "no": "Cases that do not keep the order"}


def said_cases(cell: ProcessCell) -> tuple[str, dict[str, Any]]:
    """Which cases a cell means: an English msgid, with what is in its `{places}`."""
    named = {"activity": cell.activity, "next": cell.next}
    if cell.variant:
        return "Cases that take the way {way}", {"way": " → ".join(cell.variant)}
    if cell.conforming is not None:
        return KEEPING[cell.conforming], {}
    if cell.activity is None:
        return ("Cases that are not complete" if cell.running else "Cases"), {}
    if cell.deviation is not None:
        return DEVIATING[cell.deviation], named
    if cell.next is not None:
        return "Cases that go from {activity} to {next}", named
    if cell.running:
        return "Cases that are at {activity} so far", named
    if cell.begins:
        return "Cases that begin with {activity}", named
    if cell.ended:
        return "Cases that end with {activity}", named
    return ("Cases with {activity} more than once" if cell.again else "Cases with {activity}"), named


def headlines_cases(result: ProcessCases) -> tuple[Headline, ...]:
    """How many they are, and of which part of the breakdown."""
    title, values = said_cases(result.of)
    part = () if result.of.value is None else (Headline("Value", result.of.value, "text"),)
    return (Headline(title, result.total, values=values), *part)


def table_cases(result: ProcessCases) -> Table:
    columns: tuple[Column, ...] = (
        Column("case", "Case"),
        Column("person", "Person", "person"),
        Column("begin", "Began", "time"),
        Column("seconds", "Throughput time", "seconds"),
        Column("complete", "Complete case"),
        Column("activities", "Activities", "number"),
        Column("way", "Way"),
    )
    rows: list[tuple[Any, ...]] = [
        (one.id or None, one.person, one.begin, one.seconds, one.complete, len(one.names), " → ".join(one.names)) for one in result.cases
    ]
    return Table(columns, tuple(rows))
