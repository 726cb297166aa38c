"""The statement of the newest arrivals."""

from __future__ import annotations

from bihuan.collect.live.spec import LiveSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.schema import COLUMNS
from bihuan.engine.visible import Binder

DAYS = 7


def reads_live(spec: LiveSpec, scope: Scope) -> Period:
    # A clock may be a day ahead: such events are taken, and seen here.
    return scope.period(Last(last=DAYS)).extended(after=1)


def compile_live(spec: LiveSpec, scope: Scope) -> Statement:
    """A row for each event: when it arrived and happened, its name, person (0: nobody), source and properties."""
    binder = Binder()
    chosen = f"WHERE event = {binder.bind(spec.event, 'String')}" if spec.event else ""
    sql = f"""
SELECT received_at, ts, event, person, source, {", ".join(COLUMNS)}, revenue, props
FROM visible
{chosen}
ORDER BY received_at DESC, ts DESC, event_key
LIMIT {binder.bind(spec.limit, "UInt64")}"""
    return Statement(sql.strip(), binder.params)
