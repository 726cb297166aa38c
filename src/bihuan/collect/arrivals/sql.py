"""The statement of what arrives from each source."""

from __future__ import annotations

from bihuan.collect.arrivals.spec import ArrivalsSpec
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def reads_arrivals(spec: ArrivalsSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def compile_arrivals(spec: ArrivalsSpec, scope: Scope) -> Statement:
    """A row for each source."""
    binder = Binder()
    hour_ago = binder.bind(int(scope.now.timestamp() * 1000) - 3_600_000, "Int64")
    sql = f"""
SELECT source, count() AS events, uniqExactIf(person, person != 0) AS people, countIf(person = 0) AS nobodys,
  uniqExact(event) AS names, max(received_at) AS latest,
  countIf(received_at >= fromUnixTimestamp64Milli({hour_ago}, 'UTC')) AS last_hour
FROM visible GROUP BY source ORDER BY events DESC, source"""
    return Statement(sql.strip(), binder.params)
