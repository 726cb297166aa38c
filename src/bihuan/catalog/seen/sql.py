"""The statements about what has come in."""

from __future__ import annotations

from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec, PersonPropertiesSpec
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS

TYPE = """multiIf(startsWith(value, '"'), 'string', value IN ('true', 'false'), 'boolean', startsWith(value, '['), 'array',
    startsWith(value, '{'), 'object', 'number')"""
PLAIN = "if(startsWith(value, '\"'), JSONExtractString(value), value)"


def period_of(spec: EventsSpec | EventPropertiesSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def today(spec: PersonPropertiesSpec, scope: Scope) -> Period:
    return scope.period(Last(last=1))


def compile_events(spec: EventsSpec, scope: Scope) -> Statement:
    """One row an event: (event, total, events, people, first_seen, last_seen), most frequent in the period first."""
    period = period_of(spec, scope)
    sql = """
SELECT event,
  count() AS total,
  countIf(day BETWEEN {since:Date} AND {until:Date}) AS events,
  uniqExactIf(person, person != 0 AND day BETWEEN {since:Date} AND {until:Date}) AS people,
  min(ts) AS first_seen,
  max(ts) AS last_seen
FROM history
GROUP BY event
ORDER BY events DESC, total DESC, event"""
    return Statement(sql, {"since": period.since, "until": period.until})


def compile_event_properties(spec: EventPropertiesSpec, scope: Scope) -> Statement:
    """One row a property: (property, types, events, sampled, different, examples, first_seen, last_seen), most frequent first."""
    texts = ", ".join(f"('{name}', toJSONString(toString({name})))" for name in COLUMNS)
    numbers = ", ".join(f"('{name}', ifNull(toString({name}), ''))" for name in NUMBER_COLUMNS)
    sql = f"""
WITH newest AS (
  SELECT *
  FROM visible
  WHERE event = {{event:String}}
  ORDER BY ts DESC
  LIMIT {{sample:UInt64}}
),
pairs AS (
  SELECT arrayJoin(arrayConcat(
    JSONExtractKeysAndValuesRaw(props),
    arrayFilter(pair -> pair.2 NOT IN ('', '""'), [{texts}, {numbers}])
  )) AS pair, pair.1 AS property, pair.2 AS value
  FROM newest
),
known AS (
  SELECT property AS name, min(seen.first_seen) AS since, max(seen.last_seen) AS until
  FROM seen
  WHERE event = {{event:String}}
  GROUP BY name
)
SELECT property,
  arraySort(groupUniqArray({TYPE})) AS types,
  count() AS events,
  (SELECT count() FROM newest) AS sampled,
  uniq(value) AS different,
  topK(5)({PLAIN}) AS examples,
  any(since) AS first_seen,
  any(until) AS last_seen
FROM pairs
LEFT JOIN known ON property = name
WHERE value != 'null' AND NOT has({{hidden:Array(String)}}, property)
GROUP BY property
ORDER BY events DESC, property"""
    return Statement(sql, {"event": spec.event, "sample": spec.sample, "hidden": sorted(scope.hidden)})


def compile_person_properties(spec: PersonPropertiesSpec, scope: Scope) -> Statement:
    """One row a property: (property, types, people, different, examples, first_seen, last_seen), most frequent first."""
    sql = f"""
WITH known AS (
  SELECT property, min(seen.first_seen) AS since, max(seen.last_seen) AS until
  FROM seen
  WHERE event = ''
  GROUP BY property
)
SELECT name AS property,
  arraySort(groupUniqArray({TYPE})) AS types,
  uniqExact(person) AS people,
  uniq(value) AS different,
  topK(5)({PLAIN}) AS examples,
  any(since) AS first_seen,
  any(until) AS last_seen
FROM traits_now
LEFT JOIN known ON name = known.property
WHERE person != 0
GROUP BY property
ORDER BY people DESC, property"""
    return Statement(sql, {})
