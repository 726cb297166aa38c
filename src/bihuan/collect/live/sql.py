"""The statement of the newest arrivals."""

from __future__ import annotations

from bihuan.collect.live.spec import LiveSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.schema import COLUMNS
from bihuan.engine.visible import Binder

DAYS = 7
MINUTE = 60_000


def reads_live(spec: LiveSpec, scope: Scope) -> Period:
    # A clock may be a day ahead: such events are taken, and seen here.
    return scope.period(Last(last=DAYS)).extended(after=1)


def compile_live(spec: LiveSpec, scope: Scope) -> Statement:
    """A row for each event: when it arrived and happened, its name, person (0: nobody), source and properties; where it breaks the plan;
    what was said of its id in the same commit (links have its time); and before them one row that counts the last minute (`rate`)."""
    binder = Binder()
    minute = binder.bind(int(scope.now.timestamp() * 1000) - MINUTE, "Int64")
    columns = ", ".join(COLUMNS)
    nothing = ", ".join(f"'' AS {name}" for name in COLUMNS)
    sql = f"""
WITH
  newest AS (
    SELECT received_at, ts, event, person, person_id, event_key, source, {columns}, revenue, props
    FROM visible
    WHERE {_chosen(spec, binder)}
    ORDER BY received_at DESC, ts DESC, event_key
    LIMIT {binder.bind(spec.limit, "UInt64")}
  ),
  wrong AS (
    SELECT event_key AS of, groupArray(10)((property, kind, expected, value)) AS breaks
    FROM violations WHERE event_key IN (SELECT event_key FROM newest) GROUP BY of
  ),
  said AS (
    SELECT one, at, groupArray(5)((kind, other, why)) AS words
    FROM identity_acts WHERE at IN (SELECT received_at FROM newest) GROUP BY one, at
  )
SELECT * FROM (
SELECT toUInt64(0) AS rate, received_at, ts, event, person, person_id, event_key, source, {columns}, revenue, props,
  breaks, words
FROM newest
LEFT JOIN wrong ON event_key = of
LEFT JOIN said ON person_id = one AND received_at = at
UNION ALL
SELECT countIf(received_at >= fromUnixTimestamp64Milli({minute}, 'UTC')) + 1, now64(3, 'UTC'), now64(3, 'UTC'), '',
  toUInt32(0), toUInt32(0), toUInt64(0), '', {nothing}, NULL, '{{}}', [], []
FROM visible
)
ORDER BY rate DESC, received_at DESC, ts DESC, event_key"""
    return Statement(sql.strip(), binder.params)


def _chosen(spec: LiveSpec, binder: Binder) -> str:
    conditions = [f"{name} = {binder.bind(value, 'String')}" for name, value in (("event", spec.event), ("source", spec.source)) if value]
    if spec.person is not None:
        conditions.append(f"person = {binder.bind(spec.person, 'UInt32')}")
    if spec.who:
        conditions.append(f"person IN (SELECT person FROM id_numbers WHERE id = {binder.bind(spec.who, 'String')})")
    if spec.text:
        inside = ", ".join(("props", *COLUMNS))
        conditions.append(f"positionCaseInsensitiveUTF8(concatWithSeparator(' ', {inside}), {binder.bind(spec.text, 'String')}) > 0")
    if spec.wrong:
        conditions.append("event_key IN (SELECT event_key FROM violations WHERE verdict = 'taken')")
    return " AND ".join(conditions) or "true"
