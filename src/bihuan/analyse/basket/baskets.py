"""Baskets as sets of their items, from the events with which items are bought.

Until they are counted, items are hashes of 64 bits of their texts: among a million of them two are the same once in forty million times.
"""

from __future__ import annotations

from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.visits import cut_sql, moments
from bihuan.engine.conditions import condition
from bihuan.engine.meta import sampled
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


def baskets_sql(spec: BasketSpec, scope: Scope, binder: Binder) -> str:
    """`baskets`: (person, items), each item once. A person's alone, save where an event, or its property, is a basket of nobody's."""
    wanted = _wanted(spec, scope, binder)
    items = f"arrayMap(one -> {HASH.format(one='one')}, {_items(spec, scope, binder)})"
    if spec.basket == "session":
        period = moments(spec.period, scope, binder)
        # An event is a number for each of its items, of its time and the item's hash; without any it still keeps a visit going, by a 0.
        its = f"arrayPushBack(if({wanted}, {items}, []), toUInt64(0))"
        numbers = f"arrayMap(one -> bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts) - {period.base}), 64) + one, {its})"
        whose = f"person != 0 AND source != 'ledger'{_sampled(spec, scope, binder)}"
        rows = f"FROM (SELECT person, {numbers} AS numbers FROM visible WHERE {whose})"
        cut = cut_sql("groupArrayArray(numbers)", rows, binder.bind(spec.gap * 60_000, "Int64"), _tick_of)
        return f"""baskets AS MATERIALIZED (
  SELECT person, arrayDistinct(arrayFilter(one -> one != 0, arrayMap(one -> toUInt64(one), visit))) AS items
  FROM ({cut})
  WHERE {period.begins(_tick_of("visit[1]"))} AND notEmpty(items)
)"""
    together = {"event": "event_key", "day": "day", "person": "1"}.get(spec.basket, "") or _value(spec, scope, binder)
    told = "1" if spec.basket in ("event", "same") else "person != 0"
    return f"""baskets AS MATERIALIZED (
  SELECT person, groupUniqArrayArray(its) AS items
  FROM (SELECT person, {together} AS basket, {items} AS its FROM visible WHERE {told} AND {wanted}{_sampled(spec, scope, binder)})
  WHERE notEmpty(its){" AND basket != ''" if spec.basket == "same" else ""}
  GROUP BY person, basket
)"""


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
