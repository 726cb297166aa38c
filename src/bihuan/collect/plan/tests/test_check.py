"""The plan as a judge: what is wrong with an event, compared with a slow and obvious reading of the same rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.collect.plan.check import Plan
from bihuan.collect.plan.patterns import BadPattern, compiled, matches
from bihuan.collect.plan.spec import EventSpec, PlanSpec, PropertyRule


def plan(*rules: dict[str, Any], policy: str = "warn", undeclared: str = "inherit", **whole: Any) -> Plan:
    spec = EventSpec.model_validate({"event": "Order", "policy": policy, "undeclared": undeclared, "properties": rules})
    return Plan(PlanSpec.model_validate(whole).model_dump(mode="json"), [spec.model_dump(mode="json")])


def wrong(made: Plan, props: dict[str, Any], event: str = "Order") -> list[tuple[str, str]]:
    return [(one.property, one.kind) for one in made.check(event, props)]


@pytest.mark.parametrize(
    ("rule", "good", "bad", "kind"),
    [
        ({"type": "string"}, ["a", "", None], [1, True, [], {}], "wrong_type"),
        ({"type": "number"}, [1, 1.5, 0, -3], ["1", True, []], "wrong_type"),
        ({"type": "integer"}, [1, 2.0, -5], [1.5, float("nan")], "wrong_type"),
        ({"type": "boolean"}, [True, False], [0, 1, "true"], "wrong_type"),
        ({"type": "array"}, [[], [1]], ["a", {}], "wrong_type"),
        ({"type": "object"}, [{}, {"a": 1}], ["a", []], "wrong_type"),
        (
            {"type": "time"},
            ["2026-01-02", "2026-01-02T03:04:05.678Z", "2026-01-02 03:04:05+08:00", 1767196800],
            ["1/2/26", "soon"],
            "wrong_type",
        ),
        ({"allowed": ["new", "1", "true"]}, ["new", 1, True, ["new", 1], None], ["old", 2, False, ["new", "old"]], "not_allowed"),
        ({"pattern": "[A-Z]{2}-\\d+"}, ["AB-1", "XY-99"], ["AB-", "ab-1", "AB-1 ", "AB-" + "1" * 300], "bad_pattern"),
        ({"least": 0, "most": 10}, [0, 10, 5.5, "7"], [-1, 10.1, "11"], "out_of_range"),
        ({"required": True}, [0, False, "x", []], ["", None], "missing"),
    ],
)
def test_a_rule_takes_what_it_says_and_nothing_else(rule: dict[str, Any], good: list[Any], bad: list[Any], kind: str) -> None:
    made = plan({"name": "p", **rule})
    for value in good:
        assert wrong(made, {"p": value}) == [], value
    for value in bad:
        assert wrong(made, {"p": value}) == [("p", kind)], value


def test_a_required_property_that_is_not_there_is_missing_also_when_it_is_a_common_one() -> None:
    made = plan({"name": "p", "required": True}, properties=[{"name": "shop", "required": True, "type": "integer"}])
    assert wrong(made, {}) == [("shop", "missing"), ("p", "missing")]
    assert wrong(made, {"p": 1, "shop": 2}) == []


def test_an_events_own_rule_comes_before_the_common_one() -> None:
    made = plan({"name": "shop", "type": "string"}, properties=[{"name": "shop", "type": "integer"}])
    assert wrong(made, {"shop": "a"}) == []


def test_what_nobody_declared_is_judged_by_the_plan_unless_the_event_says_otherwise() -> None:
    assert wrong(plan(), {"extra": 1}) == []
    assert wrong(plan(undeclared_properties="warn"), {"extra": 1, "path": "/", "$lib": "x"}) == [("extra", "undeclared_property")]
    assert wrong(plan(undeclared_properties="quarantine", undeclared="accept"), {"extra": 1}) == []
    found = plan(undeclared_properties="warn", undeclared="quarantine").check("Order", {"extra": 1})
    assert [one.quarantine for one in found] == [True]


def test_an_undeclared_event_is_judged_by_the_plan_but_never_an_automatic_one() -> None:
    strict = plan(undeclared_events="quarantine")
    assert wrong(strict, {}, "Ordr") == [("", "undeclared_event")]
    assert strict.check("Ordr", {})[0].quarantine
    assert wrong(strict, {}, "$autocapture") == []
    assert wrong(plan(), {}, "Ordr") == []


def test_the_policy_of_the_event_says_what_becomes_of_it() -> None:
    rule = {"name": "p", "type": "number"}
    assert not plan(rule).check("Order", {"p": "x"})[0].quarantine
    assert plan(rule, policy="quarantine").check("Order", {"p": "x"})[0].quarantine
    assert plan(rule, policy="accept").check("Order", {"p": "x"}) == ()


def test_a_violation_says_what_was_expected_and_what_came() -> None:
    made = plan({"name": "p", "allowed": ["a", "b"]})
    assert made.check("Order", {"p": "c" * 500})[0].expected == "a | b"
    assert len(made.check("Order", {"p": "c" * 500})[0].value) <= 201


def test_revenue_may_come_as_text_as_it_is_read_as_a_number() -> None:
    made = plan({"name": "revenue", "type": "number", "least": 0})
    assert wrong(made, {"revenue": "12.50"}) == []
    assert wrong(made, {"revenue": "-1"}) == [("revenue", "out_of_range")]
    assert wrong(made, {"revenue": "much"}) == [("revenue", "wrong_type")]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.sampled_from(["", "a", "b", "1"]), st.just([]), st.just({})
)
RULES = st.fixed_dictionaries(
    {"type": st.sampled_from(["any", "string", "number", "integer", "boolean"]), "required": st.booleans()},
    optional={"allowed": st.sampled_from([["a"], ["a", "b", "1"]])},
)


@settings(max_examples=200, deadline=None)
@given(rules=st.dictionaries(st.sampled_from("pqr"), RULES), events=st.lists(st.dictionaries(st.sampled_from("pqrs"), VALUES), max_size=8))
def test_the_compiled_plan_says_what_reading_the_rules_one_by_one_says(rules: dict[str, Any], events: list[dict[str, Any]]) -> None:
    made = plan(*({"name": name, **rule} for name, rule in rules.items()), undeclared_properties="warn")
    for props in events:
        assert set(wrong(made, props)) == set(_slowly(rules, props))


def _slowly(rules: dict[str, Any], props: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(name, "undeclared_property") for name in props if name not in rules]
    for name, rule in rules.items():
        value = props.get(name)
        if value is None or (value == "" and rule["required"]):
            if rule["required"] and (value is None or rule["type"] in ("any", "string")):
                found.append((name, "missing"))
            elif value == "" and rule["type"] not in ("any", "string"):
                found.append((name, "wrong_type"))
        elif not _is(rule["type"], value):
            found.append((name, "wrong_type"))
            continue
        if value is not None and _is(rule["type"], value) and "allowed" in rule and not _all_allowed(rule["allowed"], value):
            found.append((name, "not_allowed"))
    return found


def _is(kind: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "any": True,
        "string": isinstance(value, str),
        "number": number,
        "integer": number and float(value).is_integer(),
        "boolean": isinstance(value, bool),
    }[kind]


def _all_allowed(allowed: list[str], value: Any) -> bool:
    if isinstance(value, list):
        return all(one in allowed for one in value)
    number = isinstance(value, float) and value.is_integer()
    return (str(int(value)) if number else str(value).lower() if isinstance(value, bool) else str(value)) in allowed


@pytest.mark.parametrize(
    "text", ["(a+)+b", "(a|a)*b", "(a?){50}a{50}", ".*.*.*.*x", "(?=a)b", "(a)\\1", "a(", "(?<!x)y", "((a{0,10}){0,10}){0,10}"]
)
def test_a_pattern_that_could_run_for_minutes_is_refused(text: str) -> None:
    with pytest.raises(BadPattern):
        compiled(text)


@pytest.mark.parametrize("text", ["\\d+", "[A-Z]{2,4}-\\d{6}", "[^@]+@[^@]+\\.[a-z]+", "(new|returning)", "SKU-(\\d{3}|[a-f]{8})", ".*"])
def test_usual_patterns_are_taken(text: str) -> None:
    assert compiled(text).pattern == text


def test_a_pattern_is_of_the_whole_value() -> None:
    assert matches("\\d+", "12")
    assert not matches("\\d+", "12a")
    assert re.match("\\d+", "12a")


def test_a_spec_refuses_rules_that_cannot_hold() -> None:
    for bad in ({"least": 2, "most": 1}, {"type": "string", "least": 1}, {"type": "number", "pattern": "a"}, {"pattern": "("}):
        with pytest.raises(ValueError):
            PropertyRule.model_validate({"name": "p", **bad})
    with pytest.raises(ValueError, match="twice"):
        EventSpec.model_validate({"event": "a", "properties": [{"name": "p"}, {"name": "p"}]})
