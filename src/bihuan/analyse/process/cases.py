"""The CTEs from events to `cases`: each case one row, with its activities in order as small numbers and the times between them.

`doings`  an event that is an activity, or its beginning or end (`mark` 1, 2), of a case;
`names`   one row: the names of activities by their number; number 0 is all that are too many to be told apart;
`logs`    what happened in a case, sorted: each event packed into one number of time, activity, mark and key;
`cases`   side (1: what it is compared with), id, people, `codes` (activities in order of their beginning), `waits` before and `services` of
          each in milliseconds (-1: not known), begin, duration, cut (it has more events than are looked at), complete, deviations;
          broken down also its value, the value's `rank`, and its place among those `shown` (0: it is not).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bihuan.analyse.process.spec import Deviation, ProcessSpec
from bihuan.engine import compare
from bihuan.engine.breakdowns import SEPARATOR, of_people, split
from bihuan.engine.compare import Baseline
from bihuan.engine.conditions import chosen, condition, named
from bihuan.engine.meta import PIECES, sampled
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder, property_text

MOST_ACTIVITIES = 100  # told apart
MOST_EVENTS = 200  # of a case
MOST_CASES = 500_000
OTHERS = "…"  # the name of all other activities
DAY = 86_400_000
STARTS = ("start", "started", "begin", "begun", "开始")
COMPLETES = ("complete", "completed", "end", "ended", "done", "完成", "结束")
KINDS: tuple[Deviation, ...] = ("missing", "out_of_order", "repeated", "unexpected")


def period_of(spec: ProcessSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def other_of(spec: ProcessSpec, scope: Scope) -> Baseline | None:
    return compare.baseline(spec.compare, period_of(spec, scope), scope)


def around(spec: ProcessSpec) -> int:
    """The days before and after the period that are looked at: whether a case began earlier, and how it goes on."""
    return {"person": 0, "session": 1, "property": spec.around}[spec.case]


def reads_process(spec: ProcessSpec, scope: Scope) -> Period:
    days = around(spec)
    return compare.reads(period_of(spec, scope), other_of(spec, scope)).extended(before=days, after=days)


def cases_sql(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    """The CTEs; `cases` last."""
    return ",\n".join((_names(spec, scope, binder), _doings(spec, scope, binder), _logs(spec, scope, binder), _cases(spec, scope, binder)))


TICK = "toInt64(bitShiftRight({packed}, 80))"
CODE_OF = "toInt32(indexOf((SELECT names FROM names), {name}) - 1)"  # SQL: an activity's number, -1 where nothing has this name


def _names(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    """Of all events of these names, whether they are of a case or not: what is told apart does not depend on filters."""
    return f"""names AS (
  SELECT
    arrayConcat(['{OTHERS}'], arraySort(groupArray(name))) AS names, arrayMap(code -> toUInt16(code - 1), arrayEnumerate(names)) AS codes
  FROM (
    SELECT toString(activity) AS name
    FROM (SELECT {_activity(spec, scope, binder)} AS activity FROM visible WHERE {named(spec.choices, binder)})
    GROUP BY activity
    ORDER BY count() DESC, name
    LIMIT {MOST_ACTIVITIES}
  )
)"""


def _doings(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    period, other, days = period_of(spec, scope), other_of(spec, scope), around(spec)
    wide = replace(other, period=_wide(other.period, days), until=_followed(period, other, days, scope)) if other else None
    side = compare.sides(spec.compare, _wide(period, days), wide, scope, binder)
    case = property_text(spec.id or "", scope, binder) if spec.case == "property" else "person"
    is_one = f"{case} != ''" if spec.case == "property" else "person != 0"
    among = f"""{side.where} AND {is_one} AND {named(spec.choices, binder)} AND {chosen(spec.choices, scope, binder)}
    AND {condition(spec.filter, scope, binder, over="visible")}{_sampled(spec, case, binder)}"""
    parts = split(spec.breakdown, scope, binder, among=among)
    value = f", toString({parts.value}) AS value" if spec.breakdown else ""
    return f"""doings AS (
  SELECT
    {side.side} AS side, {case} AS case_id, person, toUnixTimestamp64Milli(ts) AS tick, {_activity(spec, scope, binder)} AS activity,
    {_mark(spec, scope, binder)} AS mark, {_roles(spec, binder)} AS roles, event_key AS key{value}
  FROM {parts.source}
  WHERE {among}
)"""


def _sampled(spec: ProcessSpec, case: str, binder: Binder) -> str:
    """A case of a property is in the sample with all who take part in it."""
    if spec.sample is None:
        return ""
    if spec.case != "property":
        return f" AND {sampled(spec.sample, binder)}"
    return f" AND cityHash64('sample', {case}) % {PIECES} < {binder.bind(round(spec.sample * PIECES), 'UInt32')}"


def _wide(period: Period, days: int) -> Period:
    return period.extended(before=days, after=days)


def _followed(period: Period, other: Baseline, days: int, scope: Scope) -> datetime:
    """Until when cases of the other period are followed: as long after it as those of this one can be, by now."""
    late = max(_minute(scope) - period.end.astimezone(UTC), timedelta(0))
    return other.until.astimezone(UTC) + min(late, timedelta(days=days))


def _minute(scope: Scope) -> datetime:
    """The minute of now, so that the answer may be kept."""
    return scope.now.astimezone(UTC).replace(second=0, microsecond=0)


def _activity(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    name = "event"
    if spec.services:
        events = [event for service in spec.services for event in (service.begin, service.end)]
        titles = [service.title for service in spec.services for _ in range(2)]
        name = f"transform(event, {binder.bind(events, 'Array(String)')}, {binder.bind(titles, 'Array(String)')}, event)"
    if spec.by is None:
        return name
    value = property_text(spec.by, scope, binder)
    return f"if({value} = '', toString({name}), concat({name}, ' · ', {value}))"


def _mark(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    """1: the event starts its activity, 2: it completes it, 0: it is the activity."""
    tests = []
    if spec.services:
        for number, events in ((1, [each.begin for each in spec.services]), (2, [each.end for each in spec.services])):
            tests.append(f"event IN {binder.bind(events, 'Array(String)')}, {number}")
    if spec.lifecycle:
        value = f"lower({property_text(spec.lifecycle, scope, binder)})"
        for number, words in ((1, STARTS), (2, COMPLETES)):
            tests.append(f"{value} IN {binder.bind(list(words), 'Array(String)')}, {number}")
    return f"multiIf({', '.join(tests)}, 0)" if tests else "0"


def _roles(spec: ProcessSpec, binder: Binder) -> str:
    """Where in the order the activity stands (0: nowhere), twice that, and one more if it ends a case."""
    parts = []
    if spec.order:
        steps = binder.bind([step.activity for step in spec.order], "Array(String)")
        places = binder.bind(list(range(1, len(spec.order) + 1)), "Array(UInt8)")
        parts.append(f"2 * transform(toString(activity), {steps}, {places}, toUInt8(0))")
    if spec.ends:
        parts.append(f"(activity IN {binder.bind(list(spec.ends), 'Array(String)')})")
    return " + ".join(parts) or "0"


def _logs(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    """A case's events, sorted by time, then by activity and mark, then by key: from the left 48 bits for the milliseconds, 7 for the
    activity, 2 for the mark, 6 for its roles (the step of the order, and whether it ends a case), 64 for the key."""
    packed = (
        "bitShiftLeft(toUInt128(tick * 65536 + transform(activity, coded.1, coded.2, toUInt16(0)) * 256 + mark * 64 + roles), 64) + key"
    )
    people = "groupUniqArrayIf(person, person != 0)" if spec.case == "property" else "[case_id]"
    log = f"""WITH (SELECT (names, codes) FROM names) AS coded
  SELECT side, case_id, {people} AS people, arraySort(groupArray({packed})) AS log{_tagged(spec, packed)}
  FROM doings
  GROUP BY side, case_id"""
    if spec.case == "session":
        gap = binder.bind(spec.gap * 60_000, "Int64")
        ticks = f"arrayMap(one -> {TICK.format(packed='one')}, log)"
        visits = f"arraySplit((one, pause) -> pause > {gap}, log, arrayDifference({ticks}))"
        tags = ", tags" if spec.breakdown else ""
        log = f"SELECT side, case_id, people{tags}, arrayJoin({visits}) AS log FROM (\n  {log}\n  )"
    value = ", value" if spec.breakdown else ""
    return f"""logs AS (
  SELECT
    side, case_id, people{value}, count() OVER () AS found, length(whole) > {MOST_EVENTS} AS cut, arraySlice(whole, 1, {MOST_EVENTS}) AS log
  FROM (SELECT side, case_id, people{_value(spec)}, log AS whole FROM ({log}))
  WHERE {_began(spec, scope, binder)}
)"""


def _tagged(spec: ProcessSpec, packed: str) -> str:
    """What says later of which value a case is: `tags`, a list for each breakdown of the events that have one, with it; or, where the
    case is known already, the value of the first."""
    if not spec.breakdown:
        return ""
    ones = ["value"]
    if len(spec.breakdown) > 1:
        ones = [f"splitByChar('{SEPARATOR}', value)[{place}]" for place, _ in enumerate(spec.breakdown, 1)]
    if spec.case == "session" and not of_people(spec.breakdown):
        tags = [f"arraySort(groupArrayIf(({packed}, {one}), {one} != ''))" for one in ones]
    else:
        tags = [f"argMinIf({one}, {packed}, {one} != '')" for one in ones]
    return f", [{', '.join(tags)}] AS tags"


def _value(spec: ProcessSpec) -> str:
    """The case's value, of its `tags`."""
    if not spec.breakdown:
        return ""
    firsts = "tags"
    if spec.case == "session" and not of_people(spec.breakdown):
        firsts = "arrayMap(some -> arrayFirst(one -> one.1 BETWEEN log[1] AND log[-1], some).2, tags)"
    return f", arrayStringConcat({firsts}, '{SEPARATOR}') AS value"


def _began(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    """Whether a case began in its period."""
    period, other = period_of(spec, scope), other_of(spec, scope)
    first = TICK.format(packed="whole[1]")
    since = _of_side([period.start, other.period.start] if other else [period.start], binder)
    until = _of_side([period.end, other.until] if other else [period.end], binder)
    return f"{first} >= {since} AND {first} < {until}"


def _of_side(times: list[datetime], binder: Binder) -> str:
    ticks = [round(time.timestamp() * 1000) for time in times]
    if len(ticks) == 1:
        return binder.bind(ticks[0], "Int64")
    return f"{binder.bind(ticks, 'Array(Int64)')}[side + 1]"


def _cases(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    few = f"cityHash64(case_id) % 1000000 < {MOST_CASES} * 1000000 / found"
    value = ", value" if spec.breakdown else ""
    cases = f"""
  SELECT
    side, case_id, people, found, cut, codes, waits, services, begin, duration, complete{value}, {_deviations(spec, binder)} AS deviations
  FROM (
    SELECT *{_placed(spec)}
    FROM (
      SELECT
        side, case_id, people, found, cut{value}, codes, services, placed, {_complete(spec, scope, binder)} AS complete, begins[1] AS begin,
        arrayMax(ends) - begins[1] AS duration,
        arrayMap((start, end) -> greatest(start - end, 0), begins, arrayPushFront(arrayPopBack(ends), begins[1])) AS waits
      FROM ({_executed(spec, few)}
      )
    )
  )
  WHERE {"complete" if spec.only_complete else "1"}"""
    return f"cases AS MATERIALIZED ({_ranked(cases, spec, binder) if spec.breakdown else cases}\n)"


def _ranked(cases: str, spec: ProcessSpec, binder: Binder) -> str:
    top = binder.bind(spec.top, "UInt32")
    return f"""
  SELECT *, if(rank <= {top}, toInt32(rank), 0) AS shown
  FROM (
    SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
    FROM (SELECT *, countIf(side = 0) OVER (PARTITION BY value) AS size FROM ({cases}))
  )"""


def _executed(spec: ProcessSpec, few: str) -> str:
    """What was executed, in the order of its beginning: `codes`, `begins`, `ends`, `services`, where in the order it stands (`placed`, 0:
    nowhere); whether the case `ended` with an end; and the time of its `last` event.

    A completion belongs to the first start of its activity since the completion before it; the starts after that one are the same
    execution. A completion without a start is a moment; a start without completion, too.
    """
    of_case = "side, case_id, people, found, cut" + (", value" if spec.breakdown else "")
    unpacked = f"""
          SELECT
            {of_case}, arrayMap(one -> {TICK.format(packed="one")}, log) AS ticks,
            arrayMap(one -> toUInt32(bitShiftRight(one, 64)), log) AS low,
            arrayMap(one -> toUInt16(bitAnd(intDiv(one, 256), 127)), low) AS acts,
            arrayMap(one -> toUInt8(bitAnd(intDiv(one, 2), 31)), low) AS steps
          FROM logs
          WHERE {few}"""
    kept = f"{of_case}, ticks[-1] AS last"
    if not spec.takes_time:
        return f"""
        SELECT
          {kept}, bitAnd(low[-1], 1) AS ended, acts AS codes, steps AS placed, ticks AS begins, ticks AS ends,
          arrayMap(one -> toInt64(-1), acts) AS services
        FROM ({unpacked}
        )"""
    same = "act = acts[i]"
    completed = f"arrayLastIndex((act, mark, j) -> j < i AND mark = 2 AND {same}, acts, marks, places)"
    open_before = f"arrayExists((act, mark, j) -> j < i AND j > completions[i] AND mark = 1 AND {same}, acts, marks, places)"
    end = f"arrayFirstIndex((act, mark, j) -> j > i AND mark = 2 AND {same}, acts, marks, places)"
    return f"""
        SELECT
          {kept}, bitAnd(low[kept[-1]], 1) AS ended, arrayMap(i -> acts[i], kept) AS codes, arrayMap(i -> steps[i], kept) AS placed,
          arrayMap(i -> ticks[i], kept) AS begins, arrayMap((i, end) -> ticks[if(end = 0, i, end)], kept, end_places) AS ends,
          arrayMap((i, end) -> if(end = 0, toInt64(-1), ticks[end] - ticks[i]), kept, end_places) AS services
        FROM (
          SELECT *, arrayMap(i -> if(marks[i] = 1, {end}, 0), kept) AS end_places
          FROM (
            SELECT *, arrayFilter(i -> marks[i] = 0 OR NOT {open_before}, places) AS kept
            FROM (
              SELECT *, arrayMap(i -> {completed}, places) AS completions
              FROM (SELECT *, arrayEnumerate(acts) AS places, arrayMap(one -> bitAnd(intDiv(one, 64), 3), low) AS marks FROM ({unpacked}))
            )
          )
        )"""


def _complete(spec: ProcessSpec, scope: Scope, binder: Binder) -> str:
    if not spec.tells_complete:
        return "1"
    tests = ["ended = 1"] if spec.ends else []
    if spec.quiet is not None:
        period, other, days = period_of(spec, scope), other_of(spec, scope), around(spec)
        known = [min(_minute(scope), _wide(period, days).end.astimezone(UTC))]
        if other:
            known.append(_followed(period, other, days, scope))
        tests.append(f"last <= {_of_side(known, binder)} - {binder.bind(spec.quiet * DAY, 'Int64')}")
    return f"({' OR '.join(tests)})"


def _placed(spec: ProcessSpec) -> str:
    """For each step of the order how often it was done (`times`), where first and where last."""
    if not spec.order:
        return ""
    steps = f"range(1, {len(spec.order) + 1})"
    return f""",
      arrayMap(step -> countEqual(placed, step), {steps}) AS times, arrayMap(step -> indexOf(placed, step), {steps}) AS firsts,
      arrayMap(step -> arrayLastIndex(place -> place = step, placed), {steps}) AS lasts"""


def _deviations(spec: ProcessSpec, binder: Binder) -> str:
    """(kind, activity's number or its place in the order) of everything by which a case deviates from the order, each once."""
    if not spec.order:
        return "CAST([], 'Array(Tuple(UInt8, Int32))')"
    needed = binder.bind([int(not step.optional) for step in spec.order], "Array(UInt8)")
    repeats = binder.bind([int(step.repeat) for step in spec.order], "Array(UInt8)")
    steps = "arrayEnumerate(times)"
    missing = f"{needed}[step] AND times[step] = 0 AND (complete OR step < arrayMax(placed))"
    decides = f"if({repeats}[step], lasts[step], firsts[step])"
    late = f"times[step] > 0 AND arrayExists((first, later) -> later > step AND first > 0 AND first < {decides}, firsts, {steps})"
    repeated = f"times[step] > 1 AND NOT {repeats}[step]"
    found = [
        f"arrayMap(step -> (toUInt8({kind}), toInt32(step)), arrayFilter(step -> {test}, {steps}))"
        for kind, test in enumerate((missing, late, repeated))
    ]
    if spec.strict:
        others = "arrayDistinct(arrayFilter((code, place) -> place = 0, codes, placed))"
        found.append(f"arrayMap(code -> (toUInt8(3), toInt32(code)), {others})")
    return f"arrayConcat({', '.join(found)})"
