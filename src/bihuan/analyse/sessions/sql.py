"""From the spec of sessions to its one statement: events cut into sessions, a row each, counted in several ways in one pass."""

from __future__ import annotations

from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.visits import CODE_NAMES, CODE_TICK, Named, bits_sql, code_sql, moments, reads_visits, visits_sql
from bihuan.engine.breakdowns import split
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_text

KNOWN = "(SELECT names FROM named)"  # always in these words: the store then looks once
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
  multiIf(grouping(bucket) = 0, 'bucket',{" grouping(value) = 0, 'value'," if spec.breakdown else ""} grouping(first) = 0, 'entry',
    grouping(last) = 0, 'exit', 'total') AS part,
  bucket, {"value" if spec.breakdown else "'' AS value"}, {_text(spec, "first")} AS entry, {_text(spec, "last")} AS exit,
  count() AS sessions, uniqExact(person) AS people, sum(depth) AS events, countIf(bounced) AS bounces, sum(length) AS milliseconds,
  quantilesExactInclusive(0.5, 0.9)(length) AS lengths,
  multiIf(part = 'value', uniqExact(its_value), part = 'entry', uniqExact(its_entry), part = 'exit', uniqExact(its_exit), 1) AS values
FROM shown
GROUP BY GROUPING SETS ((bucket), {"(value), " if spec.breakdown else ""}(first), (last), ())
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
        (_text(spec, "first"), cell.entry, cell.entry_other),
        (_text(spec, "last"), cell.exit, cell.exit_other),
    ):
        if other or text is not None:
            tests.append(f"{column} = {binder.bind('' if other else f'={text}', 'String')}")
    if cell.bounced:
        tests.append("bounced")
    return Statement(f"WITH {shown}\nSELECT person FROM shown WHERE {' AND '.join(tests)}", binder.params)


def _of_names(spec: SessionsSpec) -> bool:
    """Whether entries and exits are events' names, and nothing else is asked of any event: then they are places of names."""
    return spec.by is None and not spec.breakdown


def _text(spec: SessionsSpec, column: str) -> str:
    """SQL for what an entry or exit of `shown` is shown as."""
    return f"if({column} = 0, '', concat('=', {KNOWN}[{column}]))" if _of_names(spec) else column


def _shown(spec: SessionsSpec, scope: Scope, binder: Binder) -> str:
    """`shown`: a row for each session; its `first` and `last` node and its `value`, 0 or '' where it is one of the others."""
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
        shown = (column, 0) if _of_names(spec) else (f"concat('=', {column})", "''")
        return f"if({column} IN ({first}), {shown[0]}, {shown[1]})"

    bucket = BUCKETS[spec.unit]
    if _of_names(spec):
        sessions = _sessions_of_names(spec, scope, binder, f"{wanted} AND {filtered}", bucket, bounced)
    else:
        sessions = f"""named AS (SELECT {CODE_NAMES}),
doings AS (
  SELECT person, {code_sql(KNOWN)} AS code, {_node(spec, scope, binder)} AS node, day, {parts.value} AS value
  FROM {parts.source}
  WHERE person != 0 AND {wanted} AND {filtered}
),
visits AS ({visits_sql("doings", "node, day, value", binder.bind(spec.gap * 60_000, "Int64"))}
),
sessions AS MATERIALIZED (
  SELECT person, {bucket} AS bucket, length, depth, {bounced} AS bounced, its_value, its_entry, its_exit
  FROM (
    SELECT
      person, visit[1].3 AS day, {CODE_TICK.format(code="visit[-1].1")} - {CODE_TICK.format(code="visit[1].1")} AS length,
      length(visit) AS depth, visit[1].4 AS its_value, visit[1].2 AS its_entry, visit[-1].2 AS its_exit
    FROM visits
    WHERE visit[1].3 BETWEEN {since} AND {until}
  )
)"""
    return f"""{sessions},
shown AS (
  SELECT
    *, {alone("its_entry")} AS first, {alone("its_exit")} AS last,
    {alone("its_value") if spec.breakdown else "''"} AS value
  FROM sessions
)"""


def _sessions_of_names(spec: SessionsSpec, scope: Scope, binder: Binder, wanted: str, bucket: str, bounced: str) -> str:
    """`sessions` where it is `_of_names`."""
    period = moments(spec.period, scope, binder)
    of = Named(KNOWN, period, bits_sql(KNOWN))
    day = f"toDate(fromUnixTimestamp64Milli(began + {period.base}, {{scope_zone:String}}))"
    rows = f"FROM visible\n      WHERE person != 0 AND {wanted}"
    return f"""named AS (
  SELECT arraySort(groupArray(toString(event))) AS names
  FROM (SELECT DISTINCT event FROM visible WHERE {named(spec.choices, binder)})
),
sessions AS MATERIALIZED (
  SELECT
    person, {bucket} AS bucket, length, depth, {bounced} AS bounced, '' AS its_value,
    {of.place("first")} AS its_entry, {of.place("last")} AS its_exit
  FROM (
    SELECT
      person, {of.tick("visit[1]")} AS began, {day} AS day, {of.tick("visit[-1]")} - began AS length,
      length(visit) AS depth, visit[1] AS first, visit[-1] AS last
    FROM ({of.cut_sql(rows, binder.bind(spec.gap * 60_000, "Int64"))})
    WHERE {period.begins("began")}
  )
)"""


def _node(spec: SessionsSpec, scope: Scope, binder: Binder) -> str:
    if spec.by is None:
        return "toString(event)"
    value = property_text(spec.by, scope, binder)
    return f"if({value} = '', toString(event), {value})"
