"""The names to choose from in forms: events, properties and segments of the project, the frequent ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Column, Headline, Question, Rows, Scope, Spec, Statement, Table, no_chart
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS

DAYS = 90


class NamesSpec(Spec):
    """All names; there is nothing to choose."""


@dataclass(frozen=True)
class Names:
    """Names of `events`, of their `properties` and of `person_properties`."""

    events: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    person_properties: tuple[str, ...] = ()


def _reads(spec: NamesSpec, scope: Scope) -> Period:
    return scope.period(Last(last=DAYS))


def _compile(spec: NamesSpec, scope: Scope) -> Statement:
    """Rows of (what, name), where `what` is event, property or person."""
    sql = """
WITH
  counted AS (SELECT event, count() AS number FROM visible GROUP BY event),
  noted AS (SELECT if(event = '', 'person', 'property') AS what, property AS name, uniqExact(event) AS number
    FROM seen GROUP BY what, name),
  held AS (SELECT name, count() AS number FROM traits_now GROUP BY name)
SELECT what, name, max(number) AS weight FROM (
  SELECT 'event' AS what, toString(event) AS name, number FROM counted
  UNION ALL SELECT what, toString(name), number FROM noted
  UNION ALL SELECT 'person', toString(name), number FROM held
)
GROUP BY what, name
ORDER BY what, weight DESC, name
LIMIT 5000"""
    return Statement(sql)


def _shape(spec: NamesSpec, scope: Scope, rows: Rows) -> Names:
    def of(what: str) -> tuple[str, ...]:
        return tuple(row["name"] for row in rows if row["what"] == what)

    common = tuple(name for name in (*NUMBER_COLUMNS, *COLUMNS) if name not in scope.hidden)
    return Names(of("event"), tuple(dict.fromkeys((*of("property"), *common))), of("person"))


def _table(result: Names) -> Table:
    rows: list[tuple[str, str]] = []
    pairs: Sequence[tuple[str, tuple[str, ...]]] = (
        ("event", result.events),
        ("property", result.properties),
        ("person", result.person_properties),
    )
    for what, names in pairs:
        rows.extend((what, name) for name in names)
    return Table((Column("what", "Kind"), Column("name", "Name")), tuple(rows))


def _headlines(result: Names) -> tuple[Headline, ...]:
    return (Headline("Different events", len(result.events)),)


NAMES: Question[NamesSpec, Any] = Question(
    name="names",
    title="Names",
    purpose="The names of events and properties to choose from.",
    icon="book",
    group="see",
    spec=NamesSpec,
    reads=_reads,
    compile=_compile,
    shape=_shape,
    table=_table,
    chart=no_chart,
    headlines=_headlines,
    example=NamesSpec,
    listed=False,
)
