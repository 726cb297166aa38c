"""The statement of persons' ids."""

from __future__ import annotations

from datetime import timedelta

from bihuan.collect.identity.of_person.spec import OfPersonSpec
from bihuan.engine.periods import Period
from bihuan.engine.person_map import person_of
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, shown_id

YEARS = 20


def reads_of_person(spec: OfPersonSpec, scope: Scope) -> Period:
    """All days, and tomorrow: a client's clock may be ahead."""
    today = scope.today
    return Period(today - timedelta(days=366 * YEARS), today + timedelta(days=1), scope.zone)


def compile_of_person(spec: OfPersonSpec, scope: Scope) -> Statement:
    """Rows of (part, person, number, name, value, at, until, count): each `id`, each property (`trait`), and the `events` by name."""
    binder = Binder()
    numbers = binder.bind(list(spec.persons), "Array(UInt32)")
    persons = numbers if scope.supposing else f"arrayMap(number -> {person_of('number')}, {numbers})"  # supposed persons are in no map
    mine = f"(SELECT arrayJoin({persons}))"
    never = "toDateTime64(0, 3, 'UTC')"
    own = f"person_id IN (SELECT number FROM id_numbers WHERE person IN {mine}) AND person IN {mine}"
    return Statement(
        f"""
SELECT part, person, number, name, value, at, until, count FROM (
SELECT 'id' AS part, person, number, toString(id_type) AS name, {shown_id(scope.hidden)} AS value,
  first_seen AS at, {never} AS until, toUInt64(1) AS count
FROM id_numbers WHERE person IN {mine}
UNION ALL
SELECT 'trait', person, 0, toString(name), value, {never}, {never}, 1 FROM traits_now WHERE person IN {mine}
UNION ALL
SELECT 'events', person, 0, toString(event), '', min(ts), max(ts), count() FROM visible WHERE {own} GROUP BY person, event
)
ORDER BY part, person, at, number, name""".strip(),
        binder.params,
    )
