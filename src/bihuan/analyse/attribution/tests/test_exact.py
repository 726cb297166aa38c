"""Attribution on the real engine against plain Python, on random worlds: every path, every person and every credit the same."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.analyse.attribution import ATTRIBUTION, sql
from bihuan.analyse.attribution.chart import _in_a_row, panel_attribution
from bihuan.analyse.attribution.models import Credit, Credits, Path
from bihuan.analyse.attribution.result import AttributionResult, Part, credited
from bihuan.analyse.attribution.spec import AttributionCell, AttributionSpec
from bihuan.analyse.attribution.tests.reference import Journey, journeys
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Not, PersonProperty
from bihuan.engine.question import Scope
from bihuan.engine.tests.asked_in_part import only_sampled
from bihuan.engine.tests.exactly import TIMES
from bihuan.engine.tests.worlds import NAMES, PLACES, VALUES, Event, Trait, World, load


def paths(spec: AttributionSpec, found: Sequence[Journey]) -> list[Path]:
    """The same journeys as paths, with the credits of time decay."""
    by_points: dict[tuple[str, ...], list[Journey]] = defaultdict(list)
    for one in found:
        if one.steps:
            by_points[one.points].append(one)
    half = spec.half_life.length.total_seconds()
    made = []
    for points, mine in by_points.items():
        credits, worths = [0.0] * len(points), [0.0] * len(points)
        for one in mine:
            if one.won:
                weights = [2 ** ((event.at - one.steps[-1][1].at).total_seconds() / half) for _, event in one.steps]
                for place, weight in enumerate(weights):
                    credits[place] += weight / sum(weights)
                    worths[place] += one.worth * weight / sum(weights)
        won = [one for one in mine if one.won]
        worth = sum(one.worth for one in won)
        made.append(Path(points, len(won), len(mine) - len(won), worth, tuple(credits), tuple(worths)))
    return made


def same_credits(mine: Credits, expected: Credits) -> None:
    for key in {*mine, *expected}:
        for number in ("conversions", "worth"):
            got, want = (getattr(each.get(key), number, 0.0) for each in (mine, expected))
            assert got == pytest.approx(want, abs=1e-6), key


def check_part(spec: AttributionSpec, part: Part, found: Sequence[Journey]) -> None:
    won = [one for one in found if one.won]
    untouched = [one for one in won if not one.steps]
    assert part.conversions == len(won)
    assert part.worth == pytest.approx(sum(one.worth for one in won), abs=1e-6)
    assert part.people == len({one.person for one in won})
    assert (part.untouched, part.untouched_people) == (len(untouched), len({one.person for one in untouched}))
    assert part.untouched_worth == pytest.approx(sum(one.worth for one in untouched), abs=1e-6)
    assert (part.lost, part.young) == (len(found) - len(won), sum(one.young for one in found))
    same_credits(dict(part.credits), credited(spec.chosen, spec, paths(spec, found)))


def check(world: World, spec: AttributionSpec, scope: Scope, result: AttributionResult) -> None:
    every = journeys(world, spec, scope)
    found = [one for one in every if 0 in one.sides]
    check_part(spec, result.total, found)
    if spec.compare is not None:
        assert result.before is not None
        check_part(spec, result.before, [one for one in every if 1 in one.sides])
    expected = paths(spec, found)
    assert {(way.points, way.conversions, way.lost) for way in result.ways} <= {(one.points, one.conversions, one.lost) for one in expected}
    assert (result.paths, result.cut, result.cut_lost) == (len(expected), 0, 0)
    assert {point.key for point in result.points} == {key for one in expected for key in one.points}
    for model in spec.models:
        mine = {point.key: point.credits[model] for point in result.points}
        same_credits(mine, credited(model, spec, expected))
        assert sum(credit.conversions for credit in mine.values()) == pytest.approx(result.total.touched, abs=1e-6)
        worth = result.total.worth - result.total.untouched_worth
        assert sum(credit.worth for credit in mine.values()) == pytest.approx(worth, abs=1e-6)
    for point in result.points:
        with_it = [one for one in found if point.key in one.points]
        buying = [one for one in with_it if one.won]
        assert (point.people, point.buyers) == (len({one.person for one in with_it}), len({one.person for one in buying}))
        assert (point.assisted, point.lost) == (len(buying), len(with_it) - len(buying))
    check_times(result, [one for one in found if one.won and one.steps])
    by_value = defaultdict(list)
    for one in found:
        by_value[one.value].append(one)
    shown = [part.value for part in result.parts if part.value is not None]
    ranked = sorted(by_value, key=lambda value: (-sum(one.won for one in by_value[value]), -len(by_value[value]), value.encode()))
    assert set(shown) == (set(ranked[: spec.top]) if spec.breakdown else set())
    for part in result.parts:
        mine_too = [one for value in ranked[spec.top :] for one in by_value[value]] if part.value is None else by_value[part.value]
        assert part.other == (len(ranked) - spec.top if part.value is None else 0)
        check_part(spec, part, mine_too)


def check_times(result: AttributionResult, won: Sequence[Journey]) -> None:
    lags = sorted((one.end.at - one.first.at).total_seconds() for one in won if one.first)
    for bar in result.lags:
        assert bar.conversions == sum(bar.since <= lag < (bar.until or float("inf")) for lag in lags)
    assert sum(bar.conversions for bar in result.lags) == len(lags)
    if not lags:
        assert result.quartiles is None
        return
    assert result.quartiles is not None
    for share, quartile in zip((0.25, 0.5, 0.75, 0.9), result.quartiles, strict=True):
        at = share * (len(lags) - 1)
        below, above = lags[int(at)], lags[min(int(at) + 1, len(lags) - 1)]
        assert quartile == pytest.approx(below + (above - below) * (at - int(at)), abs=1e-3)
    assert sum(length * count for length, count in result.lengths) == sum(len(one.steps) for one in won)


def dense(rng: random.Random) -> World:
    """Few people who do much, in few different ways: many paths to many conversions, with ties."""
    zone, clock = rng.choice(PLACES)
    now = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone))
    begin = now.astimezone(UTC) - timedelta(days=14)
    some = [begin + timedelta(minutes=15 * rng.randrange(14 * 96)) for _ in range(12)]
    events = []
    for key in range(1, rng.choice((30, 120, 200))):
        at = begin + timedelta(seconds=rng.randrange(14 * 86_400), milliseconds=rng.choice((0, 1)))
        at = rng.choice(some) if rng.random() < 0.3 else at
        values = {name: rng.choice(known) for name, known in VALUES.items() if rng.random() < 0.4}
        events.append(Event(rng.randint(0, 4), rng.choice(NAMES), at, values, key, rng.choice(("test", "test", "test", "ledger"))))
    traits = tuple(Trait(person, "vip", rng.random() < 0.5, once=False, rank=1_000_000 + person) for person in range(1, 5))
    vips = PersonProperty(person="vip", op="is_true")
    return World(zone, now, tuple(events), {3: 1}, traits, {"fans": vips, "rest": Not(negated=vips)})


def asked(rng: random.Random) -> AttributionSpec:
    def narrowed(chance: float) -> dict[str, object]:
        return {"filter": rng.choice(FILTERS)} if rng.random() < chance else {}

    touches = [
        {"event": rng.choice((*NAMES, "*")), "by": rng.choice((None, "plan", "country", "missing")), **narrowed(0.2)}
        for _ in range(rng.choice((0, 0, 1, 2, 3)))
    ]
    return AttributionSpec.model_validate(
        {
            "conversion": {"event": rng.choice(NAMES), "value": rng.choice((None, "revenue", "n")), **narrowed(0.3)},
            "touches": touches,
            "by": rng.choice(("channel", "source", "campaign")),
            "gap": rng.choice((1, 30, 720)),
            "direct": rng.choice(("include", "alone", "exclude")),
            "held": rng.choice((None, None, "plan", "country")) if touches else None,
            **narrowed(0.2),
            "period": rng.choice(({"last": 1}, {"last": 5}, {"last": 9, "complete": True})),
            "window": rng.choice(({"n": 15, "unit": "minute"}, {"n": 7, "unit": "hour"}, {"n": 1}, {"n": 3}, {"n": 30})),
            "repeat": rng.choice(("each", "reset")),
            "loops": rng.choice(("keep", "collapse")),
            "points": rng.choice((1, 2, 3, 11)),
            "model": rng.choice(MODELS),
            "half_life": rng.choice(({"n": 1, "unit": "hour"}, {"n": 7})),
            "position_first": rng.choice((0.4, 0.0, 0.7)),
            "position_last": rng.choice((0.3, 0.0)),
            "order": rng.randint(1, 3),
            "game": rng.choice(("paths", "chain")),
            "compare": rng.choice((None, None, "previous", "previous", {"segment": "fans"}, {"segment": "fans", "against": "!"})),
            "breakdown": rng.choice(BREAKDOWNS),
            "top": rng.randint(1, 3),
        }
    )


MODELS = ("first", "last", "last_not_direct", "linear", "decay", "position", "markov", "shapley")
FILTERS = (
    {"property": "n", "op": "ge", "values": [1.0]},
    {"property": "plan", "op": "is_not", "values": ["free"]},
    {"any": [{"property": "country", "op": "set"}, {"did": "b", "op": "ge", "times": 3, "days": 10}]},
)
BREAKDOWNS: tuple[object, ...] = (
    (),
    (),
    (),
    {"property": "country"},
    {"property": "plan"},
    {"person": "vip"},
    {"number": "n", "quantiles": 3},
    [{"time": "weekday"}, {"segments": ["fans"]}],
    {"channel": "first"},
)


@pytest.mark.exact
def test_attribution_is_what_plain_python_works_out(engine: Engine) -> None:
    rng = random.Random(20_261_122)
    several = [(dense(rng), asked(rng)) for _ in range(14 * TIMES)]
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        check(world, spec, scope, engine.ask(ATTRIBUTION, spec, scope).result)


COUNTED = frozenset(
    "conversions worth people buyers assisted lost young shortened untouched untouched_worth untouched_people cut cut_lost".split()
)


def twice(told: Any) -> Any:
    """What half of the people tell, of all: counts and what is given of them; not shares, times, costs and what things are called."""
    if isinstance(told, dict):
        return {key: value * 2 if key in COUNTED else twice(value) for key, value in told.items()}
    return [twice(one) for one in told] if isinstance(told, list | tuple) else told


def told(result: AttributionResult) -> dict[str, Any]:
    """All that it says, its touch points by their keys."""
    points = {point.key: asdict(point) for point in result.points}
    return {**asdict(result), "points": points, "lengths": {length: {"conversions": count} for length, count in result.lengths}}


def same(mine: object, expected: object) -> None:
    """The same, but for the last bits of numbers that were added up in another order."""
    if isinstance(expected, dict):
        assert isinstance(mine, dict)
        assert mine.keys() == expected.keys()
        for key, value in expected.items():
            same(mine[key], value)
    elif isinstance(expected, list | tuple):
        assert isinstance(mine, list | tuple)
        assert len(mine) == len(expected)
        for one, other in zip(mine, expected, strict=True):
            same(one, other)
    else:
        assert mine == (pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected)


@pytest.mark.exact
def test_a_sample_answers_as_if_there_were_nobody_else_and_is_scaled_up(engine: Engine) -> None:
    rng = random.Random(20_261_123)
    worlds = [dense(rng) for _ in range(8 * TIMES)]
    scopes = load(engine.store, *worlds)
    fewer = [only_sampled(engine, world, scope, 0.5) for world, scope in zip(worlds, scopes, strict=True)]
    some = 0
    for number, (world, small, scope, alone) in enumerate(zip(worlds, fewer, scopes, load(engine.store, *fewer), strict=True)):
        visits = {"touches": (), "held": None, "by": "source", "points": 1} if number % 2 else {}  # which stands alone is the sample's, too
        spec = asked(rng).model_copy(update=visits)
        result = engine.ask(ATTRIBUTION, spec.model_copy(update={"sample": 0.5}), scope).result
        same({**told(result), "sample": None, "sure": None}, twice(told(engine.ask(ATTRIBUTION, spec, alone).result)))
        won: dict[int, int] = defaultdict(int)
        for one in journeys(small, spec, alone):
            won[one.person] += one.won and 0 in one.sides
        assert result.sure is not None
        error = 1.959963984540054 * sum(times * times for times in won.values()) ** 0.5 * 0.5**0.5 / 0.5
        assert (result.sure.low, result.sure.high) == pytest.approx((result.total.conversions - error, result.total.conversions + error))
        some += 0 < len(small.events) < len(world.events) and result.total.conversions > 0
    assert some


def test_who_is_behind_a_touch_point_a_path_and_nothing(engine, scope, write, first_person):
    banner = {"banner": "spring"}
    write(
        (first_person, "Click", "2026-03-10 10:00", banner),
        (first_person, "Click", "2026-03-10 11:00", {"banner": "tea"}),
        (first_person, "Buy", "2026-03-10 12:00", {"plan": "pro"}),
        (first_person + 1, "Click", "2026-03-11 10:00", banner),
        (first_person + 2, "Buy", "2026-03-12 10:00"),
        (first_person + 3, "Click", "2026-03-12 10:00"),
        (first_person + 3, "Buy", "2026-03-12 10:00"),
        (0, "Buy", "2026-03-12 10:00"),
    )
    spec = AttributionSpec.model_validate(
        {"conversion": {"event": "Buy"}, "touches": [{"event": "Click", "by": "banner"}], "breakdown": {"property": "plan"}}
    )
    question = behind(ATTRIBUTION)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": AttributionCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people(point="=spring") == [0, 1]
    assert people(point="=spring", converted=True) == [0]
    assert people(point="=spring", converted=False) == [1]
    assert people(point="=tea", role="last") == [0]
    assert people(point="=") == [3]
    assert people(untouched=True) == [2]
    assert people(path=["=spring", "=tea"]) == [0]
    assert people(none=True, converted=True) == [2, 3]


def test_what_cannot_be_asked_is_refused(engine, scope):
    for wrong in (
        {"held": "sku"},
        {"position_first": 0.7, "position_last": 0.4},
        {"game": "chain", "by": "source"},
        {"compare": {"target": 5.0}},
    ):
        with pytest.raises(ValueError, match=r"\."):
            AttributionSpec.model_validate({"conversion": {"event": "Buy"}, **wrong})
    hidden = replace(scope, hidden=frozenset({"revenue"}))
    with pytest.raises(QuestionError, match="hidden"):
        engine.ask(ATTRIBUTION, AttributionSpec.model_validate({"conversion": {"event": "Buy", "value": "revenue"}}), hidden)


def test_long_paths_keep_their_ends(engine, scope, write, first_person):
    write(
        *((first_person, "Click", f"2026-03-10 10:{minute:02}", {"banner": str(minute)}) for minute in range(55)),
        (first_person, "Buy", "2026-03-10 12:00"),
    )
    document = {"conversion": {"event": "Buy"}, "touches": [{"event": "Click", "by": "banner"}], "points": 50}
    result = engine.ask(ATTRIBUTION, AttributionSpec.model_validate(document), scope).result
    (way,) = result.ways
    assert len(way.points) == 50
    assert (result.total.shortened, result.hidden) == (1, 5)
    assert result.quartiles == (7200.0,) * 4
    assert [text for text, _ in result.warnings] == [
        "{count} paths have more than 50 touch points: of these the first and the last 49 count.",
        "{count} further touch points are together in “other”.",
    ]


def test_what_is_shown_with_costs_a_comparison_and_a_breakdown(engine, scope, write, first_person):
    letter, douyin = {"utm_source": "letter", "utm_medium": "email"}, {"utm_source": "douyin"}
    write(
        (first_person, "View", "2026-03-10 10:00", letter),
        (first_person, "Buy", "2026-03-10 12:00", {"revenue": 40.0, "plan": "pro"}),
        (first_person + 1, "View", "2026-03-11 10:00", douyin),
        (first_person + 1, "View", "2026-03-12 10:00", letter),
        (first_person + 1, "Buy", "2026-03-12 10:00", {"revenue": 20.0}),
        (first_person + 2, "Buy", "2026-03-12 10:00", {"revenue": 5.0}),
        (first_person + 3, "View", "2026-03-13 10:00", douyin),
        (first_person + 1, "View", "2026-03-06 10:00", letter),
        (first_person + 1, "Buy", "2026-03-06 11:00", {"revenue": 7.0}),
    )
    spent(engine, scope, ("2026-03-10", {"source": "letter", "medium": "email", "currency": "CNY"}, 12.0))
    spent(engine, scope, ("2026-03-11", {"channel": "By mail", "currency": "USD"}, 3.0), ("2026-03-11", {"channel": "affiliate"}, 2.0))
    spent(engine, scope, ("2026-03-01", {"channel": "email"}, 100.0))  # before the period
    document = {
        "conversion": {"event": "Buy", "value": "revenue"},
        "period": {"last": 7},
        "window": {"n": 3},
        "compare": "previous",
        "model": "last",
    }
    answer = engine.ask(ATTRIBUTION, AttributionSpec.model_validate(document), scope)
    mail, video = answer.result.points
    assert (mail.key, mail.credits["last"].conversions, mail.cost) == ("=email", 2, 15.0)
    assert mail.before == Credit(1.0, 7.0)
    assert (video.credits["linear"].conversions, video.people, video.buyers, video.rate) == (0.5, 2, 1, 0.5)
    assert answer.result.total.young == 1
    row = dict(zip((column.name for column in answer.table.columns), answer.table.rows[0], strict=True))
    assert (row["value_last"], row["cost_each"], row["roas"], row["before"]) == (60.0, 7.5, 4.0, 1.0)
    assert answer.table.rows[-1][:3] == ("(no touch point)", 1, 1)
    assert [text for text, _ in answer.warnings] == [
        "Costs of {cost} are of nothing that is a touch point here.",
        "The costs are in several currencies, and are added up as they are: {list}.",
    ]
    assert ATTRIBUTION.headlines(answer.result)[0].change == 2.0
    panel = panel_attribution(answer.result, Plain())
    assert [way["points"] for way in panel["ways"]] == [["By mail"], ["Video platforms", "By mail"], ["Video platforms"]]
    assert panel["untouched"]["share"] == f"{1 / 3} share"
    chart = panel["chart"]
    assert [(one["name"], one["data"][0]["value"]) for one in chart["series"][:2]] == [("Last touch", 2.0), ("First touch", 1.0)]

    broken = engine.ask(ATTRIBUTION, AttributionSpec.model_validate({**document, "breakdown": {"property": "plan"}}), scope)
    assert broken.table.rows == (
        ("", "email", 1.0, 20.0),
        ("", "(no touch point)", 1.0, 5.0),
        ("pro", "email", 1.0, 40.0),
    )
    pivot = panel_attribution(broken.result, Plain())["pivot"]
    assert pivot["columns"] == ["(none)", "pro"]
    assert pivot["rows"][0]["cells"][1]["query"] == "cell.value=pro&cell.point=%3Demail&cell.converted=True"


def test_what_comes_several_times_in_a_row_is_written_once():
    assert _in_a_row(["Mail", "Mail", "Direct", "Mail"]) == ["Mail × 2", "Direct", "Mail"]
    assert _in_a_row([]) == []


def spent(engine: Engine, scope: Scope, *costs: tuple[str, dict[str, str], float]) -> None:
    days = [date.fromisoformat(day) for day, _, _ in costs]
    engine.store.insert(
        "metric_values",
        ["project_id", "metric", "day", "at", "dimensions", "value", "version"],
        [
            [scope.project_id] * len(costs),
            ["cost"] * len(costs),
            days,
            [datetime.combine(day, time(), UTC) for day in days],
            [json.dumps(about) for _, about, _ in costs],
            [value for _, _, value in costs],
            [1] * len(costs),
        ],
        ["UInt32", "String", "Date", "DateTime64(3, 'UTC')", "String", "Float64", "UInt64"],
    )


def test_what_is_left_out_is_said(engine, scope, write, first_person, monkeypatch):
    monkeypatch.setattr(sql, "MOST_PATHS", 3)
    ways = ["a", "a", "b", "ab", "ba", "aa", "aab"]
    clicks = [(person, minute, banner) for person, way in enumerate(ways) for minute, banner in enumerate(way)]
    write(
        *((first_person + person, "Click", f"2026-03-10 10:{minute:02}", {"banner": banner}) for person, minute, banner in clicks),
        *((first_person + number, "Buy", "2026-03-10 11:00") for number in (0, 1, 2, 3, 4)),
    )
    document = {"conversion": {"event": "Buy"}, "touches": [{"event": "Click", "by": "banner"}]}
    result = engine.ask(ATTRIBUTION, AttributionSpec.model_validate(document), scope).result
    assert (result.paths, result.cut, result.cut_lost, result.total.touched) == (3, 1, 2, 5)
    assert "more than {most} different paths" in result.warnings[0][0]


def test_the_window_s_bounds_are_in_it_to_the_millisecond(engine, scope, write, first_person):
    """A window is a day. Of each two people what happened a day after is within it, and what happened a millisecond later is not."""
    write(
        (first_person, "Click", "2026-03-12 10:00"),
        (first_person, "Buy", "2026-03-13 10:00"),
        (first_person + 1, "Click", "2026-03-12 10:00"),
        (first_person + 1, "Buy", "2026-03-13 10:00:00.001"),
        (first_person + 2, "Click", "2026-03-10 10:00"),
        (first_person + 2, "Click", "2026-03-11 10:00"),
        (first_person + 3, "Click", "2026-03-10 10:00"),
        (first_person + 3, "Click", "2026-03-11 10:00:00.001"),
        (first_person + 4, "Click", "2026-03-14 12:00:00.001"),  # it is noon on the 15th
        (first_person + 5, "Click", "2026-03-14 12:00"),
        (first_person + 6, "Click", "2026-03-13 09:59"),
        (first_person + 6, "Buy", "2026-03-13 10:00"),
    )
    document = {"conversion": {"event": "Buy"}, "touches": [{"event": "Click"}], "window": {"n": 1}}
    result = engine.ask(ATTRIBUTION, AttributionSpec.model_validate(document), scope).result
    assert (result.total.conversions, result.total.untouched, result.total.lost, result.total.young) == (3, 1, 6, 1)
    one, two = ("=Click",), ("=Click", "=Click")
    assert {way.points: (way.conversions, way.lost) for way in result.ways} == {one: (2, 5), two: (0, 1)}
    assert {bar.since: bar.conversions for bar in result.lags if bar.conversions} == {60: 1, 86_400: 1}


def test_values_stand_alone_by_what_is_asked_about_and_not_by_what_it_is_compared_with(engine, scope, write, first_person):
    write(
        *((first_person + number, "Buy", "2026-03-14 10:00", {"plan": "pro"}) for number in range(2)),
        (first_person + 2, "Buy", "2026-03-14 10:00", {"plan": "free"}),
        *((first_person + number, "Buy", "2026-03-07 10:00", {"plan": "free"}) for number in range(4)),
    )
    document = {"conversion": {"event": "Buy"}, "touches": [{"event": "Click"}], "period": {"last": 7}, "compare": "previous", "top": 1}
    result = engine.ask(ATTRIBUTION, AttributionSpec.model_validate({**document, "breakdown": {"property": "plan"}}), scope).result
    assert [(part.value, part.other, part.conversions) for part in result.parts] == [("pro", 0, 2), (None, 1, 1)]
