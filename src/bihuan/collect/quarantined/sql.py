"""The statement of rejected events."""

from __future__ import annotations

from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def reads_quarantined(spec: QuarantinedSpec, scope: Scope) -> Period:
    return scope.period(Last(last=1))


def compile_quarantined(spec: QuarantinedSpec, scope: Scope) -> Statement:
    """A row for each rejected event, and before them one for each reason with how many there are (`number`, 0 for an event)."""
    binder = Binder()
    reason = binder.bind(spec.reason, "String")
    sql = f"""
SELECT max(received_at) AS at, '' AS source, reason, '' AS detail, '' AS body, count() AS number
FROM quarantined GROUP BY reason
UNION ALL
SELECT * FROM (
  SELECT received_at AS at, source, reason, detail, body, toUInt64(0) AS number
  FROM quarantined WHERE {reason} = '' OR reason = {reason}
  ORDER BY received_at DESC LIMIT {binder.bind(spec.limit, "UInt64")}
)
ORDER BY number DESC, at DESC"""
    return Statement(sql.strip(), binder.params)
