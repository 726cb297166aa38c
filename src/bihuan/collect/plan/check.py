"""Judges an event by the tracking plan. Pure, and compiled once for each form that events have, so that one costs about a microsecond.

Plans come as plain documents (those of `plan.spec`, which has checked them): the collector reads them without the web framework.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from bihuan.collect.events import canonical
from bihuan.collect.plan.patterns import BadPattern, matches
from bihuan.collect.rows import money
from bihuan.engine.schema import COLUMNS, NUMBER_COLUMNS

Policy = Literal["accept", "warn", "quarantine"]
Kind = Literal["undeclared_event", "undeclared_property", "missing", "wrong_type", "not_allowed", "bad_pattern", "out_of_range"]
KINDS: tuple[Kind, ...] = (
    "undeclared_event",
    "undeclared_property",
    "missing",
    "wrong_type",
    "not_allowed",
    "bad_pattern",
    "out_of_range",
)

FORMS = 5_000  # forms (names and types of properties) of events that are remembered
MOST = 50  # violations of one event that are kept
LONGEST_VALUE = 200  # characters of a value that a violation shows
AUTOMATIC = frozenset((*COLUMNS, *NUMBER_COLUMNS))  # what clients send by themselves is declared for everybody
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "time": (str, int, float),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?( ?(Z|[+-]\d\d:?\d\d))?)?")

Test = Callable[[Any], bool]


class Violation(NamedTuple):
    """That an event is not as planned: which `property` ('' the event itself), what kind of mistake, what was `expected` (the type, the
    allowed values, the pattern or the range as text), the `value` that came as JSON, and whether it is reason for the quarantine."""

    property: str
    kind: Kind
    expected: str
    value: str
    quarantine: bool


class _Rule(NamedTuple):
    """A test that the value of a property must pass."""

    property: str
    kind: Kind
    expected: str
    test: Test


class _Form(NamedTuple):
    """What is known of all events of one name with properties of these names and types: what is wrong anyhow, and what to test."""

    wrong: tuple[tuple[str, Kind, str, bool], ...]
    rules: tuple[_Rule, ...]


class Plan:
    """One project's plan, ready to judge. Threads may share it."""

    def __init__(self, plan: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        self._events = {str(one["event"]): one for one in reversed(events)}  # of two with one name, the first holds
        self._common = {str(one["name"]): one for one in plan.get("properties", ())}
        self._unknown_event: Policy = plan.get("undeclared_events", "accept")
        self._unknown_property: Policy = plan.get("undeclared_properties", "accept")
        self._forms: dict[tuple[Any, ...], _Form] = {}

    @property
    def events(self) -> frozenset[str]:
        """The names of the declared events."""
        return frozenset(self._events)

    def check(self, name: str, props: Mapping[str, Any]) -> tuple[Violation, ...]:
        """What is wrong with an event; nothing for nearly every one."""
        key = (name, tuple(props), tuple(map(type, props.values())))
        form = self._forms.get(key)
        if form is None:
            form = self._remember(key)
        if not form.wrong and not form.rules:
            return ()
        quarantine = self._policy(name) == "quarantine"
        found = [Violation(at, kind, expected, _shown(props.get(at)), strict) for at, kind, expected, strict in form.wrong]
        for rule in form.rules:
            value = props[rule.property]
            if not rule.test(value):
                found.append(Violation(rule.property, rule.kind, rule.expected, _shown(value), quarantine))
        return tuple(found[:MOST])

    def _policy(self, name: str) -> Policy:
        known = self._events.get(name)
        if known is not None:
            policy: Policy = known.get("policy", "warn")
            return policy
        return "accept" if name.startswith("$") else self._unknown_event  # names with $ are clients' and Bihuan's automatic ones

    def _remember(self, key: tuple[Any, ...]) -> _Form:
        if len(self._forms) >= FORMS:
            self._forms.clear()
        made = self._forms[key] = self._form(*key)
        return made

    def _form(self, name: str, names: tuple[str, ...], types: tuple[type, ...]) -> _Form:
        policy = self._policy(name)
        if policy == "accept":
            return _Form((), ())
        known = self._events.get(name)
        if known is None:
            return _Form((("", "undeclared_event", "", policy == "quarantine"),), ())
        declared = {**self._common, **{str(one["name"]): one for one in known.get("properties", ())}}
        strict = policy == "quarantine"
        given = dict(zip(names, types, strict=True))
        wrong: list[tuple[str, Kind, str, bool]] = []
        rules: list[_Rule] = []
        for at, rule in declared.items():
            kind = given.get(at, type(None))
            if kind is type(None):
                if rule.get("required"):
                    wrong.append((at, "missing", str(rule.get("type", "any")), strict))
            elif not _fits(rule, kind):
                wrong.append((at, "wrong_type", str(rule["type"]), strict))
            else:
                rules += _rules(rule, kind)
        own = known.get("undeclared", "inherit")
        others: Policy = self._unknown_property if own == "inherit" else own
        if others != "accept":
            unknown = [at for at in names if at not in declared and at not in AUTOMATIC and not at.startswith("$")]
            wrong += [(at, "undeclared_property", "", others == "quarantine") for at in unknown]
        return _Form(tuple(wrong), tuple(rules))


def expectation(rule: Mapping[str, Any]) -> str:
    """What a property must be, as a text of signs alone: `string · new | returning · ≥ 1`."""
    parts = [str(rule.get("type", "any"))]
    if rule.get("allowed"):
        parts.append(_allowed(rule))
    if rule.get("pattern"):
        parts.append(str(rule["pattern"]))
    if rule.get("least") is not None or rule.get("most") is not None:
        parts.append(_range(rule))
    return " · ".join(parts)


def _fits(rule: Mapping[str, Any], kind: type) -> bool:
    wanted = rule.get("type", "any")
    if wanted == "any" or kind in _TYPES[wanted]:
        return True
    return wanted in ("number", "integer") and rule["name"] == "revenue" and kind is str  # which is read as a number in any case


def _rules(rule: Mapping[str, Any], kind: type) -> list[_Rule]:
    """The tests of a value of this type, the cheapest first."""
    at, wanted = str(rule["name"]), rule.get("type", "any")
    made: list[_Rule] = []
    if rule.get("required") and kind is str:
        made.append(_Rule(at, "missing", wanted, bool))
    if wanted == "integer" and kind is not int:
        made.append(_Rule(at, "wrong_type", wanted, _whole))
    if wanted == "number" and kind is str:
        made.append(_Rule(at, "wrong_type", wanted, lambda value: money(value) is not None))
    if wanted == "time" and kind is str:
        made.append(_Rule(at, "wrong_type", wanted, lambda value: _TIME.fullmatch(value) is not None))
    if rule.get("allowed"):
        made.append(_Rule(at, "not_allowed", _allowed(rule), _one_of(frozenset(rule["allowed"]), kind)))
    if rule.get("pattern") and kind is str:
        made.append(_Rule(at, "bad_pattern", str(rule["pattern"]), _like(str(rule["pattern"]))))
    least, most = rule.get("least"), rule.get("most")
    if (least is not None or most is not None) and kind is not bool and kind in (int, float, str):
        made.append(_Rule(at, "out_of_range", _range(rule), _between(least, most, text=kind is str)))
    return made


def _whole(value: Any) -> bool:
    number = money(value)
    return number is not None and number.is_integer()


def _one_of(allowed: frozenset[str], kind: type) -> Test:
    if kind is str:
        return lambda value: value in allowed
    if kind in (list, tuple):
        return lambda value: all((one if type(one) is str else canonical(one)) in allowed for one in value)
    return lambda value: canonical(value) in allowed


def _like(pattern: str) -> Test:
    def test(value: Any) -> bool:
        try:
            return matches(pattern, value)
        except BadPattern:  # written by a newer Bihuan
            return True

    return test


def _between(least: float | None, most: float | None, *, text: bool) -> Test:
    low, high = (-math.inf if least is None else least), (math.inf if most is None else most)
    if not text:
        return lambda value: low <= value <= high

    def test(value: Any) -> bool:
        number = money(value)
        return number is None or low <= number <= high

    return test


def _allowed(rule: Mapping[str, Any]) -> str:
    return " | ".join(map(str, rule["allowed"]))[:500]


def _range(rule: Mapping[str, Any]) -> str:
    least, most = rule.get("least"), rule.get("most")
    if most is None:
        return f"≥ {least:g}"
    return f"≤ {most:g}" if least is None else f"{least:g} – {most:g}"


def _shown(value: Any) -> str:
    try:
        text = canonical(value)
    except ValueError:
        text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
