"""A process on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import cycle, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.process import PROCESS
from bihuan.analyse.process.result import ProcessResult, Times
from bihuan.analyse.process.spec import OrderStep, ProcessSpec, Service
from bihuan.analyse.process.tests.reference import Case, cases, quantile, quantiles
from bihuan.engine.ask import Engine
from bihuan.engine.compare import Before, Groups, Other
from bihuan.engine.filters import EVERYTHING, EventChoice
from bihuan.engine.periods import Between, Last
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, filters, load

HOUR = 3_600_000


def near(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)


def check_times(found: Times, milliseconds: list[int], allowed: float | None) -> None:
    assert found.number == len(milliseconds)
    if not milliseconds:
        assert (found.mean, found.median, found.p90, found.lost) == (None, None, None, 0)
        return
    allowed = quantile(milliseconds, 0.5) if allowed is None else allowed
    assert found.mean == near(sum(milliseconds) / len(milliseconds) / 1000)
    assert (found.median, found.p90) == (near(quantile(milliseconds, 0.5) / 1000), near(quantile(milliseconds, 0.9) / 1000))
    assert found.lost == near(sum(max(one - allowed, 0) for one in milliseconds) / HOUR)


def people_of(some: list[Case]) -> int:
    return len(frozenset[int]().union(*(case.people for case in some)))


def check(spec: ProcessSpec, result: ProcessResult, all_cases: list[Case]) -> None:
    mine, others = [case for case in all_cases if case.side == 0], [case for case in all_cases if case.side == 1]
    check_whole(result.whole, mine)
    assert (result.before is None) == (spec.compare is None)
    if result.before is not None:
        check_whole(result.before, others)
    check_activities(result, mine, others)
    check_edges(spec, result, mine, others)
    check_variants(result, mine, others)
    if spec.order:
        check_order(result, mine, others)
    else:
        assert result.conformance is None


def check_whole(whole: Any, some: list[Case]) -> None:
    assert (whole.cases, whole.people, whole.executions) == (len(some), people_of(some), sum(len(case.done) for case in some))
    assert (whole.variants, whole.open) == (len({case.names for case in some}), sum(not case.complete for case in some))
    assert whole.cut == sum(case.cut for case in some)
    assert whole.again == sum(len(set(case.names)) < len(case.names) for case in some)
    assert whole.durations == ((tuple(near(one / 1000) for one in quantiles([case.duration for case in some]))) if some else ())
    assert whole.waiting == near(sum(sum(case.waits) for case in some) / HOUR)
    assert whole.service == near(sum(one.service or 0 for case in some for one in case.done) / HOUR)


def check_activities(result: ProcessResult, mine: list[Case], others: list[Case]) -> None:
    names = {name for case in mine for name in case.names}
    assert {one.name for one in result.activities} == names
    for one in result.activities:
        having = [case for case in mine if one.name in case.names]
        assert one.executions == sum(case.names.count(one.name) for case in mine)
        assert (one.cases, one.people) == (len(having), people_of(having))
        assert one.begins == sum(case.names[0] == one.name for case in mine)
        assert one.ended == sum(case.names[-1] == one.name and case.complete for case in mine)
        assert one.running == sum(case.names[-1] == one.name and not case.complete for case in mine)
        check_times(
            one.service,
            [done.service for case in mine for done in case.done if done.activity == one.name and done.service is not None],
            None,
        )
        again = [case for case in having if case.names.count(one.name) > 1]
        assert (one.again_cases, one.extra) == (len(again), sum(case.names.count(one.name) - 1 for case in again))
        spent = 0
        for case in again:
            first = case.names.index(one.name)
            for place, done in enumerate(case.done):
                if done.activity == one.name and place > first:
                    spent += case.waits[place - 1] + (done.service or 0)
        assert one.again_hours == near(spent / HOUR)
        assert one.before == sum(one.name in case.names for case in others)


def check_edges(spec: ProcessSpec, result: ProcessResult, mine: list[Case], others: list[Case]) -> None:
    def gone(some: list[Case]) -> dict[tuple[str, str], list[tuple[Case, int]]]:
        found = defaultdict(list)
        for case in some:
            for pair, wait in zip(pairwise(case.names), case.waits, strict=True):
                found[pair].append((case, wait))
        return found

    now, before = gone(mine), gone(others)
    assert {(edge.name, edge.next) for edge in result.edges} == set(now) | set(before)
    for edge in result.edges:
        here, there = now[edge.name, edge.next], before[edge.name, edge.next]
        assert (edge.gone, edge.cases) == (len(here), len({id(case) for case, _ in here}))
        assert edge.people == people_of([case for case, _ in here])
        check_times(edge.waiting, [wait for _, wait in here], None if spec.target is None else spec.target * 60_000)
        assert edge.before == len({id(case) for case, _ in there})
        assert edge.before_median == (near(quantile([wait for _, wait in there], 0.5) / 1000) if there else None)


def check_variants(result: ProcessResult, mine: list[Case], others: list[Case]) -> None:
    ways: dict[tuple[str, ...], tuple[list[Case], list[Case]]] = defaultdict(lambda: ([], []))
    for case in (*mine, *others):
        ways[case.names][case.side].append(case)
    assert {way.names for way in result.variants} == set(ways)
    up_to = 0.0
    for way in result.variants:
        here, there = ways[way.names]
        assert (way.cases, way.people, way.before, way.before_people) == (len(here), people_of(here), len(there), people_of(there))
        share = len(here) / len(mine) if mine else 0.0
        up_to += share
        assert (way.share, way.up_to) == (near(share), near(up_to))
        assert way.median == (near(quantile([case.duration for case in here], 0.5) / 1000) if here else None)
        assert way.before_median == (near(quantile([case.duration for case in there], 0.5) / 1000) if there else None)
        assert way.before_share == (near(len(there) / len(others)) if others else None)
    assert [way.cases for way in result.variants] == sorted((way.cases for way in result.variants), reverse=True)


def check_order(result: ProcessResult, mine: list[Case], others: list[Case]) -> None:
    found = result.conformance
    assert found is not None
    keeping, straying = [case for case in mine if not case.deviations], [case for case in mine if case.deviations]
    for kept, some in ((found.keeping, keeping), (found.others, straying)):
        assert (kept.cases, kept.people) == (len(some), people_of(some))
        assert kept.mean == (near(sum(case.duration for case in some) / len(some) / 1000) if some else None)
        assert kept.median == (near(quantile([case.duration for case in some], 0.5) / 1000) if some else None)
    assert found.share == (near(len(keeping) / len(mine)) if mine else None)
    assert found.before_share == (near(sum(not case.deviations for case in others) / len(others)) if others else None)
    by = defaultdict(list)
    for case in straying:
        for deviation in case.deviations:
            by[deviation].append(case)
    assert {(one.kind, one.activity) for one in found.deviations} == set(by)
    for one in found.deviations:
        some = by[one.kind, one.activity]
        assert (one.of.cases, one.of.people) == (len(some), people_of(some))
        assert one.before == sum((one.kind, one.activity) in case.deviations for case in others)
        if keeping:
            more = sum(case.duration for case in some) / len(some) - sum(case.duration for case in keeping) / len(keeping)
            assert one.hours == near(more * len(some) / HOUR)
        else:
            assert one.hours is None


@st.composite
def asked(draw: st.DrawFn) -> tuple[World, ProcessSpec]:
    world = draw(thin_or_crowded(days=draw(st.sampled_from((4, 9))), max_events=60, names=draw(st.sampled_from((NAMES, NAMES[:3])))))
    phases = draw(st.lists(st.sampled_from(("start", "Started", "complete", "完成", "paused", "")), min_size=1, max_size=7))
    events = (replace(event, props={**event.props, "phase": phase}) for event, phase in zip(world.events, cycle(phases), strict=False))
    world = replace(world, events=tuple(events))
    choice = st.builds(EventChoice, event=st.sampled_from(NAMES), filter=st.one_of(st.none(), filters()))
    step = st.builds(OrderStep, activity=st.sampled_from((*NAMES, "work")), optional=st.booleans(), repeat=st.booleans())
    today = world.today
    comparisons = st.sampled_from(
        (
            None,
            None,
            Before(to="previous"),
            Other(period=Between(since=today.replace(day=1), until=today.replace(day=9))),
            Groups(segment="fans", against="!"),
            Groups(segment="fans", against="rest"),
        )
    )
    return world, ProcessSpec(
        case=draw(st.sampled_from(("session", "person", "property"))),
        id=draw(st.sampled_from(("plan", "country", "n"))),
        around=draw(st.sampled_from((0, 1, 3))),
        gap=draw(st.sampled_from((15, 240, 720))),
        events=draw(st.one_of(st.just(()), st.lists(choice, max_size=3).map(tuple))),
        by=draw(st.sampled_from((None, None, None, "plan"))),
        services=draw(
            st.sampled_from(((), (), (Service(begin=NAMES[0], end=NAMES[1], name="work"),), (Service(begin=NAMES[1], end=NAMES[2]),)))
        ),
        lifecycle=draw(st.sampled_from((None, None, "phase"))),
        period=Last(last=draw(st.integers(1, 4)), complete=draw(st.booleans())),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))),
        ends=draw(st.sampled_from(((), (), (NAMES[1],), (NAMES[0], "work")))),
        quiet=draw(st.sampled_from((None, None, 1, 2))),
        only_complete=draw(st.sampled_from((False, False, True))),
        order=draw(st.lists(step, max_size=4, unique_by=lambda one: one.activity).map(tuple)),
        strict=draw(st.booleans()),
        target=draw(st.sampled_from((None, 1.0, 600.0))),
        compare=draw(comparisons),
    )


@exactly(4)
@given(st.lists(asked(), min_size=2, max_size=5))
def test_every_number_is_that_of_plain_python(engine: Engine, several: list[tuple[World, ProcessSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        check(spec, engine.ask(PROCESS, spec, scope).result, cases(world, spec, scope))
