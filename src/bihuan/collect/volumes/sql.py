"""The statement of volumes."""

from __future__ import annotations

from bihuan.collect.volumes.spec import WEEKS, VolumesSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

MOST_EVENTS = 200
HOURS_DAYS = 3  # days of which hours are judged, with the present one


def reads_volumes(spec: VolumesSpec, scope: Scope) -> Period:
    days = spec.days + 1 if spec.unit == "day" else HOURS_DAYS
    return scope.period(Last(last=days + WEEKS * 7))


def compile_volumes(spec: VolumesSpec, scope: Scope) -> Statement:
    """A row for each of the commonest events and each day (or hour, in the project's zone) that has any; and the first day of each."""
    binder = Binder()
    chosen = f"WHERE event = {binder.bind(spec.event, 'String')}" if spec.event else "WHERE NOT startsWith(event, '$')"
    if spec.unit == "day":
        slot, only = "toString(day)", ""
    else:
        slot = "formatDateTime(toStartOfHour(toTimeZone(ts, {scope_zone:String})), '%Y-%m-%d %H:00')"
        least = binder.bind(reads_volumes(spec, scope).until, "Date")
        only = f"AND (dateDiff('day', day, {least}) % 7) < {HOURS_DAYS}"
    sql = f"""
SELECT event, {slot} AS slot, count() AS events
FROM visible
{chosen} {only} AND event IN (SELECT event FROM visible {chosen} GROUP BY event ORDER BY count() DESC, event LIMIT {MOST_EVENTS})
GROUP BY event, slot
ORDER BY event, slot
LIMIT 200000"""
    return Statement(sql.strip(), binder.params)
