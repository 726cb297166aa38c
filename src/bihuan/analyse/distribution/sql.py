"""From the spec of a distribution to its one statement: a number for each person (or each event), and how these spread.

`doings`   every event that is looked at, on its side and in its bucket: `counts` says that it is counted, `of` holds what is measured;
`shared`   the same once as place 0 (everybody), and when broken down once for the place of its value;
`numbers`  a row (place, rank, value, side, bucket, person, number) for each number; of texts, `number` is the text's place, from 0.
"""

from __future__ import annotations

from bihuan.analyse.distribution.spec import OF_EVENTS, OF_NOTHING, WHOLE, DistributionCell, DistributionSpec
from bihuan.analyse.spread import MOST_BARS, TENTHS, bar_sql, columns_sql, edges_sql, within_sql
from bihuan.analyse.spread import WHOLE as WHOLE_STEPS
from bihuan.engine import compare
from bihuan.engine.breakdowns import split
from bihuan.engine.compare import Baseline, baseline, sides
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number, property_text

BUCKETS = {"day": "{day}", "week": "toMonday({day})", "month": "toStartOfMonth({day})"}
MEASURES = {
    "events": "toFloat64(countIf(counts))",
    "days": "toFloat64(uniqExactIf(day, counts))",
    "hours": "toFloat64(uniqExactIf(of, counts))",
    "sum": "round(ifNull(sumKahanIf(of, counts), 0), 6)",
    "average": "round(sumKahanIf(of, counts) / nullIf(countIf(counts AND of IS NOT NULL), 0), 6)",
    "min": "minOrNullIf(of, counts)",
    "max": "maxOrNullIf(of, counts)",
    "distinct": "toFloat64(uniqExactIf(of, counts AND of != ''))",
}


def period_of(spec: DistributionSpec, scope: Scope) -> Period:
    return scope.period(spec.period)


def other_period(spec: DistributionSpec, scope: Scope) -> Baseline | None:
    return baseline(spec.compare, period_of(spec, scope), scope)


def reads_distribution(spec: DistributionSpec, scope: Scope) -> Period:
    return compare.reads(period_of(spec, scope), other_period(spec, scope))


def compile_distribution(spec: DistributionSpec, scope: Scope) -> Statement:
    """Rows (place, side, whole, bucket, value, rank, many, people, quantiles, total, bars, bar_people, edges): place 0 is everybody, side 1
    what it is compared with, `whole` all of the period instead of one bucket. Of texts, `edges` are the texts shown, and `different` is how
    many there are."""
    binder = Binder()
    sets = "(place, side)" if spec.unit == "period" else "(place, side), (place, side, bucket)"
    whole = "1" if spec.unit == "period" else "grouping(bucket)"
    numbers = _numbers(spec, scope, binder)
    if spec.measure == "text":
        shown = binder.bind(spec.texts, "UInt64")
        every = "SELECT its_text FROM texts ORDER BY at"
        scale = f"SELECT arraySlice(groupArray(its_text), 1, {shown}) AS edges, count() AS different FROM ({every})"
        columns, bar = columns_sql(None, spec.texts + 1), "number"
    else:
        steps, begin = (WHOLE_STEPS, 1) if spec.measure in WHOLE else ((*TENTHS, *WHOLE_STEPS), 0)
        source = "(SELECT number FROM numbers WHERE place = 0)"
        bars, once = len(spec.cuts) + 1 if spec.cuts else MOST_BARS + 2, spec.measure not in OF_EVENTS and spec.unit == "period"
        scale = f"SELECT edges, 0 AS different FROM ({edges_sql(source, 'number', steps, binder, begin=begin, cuts=spec.cuts)})"
        columns, bar = columns_sql("number", bars, once=once), bar_sql("number", "edges")
    sql = f"""
WITH {numbers},
scale AS (
  {scale}
)
SELECT
  place, side, toUInt8({whole}) AS whole, {"toDate(0) AS bucket" if spec.unit == "period" else "bucket"},
  min(value) AS value, max(rank) AS rank, {columns}, any(edges) AS edges, any(different) AS different
FROM (SELECT *, {bar} AS bar FROM numbers CROSS JOIN scale)
GROUP BY GROUPING SETS ({sets})
"""
    return Statement(sql, binder.params)


def people_distribution(spec: DistributionSpec, cell: DistributionCell, scope: Scope) -> Statement:
    """Those whose number, or an event's of whom, is in the bar."""
    if cell.place is None:  # of everybody, whatever the values are
        spec = spec.model_copy(update={"breakdown": ()})
    binder = Binder()
    numbers = _numbers(spec, scope, binder).replace("numbers AS MATERIALIZED", "numbers AS")  # named once here
    place, side = binder.bind(cell.place or 0, "UInt64"), binder.bind(int(cell.before), "UInt8")
    tests = ["person IS NOT NULL", f"place = {place}", f"side = {side}"]
    if cell.bucket is not None and spec.unit != "period":
        tests.append(f"bucket = {binder.bind(bucket_day(cell.bucket, spec.unit), 'Date')}")
    if spec.measure == "text":
        text = "" if cell.no_text else cell.text
        if text is not None:
            tests.append(f"text = {binder.bind(text, 'String')}")
        if cell.rest:
            tests.append(f"number = {binder.bind(spec.texts, 'UInt64')}")
    else:
        tests += within_sql("number", cell.least, cell.below, binder)
    return Statement(f"WITH {numbers}\nSELECT assumeNotNull(person) AS person FROM numbers WHERE {' AND '.join(tests)}", binder.params)


def _numbers(spec: DistributionSpec, scope: Scope, binder: Binder) -> str:
    """CTEs up to `numbers`."""
    period, other = period_of(spec, scope), other_period(spec, scope)
    counts = f"{has_name_of((spec.counted,), binder)} AND {is_one_of(spec.counted, scope, binder)}"
    looked_at = counts if spec.among == "doers" else f"(source != 'ledger' OR ({counts}))"
    side = sides(spec.compare, period, other, scope, binder)
    which = f"""{"person != 0 AND " if spec.measure not in OF_EVENTS else ""}{looked_at} AND {side.where}
      AND {condition(spec.filter, scope, binder, over="visible")} AND {sampled(spec.sample, binder)}"""
    parts = split(spec.breakdown, scope, binder, among=which)
    ctes = [
        f"""doings AS {"MATERIALIZED " if spec.breakdown else ""}(
  SELECT person, day, side, {_bucket(spec, other, binder)} AS bucket, counts, of, value
  FROM (
    SELECT person, day, {side.side} AS side, {"1" if spec.among == "doers" else f"toUInt8({counts})"} AS counts,
      {_of(spec, scope, binder)} AS of, {parts.value} AS value
    FROM {parts.source}
    WHERE {which}
  ){"" if other is None or spec.unit == "period" else " WHERE bucket IS NOT NULL"}
)""",
        _shared(spec, binder),
    ]
    if spec.measure not in OF_EVENTS:
        # Grouping by what is the same of all rows would cost as much as by what is not.
        place = (
            "place, max(rank) AS rank, min(value) AS value" if spec.breakdown else "toUInt64(0) AS place, toUInt64(0) AS rank, '' AS value"
        )
        apart = [*(["place"] if spec.breakdown else []), *(["side"] if spec.compare else [])]
        apart += [] if spec.unit == "period" else ["bucket"]
        kept = f"{place}, {'side' if 'side' in apart else 'toUInt8(0) AS side'}, {'bucket' if 'bucket' in apart else 'toDate(0) AS bucket'}"
        ctes.append(f"""numbers AS MATERIALIZED (
  SELECT * FROM (
    SELECT {kept}, toNullable(person) AS person, {MEASURES[spec.measure]} AS number
    FROM shared
    GROUP BY {", ".join([*apart, "person"])}
  )
  WHERE number IS NOT NULL
)""")
    elif spec.measure == "number":
        ctes.append("""numbers AS (
  SELECT place, rank, value, side, bucket, nullIf(person, 0) AS person, assumeNotNull(of) AS number
  FROM shared
  WHERE of IS NOT NULL
)""")
    else:
        last = binder.bind(spec.texts, "UInt64")
        ctes.append(f"""texts AS MATERIALIZED (
  SELECT of AS its_text, row_number() OVER (ORDER BY countIf(side = 0) DESC, of) AS at FROM doings GROUP BY of
),
numbers AS (
  SELECT place, rank, value, side, bucket, nullIf(person, 0) AS person, of AS text, least(at - 1, {last}) AS number
  FROM shared JOIN texts ON of = its_text
)""")
    return ",\n".join(ctes)


def _bucket(spec: DistributionSpec, other: Baseline | None, binder: Binder) -> str:
    if spec.unit == "period":
        return "toDate(0)"
    day = f"if(side = 1, {other.laid_sql(spec.unit, binder)}, day)" if other else "day"
    return BUCKETS[spec.unit].format(day=day)


def _of(spec: DistributionSpec, scope: Scope, binder: Binder) -> str:
    """What is measured of an event."""
    if spec.measure == "hours":
        return f"toInt32(day) * 24 + toHour(ts, {binder.bind(scope.zone, 'String')})"
    if spec.measure in OF_NOTHING or spec.property is None:
        return "0"
    if spec.measure in ("distinct", "text"):
        return property_text(spec.property, scope, binder)
    return property_number(spec.property, scope, binder)


def _shared(spec: DistributionSpec, binder: Binder) -> str:
    """Everybody as place 0; when broken down also each value by its place, and all others in one place after them. The first are those of
    most people, or of most events where these are asked about."""
    if not spec.breakdown:
        return "shared AS (\n  SELECT toUInt64(0) AS place, toUInt64(0) AS rank, * FROM doings\n)"
    size = "countIf(side = 0)" if spec.measure in OF_EVENTS else "uniqExactIf(person, side = 0)"
    return f"""ranked AS (
  SELECT value AS its_value, row_number() OVER (ORDER BY {size} DESC, value) AS rank FROM doings GROUP BY value
),
shared AS (
  SELECT arrayJoin([0, least(rank, {binder.bind(spec.top + 1, "UInt64")})]) AS place, *
  FROM doings JOIN ranked ON value = its_value
)"""
