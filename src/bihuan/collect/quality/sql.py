"""The statement of coverage and freshness."""

from __future__ import annotations

from bihuan.collect.quality.spec import QualitySpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder

MOST_ROWS = 2_000


def reads_quality(spec: QualitySpec, scope: Scope) -> Period:
    return scope.period(Last(last=spec.days))


def compile_quality(spec: QualitySpec, scope: Scope) -> Statement:
    """A row for each event and source, the commonest first. What arrived before it happened has come at once."""
    binder = Binder()
    chosen = f"WHERE event = {binder.bind(spec.event, 'String')}" if spec.event else ""
    sql = f"""
SELECT event, source, count() AS events, countIf(person_id != 0) AS with_id, uniqExactIf(person, person != 0) AS people,
  max(ts) AS last_happened, max(received_at) AS last_arrived,
  quantiles(0.5, 0.95)(greatest(0, dateDiff('millisecond', ts, received_at)) / 1000) AS delays,
  arraySort(groupUniqArrayIf(20)(app_version, app_version != '')) AS versions
FROM visible
{chosen}
GROUP BY event, source
ORDER BY events DESC, event, source
LIMIT {MOST_ROWS}"""
    return Statement(sql.strip(), binder.params)
