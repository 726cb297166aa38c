"""From a filter tree to the SQL condition it stands for, over the columns of `visible`; every value is bound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import (
    ANY_EVENT,
    WITHOUT_VALUE,
    All,
    Any,
    Did,
    EventChoice,
    EventProperty,
    Filter,
    InList,
    InSegment,
    Not,
    Op,
    PersonProperty,
    Value,
)
from bihuan.engine.moments import instant_of
from bihuan.engine.periods import midnight
from bihuan.engine.question import Scope
from bihuan.engine.visible import HIDDEN, Binder, json_text, property_number, property_text

MAX_DEPTH = 20
MOST_TOGETHER = 30  # conditions on what people did that are found in one look
TRUE, FALSE = "('true', 'yes', '1')", "('false', 'no', '0')"
OPPOSITE: dict[Op, Op] = {
    "is_not": "is",
    "not_contains": "contains",
    "not_matches": "matches",
    "not_has": "has",
    "not_set": "set",
}


def condition(tree: Filter, scope: Scope, binder: Binder, *, over: str = "history", depth: int = 0) -> str:
    """The SQL condition of `tree`. A condition on people is never true of events of nobody (person 0), save under `not`.

    `over` is the CTE that holds the rows which are asked about. A person's property as of the event looks for them there: `history`
    is always right, `visible` is quicker where the statement reads that.
    """
    if depth > MAX_DEPTH:
        raise QuestionError("Conditions are nested more than {depth} deep, or a segment refers to itself.", depth=MAX_DEPTH, where="filter")

    def inner(part: Filter | _Doings) -> str:
        if isinstance(part, _Doings):
            return _did_together(part, scope, binder, depth + 1)
        return condition(part, scope, binder, over=over, depth=depth + 1)

    match tree:
        case EventProperty():
            text = property_text(tree.property, scope, binder)
            return compare(text, property_number(tree.property, scope, binder), tree.op, tree.values, scope, binder)
        case PersonProperty():
            return _person_property(tree, scope, binder, over)
        case Did():
            return _did(tree, scope, binder, depth)
        case InSegment():
            if tree.segment not in scope.segments:
                raise QuestionError("There is no segment “{segment}”; it may have been archived.", segment=tree.segment, where="segment")
            return condition(scope.segments[tree.segment], replace(scope, hidden=frozenset(), trusted=True), binder, depth=depth + 1)
        case InList():
            return f"(person != 0 AND person IN (SELECT person FROM kept WHERE list = {binder.bind(tree.list, 'String')}))"
        case All():
            return "(" + " AND ".join(map(inner, _together(tree.all, All, depth))) + ")" if tree.all else "1"
        case Any():
            return "(" + " OR ".join(map(inner, _together(tree.any, Any, depth))) + ")" if tree.any else "0"
        case Not():
            return f"NOT ({inner(tree.negated)})"


def chosen(choices: Sequence[EventChoice], scope: Scope, binder: Binder, *, over: str = "visible", depth: int = 0) -> str:
    """The SQL condition that a row of `over` is one of the chosen events."""
    return _any_of(_choice(choice, scope, binder, over, depth) for choice in choices)


def named(choices: Sequence[EventChoice], binder: Binder) -> str:
    """A SQL condition on nothing but the names, which the store's primary key answers; every chosen event satisfies it."""
    names = sorted({choice.event for choice in choices} - {ANY_EVENT})
    tests = [f"event IN {binder.bind(names, 'Array(String)')}"] if names else []
    if any(choice.event == ANY_EVENT for choice in choices):
        tests.append("source != 'ledger'")
    return _any_of(tests)


def _choice(choice: EventChoice, scope: Scope, binder: Binder, over: str, depth: int) -> str:
    test = "source != 'ledger'" if choice.event == ANY_EVENT else f"event = {binder.bind(choice.event, 'String')}"
    if choice.filter is None or choice.filter == All():
        return test
    return f"({test} AND {condition(choice.filter, scope, binder, over=over, depth=depth + 1)})"


def _any_of(tests: Iterable[str]) -> str:
    return f"({' OR '.join(tests)})"


def compare(text: str, number: str, op: Op, values: tuple[Value, ...], scope: Scope, binder: Binder) -> str:
    """The comparison of a property, given as SQL for its text and for its number. Any of the values may satisfy it.

    `is` compares text with text and number with number; `contains` ignores case; `matches` finds the pattern anywhere, and heeds case.
    `gt` … `le` compare numbers with the first value, `between` with two, both included. `has` looks for an element of a list: texts
    as texts, numbers as numbers. `is_true` and `is_false` know true, yes, 1 and false, no, 0 in any case.
    `before` and `after` compare times: with a day (before its first instant, after its last one), or with an instant; `in_last` n days
    is today and the n - 1 days before it, `older` is any time before these. A time is ISO 8601 text, in the project's zone where it
    says none, or seconds or milliseconds since 1970.
    A property that is not set, or is no number (no time, no list), satisfies the negated ones and `not_set` only.
    """
    if op in OPPOSITE:
        return f"NOT {compare(text, number, OPPOSITE[op], values, scope, binder)}"
    if op == "set":
        return f"({text} != '')"
    if op in ("is_true", "is_false"):
        return f"(lower({text}) IN {TRUE if op == 'is_true' else FALSE})"
    if not values and op not in WITHOUT_VALUE:
        raise QuestionError("A condition has no value to compare with; add one, or use “is set”.", where="values")
    if op == "is":
        return _is(text, number, values, binder)
    if op == "contains":
        return _any_of([f"positionCaseInsensitiveUTF8({text}, {binder.bind(str(v), 'String')}) > 0" for v in values])
    if op == "matches":
        return _any_of([f"match({text}, {binder.bind(str(v), 'String')})" for v in values])
    if op == "has":
        return _has(text, values, binder)
    if op in ("before", "after", "in_last", "older"):
        return _time(text, number, op, values, scope, binder)
    if op == "between":
        return _between(text, number, values, scope, binder)
    sign = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}[op]
    return f"ifNull({number} {sign} {binder.bind(_number(values[0]), 'Float64')}, 0)"


def _is(text: str, number: str, values: tuple[Value, ...], binder: Binder) -> str:
    texts, numbers = _texts(values), _numbers(values)
    parts = []
    if texts:
        parts.append(f"{text} IN {binder.bind(texts, 'Array(String)')}")
    if numbers:
        parts.append(f"ifNull({number} IN {binder.bind(numbers, 'Array(Float64)')}, 0)")
    return "(" + " OR ".join(parts) + ")"


def _has(text: str, values: tuple[Value, ...], binder: Binder) -> str:
    """Whether the list has one of the values; a value that came as text also finds the number or the yes/no that reads so."""
    wanted = binder.bind([*_texts(values), *map(_as_json, _numbers(values))], "Array(String)")
    elements = f"arrayMap(raw -> {json_text('raw')}, JSONExtractArrayRaw({text}))"
    return f"(startsWith({text}, '[') AND hasAny({elements}, {wanted}))"


def _between(text: str, number: str, values: tuple[Value, ...], scope: Scope, binder: Binder) -> str:
    """Between two numbers, or between two days or instants; both included."""
    least, greatest = values[0], values[-1]
    if instant_of(least, scope.zone) is not None and instant_of(greatest, scope.zone) is not None:
        moment = time_of(text, number, binder.bind(scope.zone, "String"))
        since, until = _instant(least, scope, end=False), _instant(greatest, scope, end=True)
        return f"ifNull({moment} >= {binder.bind(since, 'Int64')} AND {moment} < {binder.bind(until, 'Int64')}, 0)"
    low, high = binder.bind(_number(least), "Float64"), binder.bind(_number(greatest), "Float64")
    return f"ifNull({number} BETWEEN {low} AND {high}, 0)"


def _time(text: str, number: str, op: Op, values: tuple[Value, ...], scope: Scope, binder: Binder) -> str:
    moment = time_of(text, number, binder.bind(scope.zone, "String"))
    if op in ("in_last", "older"):
        days = int(_number(values[0]))
        if not 1 <= days <= 36_600:
            raise QuestionError("A number of days must be between 1 and 36,600.", where="values")
        today = scope.today
        since = binder.bind(_milliseconds(today - timedelta(days=days - 1), scope), "Int64")
        if op == "older":
            return f"ifNull({moment} < {since}, 0)"
        until = binder.bind(_milliseconds(today + timedelta(days=1), scope), "Int64")
        return f"ifNull({moment} >= {since} AND {moment} < {until}, 0)"
    if op == "before":
        return f"ifNull({moment} < {binder.bind(_instant(values[0], scope, end=False), 'Int64')}, 0)"
    return f"ifNull({moment} >= {binder.bind(_instant(values[0], scope, end=True), 'Int64')}, 0)"


def time_of(text: str, number: str, zone: str) -> str:
    """SQL for a property as milliseconds since 1970, Nullable: ISO 8601 text, or a number of seconds or milliseconds."""
    iso = r"'^\\d{4}-\\d\\d-\\d\\d([T ]\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:?\\d\\d)?)?$'"
    parsed = f"toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull({text}, 3, {zone}))"
    seconds = f"{number} >= 1e8 AND {number} < 1e11, toInt64({number} * 1000)"
    since_1970 = f"multiIf({seconds}, {number} >= 1e11 AND {number} < 1e14, toInt64({number}), NULL)"
    return f"if(match({text}, {iso}), {parsed}, {since_1970})"


def _instant(value: Value, scope: Scope, *, end: bool) -> int:
    """A day or an instant in milliseconds since 1970; `end`: the first one after it."""
    found = instant_of(value, scope.zone)
    if found is None:
        raise QuestionError("“{value}” is no day and no time; write it like 2026-11-21 or 2026-11-21T18:30.", value=value, where="values")
    first, after = found
    return after if end else first


def _milliseconds(day: date, scope: Scope) -> int:
    return round(midnight(day, scope.zone).timestamp() * 1000)


def _texts(values: tuple[Value, ...]) -> list[str]:
    return ["true" if v is True else "false" if v is False else v for v in values if isinstance(v, str | bool)]


def _numbers(values: tuple[Value, ...]) -> list[float]:
    return [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _as_json(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _number(value: Value) -> float:
    try:
        return float(value)
    except ValueError:
        raise QuestionError("“{value}” is not a number; greater and less compare numbers.", value=value, where="values") from None


def _person_property(tree: PersonProperty, scope: Scope, binder: Binder, over: str) -> str:
    if tree.person in scope.hidden:
        raise QuestionError(HIDDEN, name=tree.person, where=tree.person)
    name = binder.bind(tree.person, "String")
    if tree.op in OPPOSITE:  # also true of those who have no such property
        return f"NOT {_person_property(tree.model_copy(update={'op': OPPOSITE[tree.op]}), scope, binder, over)}"
    text = json_text("value")
    test = compare(text, f"toFloat64OrNull({text})", tree.op, tree.values, scope, binder)
    unset_too = tree.op in ("is", "contains", "matches") and _true_of_nothing(tree)  # one that is not set reads as '', and has no row
    if tree.as_of == "event":
        return _as_of_event(name, test, unset_too=unset_too, trusted=scope.trusted, over=over)
    traits = "traits_all" if scope.trusted else "traits_now"
    if unset_too:
        return f"person NOT IN (SELECT person FROM {traits} WHERE name = {name} AND NOT ({test}))"
    return f"(person != 0 AND person IN (SELECT person FROM {traits} WHERE name = {name} AND {test}))"


def _true_of_nothing(tree: PersonProperty) -> bool:
    if tree.op == "matches":
        return any(re.search(str(value), "") for value in tree.values)
    return "" in tree.values


def _as_of_event(name: str, test: str, *, unset_too: bool, trusted: bool, over: str) -> str:
    """Events whose person then had a value that satisfies `test`; `unset_too`: or had none."""
    past = "traits_past_all" if trusted else "traits_past"
    wanted = f"NOT ({test})" if unset_too else test
    then = (
        f"SELECT event_key FROM (SELECT person, event_key, toUnixTimestamp64Milli(ts) AS at FROM {over} WHERE person != 0) AS happened"
        f" ASOF JOIN (SELECT person, at AS since, value FROM {past} WHERE name = {name}) AS had"
        f" ON happened.person = had.person AND happened.at >= had.since WHERE {wanted}"
    )
    return f"event_key NOT IN ({then})" if unset_too else f"(person != 0 AND event_key IN ({then}))"


def _did(tree: Did, scope: Scope, binder: Binder, depth: int) -> str:
    if tree.op == "le" or tree.times == 0:  # the complement, so that those who never did it count
        if tree.op == "ge":
            return "person != 0"
        more = tree.model_copy(update={"op": "ge", "times": tree.times + 1})
        return f"(person != 0 AND NOT {_did(more, scope, binder, depth)})"
    history, within, done = _doing(tree, scope, binder, depth)
    named_ = f"{named(_choices(tree), binder)} AND " if len(_choices(tree)) > 1 else ""
    sign = "=" if tree.op == "eq" else ">="
    times = binder.bind(tree.times, "UInt64")
    return (
        f"(person != 0 AND person IN (SELECT person FROM {history} WHERE {within} AND {named_}{done}"
        f" GROUP BY person HAVING count() {sign} {times}))"
    )


def _choices(tree: Did) -> tuple[EventChoice, ...]:
    return (EventChoice(event=tree.did, filter=tree.where), *tree.also)


def _doing(tree: Did, scope: Scope, binder: Binder, depth: int) -> tuple[str, str, str]:
    """SQL: where what somebody did is found, on which days, and which events these are."""
    today = scope.today
    since = binder.bind(today - timedelta(days=tree.days - 1), "Date")
    history = "history_all" if scope.trusted else "history"
    within = f"day BETWEEN {since} AND {binder.bind(today, 'Date')}"
    return history, within, chosen(_choices(tree), scope, binder, over=history, depth=depth)


# --- What somebody did of several things, found in one look -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Doings:
    """A tree whose `leaves` are all about what somebody did."""

    tree: Filter
    leaves: tuple[Did, ...]


def _together(parts: Sequence[Filter], joined: type[All] | type[Any], depth: int) -> list[Filter | _Doings]:
    """The same parts; those that are about doings alone as one of them, if there are several such conditions."""
    doings = [part for part in parts if _leaves(part, depth + 1) is not None]
    tree: Filter = All(all=tuple(doings)) if joined is All else Any(any=tuple(doings))
    leaves = tuple(dict.fromkeys(_leaves(tree, depth) or ()))
    if not 1 < len(leaves) <= MOST_TOGETHER:
        return list(parts)
    return [*(part for part in parts if part not in doings), _Doings(tree, leaves)]


def _leaves(tree: Filter, depth: int) -> list[Did] | None:
    """The conditions of a tree that is about doings alone; None if it is not, or is too deep."""
    if depth > MAX_DEPTH:
        return None
    match tree:
        case Did():
            return [tree]
        case All(all=parts) | Any(any=parts):
            found = [_leaves(part, depth + 1) for part in parts]
            return None if None in found else [leaf for each in found for leaf in each or ()]
        case Not():
            return _leaves(tree.negated, depth + 1)
    return None


def _did_together(doings: _Doings, scope: Scope, binder: Binder, depth: int) -> str:
    """One look at what people did, for all conditions of the tree. Those who did none of it are not found there: whether the tree is true
    of them, and of nobody (0), of whom no such condition is, is known before."""
    found = [_doing(leaf, scope, binder, depth) for leaf in doings.leaves]
    names = named([choice for leaf in doings.leaves for choice in _choices(leaf)], binder)
    history, longest, _ = max(zip(found, doings.leaves, strict=True), key=lambda each: each[1].days)[0]
    sign = {"eq": "=", "le": "<=", "ge": ">="}
    tests = {
        leaf: f"countIf({within} AND {done}) {sign[leaf.op]} {binder.bind(leaf.times, 'UInt64')}"
        for leaf, (_, within, done) in zip(doings.leaves, found, strict=True)
    }
    idle = _truth(doings.tree, lambda leaf: leaf.op == "le" or leaf.times == 0)
    having = _said(doings.tree, tests)
    people = (
        f"person {'NOT IN' if idle else 'IN'} (SELECT person FROM {history} WHERE {longest} AND {names}"
        f" GROUP BY person HAVING {f'NOT {having}' if idle else having})"
    )
    return f"(person = 0 OR {people})" if _truth(doings.tree, lambda _: False) else f"(person != 0 AND {people})"


def _truth(tree: Filter, holds: Callable[[Did], bool]) -> bool:
    match tree:
        case All(all=parts):
            return all(_truth(part, holds) for part in parts)
        case Any(any=parts):
            return any(_truth(part, holds) for part in parts)
        case Not(negated=part):
            return not _truth(part, holds)
        case Did():
            return holds(tree)
    raise TypeError(tree)


def _said(tree: Filter, tests: Mapping[Did, str]) -> str:
    match tree:
        case All(all=parts):
            return _joined([_said(part, tests) for part in parts], "AND", "1")
        case Any(any=parts):
            return _joined([_said(part, tests) for part in parts], "OR", "0")
        case Not(negated=part):
            return f"NOT ({_said(part, tests)})"
        case Did():
            return tests[tree]
    raise TypeError(tree)


def _joined(tests: Sequence[str], word: str, empty: str) -> str:
    return f"({f' {word} '.join(tests)})" if tests else empty
