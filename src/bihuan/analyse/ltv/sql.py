"""From the spec of lifetime value to its one statement: what each cohort brought by age, and what the models are fitted to."""

from __future__ import annotations

from bihuan.analyse.ltv.spec import LtvCell, LtvSpec
from bihuan.engine.breakdowns import split
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number

MOST_FITTED = 100_000  # customers of whom the models learn; of more, these are taken by a hash
MOST_FITTED_APART = 10_000  # the same of one value's, so that fifty fits do not take fifty times as long


def reads_ltv(spec: LtvSpec, scope: Scope) -> Period:
    """The days of first purchases. What came before and after them is in `history`."""
    return scope.period(spec.period)


def compile_ltv(spec: LtvSpec, scope: Scope) -> Statement:
    """Rows of three parts. `observed`: (cohort, age, customers, value), the value brought at that age. `groups`: one row of arrays, an
    entry for all customers with the same purchases again (`bought`), days to the last (`last_days`), days known (`known_days`), with
    their number and the value of purchases after the first. `repeaters`: arrays of purchases again and their mean value, one entry a
    customer. Customers are fitted to (`fitted` in `groups`) as long as there are at most `MOST_FITTED`. When broken down, all of it for
    each `place`, of which 0 is everybody, with its value `named` and `rank`. Of a sample, `squares` in `observed` is by how much the sum of
    the square of what each customer has brought grew at that age."""
    binder = Binder()
    customers, place, named, told, untold, by_place = ("customers", "", "", "", "", "")
    if spec.breakdown:
        customers, place, by_place = "spread", "place, ", "\nGROUP BY place"
        named = "place, named, rank, "
        told, untold = "place, any(named) AS named, max(rank) AS rank, ", "place, '', 0, "
    orders, square, squares, no_squares = "orders", "", "", ""
    if spec.sample is not None:
        ordered = "arraySort(orders)"
        grown = "(one, total) -> (one.1, one.2, one.2 * (2 * total - one.2))"
        orders = f"arrayMap({grown}, {ordered}, arrayCumSum(one -> one.2, {ordered}))"
        square, squares, no_squares = ", order.3 AS square", ", sum(square) AS squares", ", 0."
    sql = f"""
WITH {_customers(spec, scope, binder)}{_spread(spec, scope, binder)}
SELECT 'observed' AS part, {told}cohort, age, uniqExact(person) AS customers, sum(value) AS value,
  [] AS bought, [] AS last_days, [] AS known_days, [] AS number, [] AS fitted, [] AS worth{squares}
FROM (
  SELECT {named}person, cohort, age('{spec.unit}', first, order.1) AS age, order.2 AS value{square}
  FROM {customers} ARRAY JOIN {orders} AS order
)
GROUP BY {place}cohort, age
UNION ALL
SELECT 'groups', {untold}toDate(0), 0, sum(each), 0., groupArray(again), groupArray(last_day), groupArray(known_day), groupArray(each),
  groupArray(learned), groupArray(brought){no_squares}
FROM (
  SELECT {place}again, last_day, known_day, count() AS each, countIf(chosen) AS learned, sum(repeat_value) AS brought
  FROM {customers} GROUP BY {place}again, last_day, known_day
  ORDER BY {place}again, last_day, known_day
){by_place}
UNION ALL
SELECT 'repeaters', {untold}toDate(0), 0, count(), 0., groupArray(again), [], [], [], [], groupArray(repeat_value / again){no_squares}
FROM (SELECT {place}again, repeat_value FROM {customers} WHERE again > 0 AND repeat_value > 0 AND chosen ORDER BY person){by_place}
"""
    return Statement(sql, binder.params)


def people_ltv(spec: LtvSpec, cell: LtvCell, scope: Scope) -> Statement:
    """The customers of a cohort."""
    binder = Binder()
    tests = {"all": "1", "once": "again = 0", "again": "again > 0"}
    where = tests[cell.bought]
    if cell.cohort is not None:
        where += f" AND cohort = {binder.bind(bucket_day(cell.cohort, spec.unit), 'Date')}"
    if cell.place is None:
        return Statement(f"WITH {_customers(spec, scope, binder)}\nSELECT person FROM customers WHERE {where}", binder.params)
    where += f" AND place = {binder.bind(cell.place, 'UInt64')}" if spec.breakdown else " AND 0"
    customers, source = f"{_customers(spec, scope, binder)}{_spread(spec, scope, binder)}", "spread" if spec.breakdown else "customers"
    return Statement(f"WITH {customers}\nSELECT person FROM {source} WHERE {where}", binder.params)


def _customers(spec: LtvSpec, scope: Scope, binder: Binder) -> str:
    """One row a customer: several purchases on one day are one, worth their sum; an amount that is no number is worth nothing."""
    period = reads_ltv(spec, scope)
    now = binder.bind(scope.today, "Date")
    start = {"day": "first", "week": "toMonday(first)", "month": "toStartOfMonth(first)"}[spec.unit]
    chosen = is_one_of(spec.purchase, scope, binder, over="history")
    if spec.sample is not None:
        chosen += f" AND {sampled(spec.sample, binder, nobody=None)}"
    return f"""purchases AS (
  SELECT person, day, sum(ifNull({property_number(spec.purchase.value, scope, binder)}, 0)) AS value
  FROM history
  WHERE person != 0 AND {has_name_of((spec.purchase,), binder)} AND {chosen} AND day <= {now} AND {condition(spec.filter, scope, binder)}
  GROUP BY person, day
),
customers AS MATERIALIZED (
  SELECT *, cityHash64(person) % greatest(intDiv(count() OVER (), {MOST_FITTED}) + 1, 1) = 0 AS chosen
  FROM (
    SELECT
      person, min(day) AS first, {start} AS cohort,
      toInt64(count()) - 1 AS again,
      dateDiff('day', first, max(day)) AS last_day,
      dateDiff('day', first, {now}) AS known_day,
      sum(value) - argMin(value, day) AS repeat_value,
      groupArray((day, value)) AS orders
    FROM purchases
    GROUP BY person
    HAVING first BETWEEN {binder.bind(period.since, "Date")} AND {binder.bind(period.until, "Date")}
  )
)"""


def _spread(spec: LtvSpec, scope: Scope, binder: Binder) -> str:
    """`spread`, when broken down: each customer as one of everybody (place 0), and in the place of their value, all values that are not
    shown in one place after them."""
    if not spec.breakdown:
        return ""
    part = split(spec.breakdown, scope, binder, source="customers")
    return f""",
ranked AS (
  SELECT *, dense_rank() OVER (ORDER BY size DESC, named) AS rank, least(rank, {binder.bind(spec.top + 1, "UInt64")}) AS own
  FROM (
    SELECT *, count() OVER (PARTITION BY named) AS size
    FROM (
      SELECT customers.person AS person, first, cohort, again, last_day, known_day, repeat_value, orders, chosen, {part.value} AS named
      FROM {part.source}
    )
  )
),
placed AS MATERIALIZED (
  SELECT
    * EXCEPT (chosen, own, size),
    cityHash64(person) % (intDiv(count() OVER (PARTITION BY own), {MOST_FITTED_APART}) + 1) = 0 AS chosen_apart,
    [(toUInt64(0), chosen), (own, chosen_apart)] AS places
  FROM ranked
),
spread AS (
  SELECT * EXCEPT (places, chosen_apart), at.1 AS place, at.2 AS chosen
  FROM placed ARRAY JOIN places AS at
)"""
