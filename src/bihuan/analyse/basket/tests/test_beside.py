"""Baskets beside another period or other people: exact against plain Python, and how it is shown."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bihuan.analyse.basket import BASKET
from bihuan.analyse.basket.beside import Change, Four, lift_ratio
from bihuan.analyse.basket.chart import chart_basket, panel_basket
from bihuan.analyse.basket.result import BasketResult, Side, cell_of, shape_basket, table_basket
from bihuan.analyse.basket.rules import Numbers, Rule
from bihuan.analyse.basket.spec import BasketCell, BasketSpec, Bought
from bihuan.analyse.basket.tests.reference import cases, items_of
from bihuan.analyse.basket.tests.test_shown import row
from bihuan.analyse.statistics import Interval, Share, difference, independence_p_value
from bihuan.analyse.tests.test_shown import SCOPE, Plain
from bihuan.engine import compare
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Baseline, Groups
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import Event, World, load, text

Sided = tuple[int, frozenset[str], frozenset[int]]  # the person, the items, and on which sides: 0, 1 or both


@st.composite
def compared(draw: st.DrawFn) -> tuple[World, BasketSpec]:
    world, spec = draw(cases())
    since, until = (str(world.today - timedelta(days=ago)) for ago in (draw(st.integers(6, 9)), 4))
    beside = draw(
        st.sampled_from(
            (
                "previous",
                "week",
                {"to": "month", "align": "date"},
                {"period": {"since": since, "until": until}},
                {"segment": "fans", "against": "!"},
                {"segment": "fans", "against": "*"},
                {"segment": "fans", "against": "rest"},
            )
        )
    )
    ago = draw(st.sampled_from((0, 0, 1, 3)))
    days = draw(st.sampled_from((3, 7)))
    period = {"since": str(world.today - timedelta(days=ago + days - 1)), "until": str(world.today - timedelta(days=ago))}
    return world, BasketSpec.model_validate({**spec.model_dump(), "compare": beside, "period": period})


def sided(world: World, spec: BasketSpec, scope: Scope) -> list[Sided]:
    period = scope.period(spec.period)
    other = compare.baseline(spec.compare, period, scope)

    def on(event: Event) -> set[int]:
        day = world.day(event)
        if isinstance(spec.compare, Groups):
            if not period.since <= day <= period.until:
                return set()
            fan = world.holds(world.segments[spec.compare.segment], event)
            against = {"*": True, "!": not fan}
            other_one = against.get(spec.compare.against)
            if other_one is None:
                other_one = world.holds(world.segments[spec.compare.against], event)
            return {side for side, holds in enumerate((fan, other_one)) if holds}
        assert other is not None
        mine, theirs = period.since <= day <= period.until, other.period.since <= day <= other.period.until and event.at < other.until
        return {side for side, holds in enumerate((mine, theirs)) if holds}

    def counts(event: Event) -> bool:
        return world.chosen(spec.of.choices, event) and world.holds(spec.filter, event)

    together: dict[tuple[int, object, frozenset[int]], set[str]] = defaultdict(set)
    if spec.basket == "session":
        for person, events, followed in sessions(world, spec, scope, period, other):
            for sides in apart(on(events[0]), spec):
                for event in events:
                    if counts(event) and event.at < followed[max(sides)]:
                        together[person, (events[0].at, events[0].key), sides] |= items_of(spec, event)
    else:
        for event in filter(counts, world.events):
            person = world.person(event)
            same = text(event.props.get(spec.same)) if spec.same else ""
            if (not person and spec.basket not in ("event", "same")) or (spec.basket == "same" and not same):
                continue
            which = {"event": event.key, "same": same, "day": world.day(event), "person": 0}[spec.basket]
            for sides in apart(on(event), spec):
                together[person, which, sides] |= items_of(spec, event)
    return [(person, frozenset(items), sides) for (person, _, sides), items in together.items() if items]


def apart(sides: set[int], spec: BasketSpec) -> list[frozenset[int]]:
    """People are in two groups with the same baskets; a period has its own."""
    if isinstance(spec.compare, Groups):
        return [frozenset(sides)] if sides else []
    return [frozenset({side}) for side in sides]


def sessions(
    world: World, spec: BasketSpec, scope: Scope, period: Period, other: Baseline | None
) -> list[tuple[int, list[Event], tuple[datetime, datetime]]]:
    """(person, events in order, until when it is followed on each side) of all sessions."""
    each: dict[int, list[Event]] = defaultdict(list)
    for event in world.events:
        if world.person(event) and event.source != "ledger":
            each[world.person(event)].append(event)
    found: list[tuple[int, list[Event]]] = []
    for person, events in each.items():
        before = None
        for event in sorted(events, key=lambda one: (one.at, one.key)):
            if before is None or event.at - before > timedelta(minutes=spec.gap):
                found.append((person, []))
            found[-1][1].append(event)
            before = event.at
    mine = midnight_after(period.until, 2, period)
    theirs = mine
    if other is not None:
        theirs = midnight_after(other.period.until, 2, period)
        now = scope.now.astimezone(UTC).replace(second=0, microsecond=0)
        if now < mine:
            late = max(timedelta(), now - period.end.astimezone(UTC))
            theirs = min(theirs, other.until.astimezone(UTC) + late)
    return [(person, events, (mine, theirs)) for person, events in found]


def midnight_after(day: date, days: int, period: Period) -> datetime:
    return Period(day, day + timedelta(days=days - 1), period.zone).end.astimezone(UTC)


@exactly(3)
@given(st.lists(compared(), min_size=5, max_size=8))
def test_both_sides_are_those_that_plain_python_counts(engine: Engine, several: list[tuple[World, BasketSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        baskets = sided(world, spec, scope)
        result = engine.ask(BASKET, spec, scope).result
        check(result, spec, baskets)
        for before in (False, True):
            for rule in result.rules[:1]:
                them = {person for person, items, sides in baskets if {*rule.when, rule.then} <= items and int(before) in sides}
                assert behind_cell(engine, spec, cell_of(rule, before=before), scope) == len(them - {0})
                never = {person for person, items, sides in baskets if rule.then in items and int(before) in sides}
                had = {person for person, items, sides in baskets if {*rule.when} <= items and int(before) in sides}
                cell = cell_of(rule, without=True, before=before)
                assert behind_cell(engine, spec, cell, scope) == len(had - never - {0})


def behind_cell(engine: Engine, spec: BasketSpec, cell: Any, scope: Scope) -> int:
    question = behind(BASKET)
    asked = question.spec.model_validate({"of": spec, "cell": BasketCell.model_validate(cell)})
    return engine.ask(question, asked, scope).result.total


def check(result: BasketResult, spec: BasketSpec, baskets: Sequence[Sided]) -> None:
    both = [[basket for basket in baskets if side in basket[2]] for side in (0, 1)]
    assert result.before is not None
    answers: tuple[BasketResult | Side, ...] = (result, result.before)
    for side, told in zip(both, answers, strict=True):
        assert (told.baskets, told.people) == (len(side), len({person for person, _, _ in side} - {0}))
        assert told.several == sum(len(items) > 1 for _, items, _ in side)
        assert told.size == (sum(len(items) for _, items, _ in side) / len(side) if side else None)
    sizes = Counter(item for _, items, _ in baskets for item in items)
    assert result.different == len(sizes)
    looked_at = sorted(sizes, key=lambda item: (-sizes[item], item))[: spec.most]
    assert [item.name for item in result.items] == looked_at
    for item in result.items:
        assert item.before is not None
        for side, one in zip(both, (item, item.before), strict=True):
            its = [person for person, items, _ in side if item.name in items]
            assert (one.baskets, one.people) == (len(its), len(set(its) - {0}))
        four = [four_of(baskets, {item.name}, set(), sides) for sides in ({0}, {1}, {0, 1})]
        same_change(item.change, *difference(*(Share(one.then, one.baskets) for one in four)))
    keys = [
        (tuple(item for item in its if item != then), then)
        for size in (2, 3)[: spec.size - 1]
        for its in itertools.combinations(looked_at if size == 2 else looked_at[:30], size)
        if any(sum(set(its) <= items for _, items, _ in side) >= spec.least for side in both)
        for then in its
    ]
    assert sorted((rule.when, rule.then) for rule in result.rules) == sorted(keys)
    for rule in result.rules:
        check_rule(rule, baskets)
    for size in (2, 3)[: spec.size - 1]:
        check_p_values(
            [rule for rule in result.rules if len(rule.when) == size - 1], len(looked_at[:30] if size == 3 else looked_at), baskets
        )


def four_of(baskets: Sequence[Sided], when: Collection[str], then: Collection[str], sides: Collection[int]) -> Four:
    """How many of the baskets on all of these sides have both, the one, the other."""
    mine = [items for _, items, on in baskets if set(sides) <= on]
    both = {*when, *then}
    return Four(
        sum(both <= items for items in mine),
        sum(set(then) <= items for items in mine) if not when else sum(set(when) <= items for items in mine),
        sum(set(when) <= items for items in mine) if not then else sum(set(then) <= items for items in mine),
        len(mine),
    )


def fours(rule: Rule, baskets: Sequence[Sided]) -> list[Four]:
    return [four_of(baskets, rule.when, {rule.then}, sides) for sides in ({0}, {1}, {0, 1})]


def check_rule(rule: Rule, baskets: Sequence[Sided]) -> None:
    before = rule.before
    assert before is not None
    mine, theirs, both = fours(rule, baskets)
    for four, one in ((mine, rule), (theirs, before)):
        numbers(four, one)
    same_change(before.support_change, *difference(*(Share(one.together, one.baskets) for one in (mine, theirs, both))))
    same_change(before.confidence_change, *difference(*(Share(one.together, one.when) for one in (mine, theirs, both))))
    if before.lift_change is None:
        assert not all((mine.when, mine.then, theirs.when, theirs.then))
    elif mine.together and theirs.together:
        by = before.lift_change.by
        assert by.estimate == pytest.approx(mine.together * mine.baskets / mine.when / mine.then / lift(theirs))
        variance = 0.0
        for _, items, sides in baskets:
            added = [adds(rule, four, items) if side in sides else 0.0 for side, four in enumerate((mine, theirs))]
            variance += (added[0] - added[1]) ** 2
        half = 1.959963984540054 * math.sqrt(variance)
        assert [by.low, by.high] == pytest.approx([by.estimate * math.exp(-half), by.estimate * math.exp(half)], rel=1e-6)


def lift(four: Four) -> float:
    return four.together * four.baskets / (four.when * four.then)


def adds(rule: Rule, four: Four, items: frozenset[str]) -> float:
    """What a basket adds to the logarithm of the lift."""
    has, also = set(rule.when) <= items, rule.then in items
    return (has and also) / four.together - has / four.when - also / four.then + 1 / four.baskets


def numbers(four: Four, one: Numbers) -> None:
    assert (one.together, one.when_baskets, one.then_baskets) == (four.together, four.when, four.then)
    assert one.support == (four.together / four.baskets if four.baskets else None)
    assert one.confidence == (four.together / four.when if four.when else None)
    if four.when and four.then:
        assert one.lift is not None
        assert one.lift.estimate == pytest.approx(lift(four))
    else:
        assert one.lift is None


def same_change(change: Change | None, by: Interval | None, _: float | None) -> None:
    assert (change.by if change else None) == by


def check_p_values(rules: Sequence[Rule], items: int, baskets: Sequence[Sided]) -> None:
    """A test that both directions of a pair share is one; those of rules that are in baskets too few are as sure as can be."""
    if not rules:
        return
    size = len(rules[0].when) + 1
    every = math.comb(items, size)

    def shared(rule: Rule) -> object:
        return frozenset((*rule.when, rule.then))

    def alone(rule: Rule) -> object:
        return rule.when, rule.then

    def pair(rule: Rule) -> object:
        return shared(rule) if size == 2 else alone(rule)

    told = {(rule.when, rule.then): fours(rule, baskets) for rule in rules}

    def share(four: Sequence[Four], within: str) -> float | None:
        return difference(*(Share(one.together, getattr(one, within)) for one in four))[1]

    for number, test, found in (
        (every * (1 if size == 2 else 3), pair, lambda rule, four: (independence_p_value(*four[0]), rule.p_value)),
        (every * (1 if size == 2 else 3), pair, lambda rule, four: (independence_p_value(*four[1]), rule.before.p_value)),
        (every, shared, lambda rule, four: (share(four, "baskets"), p_of(rule, "support"))),
        (
            every * size,
            alone,
            lambda rule, four: (share(four, "when"), p_of(rule, "confidence")),
        ),
        (every * (1 if size == 2 else 3), pair, lambda rule, four: (lift_ratio(*four)[1], p_of(rule, "lift"))),
    ):
        tests = {test(rule): found(rule, told[rule.when, rule.then]) for rule in rules}
        raw = [1.0 if p_value is None else p_value for p_value, _ in tests.values()]
        adjusted = stats.false_discovery_control([*raw, *[1.0] * (number - len(raw))])[: len(raw)]
        for expected, (p_value, shown) in zip(adjusted, tests.values(), strict=True):
            assert shown is None or shown == pytest.approx(expected, abs=1e-9) or (p_value is None)


def p_of(rule: Rule, name: str) -> float | None:
    change = rule.before.changes[name] if rule.before else None
    return change.p_value if change else None


# --- Changes ----------------------------------------------------------------------------------------------------------------------------


def test_a_part_beside_its_whole_is_surer_than_two_that_are_apart():
    mine, theirs = Four(40, 100, 80, 500), Four(60, 180, 160, 1000)
    apart, chance = lift_ratio(mine, theirs, Four(0, 0, 0, 0))
    inside, surer = lift_ratio(mine, theirs, mine)
    assert apart is not None
    assert inside is not None
    assert chance is not None
    assert surer is not None
    assert apart.estimate == inside.estimate == pytest.approx(2.5 / (60 * 1000 / 180 / 160))
    assert (inside.high or 0) / (inside.low or 1) < (apart.high or 0) / (apart.low or 1)
    assert surer < chance
    # The logarithm of a lift has the variance 1/t - 1/a - 1/b - 1/n + 2t/ab.
    variance = sum(1 / t - 1 / a - 1 / b - 1 / n + 2 * t / (a * b) for t, a, b, n in (mine, theirs))
    assert math.log((apart.high or 0) / apart.estimate) == pytest.approx(1.959963984540054 * math.sqrt(variance))


def test_the_same_baskets_do_not_differ_and_a_half_stands_for_none():
    four = Four(4, 10, 8, 50)
    assert lift_ratio(four, four, four) == ((1.0, 1.0, 1.0), 1.0)
    assert lift_ratio(four, Four(0, 0, 8, 50), Four(0, 0, 0, 0)) == (None, None)
    new, p_value = lift_ratio(four, Four(0, 10, 8, 50), Four(0, 0, 0, 0))
    assert new is not None
    assert new.estimate == pytest.approx(8)
    assert p_value is not None
    assert 0.01 < p_value < 0.3


@pytest.mark.parametrize("chance", [0.01, 0.1])
def test_nineteen_of_twenty_intervals_of_lifts_that_do_not_differ_hold_one(chance):
    """The two are together as often in either period's baskets."""
    dice = random.Random(3)

    def drawn() -> Four:
        number = Counter(dice.choices(("both", "one", "other", "none"), (chance, chance, chance, 1 - 3 * chance), k=600))
        return Four(number["both"], number["both"] + number["one"], number["both"] + number["other"], 600)

    found = [lift_ratio(drawn(), drawn(), Four(0, 0, 0, 0)) for _ in range(400)]
    held = [(by.low or 0) <= 1 <= (by.high or 0) for by, _ in found if by is not None]
    assert sum(held) / len(held) >= 0.93
    assert sum(p_value is not None and p_value <= 0.05 for _, p_value in found) / len(found) <= 0.07


# --- Edges ------------------------------------------------------------------------------------------------------------------------------

BUYS = BasketSpec(of=Bought(event="Buy"), item="products", least=1, chance=True)


def test_a_running_period_is_compared_with_as_much_of_the_other_one(engine, scope, write, first_person):
    """It is noon of the last day: of the other period's last day the morning counts."""
    both = {"products": ["tea", "cup"]}
    write(
        (first_person, "Buy", "2026-03-15 09:00", both),
        (first_person + 1, "Buy", "2026-03-08 11:59", both),
        (first_person + 2, "Buy", "2026-03-08 12:01", both),
    )
    spec = {**BUYS.model_dump(), "period": {"last": 7}, "compare": "previous"}
    result = engine.ask(BASKET, BasketSpec.model_validate(spec), scope).result
    assert result.before is not None
    assert (result.baskets, result.before.baskets) == (1, 1)


def test_a_session_of_the_other_period_is_followed_no_longer_than_one_of_now_can_be(engine, scope, write, first_person):
    """It is noon: what was bought on the other period's last day after noon is not known of this one either."""
    for day in ("2026-03-15", "2026-03-08"):
        write(*((first_person, "Buy", f"{day} {at}", {"products": [item]}) for at, item in (("11:50", "tea"), ("12:10", "cup"))))
    asked = {**BUYS.model_dump(), "basket": "session", "period": {"last": 7}, "compare": "previous"}
    result = engine.ask(BASKET, BasketSpec.model_validate(asked), scope).result
    assert [(item.name, item.baskets, item.before.baskets) for item in result.items if item.before] == [("tea", 1, 1), ("cup", 1, 0)]


@pytest.mark.parametrize("basket", ["event", "day", "session", "person"])
def test_one_side_may_be_empty(engine, scope, write, first_person, basket):
    write((first_person, "Buy", "2026-03-02 09:00", {"products": ["tea", "cup"]}))
    spec = {
        **BUYS.model_dump(),
        "basket": basket,
        "period": {"since": "2026-03-03", "until": "2026-03-04"},
        "compare": "previous",
        "size": 3,
    }
    result = engine.ask(BASKET, BasketSpec.model_validate(spec), scope).result
    assert result.before is not None
    assert (result.baskets, result.size, result.before.baskets) == (0, None, 1)
    assert [(rule.together, rule.support, rule.lift, rule.before.together, rule.before.support) for rule in result.rules] == [
        (0, None, None, 1, 1.0)
    ] * 2
    assert all(change is None for rule in result.rules for change in rule.before.changes.values())
    assert chart_basket(result, Plain()) is None
    assert panel_basket(result, Plain())["rules"][0]["before"]["changes"]["lift"] is None
    assert len(table_basket(result).rows) == 2


def test_halves_of_both_sides_are_doubled(engine, scope, write, first_person):
    for day in ("2026-03-03", "2026-03-10"):
        write(*((person, "Buy", f"{day} 10:00", {"products": ["tea", "cup"]}) for person in range(first_person, first_person + 80)))
    asked = {**BUYS.model_dump(), "period": {"since": "2026-03-09", "until": "2026-03-15"}, "compare": "previous", "sample": 0.5}
    result = engine.ask(BASKET, BasketSpec.model_validate(asked), scope).result
    rule = result.rules[0]
    assert rule.before is not None
    assert rule.before.sure is not None
    assert 0 < result.baskets == result.before.baskets == rule.together == rule.before.together < 160
    assert result.baskets % 2 == 0
    assert rule.sure == rule.before.sure


def test_a_target_and_a_change_from_nothing_are_refused():
    with pytest.raises(ValueError, match="Baskets have no target"):
        BasketSpec.model_validate({**BUYS.model_dump(), "compare": {"target": 3}})
    with pytest.raises(ValueError, match="otherwise nothing changed"):
        BasketSpec.model_validate({**BUYS.model_dump(), "rank": "lift_change"})


def test_nobody_stands_beside_where_nothing_is_compared(engine, scope):
    question = behind(BASKET)
    asked = question.spec.model_validate({"of": BUYS, "cell": {"first": "tea", "before": True}})
    with pytest.raises(QuestionError, match="no such part"):
        engine.ask(question, asked, scope)


# --- Shown ------------------------------------------------------------------------------------------------------------------------------

BESIDE = BasketSpec.model_validate({**BUYS.model_dump(), "least": 5, "compare": "previous"})


def beside(*its: int, name: str = "", mine: int, theirs: int, extra: tuple[int, ...] = ()) -> dict[str, Any]:
    return {**row(*its, name=name, baskets=mine, extra=extra), "more": [mine, theirs, 8, theirs, 0]}


def rows() -> list[dict[str, Any]]:
    """Tea and cups come together; tea and pots no longer."""
    return [
        beside(mine=1000, theirs=1000, extra=(150, 2000, 3, 100, 1500)),
        beside(1, name="tea", mine=200, theirs=200),
        beside(2, name="cup", mine=100, theirs=100),
        beside(3, name="pot", mine=100, theirs=90),
        beside(1, 2, mine=80, theirs=20),
        beside(1, 3, mine=0, theirs=60),
        beside(2, 3, mine=10, theirs=10),
    ]


@pytest.mark.parametrize(("rank", "first"), [("lift_change", "pot"), ("support_change", "pot"), ("lift", "cup"), ("together", "cup")])
def test_first_come_the_rules_that_changed_most_where_that_is_asked(rank, first):
    result = shape_basket(BESIDE.model_copy(update={"rank": rank}), SCOPE, rows())
    assert first in (*result.rules[0].when, result.rules[0].then)
    assert {"tea"} < {*result.rules[0].when, result.rules[0].then}


def test_the_other_side_stands_beside_each_number_and_leads_to_its_people():
    result = shape_basket(BESIDE, SCOPE, rows())
    rule = next(rule for rule in result.rules if (rule.when, rule.then) == (("tea",), "cup"))
    assert rule.before is not None
    assert (rule.together, rule.before.together, rule.confidence, rule.before.confidence) == (80, 20, 0.4, 0.1)
    assert [change.verdict for change in rule.before.changes.values() if change] == ["more"] * 3
    assert rule.before.lift_change is not None
    assert rule.before.lift_change.by.estimate == pytest.approx(4)
    table = table_basket(result)
    names = [column.name for column in table.columns]
    place = result.rules.index(rule)
    line = dict(zip(names, table.rows[place], strict=True))
    assert (line["together_before"], line["lift_before"], line["lift_change_verdict"]) == (20, 1.0, "more")
    assert line["support_change"] == pytest.approx(0.06)
    assert table.cells[place][names.index("people_before")] == {"first": "tea", "second": "cup", "before": True}
    assert table.cells[place][names.index("people")] == {"first": "tea", "second": "cup"}
    panel = panel_basket(result, Plain())
    told = panel["rules"][place]["before"]
    assert (panel["compared"], told["at"]) == ("previous period", "cell.first=tea&cell.second=cup&cell.before=true")
    assert (told["changes"]["support"]["by"], told["changes"]["lift"]["by"]) == ("+6.0", "× 4.0 number")
    assert panel["items"][2]["before"]["change"]["by"] == "+1.0"
    squares = (chart_basket(result, Plain()) or {})["series"][0]["data"]
    assert [(square["name"], square["value"][2]) for square in squares[:1]] == [("tea + cup: 1.0 number → 4.0 number", 2.0)]
    assert [headline.change for headline in BASKET.headlines(result)][:3] == [0, pytest.approx(1 / 3), pytest.approx(0.5)]


def test_without_chance_what_was_more_than_chance_or_changed_is_shown_too():
    result = shape_basket(BESIDE.model_copy(update={"chance": False}), SCOPE, rows())
    pairs = {frozenset((*rule.when, rule.then)) for rule in result.rules}
    assert pairs == {frozenset(("tea", "cup")), frozenset(("tea", "pot"))}


def test_a_hidden_item_is_refused_beside_others_too(engine, scope):
    with pytest.raises(QuestionError, match="hidden"):
        engine.ask(BASKET, BESIDE, replace(scope, hidden=frozenset({"products"})))
