"""Baskets as sets of their items, from the events with which items are bought.

Until they are counted, items are hashes of 64 bits of their texts: among a million of them two are the same once in forty million times.
"""

from __future__ import annotations

from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.visits import SPARE_DAYS, cut_sql, followed, known_until, moments
from bihuan.engine.compare import Baseline, Groups, Sides, baseline, reads, sides
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder, json_text, property_text

HASH = "sipHash64({one})"

# SQL: all pairs, and all threes, of the sorted numbers `its`.
PAIRS = "arrayFlatten(arrayMap((x, i) -> arrayMap(y -> (x, y), arraySlice(its, i + 1)), its, arrayEnumerate(its)))"
THREES = (
    "arrayFlatten(arrayMap((x, i) -> arrayFlatten(arrayMap((y, j) -> arrayMap(z -> (x, y, z), arraySlice(its, i + j + 1)), "
    "arraySlice(its, i + 1), arrayEnumerate(arraySlice(its, i + 1)))), its, arrayEnumerate(its)))"
)


def other_period(spec: BasketSpec, scope: Scope) -> Baseline | None:
    return baseline(spec.compare, scope.period(spec.period), scope)


def reads_basket(spec: BasketSpec, scope: Scope) -> Period:
    period = reads(scope.period(spec.period), other_period(spec, scope))
    return period.extended(before=1, after=1) if spec.basket == "session" else period


def baskets_sql(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """`baskets`: (person, items), each item once. A person's alone, save where an event, or its property, is a basket of nobody's. With a
    comparison also `sides`: 1 is asked about, 2 compared with, 3 both; a basket of two periods that overlap is one in each of them."""
    wanted = _wanted(spec, scope, binder)
    items = f"arrayMap(one -> {HASH.format(one='one')}, {_items(spec, scope, binder)})"
    if spec.basket == "session" and spec.compare is not None:
        return _sessions_beside(spec, scope, binder, wanted, items)
    if spec.basket == "session":
        period = moments(spec.period, scope, binder)
        cut = _cut(spec, scope, binder, wanted, items, period.base)
        return f"""baskets AS MATERIALIZED (
  SELECT person, arrayDistinct(arrayFilter(one -> one != 0, arrayMap(one -> toUInt64(one), visit))) AS items
  FROM ({cut})
  WHERE {period.begins(_tick_of("visit[1]"))} AND notEmpty(items)
)"""
    together = {"event": "event_key", "day": "day", "person": "1"}.get(spec.basket, "") or _value(spec, scope, binder)
    told = "1" if spec.basket in ("event", "same") else "person != 0"
    which, on = "", ""
    if spec.compare is not None:
        side, on = sides(spec.compare, scope.period(spec.period), other_period(spec, scope), scope, binder), ", sides"
        which, told = f"{_side(spec, side)} AS sides, ", f"{told} AND {side.where}"
    asked = f"{told} AND {wanted}{_sampled(spec, scope, binder)}"
    return f"""baskets AS MATERIALIZED (
  SELECT person{on}, groupUniqArrayArray(its) AS items
  FROM (SELECT person, {which}{together} AS basket, {items} AS its FROM visible WHERE {asked})
  WHERE notEmpty(its){" AND basket != ''" if spec.basket == "same" else ""}
  GROUP BY person, basket{on}
)"""


def _sessions_beside(spec: BasketSpec, scope: Scope, binder: Binder, wanted: str, items: str) -> str:
    """`baskets` of sessions, each on the sides of the moment at which it begins."""
    since = reads_basket(spec, scope).extended(before=SPARE_DAYS).start
    base = binder.bind(round(since.timestamp() * 1000), "Int64")
    period, other = scope.period(spec.period), other_period(spec, scope)
    side = sides(spec.compare, period, other, scope, binder)
    visit, begun, zone = "visit", f"{_tick_of('visit[1]')} + {base}", binder.bind(scope.zone, "String")
    if other is not None:
        ends = (followed(period).end, known_until(period, other, scope))
        mine, theirs = (binder.bind(round(at.timestamp() * 1000), "Int64") for at in ends)
        visit = f"arrayFilter(one -> {_tick_of('one')} + {base} < if(sides = 2, {theirs}, {mine}), visit)"
    return f"""baskets AS MATERIALIZED (
  SELECT person, sides, arrayDistinct(arrayFilter(one -> one != 0, arrayMap(one -> toUInt64(one), {visit}))) AS items
  FROM (
    SELECT person, visit, {_side(spec, side)} AS sides
    FROM (
      SELECT person, visit, fromUnixTimestamp64Milli({begun}, 'UTC') AS ts, toDate(ts, {zone}) AS day
      FROM ({_cut(spec, scope, binder, wanted, items, base)})
    )
    WHERE {side.where}
  )
  WHERE notEmpty(items)
)"""


def _cut(spec: BasketSpec, scope: Scope, binder: Binder, wanted: str, items: str, base: str) -> str:
    """SELECT (person, visit): an event is a number for each of its items, of its time and the item's hash; without any it still keeps a
    visit going, by a 0."""
    its = f"arrayPushBack(if({wanted}, {items}, []), toUInt64(0))"
    numbers = f"arrayMap(one -> bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {base}), 64) + one, {its})"
    whose = f"person != 0 AND source != 'ledger'{_sampled(spec, scope, binder)}"
    rows = f"FROM (SELECT person, {numbers} AS numbers FROM visible WHERE {whose})"
    return cut_sql("groupArrayArray(numbers)", rows, binder.bind(spec.gap * 60_000, "Int64"), _tick_of)


def _side(spec: BasketSpec, side: Sides) -> str:
    """SQL: people are on both sides with all of their baskets; of periods, each has its own."""
    return side.bits if isinstance(spec.compare, Groups) else f"toUInt8({side.side} + 1)"


def slim_sql(order: str, columns: str) -> str:
    """`numbered`, the hashes of the items of `counted` in that order, and `slim`: of each basket these `columns` and its items' numbers."""
    return f"""numbered AS MATERIALIZED (
  SELECT groupArray(item) AS hashes FROM (SELECT item FROM counted ORDER BY {order} DESC, name)
),
slim AS MATERIALIZED (
  SELECT {columns}, arraySort(arrayFilter(n -> n > 0, arrayMap(item -> transform(
    item, (SELECT hashes FROM numbered), (SELECT arrayMap(n -> toUInt16(n), arrayEnumerate(hashes)) FROM numbered), toUInt16(0)
  ), items))) AS its
  FROM baskets
)"""


def called_sql(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """SELECT (name, item): what the hashes mean."""
    items, wanted = _items(spec, scope, binder), f"{_wanted(spec, scope, binder)}{_sampled(spec, scope, binder)}"
    names = f"SELECT DISTINCT arrayJoin({items}) AS name FROM visible WHERE {wanted}"
    return f"SELECT name, {HASH.format(one='name')} AS item FROM ({names})"


def _wanted(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    wanted = f"{has_name_of([spec.of], binder)} AND {is_one_of(spec.of, scope, binder)}"
    return f"{wanted} AND {condition(spec.filter, scope, binder, over='visible')}"


def _tick_of(number: str) -> str:
    """SQL: the milliseconds of an event of a visit; to their right is the hash of its item."""
    return f"toInt64(bitShiftRight({number}, 64))"


def _items(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """SQL for the items of one event, each once."""
    text = property_text(spec.item, scope, binder)
    if spec.key is not None:
        under = json_text(f"JSONExtractRaw(raw, {binder.bind(spec.key, 'String')})")
        found = f"arrayMap(raw -> {under}, if(startsWith({text}, '['), JSONExtractArrayRaw({text}), [{text}]))"
    else:
        found = f"if(startsWith({text}, '['), arrayMap(raw -> {json_text('raw')}, JSONExtractArrayRaw({text})), [{text}])"
    return f"arrayDistinct(arrayFilter(one -> one != '', {found}))"


def _value(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """SQL for what is the same in all events of a basket."""
    return property_text(spec.same, scope, binder) if spec.same is not None else ""


def _sampled(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """SQL, with an AND before it: the event is of the sample. A basket of nobody's is in it as a whole."""
    if spec.sample is None:
        return ""
    nobody = f"cityHash64({_value(spec, scope, binder)})" if spec.basket == "same" else "event_key"
    return f" AND {sampled(spec.sample, binder, nobody=nobody)}"
