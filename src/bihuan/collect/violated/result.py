"""What is not as planned, and how often."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from bihuan.collect.violated.spec import ViolatedSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Violated:
    """`events` different events broke a rule (`kind` of mistake; `property` '': the event itself); they came by `source` from
    `app_version`, `kept_out` of them are in the quarantine. `expected` is what the plan said last, `samples` up to five values as JSON."""

    event: str
    property: str
    kind: str
    source: str
    app_version: str
    events: int
    kept_out: int
    expected: str
    samples: tuple[str, ...]
    first: datetime
    latest: datetime


@dataclass(frozen=True)
class Mistake:
    """The same mistake over all sources and versions: `parts` are these, the commonest first."""

    event: str
    property: str
    kind: str
    parts: tuple[Violated, ...]

    @builtins.property
    def events(self) -> int:
        return sum(part.events for part in self.parts)

    @builtins.property
    def kept_out(self) -> int:
        return sum(part.kept_out for part in self.parts)

    @builtins.property
    def first(self) -> datetime:
        return min(part.first for part in self.parts)

    @builtins.property
    def latest(self) -> datetime:
        return max(part.latest for part in self.parts)

    @builtins.property
    def expected(self) -> str:
        return max(self.parts, key=lambda part: part.latest).expected

    @builtins.property
    def samples(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sample for part in self.parts for sample in part.samples))[:5]

    @builtins.property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.source for part in self.parts))

    @builtins.property
    def versions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.app_version for part in self.parts if part.app_version))


@dataclass(frozen=True)
class ViolatedResult:
    rows: tuple[Violated, ...]

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The rows by event, property and kind, the commonest first."""
        parts: dict[tuple[str, str, str], list[Violated]] = defaultdict(list)
        for row in self.rows:
            parts[row.event, row.property, row.kind].append(row)
        return tuple(sorted((Mistake(*key, tuple(rows)) for key, rows in parts.items()), key=lambda one: -one.events))

    @cached_property
    def by_event(self) -> Mapping[str, int]:
        """How many violations each event has; one event that breaks two rules has two."""
        found: dict[str, int] = defaultdict(int)
        for row in self.rows:
            found[row.event] += row.events
        return found

    @property
    def kept_out(self) -> int:
        """How many events are kept out: of several mistakes of one name, the commonest counts."""
        return sum(self._of_each_name(lambda one: one.kept_out))

    @property
    def taken(self) -> int:
        """How many events of declared names were taken although they break a rule: of several mistakes of one, the commonest counts."""
        return sum(self._of_each_name(lambda one: 0 if one.kind == "undeclared_event" else one.events - one.kept_out))

    def _of_each_name(self, number: Callable[[Mistake], int]) -> Iterable[int]:
        most: dict[str, int] = {}
        for one in self.mistakes:
            most[one.event] = max(most.get(one.event, 0), number(one))
        return most.values()

    @property
    def total(self) -> int:
        return sum(row.events for row in self.rows)


def shape_violated(spec: ViolatedSpec, scope: Scope, rows: Rows) -> ViolatedResult:
    return ViolatedResult(
        tuple(
            Violated(
                row["event"],
                row["property"],
                row["kind"],
                row["source"],
                row["app_version"],
                int(row["events"]),
                int(row["kept_out"]),
                row["expected"],
                tuple(row["samples"]),
                row["first"],
                row["latest"],
            )
            for row in rows
        )
    )


def table_violated(result: ViolatedResult) -> Table:
    columns = (
        Column("event", "Event"),
        Column("property", "Property"),
        Column("kind", "What is wrong"),
        Column("source", "Source"),
        Column("app_version", "App version"),
        Column("events", "Events", "number"),
        Column("kept_out", "Kept out", "number"),
        Column("expected", "Expected"),
        Column("samples", "Samples"),
        Column("first", "First", "time"),
        Column("latest", "Latest", "time"),
    )
    names = ("event", "property", "kind", "source", "app_version", "events", "kept_out", "expected")
    rows = ((*(getattr(one, name) for name in names), " ".join(one.samples), one.first, one.latest) for one in result.rows)
    return Table(columns, tuple(rows))


def headlines_violated(result: ViolatedResult) -> tuple[Headline, ...]:
    return (Headline("Violations of the plan", result.total),)
