"""Stickiness of a sample: that of its people alone, its numbers scaled up; on random worlds against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.stickiness import STICKINESS
from bihuan.analyse.stickiness.result import Spread
from bihuan.analyse.stickiness.spec import StickinessCell, StickinessSpec
from bihuan.analyse.stickiness.tests.test_exact import cases, on_sides, parts, spread
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.tests.asked_in_part import between, only_sampled
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load

SAMPLES = (0.5, 0.5, 0.3, 0.85)


@exactly(5)
@given(st.lists(st.tuples(cases(), st.sampled_from(SAMPLES)), min_size=2, max_size=6))
def test_a_sample_is_how_often_its_people_were_active(engine: Engine, several: list[tuple[tuple[World, StickinessSpec], float]]) -> None:
    worlds = [world for (world, _), _ in several]
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        answer = engine.ask(STICKINESS, spec, scope)
        result = answer.result
        small = only_sampled(engine, world, scope, sample)
        sides = on_sides(small, spec, scope)
        expected = [sides, *(parts(small, spec, sides) if spec.breakdown else [])]
        told = []
        for part, both in zip((result.everybody, *result.parts), expected, strict=True):
            for mine, events in zip((part.now, part.before) if spec.compare else (part.now,), both, strict=False):
                theirs = spread(small, spec, scope, events)
                assert mine is not None
                assert (mine.seen, mine.sample) == (theirs.seen, sample)
                assert mine.exactly == tuple(round(people / sample) for people in theirs.seen)
                assert mine.at_least == tuple(round(sum(theirs.seen[at:]) / sample) for at in range(len(theirs.seen)))
                assert mine.people == round(sum(theirs.seen) / sample)
                assert (mine.mean, mine.median, mine.shares(False), mine.shares(True)) == (
                    theirs.mean,
                    theirs.median,
                    theirs.shares(False),
                    theirs.shares(True),
                )
            told += [part.now.seen] if part.now.people or (part.before and part.before.people) else []
        shown = told[1:] if result.parts else told
        names = [column.name for column in answer.table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in answer.table.rows]
        assert len(rows) == sum(map(len, shown))
        for row, (people, more) in zip(rows, [(n, sum(seen[at:])) for seen in shown for at, n in enumerate(seen)], strict=True):
            for name, count in (("people", people), ("at_least", more)):
                surely = between(range(count), sample)
                low, high = (surely.low, surely.high) if surely else (None, None)
                assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((round(count / sample), low, high))


def test_behind_a_number_of_a_sample_are_its_people(engine, scope, write, first_person):
    people = range(first_person, first_person + 100)
    write(*((person, "Visit", f"2026-03-1{day} 10:00") for person in people for day in range(person % 3 + 1)))
    question = behind(STICKINESS)
    spec = StickinessSpec.model_validate({"sample": 0.5, "period": {"since": "2026-03-08", "until": "2026-03-14"}})
    result = engine.ask(STICKINESS, spec, scope).result
    for cell, counted in (
        ({"times": 1}, result.everybody.now.seen[0]),
        ({"times": 2, "at_least": True}, sum(result.everybody.now.seen[1:])),
        ({}, sum(result.everybody.now.seen)),
    ):
        asked = question.spec.model_validate({"of": spec, "cell": StickinessCell.model_validate(cell)})
        assert engine.ask(question, asked, scope).result.total == counted
    assert 0 < sum(result.everybody.now.seen) < 100
    assert result.warnings == (("Estimated from {percent} % of the people.", {"percent": 50.0}),)


def test_shares_of_a_sample_are_not_those_of_rounded_estimates():
    third = Spread((1, 1), 0.3)
    assert (third.exactly, third.people, third.at_least, third.shares(False)) == ((3, 3), 7, (7, 3), (0.5, 0.5))
    assert (Spread((0, 0), 0.1).mean, Spread((0, 0), 0.1).sure(False)) == (None, (None, None))


def test_without_a_sample_the_table_and_the_statement_know_of_none(engine, scope):
    spec = StickinessSpec()
    assert "cityHash64('sample'" not in STICKINESS.compile(spec, scope).sql
    columns = [column.name for column in engine.ask(STICKINESS, spec, scope).table.columns]
    assert not [name for name in columns if name.endswith(("_low", "_high"))]
