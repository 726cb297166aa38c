"""The statement of a list of people: who they are, then what is known of those."""

from __future__ import annotations

from bihuan.engine.conditions import condition
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder
from bihuan.see.people.spec import PeopleSpec

NAMES = ("name", "email", "phone")


def reads_people(spec: PeopleSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_people(spec: PeopleSpec, scope: Scope) -> Statement:
    """A row for each person: `events` in the period, when last seen in it (NULL: not), ids, and the properties that name people."""
    binder = Binder()
    active = f"""
  SELECT person, count() AS events, max(ts) AS last_seen FROM visible
  WHERE person != 0 AND {condition(spec.filter, scope, binder)}
  GROUP BY person"""
    limit = binder.bind(spec.limit, "UInt64")
    if spec.search.strip():
        text = binder.bind(spec.search.strip(), "String")
        kept = "AND active.events > 0" if spec.filter != EVERYTHING else ""
        chosen = f"""
  SELECT person, active.events AS events, active.last_seen AS last_seen FROM (
    SELECT person FROM ids WHERE positionCaseInsensitiveUTF8(id, {text}) > 0
    UNION DISTINCT
    SELECT person FROM traits_now
    WHERE name IN {binder.bind(list(NAMES), "Array(String)")} AND positionCaseInsensitiveUTF8(JSONExtractString(value), {text}) > 0
  ) AS found LEFT JOIN active USING (person)
  WHERE person != 0 {kept}
  ORDER BY last_seen DESC, person LIMIT {limit}"""
    else:
        chosen = f"SELECT person, events, last_seen FROM active ORDER BY last_seen DESC, person LIMIT {limit}"
    sql = f"""
WITH active AS ({active}),
chosen AS ({chosen}),
known AS (
  SELECT person, min(ids.first_seen) AS first_seen, arraySort(groupArrayIf(id, id_type = 'user')) AS user_ids,
    arraySort(groupArrayIf(id, id_type != 'user')) AS other_ids
  FROM ids WHERE person IN (SELECT person FROM chosen) GROUP BY person
),
named AS (
  SELECT person, {", ".join(f"JSONExtractString(maxIf(value, traits_now.name = '{name}')) AS its_{name}" for name in NAMES)}
  FROM traits_now WHERE person IN (SELECT person FROM chosen) GROUP BY person
)
SELECT chosen.person AS person, events, if(events = 0, NULL, last_seen) AS last_seen,
  known.first_seen AS first_seen, length(user_ids) + length(other_ids) AS ids, user_ids, other_ids,
  {", ".join(f"named.its_{name} AS {name}" for name in NAMES)}
FROM chosen LEFT JOIN known USING (person) LEFT JOIN named USING (person)
ORDER BY chosen.last_seen DESC, person"""
    return Statement(sql.strip(), binder.params)
