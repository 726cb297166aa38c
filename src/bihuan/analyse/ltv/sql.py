"""From the spec of lifetime value to its one statement: what each cohort brought by age, and what the models are fitted to."""

from __future__ import annotations

from bihuan.analyse.ltv.spec import LtvCell, LtvSpec
from bihuan.engine.conditions import condition
from bihuan.engine.periods import Period, bucket_day
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number

MOST_FITTED = 100_000  # customers of whom the models learn; of more, these are taken by a hash


def reads_ltv(spec: LtvSpec, scope: Scope) -> Period:
    """The days of first purchases. What came before and after them is in `history`."""
    return scope.period(spec.period)


def compile_ltv(spec: LtvSpec, scope: Scope) -> Statement:
    """Rows of three parts. `observed`: (cohort, age, customers, value), the value brought at that age. `groups`: one row of arrays, an
    entry for all customers with the same purchases again (`bought`), days to the last (`last_days`), days known (`known_days`), with
    their number and the value of purchases after the first. `repeaters`: arrays of purchases again and their mean value, one entry a
    customer. Customers are fitted to (`fitted` in `groups`) as long as there are at most `MOST_FITTED`."""
    binder = Binder()
    sql = f"""
WITH {_customers(spec, scope, binder)}
SELECT 'observed' AS part, cohort, age, uniqExact(person) AS customers, sum(value) AS value,
  [] AS bought, [] AS last_days, [] AS known_days, [] AS number, [] AS fitted, [] AS worth
FROM (
  SELECT person, cohort, age('{spec.unit}', first, order.1) AS age, order.2 AS value
  FROM customers ARRAY JOIN orders AS order
)
GROUP BY cohort, age
UNION ALL
SELECT 'groups', toDate(0), 0, sum(each), 0., groupArray(again), groupArray(last_day), groupArray(known_day), groupArray(each),
  groupArray(learned), groupArray(brought)
FROM (
  SELECT again, last_day, known_day, count() AS each, countIf(chosen) AS learned, sum(repeat_value) AS brought
  FROM customers GROUP BY again, last_day, known_day
  ORDER BY again, last_day, known_day
)
UNION ALL
SELECT 'repeaters', toDate(0), 0, count(), 0., groupArray(again), [], [], [], [], groupArray(repeat_value / again)
FROM (SELECT again, repeat_value FROM customers WHERE again > 0 AND repeat_value > 0 AND chosen ORDER BY person)
"""
    return Statement(sql, binder.params)


def people_ltv(spec: LtvSpec, cell: LtvCell, scope: Scope) -> Statement:
    """The customers of a cohort."""
    binder = Binder()
    tests = {"all": "1", "once": "again = 0", "again": "again > 0"}
    where = tests[cell.bought]
    if cell.cohort is not None:
        where += f" AND cohort = {binder.bind(bucket_day(cell.cohort, spec.unit), 'Date')}"
    return Statement(f"WITH {_customers(spec, scope, binder)}\nSELECT person FROM customers WHERE {where}", binder.params)


def _customers(spec: LtvSpec, scope: Scope, binder: Binder) -> str:
    """One row a customer: several purchases on one day are one, worth their sum; an amount that is no number is worth nothing."""
    period = reads_ltv(spec, scope)
    now = binder.bind(scope.today, "Date")
    start = {"day": "first", "week": "toMonday(first)", "month": "toStartOfMonth(first)"}[spec.unit]
    chosen = is_one_of(spec.purchase, scope, binder, over="history")
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
