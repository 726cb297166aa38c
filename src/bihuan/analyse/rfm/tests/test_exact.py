"""RFM on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.composition import beside as composition
from bihuan.analyse.purchase import Purchase
from bihuan.analyse.rfm import RFM
from bihuan.analyse.rfm.chart import panel_rfm
from bihuan.analyse.rfm.result import RfmResult
from bihuan.analyse.rfm.spec import Fixed, Quantiles, RfmCell, RfmSpec
from bihuan.analyse.statistics import Share
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Groups
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING, All, Did, Not
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, filters, load, number

HIGH = {
    "champion": "111",
    "loyal": "101",
    "lapsing": "011",
    "lost_valuable": "001",
    "regular": "110",
    "newcomer": "100",
    "fading": "010",
    "lost": "000",
}
Three = tuple[float, float, float]


def measured(world: World, spec: RfmSpec, until: date) -> dict[int, Three]:
    """(days since the last purchase, days with one, their worth) of everybody who bought in the days up to `until`."""
    days: dict[int, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for event in world.events:
        person, day = world.person(event), world.day(event)
        recent = until - timedelta(days=spec.days - 1) <= day <= until
        if person and recent and world.chosen(spec.purchase.choices, event) and world.holds(spec.filter, event):
            days[person][day] += number(event.props.get(spec.purchase.value)) or 0.0
    return {person: ((until - max(mine)).days, len(mine), round(sum(mine.values()), 6)) for person, mine in days.items()}


def cuts(spec: RfmSpec, customers: Mapping[int, Three]) -> list[Sequence[float]]:
    if isinstance(spec.cuts, Fixed):
        return [spec.cuts.recency, spec.cuts.frequency, spec.cuts.money]
    found: list[Sequence[float]] = []
    for place in range(3):
        ordered = sorted(three[place] for three in customers.values())
        steps = range(1, spec.cuts.levels)
        found.append([ordered[max(math.ceil(step / spec.cuts.levels * len(ordered) - 1e-9) - 1, 0)] for step in steps] if ordered else [])
    return found


def group(three: Three | None, at: Sequence[Sequence[float]]) -> tuple[str, int, int]:
    """The group and the scores of recency and frequency; ("none", 0, 0) of nobody."""
    if three is None:
        return "none", 0, 0
    over = [sum(value > cut for cut in each) for value, each in zip(three, at, strict=True)]
    scores = (len(at[0]) + 1 - over[0], 1 + over[1], 1 + over[2])
    high = "".join(str(int(score > (len(each) + 2) / 2)) for score, each in zip(scores, at, strict=True))
    return next(name for name, bits in HIGH.items() if bits == high), scores[0], scores[1]


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, RfmSpec]:
    world = draw(thin_or_crowded(max_events=60, names=NAMES[:2]))
    rising = st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0, 20.0]), min_size=1, max_size=3, unique=True).map(
        lambda each: tuple(sorted(each))
    )
    fixed = st.builds(Fixed, recency=rising, frequency=rising, money=rising)
    return world, RfmSpec(
        purchase=Purchase(event=draw(st.sampled_from(NAMES[:2])), value=draw(st.sampled_from(["revenue", "n"]))),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))),
        days=draw(st.sampled_from([1, 2, 3, 5, 8, 30])),
        cuts=draw(st.one_of(fixed, st.builds(Quantiles, levels=st.sampled_from([2, 4, 5, 8])))),
        moved_since=draw(st.sampled_from([None, 1, 3, 8])),
        compare=draw(st.none() | st.builds(Groups, segment=st.just("fans"), against=st.sampled_from(["*", "!", "rest", "fans"]))),
    )


def both_sides(world: World, spec: RfmSpec) -> tuple[set[int], set[int]]:
    """Who is asked about, and who they are compared with, of everybody who did anything."""
    one = {world.person(event): event for event in world.events}
    if spec.compare is None:
        return set(one), set()
    fans = {person for person, event in one.items() if world.holds(world.segments[spec.compare.segment], event)}
    if spec.compare.against in ("*", "!"):
        return fans, set(one) - (fans if spec.compare.against == "!" else set())
    return fans, {person for person, event in one.items() if world.holds(world.segments[spec.compare.against], event)}


@exactly(10)
@given(st.lists(cases(), min_size=3, max_size=6))
def test_groups_and_moves_are_those_that_plain_python_finds(engine: Engine, several: list[tuple[World, RfmSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(RFM, spec, scope).result
        now = measured(world, spec, world.today)
        at = cuts(spec, now)
        asked, others = both_sides(world, spec)
        every = {person: group(three, at) for person, three in now.items()}
        mine = {person: found for person, found in every.items() if person in asked}
        check_beside(result, mine, {person: found for person, found in every.items() if person in others})
        assert {one.group: one.customers for one in result.groups if one.customers} == dict(Counter(name for name, _, _ in mine.values()))
        assert dict(result.grid) == dict(Counter((r, f) for _, r, f in mine.values()))
        for one in result.groups:
            members = [now[person] for person, (name, _, _) in mine.items() if name == one.group]
            assert one.worth == pytest.approx(sum(three[2] for three in members), abs=1e-9)
            if members:
                assert one.days_ago == pytest.approx(sum(three[0] for three in members) / len(members))
                assert one.purchases == pytest.approx(sum(three[1] for three in members) / len(members))
        if now:
            assert [list(each) for each in result.cuts] == [pytest.approx(list(each)) for each in at]
        if spec.moved_since is None:
            assert result.moves is None
        elif now or isinstance(spec.cuts, Fixed):
            before = measured(world, spec, world.today - timedelta(days=spec.moved_since))
            pairs = ((group(before.get(person), at)[0], mine.get(person, ("none", 0, 0))[0]) for person in {*now, *before} & asked)
            assert result.moves == dict(Counter(pairs))


def check_beside(result: RfmResult, mine: Mapping[int, tuple[str, int, int]], theirs: Mapping[int, tuple[str, int, int]]) -> None:
    """The shares of the others, and the differences, as the statistics of composition (tested there) have them."""
    if result.said is None:
        assert {one.beside for one in result.groups} == {None}
        return
    assert (result.customers, result.others) == (len(mine), len(theirs))
    sides = []
    for one in result.groups:
        in_mine, in_theirs = ({person for person, (name, _, _) in side.items() if name == one.group} for side in (mine, theirs))
        both = Share(len(in_mine & in_theirs), len(mine.keys() & theirs.keys()))
        sides.append(composition.beside(Share(len(in_mine), len(mine)), Share(len(in_theirs), len(theirs)), both))
    assert [one.beside for one in result.groups] == composition.tested(sides)


@exactly(4)
@given(st.lists(cases(), min_size=3, max_size=4))
def test_behind_each_number_of_the_table_are_as_many_people(engine: Engine, several: list[tuple[World, RfmSpec]]) -> None:
    question = behind(RFM)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        table = engine.ask(RFM, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for people, cell in [each for each in linked if each[0]][-4:]:
            asked = question.spec.model_validate({"of": spec, "cell": RfmCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == people


def test_a_segment_stands_beside_everybody_else_at_the_cuts_of_all(engine, scope, write, first_person):
    fans, others = range(first_person, first_person + 40), range(first_person + 40, first_person + 80)
    write(
        *((person, "Buy", "2026-03-14", {"revenue": 200.0}) for person in (*fans[:30], *others[:10])),
        *((person, "Buy", "2026-01-01", {"revenue": 1.0}) for person in (*fans[30:], *others[10:])),
        *((person, "Joined", "2026-01-01") for person in fans),
    )
    joined = Did(did="Joined", op="ge", times=1, days=365)
    within = replace(scope, segments={"fans": joined, "nobody": All(all=(joined, Not(negated=joined)))}, segment_names={"fans": "Fans"})
    asked = {"purchase": {"event": "Buy"}, "days": 90, "cuts": {"recency": [15], "frequency": [1], "money": [100]}}
    spec = RfmSpec.model_validate({**asked, "compare": {"segment": "fans", "against": "!"}})
    answer = engine.ask(RFM, spec, within)
    result = answer.result
    assert (result.customers, result.others, result.named, result.said) == (40, 40, "Fans", ("everybody else", {}))
    loyal = next(one for one in result.groups if one.group == "loyal")
    assert loyal.beside is not None
    assert (loyal.share, loyal.beside.share, loyal.beside.people, loyal.beside.verdict) == (0.75, 0.25, 10, "more")
    columns = [column.name for column in answer.table.columns]
    row = dict(zip(columns, answer.table.rows[1], strict=True))
    assert (row["other_customers"], row["other_share"], row["change"], row["change_verdict"]) == (10, 0.25, 0.5, "more")
    shown = panel_rfm(result, Plain())
    assert [one["beside"]["change"] for one in shown["groups"]][1] == "+50.0"
    assert [len(series["data"]) for series in shown["chart"]["series"]] == [8, 8]
    means = [shown["groups"][1][name].split()[0] for name in ("days_ago", "purchases")]
    assert means == [str(round(loyal.days_ago or 0.0, 1)), str(round(loyal.purchases or 0.0, 2))]
    nobody = engine.ask(RFM, RfmSpec.model_validate({**asked, "compare": {"segment": "nobody", "against": "fans"}}), within)
    assert (nobody.result.customers, nobody.result.others) == (0, 40)
    assert {(one.share, one.beside and one.beside.change) for one in nobody.result.groups} == {(None, None)}
    assert panel_rfm(nobody.result, Plain())["chart"] is None


def test_only_groups_of_people_stand_beside_each_other():
    for wrong in ("previous", {"to": "week"}, {"target": 5}, {"period": {"last": 7}}):
        with pytest.raises(ValueError, match="compare"):
            RfmSpec.model_validate({"purchase": {"event": "Buy"}, "compare": wrong})


def test_who_is_behind_a_group_is_a_list(engine, scope, write, first_person):
    write(
        (first_person, "Buy", "2026-03-14", {"revenue": 200.0}),
        (first_person, "Buy", "2026-03-13", {"revenue": 1.0}),
        (first_person + 1, "Buy", "2026-01-01", {"revenue": 200.0}),
        (first_person + 2, "Buy", "2026-02-25", {"revenue": 1.0}),
    )
    spec = RfmSpec(purchase=Purchase(event="Buy"), days=90, cuts=Fixed(recency=(15,), frequency=(1,), money=(100,)), moved_since=10)
    question = behind(RFM)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": RfmCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people() == [0, 1, 2]
    assert people(group="champion") == [0]
    assert people(group="champion", was="none") == [0]
    assert people(group="lost", was="newcomer") == [2]
    assert people(recency=1, frequency=1) == [1, 2]
    assert people(before=True) == []  # nothing is compared: there is no other side


def test_cuts_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="must rise"):
        Fixed(recency=(30, 10), frequency=(1,), money=(100,))


def test_a_hidden_amount_is_refused(engine, scope):
    with pytest.raises(QuestionError, match="hidden"):
        engine.ask(RFM, RfmSpec(purchase=Purchase(event="Buy")), replace(scope, hidden=frozenset({"revenue"})))
