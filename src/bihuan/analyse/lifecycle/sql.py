"""From the spec of lifecycle to its one statement.

When somebody was active is a number with one bit for each period, the one before the first at its end. The four states are then four
such numbers; people with the same bits are counted together.
"""

from __future__ import annotations

from bihuan.analyse.lifecycle.sides import Side, asked, bucket_days, compared, counterparts
from bihuan.analyse.lifecycle.spec import LifecycleCell, LifecycleSpec
from bihuan.engine.breakdowns import split
from bihuan.engine.compare import Groups, groups
from bihuan.engine.conditions import condition
from bihuan.engine.daily import counted, days_of, names_of
from bihuan.engine.errors import QuestionError
from bihuan.engine.meta import sampled
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder


def compile_lifecycle(spec: LifecycleSpec, scope: Scope) -> Statement:
    """Rows (place, state, bucket, value, rank, people): place 0 is everybody; `bucket` counts from 0.

    Compared, each has a `side`, 1 is what it is compared with; of that a row of the state "earlier" says that somebody was active before
    it. Of two groups `shared` counts those of the people who are in both.
    """
    binder = Binder()
    plain = counted([spec.active], spec.filter) and not spec.breakdown and spec.sample is None
    if plain and not isinstance(spec.compare, Groups):
        return Statement(_by_days_beside(spec, scope, binder), binder.params, names_of([spec.active]))
    side, shared = _columns(spec)
    sql = f"""
WITH {_staged(spec, scope, binder)},
shapes AS (
  SELECT place{side}, min(value) AS value, max(rank) AS rank, fresh, returning, resurrected, dormant, count() AS people{_summed(shared)}
  FROM ({_placed(spec, binder)})
  GROUP BY place{side}, fresh, returning, resurrected, dormant
),
marked AS (
  SELECT place{side}, value, rank, people{shared}, state, mask
  FROM shapes
  ARRAY JOIN ['new', 'returning', 'resurrected', 'dormant'] AS state, [fresh, returning, resurrected, dormant] AS mask
)
SELECT place{side}, state, bucket, min(value) AS value, max(rank) AS rank, sum(people) AS people{_summed(shared)}
FROM marked
ARRAY JOIN arrayMap(position -> toInt32(position), bitPositionsToArray(mask)) AS bucket
GROUP BY place{side}, state, bucket
{_earlier(spec)}"""
    return Statement(sql, binder.params)


def _columns(spec: LifecycleSpec) -> tuple[str, str]:
    """Where there are two sides one more column, and of two groups another."""
    return ", side" if spec.compare else "", ", shared" if isinstance(spec.compare, Groups) else ""


def _summed(shared: str) -> str:
    return ", sum(shared) AS shared" if shared else ""


def _earlier(spec: LifecycleSpec) -> str:
    """Whether anybody was active before what it is compared with."""
    if spec.compare is None or isinstance(spec.compare, Groups):
        return ""
    return "UNION ALL\nSELECT 0, 1, 'earlier', 0, '', 0, 1 FROM doings WHERE theirs AND other_number < 0 LIMIT 1"


def _by_days_beside(spec: LifecycleSpec, scope: Scope, binder: Binder) -> str:
    """Each side for itself."""
    mine = _by_days(spec, asked(spec, scope), scope, binder)
    if spec.compare is None:
        return mine
    theirs = _by_days(spec, compared(spec, scope), scope, binder, earlier=True)
    return f"SELECT 0 AS side, * FROM ({mine}\n)\nUNION ALL\nSELECT 1 AS side, * FROM ({theirs}\n)"


def _by_days(spec: LifecycleSpec, side: Side, scope: Scope, binder: Binder, *, earlier: bool = False) -> str:
    """The same rows from one set of people for each period, of the one before the first (-1), and of all before that (-2)."""
    since, until = binder.bind(side.period.since, "Date"), binder.bind(side.last, "Date")
    last = binder.bind(len(side.days), "Int32")
    states, numbers = "'new', 'returning', 'resurrected', 'dormant'", "fresh, returning, resurrected, dormant"
    if earlier:
        states, numbers = f"{states}, 'earlier'", f"{numbers}, if(number = 0, bitmapCardinality(ever), 0)"
    return f"""
WITH sets AS (
  SELECT greatest(toInt32(dateDiff('{spec.unit}', {since}, day)), -2) AS number, persons AS people
  FROM {days_of([spec.active], binder, ever=True)} AND day {"<" if side.cut else "<="} {until}
  UNION ALL{_cut_day(spec, side, since, scope, binder)}
  SELECT arrayJoin(range(-2, {last})) AS number, bitmapBuild(emptyArrayUInt32()) AS people
),
periods AS (
  SELECT
    number, active,
    lagInFrame(active) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS before,
    groupBitmapMergeState(active) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ever
  FROM (SELECT number, groupBitmapMergeState(people) AS active FROM sets GROUP BY number)
),
counts AS (
  SELECT
    number AS bucket,
    bitmapAndCardinality(active, before) AS returning,
    bitmapAndnotCardinality(active, ever) AS fresh,
    bitmapCardinality(active) - returning - fresh AS resurrected,
    bitmapCardinality(before) - returning AS dormant{", ever, number" if earlier else ""}
  FROM periods
  WHERE number >= 0
)
SELECT 0 AS place, state, bucket, '' AS value, 0 AS rank, people
FROM counts
ARRAY JOIN [{states}] AS state, [{numbers}] AS people
WHERE people > 0"""


def _cut_day(spec: LifecycleSpec, side: Side, since: str, scope: Scope, binder: Binder) -> str:
    """Of the day within which the other period stops, because this one still runs, the events that count: no whole day tells them."""
    if side.cut is None:
        return ""
    return f"""
  SELECT greatest(toInt32(dateDiff('{spec.unit}', {since}, day)), -2) AS number, groupBitmapState(person) AS people
  FROM visible
  WHERE person != 0 AND {has_name_of((spec.active,), binder)} AND {_until(side, binder)} AND day = {binder.bind(side.last, "Date")}
    AND {is_one_of(spec.active, scope, binder)}
  GROUP BY number
  UNION ALL"""


def _until(side: Side, binder: Binder) -> str:
    """SQL: an event counts on this side, by when it happened."""
    until = f"day <= {binder.bind(side.last, 'Date')}"
    if side.cut is None:
        return until
    return f"{until} AND ts < fromUnixTimestamp64Milli({binder.bind(round(side.cut.timestamp() * 1000), 'Int64')}, 'UTC')"


def people_lifecycle(spec: LifecycleSpec, cell: LifecycleCell, scope: Scope) -> Statement:
    """Those in the state `cell.state` in the period `cell.day`, or in the one beside it."""
    binder = Binder()
    days = bucket_days(spec, scope)
    begun = [number for number, day in enumerate(days) if asked(spec, scope).begun(day, scope.now)]
    if cell.day is not None and cell.day not in days:
        raise QuestionError("No period of this answer begins on {day}.", day=cell.day, where="cell.day")
    bucket: int | None = days.index(cell.day) if cell.day is not None else (begun or [0])[-1]
    if cell.before:
        bucket = counterparts(spec, scope)[bucket or 0] if spec.compare else None
    if bucket is None:
        raise QuestionError("Nothing stands beside this period.", where="cell.before")
    mask = {"new": "fresh", None: "active"}.get(cell.state, cell.state)
    staged, placed = _staged(spec, scope, binder), _placed(spec, binder)
    place = binder.bind(cell.place or 0, "UInt64")
    bit = binder.bind(2**bucket, _bits(spec, scope))
    side = f"side = {int(cell.before)} AND " if spec.compare else ""
    return Statement(
        f"WITH {staged}\nSELECT person FROM ({placed}) WHERE {side}place = {place} AND bitAnd({mask}, {bit}) != 0", binder.params
    )


def _sides(spec: LifecycleSpec, scope: Scope) -> tuple[Side, ...]:
    return (asked(spec, scope), compared(spec, scope)) if spec.compare else (asked(spec, scope),)


def _bits(spec: LifecycleSpec, scope: Scope) -> str:
    return "UInt64" if max(len(side.days) for side in _sides(spec, scope)) < 64 else "UInt256"


def _staged(spec: LifecycleSpec, scope: Scope, binder: Binder) -> str:
    """`staged`: a row for each person with `value` and, bit by bit, when they were `active`, `fresh` (new), `returning` …; two where they
    are on both sides."""
    bits, (mine, *theirs) = _bits(spec, scope), _sides(spec, scope)
    since, until = binder.bind(mine.period.since, "Date"), binder.bind(mine.last, "Date")
    mask = binder.bind(2 ** max(len(side.days) for side in (mine, *theirs)) - 1, bits)
    part = split(spec.breakdown, scope, binder, source="people")
    sample = "" if spec.sample is None else f" AND {sampled(spec.sample, binder, nobody=None)}"
    named = f"person != 0 AND {has_name_of((spec.active,), binder)}"
    chosen = f"{is_one_of(spec.active, scope, binder, over='history')} AND {condition(spec.filter, scope, binder, over='history')}{sample}"
    side, shared = _columns(spec)
    if theirs:
        number = f"dateDiff('{spec.unit}', {since}, day)"
        people = _people_of_both(spec, (number, f"day <= {until}"), theirs[0], scope, binder, f"{named}\n    AND {chosen}")
    else:
        people = f"""doings AS (
  SELECT person, dateDiff('{spec.unit}', {since}, day) AS number
  FROM history
  WHERE {named} AND day <= {until}
    AND {chosen}
),
people AS (
  SELECT
    person, min(number) < 0 AS known,
    {_periods(bits, "number", "number >= -1")} AS periods
  FROM doings
  GROUP BY person
  HAVING periods != 0
)"""
    return f"""{people},
split AS (
  SELECT person{side}{shared}, known, {part.value} AS value, bitShiftRight(periods, 1) AS active, bitAnd(periods, {mask}) AS before
  FROM {part.source}
),
staged AS (
  SELECT
    person{side}{shared}, value, active,
    bitAnd(active, before) AS returning,
    bitXor(before, returning) AS dormant,
    if(known, to{bits}(0), bitXor(active, bitAnd(active, to{bits}(active - 1)))) AS fresh,
    bitXor(active, bitOr(returning, fresh)) AS resurrected
  FROM split
)"""


def _periods(bits: str, number: str, counts: str) -> str:
    """SQL: a person's periods bit by bit, the one before the first at the end."""
    return f"groupBitOrIf(bitShiftLeft(to{bits}(1), toUInt16(greatest({number} + 1, 0))), {counts})"


def _people_of_both(spec: LifecycleSpec, mine: tuple[str, str], theirs: Side, scope: Scope, binder: Binder, chosen: str) -> str:
    """`doings` and `people`, each event looked at once: it counts for what is asked about (`mine` is the number of its period, and whether
    it does), for what that is compared with, or for both."""
    bits = _bits(spec, scope)
    (number, counts), others = mine, _until(theirs, binder)
    other = f"dateDiff('{spec.unit}', {binder.bind(theirs.period.since, 'Date')}, day)"
    _, shared = _columns(spec)
    if isinstance(spec.compare, Groups):
        segment, against = groups(spec.compare, scope, binder, over="history")
        counts, others = f"{counts} AND {segment}", f"{others} AND {against}"
    return f"""doings AS (
  SELECT person, {number} AS number, {other} AS other_number, toUInt8({counts}) AS mine, toUInt8({others}) AS theirs
  FROM history
  WHERE {chosen} AND (mine OR theirs)
),
people AS (
  SELECT person, side, known, periods{", arrayAll(each -> each != 0, both) AS shared" if shared else ""}
  FROM (
    SELECT
      person,
      [minIf(number, mine) < 0, minIf(other_number, theirs) < 0] AS knowns,
      [
        {_periods(bits, "number", "mine AND number >= -1")},
        {_periods(bits, "other_number", "theirs AND other_number >= -1")}
      ] AS both
    FROM doings
    GROUP BY person
  )
  ARRAY JOIN [0, 1] AS side, knowns AS known, both AS periods
  WHERE periods != 0
)"""


def _placed(spec: LifecycleSpec, binder: Binder) -> str:
    """Everybody as place 0; when broken down also each value by its place, and all others in one place after them."""
    if not spec.breakdown:
        return "SELECT 0 AS place, 0 AS rank, * FROM staged"
    size = "countIf(side = 0)" if spec.compare else "count()"
    return f"""
    SELECT arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})]) AS place, *
    FROM (
      SELECT *, dense_rank() OVER (ORDER BY size DESC, value) AS rank
      FROM (SELECT *, {size} OVER (PARTITION BY value) AS size FROM staged)
    )"""
