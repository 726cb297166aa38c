"""From a lift's spec to its statement: one row an arm, with the sums that the statistics need."""

from __future__ import annotations

from bihuan.act.lift.spec import LiftSpec
from bihuan.engine.conditions import condition
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_number

ASSIGNED = "$campaign_assigned"


def reads_lift(spec: LiftSpec, scope: Scope) -> Period:
    """The days of assignment and the goal's window after them."""
    return scope.period(spec.period).extended(after=spec.window + 1)


def compile_lift(spec: LiftSpec, scope: Scope) -> Statement:
    """Intention to treat: everybody who was assigned counts in their arm, whether or not the message reached them.

    A person counts from their own first assignment. Whoever was assigned to both arms (two ids, found later to be one person)
    is set apart. The value of a person without the goal is 0.
    """
    binder = Binder()
    period = scope.period(spec.period)
    where = f" AND {condition(spec.goal.filter, scope, binder)}" if spec.goal.filter else ""
    value = f"ifNull({property_number(spec.goal.property, scope, binder)}, 0)" if spec.goal.measure == "value" else "0."
    window, now = binder.bind(spec.window, "UInt32"), binder.bind(int(scope.now.timestamp() * 1000), "Int64")
    counts = f"at > since AND at <= since + toIntervalDay({window})"
    sql = f"""
WITH assigned AS (
  SELECT person, min(ts) AS since, min(fell_in) AS arm, uniqExact(fell_in) > 1 AS both
  FROM (
    SELECT person, ts, JSONExtractString(props, 'arm') AS fell_in
    FROM visible
    WHERE event = {binder.bind(ASSIGNED, "String")} AND person != 0
      AND day BETWEEN {binder.bind(period.since, "Date")} AND {binder.bind(period.until, "Date")}
      AND JSONExtractString(props, 'campaign') = {binder.bind(spec.campaign, "String")}
  )
  WHERE fell_in IN ('treatment', 'holdout')
  GROUP BY person
),
goals AS (
  SELECT person AS doer, ts AS at, toFloat64({value}) AS value
  FROM visible
  WHERE event = {binder.bind(spec.goal.event, "String")} AND person != 0{where}
),
people AS (
  SELECT person, any(arm) AS in_arm, any(both) AS in_both, any(since) AS assigned_at,
    countIf({counts}) AS times,
    sumIf(value, {counts}) AS total,
    minIf(intDiv(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(since) - 1, 86400000), {counts}) AS first_day
  FROM assigned LEFT JOIN goals ON person = doer
  GROUP BY person
)
SELECT if(in_both, 'both', in_arm) AS arm,
  count() AS people,
  countIf(times > 0) AS converted,
  sum(times) AS goals,
  avg(total) AS mean,
  ifNotFinite(varSampStable(total), 0) AS variance,
  countIf(assigned_at + toIntervalDay({window}) <= fromUnixTimestamp64Milli({now})) AS complete,
  max(assigned_at) AS newest,
  sumForEach(arrayMap(day -> times > 0 AND first_day <= day, range({window}))) AS by_day
FROM people
GROUP BY arm
ORDER BY arm"""
    return Statement(sql, binder.params)
