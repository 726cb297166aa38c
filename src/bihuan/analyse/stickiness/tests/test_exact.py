"""Stickiness on the real engine against plain Python, on random worlds: every number and every list the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.stickiness import STICKINESS
from bihuan.analyse.stickiness.result import Spread
from bihuan.analyse.stickiness.spec import Active, StickinessCell, StickinessSpec
from bihuan.analyse.stickiness.sql import most_times, other_period
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last
from bihuan.engine.question import Scope
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Event, World, event_choices, filters, load


def first_day(day: date, unit: str) -> date:
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit]


def on_sides(world: World, spec: StickinessSpec, scope: Scope) -> list[list[Event]]:
    """The events that count on the side asked about, and on the other one."""
    period = spec.period
    assert isinstance(period, Between)
    asked = {first_day(period.since + timedelta(days=n), spec.unit) for n in range((period.until - period.since).days + 1)}
    mine = [
        event
        for event in world.events
        if world.person(event) and world.chosen(spec.active.choices, event) and world.holds(spec.filter, event)
    ]
    now = [event for event in mine if first_day(world.day(event), spec.unit) in asked]
    if isinstance(spec.compare, Groups):
        fans = [event for event in now if world.holds(world.segments["fans"], event)]
        return [fans, {"*": now, "!": [event for event in now if event not in fans]}[spec.compare.against]]
    other = other_period(spec, scope)
    if other is None:
        return [now, []]
    return [now, [event for event in mine if other.period.since <= world.day(event) <= other.period.until and event.at < other.until]]


def spread(world: World, spec: StickinessSpec, scope: Scope, events: list[Event]) -> Spread:
    when: dict[int, set[date]] = defaultdict(set)
    for event in events:
        when[world.person(event)].add(first_day(world.day(event), spec.unit))
    counts = Counter(len(days) for days in when.values())
    return Spread(tuple(counts[times] for times in range(1, most_times(spec, scope) + 1)))


def parts(world: World, spec: StickinessSpec, sides: list[list[Event]]) -> list[list[list[Event]]]:
    """The events of each value on both sides, most people first, and of all other values together."""
    among = list({event.key: event for events in sides for event in events}.values())
    values: dict[str, list[list[Event]]] = {}
    for side, events in enumerate(sides):
        for event in events:
            value = broken_down.part(world, spec.breakdown, event, among)
            values.setdefault(value, [[], []])[side].append(event)

    def size(value: str) -> int:
        return len({world.person(event) for event in values[value][0]})

    ranked = sorted(values, key=lambda value: (-size(value), value.encode()))
    rest = [[event for value in ranked[spec.top :] for event in values[value][side]] for side in (0, 1)]
    return [values[value] for value in ranked[: spec.top]] + ([rest] if rest[0] or rest[1] else [])


conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
comparisons: st.SearchStrategy[Compare | None] = st.sampled_from(
    [
        None,
        Before(to="previous"),
        Before(to="week"),
        Before(to="month"),
        Groups(segment="fans"),
        Groups(segment="fans", against="!"),
        Other(period=Last(last=9)),
    ]
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, StickinessSpec]:
    world = draw(thin_or_crowded(max_events=80, names=NAMES[:2], days=draw(st.sampled_from([5, 16, 70]))))
    until = world.today - timedelta(days=draw(st.integers(-9, 16)))
    also = draw(st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda each: (each,)))
    return world, StickinessSpec(
        active=Active(event=draw(st.sampled_from([*NAMES[:2], "*"])), filter=draw(conditions), also=also),
        unit=draw(st.sampled_from(["day", "week", "month"])),
        filter=draw(conditions),
        period=Between(since=until - timedelta(days=draw(st.sampled_from([0, 1, 9, 70]))), until=until),
        compare=draw(comparisons),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 3)),
    )


@exactly(5)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_everybody_is_counted_as_often_as_plain_python_finds(engine: Engine, several: list[tuple[World, StickinessSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(STICKINESS, spec, scope).result
        sides = on_sides(world, spec, scope)
        for part, (now, before) in zip(
            (result.everybody, *result.parts), [sides, *(parts(world, spec, sides) if spec.breakdown else [])], strict=True
        ):
            assert part.now == spread(world, spec, scope, now)
            assert part.before == (spread(world, spec, scope, before) if spec.compare else None)


@exactly(5)
@given(st.lists(cases(), min_size=3, max_size=4))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, StickinessSpec]]) -> None:
    question = behind(STICKINESS)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        table = engine.ask(STICKINESS, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for number, cell in [each for each in linked if each[0]][-6:]:
            asked = question.spec.model_validate({"of": spec, "cell": StickinessCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number


def test_the_months_before_are_as_many_whole_months(scope):
    spec = StickinessSpec(unit="month", period=Between(since=date(2025, 12, 20), until=date(2026, 2, 3)), compare=Before(to="previous"))
    other = other_period(spec, scope)
    assert other is not None
    assert (other.period.since, other.period.until) == (date(2025, 9, 1), date(2025, 11, 30))
    other = other_period(spec.model_copy(update={"compare": Before(to="year")}), scope)
    assert other is not None
    assert (other.period.since, other.period.until) == (date(2024, 12, 1), date(2025, 2, 28))


def test_values_stand_in_the_order_of_their_people_now_whoever_had_them_before(engine, scope, write, first_person):
    write(
        *((first_person + number, "Visit", "2026-03-14 10:00", {"plan": "pro"}) for number in range(2)),
        (first_person + 2, "Visit", "2026-03-14 10:00", {"plan": "free"}),
        *((first_person + number, "Visit", "2026-03-07 10:00", {"plan": "free"}) for number in range(4)),
    )
    asked = {"period": {"since": "2026-03-14", "until": "2026-03-14"}, "compare": {"to": "week"}, "breakdown": {"property": "plan"}}
    result = engine.ask(STICKINESS, StickinessSpec.model_validate(asked), scope).result
    assert [(part.value, part.now.people, part.before.people) for part in result.parts] == [("pro", 2, 0), ("free", 1, 4)]


@pytest.mark.parametrize("days", [3, 90])
def test_the_longer_one_of_two_periods_says_how_often_somebody_may_have_been_active(engine, scope, write, first_person, days):
    every = [f"{date(2026, 3, 10) - timedelta(days=ago)} 10:00" for ago in range(days)]
    write(*((first_person, "Visit", at) for at in every), (first_person + 1, "Visit", "2026-03-14 10:00"))
    asked = {
        "period": {"since": "2026-03-14", "until": "2026-03-14"},
        "compare": {"period": {"since": every[-1][:10], "until": every[0][:10]}},
    }
    everybody = engine.ask(STICKINESS, StickinessSpec.model_validate(asked), scope).result.everybody
    assert (everybody.now.exactly, everybody.before.exactly) == ((1, *[0] * (days - 1)), (*[0] * (days - 1), 1))


def test_means_medians_and_those_with_so_many_or_more():
    spread = Spread((3, 0, 2, 1))
    assert (spread.people, spread.mean, spread.median) == (6, 13 / 6, 1)
    assert spread.at_least == (6, 3, 3, 1)
    assert (Spread((0, 0)).mean, Spread((0, 0)).median, Spread((0, 0)).shares(True)) == (None, None, (None, None))


def test_a_target_and_too_many_days_are_refused(engine, scope):
    with pytest.raises(ValueError, match="has no target"):
        StickinessSpec.model_validate({"compare": {"target": 3}})
    with pytest.raises(QuestionError, match="257 periods"):
        engine.ask(STICKINESS, StickinessSpec(period=Last(last=257)), scope)


def test_256_days_have_a_bit_each(engine, scope, write, first_person):
    write(*((first_person, "Visit", scope.now - timedelta(days=ago)) for ago in (0, 100, 255, 256)))
    result = engine.ask(STICKINESS, StickinessSpec(period=Last(last=256)), scope).result
    assert result.everybody.now.exactly[:4] == (0, 0, 1, 0)
    assert result.warnings
