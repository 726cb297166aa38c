"""The statement of one person: their ids, properties, counts and latest events, each row saying which it is."""

from __future__ import annotations

from datetime import timedelta

from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS
from bihuan.engine.visible import OWN, OWNER, Binder
from bihuan.see.person.spec import PersonSpec

YEARS = 20


def reads_person(spec: PersonSpec, scope: Scope) -> Period:
    """All their days, and tomorrow: a client's clock may be ahead."""
    today = scope.today
    return Period(today - timedelta(days=366 * YEARS), today + timedelta(days=1), scope.zone)


def compile_person(spec: PersonSpec, scope: Scope) -> Statement:
    """Rows of (part, name, value, columns, at, until, count, source, key); `part` says what they are: event, event_name, trait, id.

    The value of an event is the JSON of its properties. A number that was linked to another person is taken as that person. For all that
    is known their events are found once, and the latest of them once more, by what the store orders them by.
    """
    binder = Binder()
    tests = ["1"]
    if spec.before is not None:
        until = f"""({binder.bind(spec.before, "DateTime64(3, 'UTC')")}, {binder.bind(spec.before_key, "UInt64")})"""
        tests.append(f"(ts, event_key) < {until}")
    if spec.event:
        tests.append(f"event = {binder.bind(spec.event, 'String')}")
    wanted = f"{' AND '.join(tests)} ORDER BY ts DESC, event_key DESC LIMIT {binder.bind(spec.limit, 'UInt64')}"
    columns = ", ".join(f"'{name}', toJSONString({name})" for name in COLUMNS)
    numbers = ", ".join(f"'{name}', ifNull(toString({name}), '')" for name in NUMBER_COLUMNS)
    never = "toDateTime64(0, 3, 'UTC')"
    event = f"""SELECT 'event' AS part, event AS name, props AS value, map({columns}, {numbers}) AS columns,
  ts AS at, {never} AS until, toUInt64(1) AS count, source, event_key AS key"""
    sql = f"{event}\nFROM (SELECT * FROM visible WHERE {OWN} AND person = {OWNER} AND {wanted})"
    if spec.what == "all":
        sql = f"""
WITH own AS MATERIALIZED (
  SELECT ts, event_key, event, day, person_id FROM visible WHERE {OWN} AND person = {OWNER}
),
latest AS (SELECT event, day, person_id, event_key FROM own WHERE {wanted})
{event}
FROM visible
WHERE (event, day, person_id) IN (SELECT event, day, person_id FROM latest) AND event_key IN (SELECT event_key FROM latest)
UNION ALL
SELECT 'event_name', event, '', map(), min(ts), max(ts), count(), '', 0 FROM own GROUP BY event
UNION ALL
SELECT 'trait', name, value, map(), {never}, {never}, toUInt64(1), '', 0 FROM own_traits WHERE person = {OWNER}
UNION ALL
SELECT 'id', id_type, id, map(), first_seen, {never}, toUInt64(1), '', 0 FROM own_ids WHERE person = {OWNER}"""
    return Statement(sql.strip(), {**binder.params, "own_person": spec.person})
