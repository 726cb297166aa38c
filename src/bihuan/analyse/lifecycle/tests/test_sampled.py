"""Lifecycle of a sample: that of its people alone, its numbers scaled up; on random worlds against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.lifecycle.result import STATES, Stage
from bihuan.analyse.lifecycle.spec import LifecycleCell, LifecycleSpec
from bihuan.analyse.lifecycle.tests.test_exact import cases, stages, states, values
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.tests.asked_in_part import between, only_sampled
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load

SAMPLES = (0.5, 0.5, 0.3, 0.85)


@exactly(6)
@given(st.lists(st.tuples(cases(), st.sampled_from(SAMPLES)), min_size=2, max_size=6))
def test_a_sample_is_the_states_of_its_people(engine: Engine, several: list[tuple[tuple[World, LifecycleSpec], float]]) -> None:
    worlds = [world for (world, _), _ in several]
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds, whole=True), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        answer = engine.ask(LIFECYCLE, spec, scope)
        small = only_sampled(engine, world, scope, sample)
        people = states(small, spec)
        among = [None, *(values(small, spec) if spec.breakdown else [])]
        shown = (answer.result.everybody, *answer.result.parts)
        for part, some in zip(shown, among, strict=True):
            for mine, seen in zip(part.stages, stages(small, spec, people, some), strict=True):
                check(mine, seen, sample)
        names = [column.name for column in answer.table.columns]
        expected = [stage for part in shown[1:] or shown for stage in part.stages if stage.new is not None]
        for row, stage in zip(answer.table.rows, expected if answer.table.rows else [], strict=True):
            told = dict(zip(names, row, strict=True))
            for number in (*STATES, "active"):
                surely = between(range(getattr(stage.seen, number)), sample)
                bounds = (surely.low, surely.high) if surely else (None, None)
                assert (told[f"{number}_low"], told[f"{number}_high"]) == pytest.approx(bounds)


def check(mine: Stage, seen: Stage, sample: float) -> None:
    if seen.new is None:
        assert mine == seen
        return
    assert (mine.seen, mine.sample, mine.day, mine.complete) == (seen, sample, seen.day, seen.complete)
    for number in (*STATES, "active"):
        assert getattr(mine, number) == round(getattr(seen, number) / sample)
    assert (mine.stayed, mine.quick_ratio) == (seen.stayed, seen.quick_ratio)


@pytest.mark.parametrize("event", ["*", "Visit"])
def test_a_sample_of_what_whole_days_tell_is_asked_of_events(engine, scope, write, first_person, event):
    people = range(first_person, first_person + 100)
    write(*((person, "Visit", f"2026-03-{day:02} 10:00") for person in people for day in (3, 10)))
    spec = LifecycleSpec.model_validate(
        {"active": {"event": event}, "sample": 0.5, "period": {"since": "2026-03-02", "until": "2026-03-15"}}
    )
    result = engine.ask(LIFECYCLE, spec, scope).result
    first, second = result.everybody.stages
    asks = behind(LIFECYCLE).spec.model_validate({"of": spec, "cell": LifecycleCell(day=second.day, state="returning")})
    kept = engine.ask(behind(LIFECYCLE), asks, scope).result.total
    assert 0 < kept < 100
    assert (first.new, second.returning, second.stayed, second.seen.returning) == (2 * kept, 2 * kept, 1.0, kept)
    assert result.warnings == (("Estimated from {percent} % of the people.", {"percent": 50.0}),)


def test_active_people_of_a_sample_are_not_the_sum_of_rounded_estimates():
    seen = Stage(None, 1, 1, 0, 2, True)  # type: ignore[arg-type]
    mine = Stage(None, 3, 3, 0, 7, True, 0.3, seen)  # type: ignore[arg-type]
    assert (mine.active, mine.quick_ratio, mine.stayed) == (7, 0.5, 1 / 3)
    assert mine.sure("resurrected") is None


def test_without_a_sample_whole_days_tell_it(scope):
    plain = LIFECYCLE.compile(LifecycleSpec(), scope).sql
    assert "groupBitmap" in plain
    assert "groupBitmap" not in LIFECYCLE.compile(LifecycleSpec(sample=0.1), scope).sql
