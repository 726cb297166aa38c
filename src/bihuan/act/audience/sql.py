"""From an audience's spec to its statement: one row a person, with their ids and the properties asked for."""

from __future__ import annotations

from bihuan.act.audience.spec import AudienceSpec
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EventProperty, Filter, about_event
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import HIDDEN, Binder, json_text


def reads_audience(spec: AudienceSpec, scope: Scope) -> Period:
    """Only today: an audience is about people, and what they did is in `history`."""
    return scope.period(Last(last=1))


def compile_audience(spec: AudienceSpec, scope: Scope) -> Statement:
    """The people, and how many there are after `after` in all (`total`) and with an address (`reachable`)."""
    _only_about_people(spec.filter)
    wanted = sorted({*spec.properties, *filter(None, (spec.address,))})
    for name in wanted:
        if name in scope.hidden:
            raise QuestionError(HIDDEN, name=name, where="properties")
    binder = Binder()
    where = condition(spec.filter, scope, binder)
    names = binder.bind(wanted, "Array(String)")
    address = binder.bind(spec.address, "String")
    sql = f"""
WITH chosen AS (
  SELECT DISTINCT person FROM everyone WHERE person > {binder.bind(spec.after, "UInt64")} AND {where}
),
known AS (
  SELECT person AS owner, groupArray((name, {json_text("value")})) AS pairs
  FROM traits_now WHERE name IN {names}
  GROUP BY owner
),
totals AS (
  SELECT count() AS total,
    countIf(person IN (SELECT owner FROM known WHERE arrayExists(pair -> pair.1 = {address} AND pair.2 != '', pairs))) AS reachable
  FROM chosen
),
page AS (
  SELECT person FROM chosen ORDER BY person LIMIT {binder.bind(spec.limit, "UInt32")}
),
named AS (
  SELECT person AS holder, groupArrayIf(id, id_type = 'user') AS user_ids, groupArrayIf(id, id_type != 'user') AS other_ids
  FROM ids WHERE person IN (SELECT person FROM page)
  GROUP BY holder
)
SELECT person, user_ids, other_ids, pairs, (SELECT total FROM totals) AS total, (SELECT reachable FROM totals) AS reachable
FROM page
LEFT JOIN named ON person = holder
LEFT JOIN known ON person = owner
ORDER BY person"""
    return Statement(sql, binder.params)


def _only_about_people(tree: Filter) -> None:
    found = about_event(tree)
    if found is not None:
        raise QuestionError(
            "An audience is made of people: “{property}” is a property of events. Ask who did the event instead.",
            property=found.property if isinstance(found, EventProperty) else found.person,
            where="filter",
        )
