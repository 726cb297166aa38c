"""From the spec of sessions to its one statement: events cut into sessions, a row each, counted in several ways in one pass."""

from __future__ import annotations

from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.visits import cut_sql, moments, number_sql, place_of, reads_visits, tick_of, visits_sql
from bihuan.engine.breakdowns import split
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_text

BUCKETS = {"day": "day", "week": "toMonday(day)", "month": "toStartOfMonth(day)"}


def reads_sessions(spec: SessionsSpec, scope: Scope) -> Period:
    return reads_visits(spec.period, scope)


def compile_sessions(spec: SessionsSpec, scope: Scope) -> Statement:
    """A row for all (`part` total), and one for each `bucket`, each shown value (`value`), `entry` and `exit`: "=" and the text, or '' for
    all others, which are so many `values`. `milliseconds` are the lengths together, `lengths` their median and 90th percentile."""
    binder = Binder()
    sql = f"""
WITH {_shown(spec, scope, binder)}
SELECT
  multiIf(grouping(bucket) = 0, 'bucket',{" grouping(value) = 0, 'value'," if spec.breakdown else ""} grouping(entry) = 0, 'entry',
    grouping(exit) = 0, 'exit', 'total') AS part,
  bucket, {"value" if spec.breakdown else "'' AS value"}, entry, exit,
  count() AS sessions, uniqExact(person) AS people, sum(depth) AS events, countIf(bounced) AS bounces, sum(length) AS milliseconds,
  quantilesExactInclusive(0.5, 0.9)(length) AS lengths,
  multiIf(part = 'value', uniqExact(its_value), part = 'entry', uniqExact(its_entry), part = 'exit', uniqExact(its_exit), 1) AS values
FROM shown
GROUP BY GROUPING SETS ((bucket), {"(value), " if spec.breakdown else ""}(entry), (exit), ())
"""
    return Statement(sql, binder.params)


def people_sessions(spec: SessionsSpec, cell: SessionsCell, scope: Scope) -> Statement:
    """The people with such a session."""
    binder = Binder()
    shown = _shown(spec, scope, binder)
    tests = ["1"]
    if cell.bucket is not None:
        tests.append(f"bucket = {binder.bind(bucket_day(cell.bucket, spec.unit), 'Date')}")
    value = "" if cell.none else cell.value
    for column, text, other in (
        ("value", value, cell.other),
        ("entry", cell.entry, cell.entry_other),
        ("exit", cell.exit, cell.exit_other),
    ):
        if other or text is not None:
            tests.append(f"{column} = {binder.bind('' if other else f'={text}', 'String')}")
    if cell.bounced:
        tests.append("bounced")
    return Statement(f"WITH {shown}\nSELECT person FROM shown WHERE {' AND '.join(tests)}", binder.params)


def _shown(spec: SessionsSpec, scope: Scope, binder: Binder) -> str:
    """`shown`: a row for each session, with what it is shown as."""
    period = scope.period(spec.period)
    since, until = binder.bind(period.since, "Date"), binder.bind(period.until, "Date")
    wanted = f"{named(spec.choices, binder)} AND {chosen(spec.choices, scope, binder)}"
    filtered = condition(spec.filter, scope, binder, over="visible")
    among = f"person != 0 AND day BETWEEN {since} AND {until} AND {wanted} AND {filtered}"
    parts = split(spec.breakdown, scope, binder, among=among)
    bounced = "depth = 1"
    if spec.bounce_seconds is not None:
        bounced += f" OR length < {binder.bind(spec.bounce_seconds * 1000, 'Int64')}"
    top = binder.bind(spec.top, "UInt64")

    def alone(column: str) -> str:
        first = f"SELECT {column} FROM sessions GROUP BY {column} ORDER BY count() DESC, {column} LIMIT {top}"
        return f"if({column} IN ({first}), concat('=', {column}), '')"

    bucket = BUCKETS[spec.unit]
    if spec.by is None and not spec.breakdown:
        sessions = _of_names(spec, scope, binder, f"{wanted} AND {filtered}", bucket, bounced)
    else:
        sessions = f"""doings AS (
  SELECT
    person, toUnixTimestamp64Milli(ts) AS tick, toString(event) AS event, event_key AS key, {_node(spec, scope, binder)} AS node, day,
    {parts.value} AS value
  FROM {parts.source}
  WHERE person != 0 AND {wanted} AND {filtered}
),
visits AS ({visits_sql("doings", "node, day, value", binder.bind(spec.gap * 60_000, "Int64"))}
),
sessions AS MATERIALIZED (
  SELECT person, {bucket} AS bucket, length, depth, {bounced} AS bounced, its_value, its_entry, its_exit
  FROM (
    SELECT
      person, visit[1].5 AS day, visit[-1].1 - visit[1].1 AS length, length(visit) AS depth,
      visit[1].6 AS its_value, visit[1].4 AS its_entry, visit[-1].4 AS its_exit
    FROM visits
    WHERE visit[1].5 BETWEEN {since} AND {until}
  )
)"""
    return f"""{sessions},
shown AS (
  SELECT
    *, {alone("its_entry")} AS entry, {alone("its_exit")} AS exit,
    {alone("its_value") if spec.breakdown else "''"} AS value
  FROM sessions
)"""


def _of_names(spec: SessionsSpec, scope: Scope, binder: Binder, wanted: str, bucket: str, bounced: str) -> str:
    """`sessions` where entries and exits are events' names, and nothing else is asked of any event."""
    period = moments(spec.period, scope, binder)
    known = "(SELECT names FROM named)"
    day = f"toDate(fromUnixTimestamp64Milli(began + {period.base}, {{scope_zone:String}}))"
    rows = f"FROM visible\n      WHERE person != 0 AND {wanted}"
    return f"""named AS (
  SELECT arraySort(groupArray(toString(event))) AS names FROM (SELECT DISTINCT event FROM visible WHERE {named(spec.choices, binder)})
),
sessions AS MATERIALIZED (
  SELECT
    person, {bucket} AS bucket, length, depth, {bounced} AS bounced, '' AS its_value,
    {known}[{place_of("first")}] AS its_entry, {known}[{place_of("last")}] AS its_exit
  FROM (
    SELECT
      person, {tick_of("visit[1]")} AS began, {day} AS day, {tick_of("visit[-1]")} - began AS length,
      length(visit) AS depth, visit[1] AS first, visit[-1] AS last
    FROM ({cut_sql(f"groupArray({number_sql(period.base, known)})", rows, binder.bind(spec.gap * 60_000, "Int64"))})
    WHERE {period.begins("began")}
  )
)"""


def _node(spec: SessionsSpec, scope: Scope, binder: Binder) -> str:
    if spec.by is None:
        return "toString(event)"
    value = property_text(spec.by, scope, binder)
    return f"if({value} = '', toString(event), {value})"
