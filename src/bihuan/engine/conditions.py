"""From a filter tree to the SQL condition it stands for, over the columns of `visible`; every value is bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import All, Any, Did, EventProperty, Filter, InSegment, Not, Op, PersonProperty, Value
from bihuan.engine.question import Scope
from bihuan.engine.visible import HIDDEN, Binder, json_text, property_number, property_text

MAX_DEPTH = 20


def condition(tree: Filter, scope: Scope, binder: Binder, *, depth: int = 0) -> str:
    """The SQL condition of `tree`. A condition on people is never true of events of nobody (person 0), save under `not`."""
    if depth > MAX_DEPTH:
        raise QuestionError("Conditions are nested more than {depth} deep, or a segment refers to itself.", depth=MAX_DEPTH, where="filter")

    def inner(part: Filter) -> str:
        return condition(part, scope, binder, depth=depth + 1)

    match tree:
        case EventProperty():
            text = property_text(tree.property, scope, binder)
            return compare(text, property_number(tree.property, scope, binder), tree.op, tree.values, binder)
        case PersonProperty():
            return _person_property(tree, scope, binder)
        case Did():
            return _did(tree, scope, binder, depth)
        case InSegment():
            if tree.segment not in scope.segments:
                raise QuestionError("There is no segment “{segment}”; it may have been archived.", segment=tree.segment, where="segment")
            return condition(scope.segments[tree.segment], replace(scope, hidden=frozenset(), trusted=True), binder, depth=depth + 1)
        case All():
            return "(" + " AND ".join(map(inner, tree.all)) + ")" if tree.all else "1"
        case Any():
            return "(" + " OR ".join(map(inner, tree.any)) + ")" if tree.any else "0"
        case Not():
            return f"NOT ({inner(tree.negated)})"


def compare(text: str, number: str, op: Op, values: tuple[Value, ...], binder: Binder) -> str:
    """The comparison of a property, given as SQL for its text and for its number.

    `is`, `is_not` compare text with text and number with number; `contains` ignores case; order compares numbers. A property
    that is not set satisfies `is_not`, `not_contains` and `not_set` only.
    """
    if op == "set":
        return f"{text} != ''"
    if op == "not_set":
        return f"{text} = ''"
    if not values:
        raise QuestionError("A condition has no value to compare with; add one, or use “is set”.", where="values")
    if op in ("is", "is_not"):
        return ("NOT " if op == "is_not" else "") + _is(text, number, values, binder)
    if op in ("contains", "not_contains"):
        any_of = " OR ".join(f"positionCaseInsensitiveUTF8({text}, {binder.bind(str(v), 'String')}) > 0" for v in values)
        return ("NOT " if op == "not_contains" else "") + f"({any_of})"
    sign = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}[op]
    return f"ifNull({number} {sign} {binder.bind(_number(values[0]), 'Float64')}, 0)"


def _is(text: str, number: str, values: tuple[Value, ...], binder: Binder) -> str:
    texts = ["true" if v is True else "false" if v is False else v for v in values if isinstance(v, str | bool)]
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    parts = []
    if texts:
        parts.append(f"{text} IN {binder.bind(texts, 'Array(String)')}")
    if numbers:
        parts.append(f"ifNull({number} IN {binder.bind(numbers, 'Array(Float64)')}, 0)")
    return "(" + " OR ".join(parts) + ")"


def _number(value: Value) -> float:
    try:
        return float(value)
    except ValueError:
        raise QuestionError("“{value}” is not a number; greater and less compare numbers.", value=value, where="values") from None


def _person_property(tree: PersonProperty, scope: Scope, binder: Binder) -> str:
    if tree.person in scope.hidden:
        raise QuestionError(HIDDEN, name=tree.person, where=tree.person)
    name = binder.bind(tree.person, "String")
    if tree.op in ("is_not", "not_contains", "not_set"):  # also true of those who have no such property
        positive: dict[Op, Op] = {"is_not": "is", "not_contains": "contains", "not_set": "set"}
        return f"NOT {_person_property(tree.model_copy(update={'op': positive[tree.op]}), scope, binder)}"
    traits = "traits_all" if scope.trusted else "traits_now"
    text = json_text("value")
    test = compare(text, f"toFloat64OrNull({text})", tree.op, tree.values, binder)
    if tree.op in ("is", "contains") and "" in tree.values:  # a property that is not set reads as '', and has no row
        return f"person NOT IN (SELECT person FROM {traits} WHERE name = {name} AND NOT ({test}))"
    return f"(person != 0 AND person IN (SELECT person FROM {traits} WHERE name = {name} AND {test}))"


def _did(tree: Did, scope: Scope, binder: Binder, depth: int) -> str:
    if tree.op == "le" or tree.times == 0:  # the complement, so that those who never did it count
        if tree.op == "ge":
            return "person != 0"
        more = tree.model_copy(update={"op": "ge", "times": tree.times + 1})
        return f"(person != 0 AND NOT {_did(more, scope, binder, depth)})"
    today = scope.now.astimezone(ZoneInfo(scope.zone)).date()
    since = binder.bind(today - timedelta(days=tree.days - 1), "Date")
    until = binder.bind(today, "Date")
    event = binder.bind(tree.did, "String")
    where = f" AND {condition(tree.where, scope, binder, depth=depth + 1)}" if tree.where else ""
    sign = "=" if tree.op == "eq" else ">="
    times = binder.bind(tree.times, "UInt64")
    history = "history_all" if scope.trusted else "history"
    return (
        f"(person != 0 AND person IN (SELECT person FROM {history} WHERE event = {event} AND day BETWEEN {since} AND {until}"
        f"{where} GROUP BY person HAVING count() {sign} {times}))"
    )
