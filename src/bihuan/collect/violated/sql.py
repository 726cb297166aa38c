"""The statement that counts violations."""

from __future__ import annotations

from datetime import timedelta

from bihuan.collect.violated.spec import ViolatedSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

MOST_ROWS = 2_000
SAMPLES = 5


def reads_violated(spec: ViolatedSpec, scope: Scope) -> Period:
    return scope.period(Last(last=1))  # it reads none of the events themselves


def compile_violated(spec: ViolatedSpec, scope: Scope) -> Statement:
    """A row for each event, property, kind of mistake, source and version of the app, the commonest first."""
    binder = Binder()
    since = binder.bind(int((scope.now - timedelta(days=spec.days)).timestamp() * 1000), "Int64")
    conditions = [f"received_at >= fromUnixTimestamp64Milli({since}, 'UTC')"]
    chosen = (("event", spec.event), ("property", spec.property), ("kind", spec.kind), ("source", spec.source))
    conditions += [f"{name} = {binder.bind(value, 'String')}" for name, value in chosen if value]
    sql = f"""
SELECT event, property, kind, source, app_version,
  uniqExact(event_key) AS events, uniqExactIf(event_key, verdict = 'quarantined') AS kept_out,
  argMax(expected, received_at) AS expected, arraySort(groupUniqArrayIf({SAMPLES})(value, value != '')) AS samples,
  min(received_at) AS first, max(received_at) AS latest
FROM violations
WHERE {" AND ".join(conditions)}
GROUP BY event, property, kind, source, app_version
ORDER BY events DESC, event, property, kind, source, app_version
LIMIT {MOST_ROWS}"""
    return Statement(sql.strip(), binder.params)
