"""RFM of a sample: that of its people alone, its numbers scaled up; on random worlds against plain Python."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.purchase import all_spent
from bihuan.analyse.rfm import RFM
from bihuan.analyse.rfm.chart import panel_rfm
from bihuan.analyse.rfm.estimates import shape_estimated
from bihuan.analyse.rfm.result import TITLES, headlines_rfm, table_rfm
from bihuan.analyse.rfm.spec import Fixed, RfmCell, RfmSpec
from bihuan.analyse.rfm.tests.test_exact import both_sides, cases, cuts, group, measured
from bihuan.analyse.tests.test_shown import SCOPE, Plain
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.tests.asked_in_part import between, only_sampled
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load

SAMPLES = (0.5, 0.5, 0.3, 0.85)
NONE = (None, None)


def spent_between(each: list[float], sample: float) -> tuple[Any, Any]:
    """Where what everybody spent lies; never below what the sample did, where nobody of it was given back more than they paid."""
    if not each:
        return NONE
    spent, error = sum(each), 1.959963984540054 * ((1 - sample) * sum(one * one for one in each)) ** 0.5 / sample
    low = spent / sample - error
    return (low if min(each) < 0 else max(low, spent)), spent / sample + error


@exactly(6)
@given(st.lists(st.tuples(cases(), st.sampled_from(SAMPLES)), min_size=2, max_size=6))
def test_a_sample_is_the_groups_of_its_people(engine: Engine, several: list[tuple[tuple[World, RfmSpec], float]]) -> None:
    worlds = [world for (world, _), _ in several]
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        answer = engine.ask(RFM, spec, scope)
        result = answer.result
        small = only_sampled(engine, world, scope, sample)
        now = measured(small, spec, small.today)
        at = cuts(spec, now)
        asked, others = both_sides(small, spec)
        every = {person: group(three, at) for person, three in now.items()}
        mine = {person: found for person, found in every.items() if person in asked}
        theirs = {person: found for person, found in every.items() if person in others}
        assert result.customers == round(len(mine) / sample)
        assert result.grid == {scores: round(n / sample) for scores, n in Counter((r, f) for _, r, f in mine.values()).items()}
        names = [column.name for column in answer.table.columns]
        for place, one in enumerate(result.groups):
            members = [person for person, (name, _, _) in mine.items() if name == one.group]
            spent = [now[person][2] for person in members]
            assert one.customers == round(len(members) / sample)
            assert one.worth == pytest.approx(sum(spent) / sample, abs=1e-9)
            assert one.share == (len(members) / len(mine) if mine else None)
            assert one.money == (pytest.approx(sum(spent) / len(members), abs=1e-9) if members else None)
            if answer.table.rows:
                told = dict(zip(names, answer.table.rows[place], strict=True))
                assert (told["customers_low"], told["customers_high"]) == bounds(members, sample)
                assert (told["worth_low"], told["worth_high"]) == pytest.approx(spent_between(spent, sample), abs=1e-6)
                if spec.compare is not None:
                    compared = [person for person, (name, _, _) in theirs.items() if name == one.group]
                    assert told["other_customers"] == round(len(compared) / sample)
                    assert (told["other_customers_low"], told["other_customers_high"]) == bounds(compared, sample)
        if spec.moved_since is not None and (now or isinstance(spec.cuts, Fixed)):
            before = measured(small, spec, small.today - timedelta(days=spec.moved_since))
            pairs = ((group(before.get(person), at)[0], mine.get(person, ("none", 0, 0))[0]) for person in {*now, *before} & asked)
            assert result.moves == {move: round(n / sample) for move, n in Counter(pairs).items()}
        question = behind(RFM)
        linked = [cell for cells in answer.table.cells for cell in cells if cell]
        for cell in linked[:2] + linked[-2:]:
            side = theirs if cell.get("before") else mine
            people = engine.ask(question, question.spec.model_validate({"of": spec, "cell": RfmCell.model_validate(cell)}), scope).result
            assert people.total == sum(name == cell["group"] for name, _, _ in side.values())


def bounds(people: list[int], sample: float) -> Any:
    surely = between(people, sample)
    return pytest.approx((surely.low, surely.high)) if surely else NONE


def score(customers: int, worth: float, squares: float, least: float, **more: Any) -> dict[str, Any]:
    """Customers who bought lately, once and for much."""
    scores = {"r": 2, "f": 1, "m": 2, "was_r": 0, "was_f": 0, "was_m": 0}
    return {"part": "scores", **scores, "customers": customers, "worth": worth, "squares": squares, "least": least} | {
        "days_ago": customers * 3.0,
        "purchases": customers,
        **more,
    }


CUTS = {"part": "cuts", "recency_cuts": [10], "frequency_cuts": [1], "money_cuts": [50]}
ASKED = {
    "purchase": {"event": "Buy"},
    "cuts": {"recency": [10], "frequency": [1], "money": [50]},
    "moved_since": 30,
    "sample": 0.1,
}


def test_a_tenth_of_the_customers_is_ten_times_as_many_and_says_how_sure_that_is():
    spec = RfmSpec.model_validate(ASKED)
    result = shape_estimated(spec, SCOPE, [score(16, 1600.0, 162_000.0, 60.0), score(4, 400.0, 41_000.0, 60.0, r=1), CUTS])
    loyal = next(one for one in result.groups if one.group == "loyal")
    assert (result.customers, loyal.customers, loyal.share, loyal.worth, loyal.money) == (200, 160, 0.8, 16_000.0, 100.0)
    assert result.warnings == (
        ("Estimated from {percent} % of the people.", {"percent": 10.0}),
        ("There are between {low} and {high} customers, with 95 % confidence.", {"low": 117, "high": 283}),
    )
    row = table_rfm(result).rows[list(TITLES).index("loyal")]
    error, worth_error = 1.96 * (0.9 * 16) ** 0.5 * 10, 1.96 * (0.9 * 162_000) ** 0.5 * 10
    assert row[-4:] == pytest.approx((160 - error, 160 + error, 16_000 - worth_error, 16_000 + worth_error), rel=1e-4)
    panel = panel_rfm(result, Plain())
    shown = panel["groups"][1]
    assert shown["sure"] == "86 number – 234 number"
    assert shown["worth_sure"].startswith("8516.119")
    assert panel["groups"][0]["sure"] == ""
    grid = {row["recency"]: [cell["sure"] for cell in row["cells"]] for row in panel["grid"]}
    assert grid == {2: ["86 number – 234 number", ""], 1: ["4 number – 77 number", ""]}
    assert [cell["sure"] for cell in panel["moves"]["rows"][-1]["cells"] if cell["text"]] == [
        "86 number – 234 number",
        "4 number – 77 number",
    ]
    assert panel["sampled"]


def test_headlines_of_a_sample_are_not_the_sum_of_rounded_estimates():
    spec = RfmSpec.model_validate({**ASKED, "sample": 0.3})
    one, two = (score(1, 100.0, 10_000.0, 100.0, r=1, f=f) for f in (1, 2))
    result = shape_estimated(spec, SCOPE, [one, two, CUTS])
    assert [one.customers for one in result.groups if one.customers] == [3, 3]
    assert [headline.value for headline in headlines_rfm(result)] == [7, 0, 7, 1.0]


def test_what_a_sample_spent_is_the_least_unless_somebody_was_given_back_more_than_they_paid():
    plain, refunded = all_spent(500.0, 250_000.0, 500.0, 0.1), all_spent(500.0, 250_100.0, -10.0, 0.1)
    assert plain is not None
    assert plain.low == 500.0
    assert refunded is not None
    assert refunded.low < 0
    assert all_spent(500.0, 250_000.0, 500.0, None) is None


def test_a_sample_of_nobody_says_no_more_than_that_it_is_one(engine, scope):
    answer = engine.ask(RFM, RfmSpec.model_validate(ASKED), scope)
    assert (answer.result.customers, answer.table.rows, answer.result.sure(0)) == (0, (), None)
    assert answer.warnings == (("Estimated from {percent} % of the people.", {"percent": 10.0}),)


def test_two_segments_of_a_sample_are_tested_by_those_who_were_asked():
    spec = RfmSpec.model_validate({**ASKED, "compare": {"segment": "fans", "against": "!"}})
    sides = [score(30, 3000.0, 3e5, 100.0, mine=1, theirs=0), score(10, 1e3, 1e5, 100.0, r=1, mine=1, theirs=0)]
    sides += [score(10, 1000.0, 1e5, 100.0, mine=0, theirs=1), score(30, 3e3, 3e5, 100.0, r=1, mine=0, theirs=1), CUTS]
    alone = shape_estimated(spec.model_copy(update={"sample": None}), SCOPE, sides)
    result = shape_estimated(spec, SCOPE, sides)
    assert (alone.others, result.others) == (40, 400)
    for mine, all_of_them in zip(alone.groups, result.groups, strict=True):
        assert mine.beside is not None
        assert all_of_them.beside == replace(mine.beside, people=mine.beside.people * 10, shared=mine.beside.shared * 10)
    assert panel_rfm(result, Plain())["groups"][1]["beside"]["sure"] == "41 number – 159 number"


def test_without_a_sample_the_statement_and_the_table_know_of_none(engine, scope):
    spec = RfmSpec.model_validate({**ASKED, "sample": None})
    sql = RFM.compile(spec, scope).sql
    assert "cityHash64('sample'" not in sql
    assert "squares" not in sql
    answer = engine.ask(RFM, spec, scope)
    assert answer.warnings == ()
    assert [column.name for column in answer.table.columns][-1] == "money"


def test_where_somebody_of_a_group_was_given_back_more_than_they_paid_its_sum_may_be_less_than_was_seen(engine, scope, write, first_person):
    people = range(first_person, first_person + 90)
    write(*((person, "Buy", "2026-03-12", {"revenue": (12.0, -16.0, 20.0, -16.0)[person % 4]}) for person in people))
    cuts = {"recency": [10], "frequency": [1], "money": [15, 50, 60]}  # two scores of money are low
    answer = engine.ask(RFM, RfmSpec.model_validate({**ASKED, "cuts": cuts, "sample": 0.5}), scope)
    (newcomers,) = [one for one in answer.result.groups if one.customers]
    assert newcomers.worth_sure is not None
    assert (newcomers.group, newcomers.worth_sure.low < newcomers.worth / 2) == ("newcomer", True)
