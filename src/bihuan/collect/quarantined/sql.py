"""The statements of rejected events: what the page shows, and what a run of mending takes next."""

from __future__ import annotations

from bihuan.collect.quarantined.spec import QuarantinedSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

DONE = "('stored', 'duplicate', 'discarded')"  # outcomes after which nobody need look at it
STATES = {
    "open": f"item NOT IN (SELECT item FROM outcomes WHERE outcome IN {DONE})",
    "done": f"item IN (SELECT item FROM outcomes WHERE outcome IN {DONE})",
    "all": "true",
}


def reads_quarantined(spec: QuarantinedSpec, scope: Scope) -> Period:
    return scope.period(Last(last=1))


def compile_quarantined(spec: QuarantinedSpec, scope: Scope) -> Statement:
    """A row for each rejected event, and before them one for each reason and source with how many there are (`number`, 0 for an event)."""
    binder = Binder()
    sql = f"""
SELECT max(received_at) AS at, source, reason, '' AS detail, '' AS body, count() AS number, toUInt64(0) AS item, toUInt64(0) AS event_key,
  '' AS outcome, '' AS result
FROM quarantined WHERE {STATES[spec.state]} GROUP BY source, reason
UNION ALL
SELECT * FROM (
  SELECT q.received_at AS at, q.source, q.reason, q.detail, q.body, toUInt64(0) AS number, q.item, q.event_key,
    o.outcome AS outcome, o.detail AS result
  FROM (SELECT * FROM quarantined WHERE {STATES[spec.state]} AND {chosen(spec, scope, binder)}
    ORDER BY received_at DESC, item LIMIT {binder.bind(spec.limit, "UInt64")}) AS q
  LEFT JOIN outcomes AS o ON q.item = o.item
)
ORDER BY number DESC, at DESC, item"""
    return Statement(sql.strip(), binder.params)


def chosen(spec: QuarantinedSpec, scope: Scope, binder: Binder) -> str:
    """SQL for being one of those that are asked for. Where something is hidden, a text finds nothing: it would tell what is."""
    conditions = [f"{name} = {binder.bind(value, 'String')}" for name, value in (("reason", spec.reason), ("source", spec.source)) if value]
    if spec.text:
        text = binder.bind(spec.text, "String")
        conditions.append(f"(positionCaseInsensitiveUTF8(body, {text}) > 0 OR positionCaseInsensitiveUTF8(detail, {text}) > 0)")
    return " AND ".join(conditions) or "true"
