"""The statement of an event's fate: where it is stored, and where it stands in the quarantine."""

from __future__ import annotations

from bihuan.collect.events import event_key
from bihuan.collect.fate.spec import FateSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

GREATEST = 2**64


def reads_fate(spec: FateSpec, scope: Scope) -> Period:
    return scope.period(Last(last=1))  # `history` has no period


def compile_fate(spec: FateSpec, scope: Scope) -> Statement:
    """A row for each event that is found: `fate` stored or quarantined, the newest first."""
    binder = Binder()
    limit = binder.bind(spec.limit, "UInt64")
    sql = f"""
SELECT * FROM (
  SELECT 'stored' AS fate, event, ts AS at, received_at, toString(day) AS day, person, source, event_key, '' AS reason, '' AS detail,
    '' AS outcome, props AS body
  FROM history WHERE {_stored(spec, scope, binder)} ORDER BY received_at DESC, ts DESC LIMIT {limit}
)
UNION ALL
SELECT * FROM (
  SELECT 'quarantined', JSONExtractString(q.body, 'name'), q.received_at, q.received_at, '', toUInt32(0), q.source, q.event_key,
    q.reason, q.detail, o.outcome, q.body
  FROM (SELECT * FROM quarantined WHERE {_rejected(spec, scope, binder)} ORDER BY received_at DESC LIMIT {limit}) AS q
  LEFT JOIN outcomes AS o ON q.item = o.item
)
ORDER BY received_at DESC, event_key"""
    return Statement(sql.strip(), binder.params)


def keys_of(spec: FateSpec, scope: Scope) -> list[int]:
    """The numbers that may stand for the client's key: one for each source, and the number itself."""
    keys = [event_key(scope.project_id, source, spec.key) for source in spec.sources]
    return [*keys, int(spec.key)] if spec.key.isdecimal() and len(spec.key) <= 20 and int(spec.key) < GREATEST else keys


def _stored(spec: FateSpec, scope: Scope, binder: Binder) -> str:
    conditions = []
    if spec.key:
        conditions.append(f"event_key IN {binder.bind(keys_of(spec, scope), 'Array(UInt64)')}")
    if spec.who:
        conditions.append(f"person IN (SELECT person FROM id_numbers WHERE id = {binder.bind(spec.who, 'String')})")
    if spec.event:
        conditions.append(f"event = {binder.bind(spec.event, 'String')}")
    if spec.day:
        conditions.append(f"day = toDate({binder.bind(spec.day, 'String')})")
    return " AND ".join(conditions) or "false"


def _rejected(spec: FateSpec, scope: Scope, binder: Binder) -> str:
    conditions = []
    if spec.key:
        keys, text = binder.bind(keys_of(spec, scope), "Array(UInt64)"), binder.bind(spec.key, "String")
        conditions.append(f"((event_key != 0 AND event_key IN {keys}) OR position(body, {text}) > 0)")
    conditions += [f"position(body, {binder.bind(text, 'String')}) > 0" for text in (spec.who, spec.event) if text]
    if spec.day:
        conditions.append(f"toDate(received_at, {{scope_zone:String}}) = toDate({binder.bind(spec.day, 'String')})")
    return " AND ".join(conditions) or "false"
