"""Basket on the real engine against plain Python, on random worlds, and against numbers that are known."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bihuan.analyse.basket import BASKET
from bihuan.analyse.basket.result import cell_of
from bihuan.analyse.basket.rules import Rule
from bihuan.analyse.basket.spec import BasketCell, BasketSpec, Bought
from bihuan.analyse.basket.tests.reference import baskets_of, cases
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Did, EventProperty
from bihuan.engine.periods import Last
from bihuan.engine.question import Scope
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load


@exactly(2)
@given(st.lists(cases(), min_size=4, max_size=7))
def test_rules_are_those_that_plain_python_finds(engine: Engine, several: list[tuple[World, BasketSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(BASKET, spec, scope).result
        baskets = baskets_of(world, spec)
        n = len(baskets)
        assert (result.baskets, result.people) == (n, len({person for person, _ in baskets} - {0}))
        assert result.several == sum(len(items) > 1 for _, items in baskets)
        sizes = Counter(item for _, items in baskets for item in items)
        assert result.different == len(sizes)
        looked_at = sorted(sizes, key=lambda item: (-sizes[item], item))[: spec.most]
        assert [(item.name, item.baskets) for item in result.items] == [(item, sizes[item]) for item in looked_at]
        expected = {}
        for size in (2, 3)[: spec.size - 1]:
            for its in itertools.combinations(looked_at if size == 2 else looked_at[:30], size):
                having = [person for person, items in baskets if items.issuperset(its)]
                if len(having) < spec.least:
                    continue
                for then in its:
                    when = tuple(item for item in its if item != then)
                    whens = sum(items.issuperset(when) for _, items in baskets)
                    expected[when, then] = (len(having), len(set(having) - {0}), whens, sizes[then])
        found = {(rule.when, rule.then): (rule.together, rule.people, rule.when_baskets, rule.then_baskets) for rule in result.rules}
        assert found == expected
        for rule in result.rules:
            assert rule.lift is not None
            assert rule.lift.estimate == pytest.approx(rule.together * n / rule.when_baskets / rule.then_baskets)
            assert rule.support == rule.together / n
        for rule in result.rules[:1]:
            assert behind_rule(engine, spec, rule, scope) == rule.people


def behind_rule(engine: Engine, spec: BasketSpec, rule: Rule, scope: Scope) -> int:
    question = behind(BASKET)
    cell = BasketCell.model_validate(cell_of(rule))
    return engine.ask(question, question.spec.model_validate({"of": spec, "cell": cell}), scope).result.total


def test_who_had_the_one_and_never_the_other_is_a_list(engine, scope, write, first_person):
    write(
        (first_person, "Buy", "2026-03-10", {"products": ["tea", "cup"]}),
        (first_person + 1, "Buy", "2026-03-10", {"products": ["tea"]}),
        (first_person + 1, "Buy", "2026-03-12", {"products": ["cup"]}),
        (first_person + 2, "Buy", "2026-03-10", {"products": ["tea", "pot"]}),
        (0, "Buy", "2026-03-10", {"products": ["tea"]}),
    )
    spec = BasketSpec(of=Bought(event="Buy"), item="products", least=1, chance=True)
    result = engine.ask(BASKET, spec, scope).result
    rule = next(rule for rule in result.rules if (rule.when, rule.then) == (("tea",), "cup"))
    assert (rule.together, rule.people, rule.when_baskets, rule.then_baskets) == (1, 1, 4, 2)
    question = behind(BASKET)
    cell = BasketCell.model_validate(cell_of(rule, without=True))
    people = engine.ask(question, question.spec.model_validate({"of": spec, "cell": cell}), scope).result.people
    assert [one.number - first_person for one in people] == [2]


def test_of_rules_of_three_only_those_are_shown_that_say_more_than_two_do(engine, scope, write, first_person):
    draw = random.Random(5)
    rows = []
    for number in range(400):
        both = draw.random() < 0.5
        products = ["a", "b"] if both else draw.choice((["a"], ["b"], ["d"]))
        if draw.random() < (0.9 if both else 0.1):
            products = [*products, "c"]
        rows.append((first_person + number, "Buy", "2026-03-10", {"products": products}))
    write(*rows)
    spec = BasketSpec(of=Bought(event="Buy"), item="products", size=3)
    result = engine.ask(BASKET, spec, scope).result
    rules = {("".join(sorted(rule.when)), rule.then): rule for rule in result.rules}
    assert rules["ab", "c"].confidence > max(rules["a", "c"].confidence, rules["b", "c"].confidence)
    assert all(rule.verdict == "more" for rule in result.rules)
    assert result.rules[0].lift.low == max(rule.lift.low or 0 for rule in result.rules)
    # The p-values: Pearson's with (N-1)/N, adjusted for the pairs of all items.
    pair = rules["a", "b"]
    table = [
        [pair.together, pair.when_baskets - pair.together],
        [pair.then_baskets - pair.together, 400 - pair.when_baskets - pair.then_baskets + pair.together],
    ]
    square = stats.chi2_contingency(table, correction=False).statistic * 399 / 400
    assert stats.chi2.sf(square, 1) <= pair.p_value <= stats.chi2.sf(square, 1) * math.comb(4, 2)


def test_a_session_is_of_the_day_on_which_it_begins(engine, scope, write, first_person):
    write(
        *((first_person, "Buy", f"2026-03-{at}", {"products": ["tea"]}) for at in ("12 23:50", "13 00:05")),
        (first_person + 1, "Buy", "2026-03-13 00:05", {"products": ["cup"]}),
    )
    spec = BasketSpec(of=Bought(event="Buy"), item="products", basket="session", period=Last(last=3))
    assert [item.name for item in engine.ask(BASKET, spec, scope).result.items] == ["cup"]


def test_nothing_bought_is_no_basket(engine, scope):
    result = engine.ask(BASKET, BasketSpec(of=Bought(event="Buy"), item="products"), scope).result
    assert (result.baskets, result.size, result.items, result.rules) == (0, None, (), ())
    assert BASKET.table(result).rows == ()


def test_what_is_left_out_is_said(engine, scope, write, first_person):
    write((first_person, "Buy", "2026-03-10", {"products": ["a", "b", "c"]}), (first_person, "Buy", "2026-03-10", {"products": ["a", "b"]}))
    answer = engine.ask(BASKET, BasketSpec(of=Bought(event="Buy"), item="products", most=2), scope)
    assert [item.name for item in answer.result.items] == ["a", "b"]
    assert [values for _, values in answer.warnings] == [{"items": 2, "count": 1}]


def test_a_hidden_item_is_refused(engine, scope):
    with pytest.raises(QuestionError, match="hidden"):
        engine.ask(BASKET, BasketSpec(of=Bought(event="Buy"), item="products"), replace(scope, hidden=frozenset({"products"})))


def test_the_same_value_of_nothing_is_refused():
    with pytest.raises(ValueError, match="same value in one basket"):
        BasketSpec(of=Bought(event="Buy"), item="products", basket="same")


def test_who_lacks_an_item_on_one_side_may_have_it_on_the_other(engine, scope, write, first_person):
    """The first bought a cup the week before, the second buys one now: each is without on the other side."""
    bought = ((0, "14", ["tea"]), (0, "07", ["tea", "cup"]), (1, "14", ["tea", "cup"]), (1, "07", ["tea"]), (2, "14", ["tea"]))
    write(*((first_person + who, "Buy", f"2026-03-{day} 10:00", {"products": items}) for who, day, items in bought))
    spec = BasketSpec.model_validate(
        {
            "of": {"event": "Buy"},
            "item": "products",
            "period": {"since": "2026-03-14", "until": "2026-03-14"},
            "compare": "week",
            "least": 1,
        }
    )
    question = behind(BASKET)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": {"first": "tea", "without": "cup", **cell}})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert (people(), people(before=True)) == ([0, 2], [1])


def test_a_basket_on_both_sides_is_one_where_items_are_put_in_order(engine, scope, write, first_person):
    bought = [(who, "tea" if who < 2 else "cup") for who in range(5)]
    write(*((first_person + who, "Buy", "2026-03-14 10:00", {"products": [item]}) for who, item in bought))
    likes_tea = Did(did="Buy", where=EventProperty(property="products", op="contains", values=("tea",)), days=30)
    spec = BasketSpec.model_validate({"of": {"event": "Buy"}, "item": "products", "compare": {"segment": "fans"}})
    result = engine.ask(BASKET, spec, replace(scope, segments={"fans": likes_tea})).result
    assert [(item.name, item.baskets, item.before.baskets) for item in result.items] == [("cup", 0, 3), ("tea", 2, 2)]
