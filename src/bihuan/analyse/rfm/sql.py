"""From the spec of RFM to its one statement: each customer's three numbers, their scores, and how many have which."""

from __future__ import annotations

from datetime import timedelta

from bihuan.analyse.rfm.spec import Fixed, Group, RfmCell, RfmSpec
from bihuan.engine.compare import groups
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, property_number

# (recency, frequency, money) high -> the group of the classical eight.
GROUPS: dict[tuple[bool, bool, bool], Group] = {
    (True, True, True): "champion",
    (True, False, True): "loyal",
    (False, True, True): "lapsing",
    (False, False, True): "lost_valuable",
    (True, True, False): "regular",
    (True, False, False): "newcomer",
    (False, True, False): "fading",
    (False, False, False): "lost",
}
MEASURES = ("recency", "frequency", "money")


def reads_rfm(spec: RfmSpec, scope: Scope) -> Period:
    """The last days, and as many before the day with which groups are compared."""
    now = scope.today
    return Period(now - timedelta(days=spec.days - 1 + (spec.moved_since or 0)), now, scope.zone)


def compile_rfm(spec: RfmSpec, scope: Scope) -> Statement:
    """Rows (part, recency, frequency, money, group, was, customers, worth, …). `scores`: customers with these three scores (0: nothing
    bought), now and before; `cuts`: one row with the cut values of the three. With a comparison, `mine` and `theirs` say on which sides
    these customers are; who is on neither is not counted. Of a sample, `squares` and `least` are of what each of them spent."""
    binder = Binder()
    sides = ", mine, theirs" if spec.compare else ""
    none = ", 0, 0" if sides else ""
    spread = ""
    if spec.sample is not None:
        spread, none = ", sum(money * money) AS squares, min(money) AS least", f"{none}, 0., 0."
    sql = f"""
WITH {_scored(spec, scope, binder)}
SELECT 'scores' AS part, r, f, m, was_r, was_f, was_m, count() AS customers,
  sum(money) AS worth, sum(toFloat64(recency)) AS days_ago, sum(frequency) AS purchases,
  [] AS recency_cuts, [] AS frequency_cuts, [] AS money_cuts{sides}{spread}
FROM scored{" WHERE mine OR theirs" if sides else ""} GROUP BY r, f, m, was_r, was_f, was_m{sides}
UNION ALL
SELECT 'cuts', 0, 0, 0, 0, 0, 0, 0, 0., 0., 0, {", ".join(f"(SELECT of_{name} FROM cuts)" for name in MEASURES)}{none}
"""
    return Statement(sql, binder.params)


def people_rfm(spec: RfmSpec, cell: RfmCell, scope: Scope) -> Statement:
    """The customers of a group, or with given scores."""
    binder = Binder()
    high = f"(r > {_middle(spec)}, f > {_middle(spec, 'frequency')}, m > {_middle(spec, 'money')})"
    was = f"(was_r > {_middle(spec)}, was_f > {_middle(spec, 'frequency')}, was_m > {_middle(spec, 'money')})"
    tests = ["r != 0"] if cell.group or not cell.was else ["1"]
    if cell.group is not None:
        tests.append(f"{high} = ({_bits(cell.group)})")
    if cell.was == "none":
        tests.append("was_r = 0")
    elif cell.was is not None:
        tests += ["was_r != 0", f"{was} = ({_bits(cell.was)})"]
    if spec.compare:
        tests.append("theirs" if cell.before else "mine")
    elif cell.before:
        tests.append("0")
    tests += [f"{column} = {binder.bind(score, 'UInt64')}" for column, score in (("r", cell.recency), ("f", cell.frequency)) if score]
    return Statement(f"WITH {_scored(spec, scope, binder)}\nSELECT person FROM scored WHERE {' AND '.join(tests)}", binder.params)


def levels(spec: RfmSpec, measure: str = "recency") -> int:
    """How many levels one of the three has."""
    return len(getattr(spec.cuts, measure)) + 1 if isinstance(spec.cuts, Fixed) else spec.cuts.levels


def group_of(spec: RfmSpec, scores: tuple[int, int, int]) -> Group | None:
    """The group of a customer with these scores: each is high above the middle of its levels. None of nothing bought."""
    if not scores[0]:
        return None
    r, f, m = (score > (levels(spec, name) + 1) / 2 for score, name in zip(scores, MEASURES, strict=True))
    return GROUPS[r, f, m]


def _middle(spec: RfmSpec, measure: str = "recency") -> float:
    return (levels(spec, measure) + 1) / 2


def _bits(group: Group) -> str:
    return ", ".join(str(int(high)) for bits, name in GROUPS.items() if name == group for high in bits)


def _scored(spec: RfmSpec, scope: Scope, binder: Binder) -> str:
    """A row for each customer of now or before, with scores of both times; 0 where they had bought nothing. Money is rounded to a
    millionth, so that amounts which are equal stay equal in whatever order they are added up."""
    now = scope.today
    since, until = (binder.bind(day, "Date") for day in (now - timedelta(days=spec.days - 1), now))
    back = timedelta(days=spec.moved_since or 0)
    before_since, before = (binder.bind(day, "Date") for day in (now - timedelta(days=spec.days - 1) - back, now - back))
    if isinstance(spec.cuts, Fixed):
        given = ", ".join(f"{binder.bind(list(getattr(spec.cuts, name)), 'Array(Float64)')} AS of_{name}" for name in MEASURES)
        cuts = f"SELECT {given}"
    else:
        # The smallest value that so large a part of the customers does not exceed; the store takes the next one where the part is exact.
        steps = ", ".join(f"{step / spec.cuts.levels - 1e-9:.12f}" for step in range(1, spec.cuts.levels))
        cuts = "SELECT " + ", ".join(f"quantilesExact({steps})(toFloat64({name})) AS of_{name}" for name in MEASURES)
        cuts += " FROM customers WHERE frequency > 0"
    moved, sides = spec.moved_since is not None, _sides(spec, scope, binder)
    sample = "" if spec.sample is None else f" AND {sampled(spec.sample, binder, nobody=None)}"

    def score(name: str, prefix: str) -> str:
        over = f"arrayCount(cut -> toFloat64({prefix}{name}) > cut, (SELECT of_{name} FROM cuts))"
        level = f"{levels(spec)} - {over}" if name == "recency" else f"1 + {over}"
        return f"if({prefix}frequency = 0, 0, {level})" if moved or not prefix else "0"

    return f"""purchases AS (
  SELECT person, day, sum(ifNull({property_number(spec.purchase.value, scope, binder)}, 0)) AS value
  FROM visible
  WHERE person != 0 AND {has_name_of((spec.purchase,), binder)} AND {is_one_of(spec.purchase, scope, binder)}
    AND {condition(spec.filter, scope, binder, over="visible")}{sample}
  GROUP BY person, day
),
customers AS MATERIALIZED (
  SELECT
    person,
    dateDiff('day', maxIf(day, day BETWEEN {since} AND {until}), {until}) AS recency,
    countIf(day BETWEEN {since} AND {until}) AS frequency,
    round(sumIf(value, day BETWEEN {since} AND {until}), 6) AS money,
    dateDiff('day', maxIf(day, day BETWEEN {before_since} AND {before}), {before}) AS was_recency,
    countIf(day BETWEEN {before_since} AND {before}) AS was_frequency,
    round(sumIf(value, day BETWEEN {before_since} AND {before}), 6) AS was_money
  FROM purchases
  GROUP BY person
  HAVING frequency > 0 OR ({int(moved)} AND was_frequency > 0)
),
cuts AS MATERIALIZED ({cuts}),
scored AS (
  SELECT person, recency, frequency, money,
    {score("recency", "")} AS r, {score("frequency", "")} AS f, {score("money", "")} AS m,
    {score("recency", "was_")} AS was_r, {score("frequency", "was_")} AS was_f, {score("money", "was_")} AS was_m{sides}
  FROM customers
)"""


def _sides(spec: RfmSpec, scope: Scope, binder: Binder) -> str:
    """Whether a customer is among those asked about, and among those they are compared with."""
    if spec.compare is None:
        return ""
    mine, theirs = groups(spec.compare, scope, binder, over="customers")
    return f",\n    toUInt8({mine}) AS mine, toUInt8({theirs}) AS theirs"
