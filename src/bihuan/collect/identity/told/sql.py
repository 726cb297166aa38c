"""The statement of the log: the rows asked for, each with its two ids, whose they are now, and what was said of it later."""

from __future__ import annotations

from bihuan.collect.identity.told.spec import ToldSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.person_map import person_of
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, shown_id

_OPEN = f"""kind = 'propose' AND {person_of("one")} != {person_of("other")}
      AND act NOT IN (SELECT of FROM identity_acts WHERE kind = 'dismiss')"""
WHICH = {
    "all": "1",
    "links": "kind = 'link'",
    "merges": "kind = 'merge'",
    "undone": "kind IN ('undo', 'redo', 'allow', 'dismiss')",
    "proposals": "kind = 'propose'",
    "open": _OPEN,
    "shared": "kind = 'shared'",
    "devices": "kind IN ('many', 'full')",
    "unbound": "kind = 'unbind'",
}


def reads_told(spec: ToldSpec, scope: Scope) -> Period:
    """No events at all."""
    return scope.period(Last(last=1))


def compile_told(spec: ToldSpec, scope: Scope) -> Statement:
    """Rows of the log, newest first. E-mail addresses and phone numbers are left out for who may not see such properties."""
    binder = Binder()
    where = [WHICH[spec.which]]
    if spec.act:
        where.append(f"act = {binder.bind(spec.act, 'UInt64')}")
    if spec.id:
        mine = f"SELECT number FROM id_numbers WHERE id = {binder.bind(spec.id, 'String')}"
        where.append(f"(one IN ({mine}) OR other IN ({mine}))")
    if spec.person:
        person = person_of(binder.bind(spec.person, "UInt32"))
        where.append(f"({person_of('one')} = {person} OR {person_of('other')} = {person})")
    if spec.by:
        where.append(f"positionCaseInsensitiveUTF8(by, {binder.bind(spec.by, 'String')}) > 0")
    if spec.before:
        before = binder.bind(spec.before, "DateTime64(3, 'UTC')")
        where.append(f"at < {before}")
    return Statement(
        f"""
WITH
  shown AS (
    SELECT act, at, kind, one, other, of, why, by FROM identity_acts
    WHERE {" AND ".join(where)}
    ORDER BY act DESC LIMIT {binder.bind(spec.limit + 1, "UInt64")}
  ),
  named AS (
    SELECT number, id_type, {shown_id(scope.hidden)} AS text, person FROM id_numbers
    WHERE number IN (SELECT arrayJoin([one, other]) FROM shown)
  ),
  later AS (
    SELECT of, argMax(kind, act) AS last, argMax(by, act) AS last_by, max(at) AS last_at,
      argMaxIf(kind, act, kind IN ('undo', 'redo')) AS turned
    FROM identity_acts WHERE of IN (SELECT act FROM shown) GROUP BY of
  )
SELECT s.act AS act, s.at AS at, s.kind AS kind, s.of AS of, s.why AS why, s.by AS by, s.one AS one, s.other AS other,
  x.id_type AS one_type, x.text AS one_id, {person_of("s.one")} AS one_person,
  y.id_type AS other_type, y.text AS other_id, {person_of("s.other")} AS other_person,
  l.last AS last, l.last_by AS last_by, l.last_at AS last_at, l.turned AS turned
FROM shown AS s
LEFT JOIN named AS x ON x.number = s.one
LEFT JOIN named AS y ON y.number = s.other
LEFT JOIN later AS l ON l.of = s.act
ORDER BY act DESC""".strip(),
        binder.params,
    )
