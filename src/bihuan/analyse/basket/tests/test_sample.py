"""A part of the people answers as if there were nobody else, is scaled up, and says how sure it is."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.basket import BASKET
from bihuan.analyse.basket.chart import panel_basket
from bihuan.analyse.basket.result import shape_basket, table_basket
from bihuan.analyse.basket.rules import Sure
from bihuan.analyse.basket.spec import BasketSpec, Bought
from bihuan.analyse.basket.tally import least_of
from bihuan.analyse.basket.tests.reference import Basket, baskets_of, cases
from bihuan.analyse.basket.tests.test_exact import behind_rule
from bihuan.analyse.basket.tests.test_shown import rows
from bihuan.analyse.tests.test_shown import SCOPE, Plain
from bihuan.engine import meta
from bihuan.engine.ask import Engine
from bihuan.engine.periods import Last
from bihuan.engine.question import Scope, Statement
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import Event, World, load, text
from bihuan.engine.visible import Binder

HALF = 0.5


def only_sampled(engine: Engine, world: World, spec: BasketSpec, scope: Scope) -> World:
    """The world without what is not in the sample: an event of nobody is in it alone, one of a basket of several if the whole is."""
    binder = Binder()
    sql = f"SELECT event_key AS key FROM history WHERE {meta.sampled(HALF, binder)}"
    whole = engine.whole("test", Statement(sql, binder.params), scope.period(Last(last=1)), scope)
    keys = {row["key"] for row in engine.store.fetch(whole.sql, whole.params, settings=engine.settings()).rows}

    def value(event: Event) -> str:
        return text(event.props.get(spec.same)) if spec.same else ""

    values = sampled_values(engine, sorted(map(value, world.events)))

    def stays(event: Event) -> bool:
        return value(event) in values if spec.basket == "same" and not world.person(event) else event.key in keys

    return replace(world, events=tuple(filter(stays, world.events)))


def sampled_values(engine: Engine, values: Sequence[str]) -> set[str]:
    chosen = f"cityHash64('sample', cityHash64(one)) % {meta.PIECES} < {meta.PIECES // 2}"
    sql = f"SELECT arrayFilter(one -> {chosen}, {{v:Array(String)}}) AS them"
    return set(engine.store.fetch(sql, {"v": list(values)}).rows[0]["them"])


def test_the_numbers_of_half_of_the_people_are_doubled(engine: Engine) -> None:
    some = [0, 0]

    @exactly(2)
    @given(st.lists(cases(), min_size=4, max_size=7))
    def on_worlds(several: list[tuple[World, BasketSpec]]) -> None:
        for (world, plain), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
            spec = plain.model_copy(update={"sample": HALF, "least": plain.least + 1})
            baskets = baskets_of(only_sampled(engine, world, spec, scope), spec)
            some[0] += 0 < len(baskets) < len(baskets_of(world, spec))
            some[1] += check(engine, spec, scope, baskets)

    on_worlds()
    assert all(some)


def check(engine: Engine, spec: BasketSpec, scope: Scope, baskets: Sequence[Basket]) -> int:
    """How many rules there are."""
    result = engine.ask(BASKET, spec, scope).result
    assert (result.baskets, result.people) == (2 * len(baskets), 2 * len({person for person, _ in baskets} - {0}))
    assert result.several == 2 * sum(len(items) > 1 for _, items in baskets)
    assert result.size == (sum(len(items) for _, items in baskets) / len(baskets) if baskets else None)
    sizes = Counter(item for _, items in baskets for item in items)
    assert result.different == len(sizes)
    looked_at = sorted(sizes, key=lambda item: (-sizes[item], item))[: spec.most]
    assert [(item.name, item.baskets, item.share) for item in result.items] == [
        (item, 2 * sizes[item], sizes[item] / len(baskets)) for item in looked_at
    ]
    for item in result.items:
        same(item.sure, having(baskets, {item.name}))
    least = -(-spec.least // 2)  # of all, in half of them
    expected = {
        (tuple(item for item in its if item != then), then): 2 * len(having(baskets, its))
        for size in (2, 3)[: spec.size - 1]
        for its in itertools.combinations(looked_at if size == 2 else looked_at[:30], size)
        for then in its
        if len(having(baskets, its)) >= least
    }
    assert {(rule.when, rule.then): rule.together for rule in result.rules} == expected
    for rule in result.rules:
        them = having(baskets, {*rule.when, rule.then})
        same(rule.sure, them)
        assert rule.people == 2 * len(set(them) - {0})
        assert (rule.when_baskets, rule.then_baskets) == (2 * len(having(baskets, rule.when)), 2 * sizes[rule.then])
        assert rule.support == len(them) / len(baskets)
        assert rule.confidence == len(them) / len(having(baskets, rule.when))
        assert rule.lift is not None
        assert rule.lift.estimate == pytest.approx(rule.confidence * len(baskets) / sizes[rule.then])
    for rule in result.rules[:1]:
        assert 2 * behind_rule(engine, spec, rule, scope) == rule.people
    return len(result.rules)


def having(baskets: Sequence[Basket], items: Collection[str]) -> list[int]:
    """Whose baskets have all of them, one for each basket."""
    return [person for person, its in baskets if its.issuperset(items)]


def same(sure: Sure | None, people: Sequence[int]) -> None:
    """Baskets of one person stand or fall together, those of nobody each for itself."""
    each: dict[int, int] = defaultdict(int)
    for place, person in enumerate(people):
        each[person or -1 - place] += 1
    squares = sum(times * times for times in each.values())
    error, number = 1.959963984540054 * squares**0.5 * HALF**0.5 / HALF, 2 * len(people)
    assert sure is not None
    assert (sure.baskets.low, sure.baskets.high) == pytest.approx((max(len(people), number - error), number + error))
    persons = len(set(people) - {0})
    error = 1.959963984540054 * persons**0.5 * HALF**0.5 / HALF
    assert (sure.people.low, sure.people.high) == pytest.approx((max(persons, 2 * persons - error), 2 * persons + error))


def test_shares_have_the_interval_of_wilson_and_nothing_but_counts_is_scaled():
    asked = BasketSpec(of=Bought(event="Buy"), item="product", top=1, sample=0.1)
    whole = shape_basket(asked.model_copy(update={"sample": None}), SCOPE, rows(40))
    told = [{**row, "more": [row["baskets"]]} for row in rows(40)]
    result = shape_basket(asked, SCOPE, told)
    rule, alone = result.rules[0], whole.rules[0]
    assert (rule.together, rule.people, rule.when_baskets, rule.then_baskets) == (400, 70, 500, 1000)
    assert (rule.support, rule.confidence, rule.lift, rule.p_value) == (alone.support, alone.confidence, alone.lift, alone.p_value)
    assert (rule.leverage, rule.conviction, result.different) == (alone.leverage, alone.conviction, whole.different)
    assert (result.baskets, result.people, result.several, result.size) == (4000, 3000, 1500, 1.75)
    assert rule.sure is not None
    assert rule.sure.confidence is not None
    # Wilson (1927): 40 of 400, and 40 of 50.
    assert [rule.sure.share.low, rule.sure.share.high] == pytest.approx([0.0743, 0.1333], abs=1e-4)
    assert [rule.sure.confidence.low, rule.sure.confidence.high] == pytest.approx([0.6696, 0.8876], abs=1e-4)
    assert [rule.sure.baskets.low, rule.sure.baskets.high] == pytest.approx([400 - 117.6, 400 + 117.6], abs=0.05)
    names = [column.name for column in table_basket(result).columns]
    line = dict(zip(names, table_basket(result).rows[0], strict=True))
    assert (line["together_low"], line["together_high"], line["support_low"]) == (282, 518, rule.sure.share.low)
    assert len(table_basket(result).cells[0]) == len(names)
    panel = panel_basket(result, Plain())
    assert (panel["sampled"], panel["rules"][0]["baskets_sure"]) == (True, "282 number – 518 number")
    assert panel_basket(whole, Plain())["sampled"] is False
    assert result.warnings[-2:] == (
        ("Estimated from {percent} % of the people.", {"percent": 10.0}),
        ("There are between {low} and {high} baskets, with 95 % confidence.", {"low": 3628, "high": 4372}),
    )


def test_in_baskets_enough_is_said_of_everybody(engine, scope, write, first_person):
    """Of a tenth of the people nobody could have something in a thousand baskets."""
    write(*((person, "Buy", "2026-03-10", {"products": ["tea", "cup"]}) for person in range(first_person, first_person + 300)))

    def rules(least: int) -> int:
        spec = BasketSpec(of=Bought(event="Buy"), item="products", chance=True, least=least, sample=0.1)
        return len(engine.ask(BASKET, spec, scope).result.rules)

    assert (rules(150), rules(1000)) == (2, 0)


def test_so_many_of_all_are_that_part_of_them_rounded_up():
    spec = BasketSpec(of=Bought(event="Buy"), item="product")
    asked = [(3, 0.5), (5, 0.1), (30, 0.1), (1000, 0.01), (5, None)]
    assert [least_of(spec.model_copy(update={"least": least, "sample": sample})) for least, sample in asked] == [2, 1, 3, 10, 5]


def test_the_sample_has_the_same_people_whatever_a_basket_is(engine, scope, write, first_person):
    buys = {"products": ["tea", "cup"]}
    write(*((person, "Buy", "2026-03-10", {**buys, "order": str(person)}) for person in range(first_person, first_person + 60)))
    spec = BasketSpec(of=Bought(event="Buy"), item="products", same="order", sample=HALF)
    found = {kind: spec.model_copy(update={"basket": kind}) for kind in ("event", "same", "session", "day", "person")}
    numbers = {engine.ask(BASKET, asked, scope).result.baskets for asked in found.values()}
    assert len(numbers) == 1
    assert 0 < numbers.pop() < 120


def test_a_basket_of_nobodys_is_in_the_sample_as_a_whole_and_stands_alone(engine, scope, write):
    write(*((0, "Line", "2026-03-10", {"order": str(order), "sku": sku}) for order in range(60) for sku in ("tea", "cup")))
    spec = BasketSpec(of=Bought(event="Line"), item="sku", basket="same", same="order", chance=True, sample=HALF)
    result = engine.ask(BASKET, spec, scope).result
    assert 0 < result.baskets < 120
    assert result.people == 0
    assert [(item.baskets, item.people) for item in result.items] == [(result.baskets, 0)] * 2
    assert [rule.together for rule in result.rules] == [result.baskets] * 2
    for sure in (result.sure, result.items[0].sure, result.rules[0].sure):
        same(sure, [0] * (result.baskets // 2))


@pytest.mark.parametrize("sample", [0, 1, 1.5])
def test_a_part_is_more_than_nobody_and_less_than_everybody(sample):
    with pytest.raises(ValueError, match="sample"):
        BasketSpec(of=Bought(event="Buy"), item="products", sample=sample)


def test_nobody_in_the_sample_is_an_empty_answer(engine, scope):
    result = engine.ask(BASKET, BasketSpec(of=Bought(event="Buy"), item="products", sample=0.01), scope).result
    assert (result.baskets, result.size, result.items, result.rules) == (0, None, (), ())
    assert BASKET.table(result).rows == ()
