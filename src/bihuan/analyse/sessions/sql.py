"""From the spec of sessions to its one statement: events cut into sessions, a row each, counted in several ways in one pass."""

from __future__ import annotations

from collections.abc import Callable

from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.visits import CODE_NAMES, CODE_TICK, Named, bits_sql, code_sql, followed, known_until, moments_of, visits_sql
from bihuan.engine import compare
from bihuan.engine.breakdowns import split
from bihuan.engine.compare import Baseline, baseline, sides
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder, property_text

KNOWN = "(SELECT names FROM named)"  # always in these words: the store then looks once
BUCKETS = {"day": "{day}", "week": "toMonday({day})", "month": "toStartOfMonth({day})"}


def other_period(spec: SessionsSpec, scope: Scope) -> Baseline | None:
    return baseline(spec.compare, scope.period(spec.period), scope)


def covered(spec: SessionsSpec, scope: Scope) -> Period:
    """The days of both sides."""
    return compare.reads(scope.period(spec.period), other_period(spec, scope))


def reads_sessions(spec: SessionsSpec, scope: Scope) -> Period:
    return followed(covered(spec, scope))


def compile_sessions(spec: SessionsSpec, scope: Scope) -> Statement:
    """A row for all (`part` total), and one for each `bucket`, each shown value (`value`), `entry` and `exit`: "=" and the text, or '' for
    all others, which are so many `values`. `milliseconds` are the lengths together, `lengths` their median and 90th percentile. What it is
    compared with is in the columns that end with `_before`. From a sample also the sum, over people, of the squares of what each adds."""
    binder = Binder()
    sql = f"""
WITH {_shown(spec, scope, binder)}
SELECT
  multiIf(grouping(bucket) = 0, 'bucket',{" grouping(value) = 0, 'value'," if spec.breakdown else ""} grouping(first) = 0, 'entry',
    grouping(last) = 0, 'exit', 'total') AS part,
  bucket, {"value" if spec.breakdown else "'' AS value"}, {_text(spec, "first")} AS entry, {_text(spec, "last")} AS exit,
  {_measured(spec, 0) + ", " + _measured(spec, 1, "_before") if spec.compare else _measured(spec)},
  multiIf(part = 'value', uniqExact(its_value), part = 'entry', uniqExact(its_entry), part = 'exit', uniqExact(its_exit), 1) AS values
FROM shown
GROUP BY GROUPING SETS ((bucket), {"(value), " if spec.breakdown else ""}(first), (last), ())
"""
    return Statement(sql, binder.params)


def _measured(spec: SessionsSpec, side: int | None = None, end: str = "") -> str:
    """What is told of the sessions (of one side)."""
    also, only, on = ("", "()", "") if side is None else ("If", f"(side = {side})", f"side = {side}")
    of, bounced = (f", {on}", f"bounced AND {on}") if on else ("", "bounced")
    return f"""count{also}{only} AS sessions{end}, uniqExact{also}(person{of}) AS people{end}, sum{also}(depth{of}) AS events{end}, \
countIf({bounced}) AS bounces{end}, sum{also}(length{of}) AS milliseconds{end},
  quantilesExactInclusive{also}(0.5, 0.9)(length{of}) AS lengths{end}{_squares(also, of, end) if spec.sample else ""}"""


def _squares(also: str, of: str, end: str) -> str:
    """The sums of squares for the intervals of a sample; of people, what each adds is 1."""
    adds = ("1", "depth", "bounced")
    of_person = f"sumMap{also}([person], {', '.join(f'[toUInt64({one})]' for one in adds)}{of})"  # one, as it is the same thrice
    squares = {name: f"arraySum(one -> one * one, {of_person}.{place})" for place, name in enumerate(("sessions", "events", "bounces"), 2)}
    return "".join(f",\n  {sql} AS {name}_squares{end}" for name, sql in squares.items())


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
    if cell.before and not spec.compare:
        raise QuestionError("There is no such part in this answer.")
    if spec.compare:
        tests.append(f"side = {int(cell.before)}")
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
    if spec.sample is not None:
        filtered += f" AND {sampled(spec.sample, binder, nobody=None)}"
    among = f"person != 0 AND day BETWEEN {since} AND {until} AND {wanted} AND {filtered}"
    parts = split(spec.breakdown, scope, binder, among=among)
    bounced = "depth = 1"
    if spec.bounce_seconds is not None:
        bounced += f" OR length < {binder.bind(spec.bounce_seconds * 1000, 'Int64')}"
    top = binder.bind(spec.top, "UInt64")
    size = "countIf(side = 0)" if spec.compare else "count()"

    def alone(column: str) -> str:
        first = f"SELECT {column} FROM sessions GROUP BY {column} ORDER BY {size} DESC, {column} LIMIT {top}"
        shown = (column, 0) if _of_names(spec) else (f"concat('=', {column})", "''")
        return f"if({column} IN ({first}), {shown[0]}, {shown[1]})"

    counted = f"{wanted} AND {filtered}{_near(spec, scope, binder)}"
    if _of_names(spec):
        sessions = _sessions_of_names(spec, scope, binder, counted, bounced)
    else:
        sessions = f"""named AS (SELECT {CODE_NAMES}),
doings AS (
  SELECT person, {code_sql(KNOWN)} AS code, {_node(spec, scope, binder)} AS node, day, {parts.value} AS value
  FROM {parts.source}
  WHERE person != 0 AND {counted}
),
visits AS ({visits_sql("doings", "node, day, value", binder.bind(spec.gap * 60_000, "Int64"))}
),
{_sessions_of_nodes(spec, scope, binder, bounced, f"WHERE visit[1].3 BETWEEN {since} AND {until}")}"""
    return f"""{sessions},
shown AS (
  SELECT
    *, {alone("its_entry")} AS first, {alone("its_exit")} AS last,
    {alone("its_value") if spec.breakdown else "''"} AS value
  FROM sessions
)"""


def _sessions_of_nodes(spec: SessionsSpec, scope: Scope, binder: Binder, bounced: str, inside: str) -> str:
    """`sessions` of `visits`; `inside` is the WHERE clause for those of the period."""
    tick, bucket = CODE_TICK.format, BUCKETS[spec.unit].format(day="day")
    day, visits = "visit[1].3 AS day", f"visits\n    {inside}"
    if spec.compare:
        placed = _placed(spec, scope, binder, "visits", "visit[1].3", lambda one: tick(code=f"{one}.1"))
        bucket, day, visits = "side, bucket", "side, bucket", placed
    else:
        bucket = f"{bucket} AS bucket"
    return f"""sessions AS MATERIALIZED (
  SELECT person, {bucket}, length, depth, {bounced} AS bounced, its_value, its_entry, its_exit
  FROM (
    SELECT
      person, {day}, {tick(code="visit[-1].1")} - {tick(code="visit[1].1")} AS length,
      length(visit) AS depth, visit[1].4 AS its_value, visit[1].2 AS its_entry, visit[-1].2 AS its_exit
    FROM {visits}
  )
)"""


def _sessions_of_names(spec: SessionsSpec, scope: Scope, binder: Binder, wanted: str, bounced: str) -> str:
    """`sessions` where it is `_of_names`."""
    period = moments_of(covered(spec, scope), binder)
    of = Named(KNOWN, period, bits_sql(KNOWN))
    rows = f"FROM visible\n      WHERE person != 0 AND {wanted}"
    visits = f"({of.cut_sql(rows, binder.bind(spec.gap * 60_000, 'Int64'))})"

    def day(began: str) -> str:
        return f"toDate(fromUnixTimestamp64Milli({began} + {period.base}, {{scope_zone:String}}))"

    if spec.compare:
        placed = _placed(spec, scope, binder, visits, day(of.tick("visit[1]")), lambda one: f"{of.tick(one)} + {period.base}")
        bucket, its_day, inside = "side, bucket", "side, bucket", ""
        visits = placed
    else:
        bucket, its_day = f"{BUCKETS[spec.unit].format(day='day')} AS bucket", f"{day('began')} AS day"
        inside = f"\n    WHERE {period.begins('began')}"
    return f"""named AS (
  SELECT arraySort(groupArray(toString(event))) AS names
  FROM (SELECT DISTINCT event FROM visible WHERE {named(spec.choices, binder)})
),
sessions AS MATERIALIZED (
  SELECT
    person, {bucket}, length, depth, {bounced} AS bounced, '' AS its_value,
    {of.place("first")} AS its_entry, {of.place("last")} AS its_exit
  FROM (
    SELECT
      person, {of.tick("visit[1]")} AS began, {its_day}, {of.tick("visit[-1]")} - began AS length,
      length(visit) AS depth, visit[1] AS first, visit[-1] AS last
    FROM {visits}{inside}
  )
)"""


def _near(spec: SessionsSpec, scope: Scope, binder: Binder) -> str:
    """AND (SQL) that an event may belong to a session of either period, where there are two."""
    other = other_period(spec, scope)
    if other is None:
        return ""
    days = [followed(period) for period in (scope.period(spec.period), other.period)]
    either = (f"day BETWEEN {binder.bind(one.since, 'Date')} AND {binder.bind(one.until, 'Date')}" for one in days)
    return f" AND ({' OR '.join(either)})"


def _placed(spec: SessionsSpec, scope: Scope, binder: Binder, visits: str, day: str, tick: Callable[[str], str]) -> str:
    """SELECT (person, side, bucket, visit) of `visits` (a table of SQL): each on its sides, in the bucket that it is shown in, with the
    events that this side knows. `day` is SQL for the day on which a visit begins, `tick` says the milliseconds since 1970 of an event."""
    period, other = scope.period(spec.period), other_period(spec, scope)
    side = sides(spec.compare, period, other, scope, binder)
    laid, known = "day", "visit"
    if other is not None:
        laid = f"if(side = 1, {other.laid_sql(spec.unit, binder)}, day)"
        ends = [binder.bind(round(at.timestamp() * 1000), "Int64") for at in (followed(period).end, known_until(period, other, scope))]
        end = f"if(side = 1, {ends[1]}, {ends[0]})"
        known = f"if({tick('visit[-1]')} < {end}, visit, arrayFilter(one -> {tick('one')} < {end}, visit))"
    return f"""(
      SELECT person, side, {BUCKETS[spec.unit].format(day=laid)} AS bucket, {known} AS visit
      FROM (
        SELECT person, visit, day, {side.side} AS side
        FROM (SELECT person, visit, {day} AS day, fromUnixTimestamp64Milli({tick("visit[1]")}, 'UTC') AS ts FROM {visits})
        WHERE {side.where}
      )
    )"""


def _node(spec: SessionsSpec, scope: Scope, binder: Binder) -> str:
    if spec.by is None:
        return "toString(event)"
    value = property_text(spec.by, scope, binder)
    return f"if({value} = '', toString(event), {value})"
