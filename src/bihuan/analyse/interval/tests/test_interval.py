"""Intervals one by one: what pairs, what is marked, what is refused, and how it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bihuan.analyse.interval import INTERVAL
from bihuan.analyse.interval.spec import IntervalSpec
from bihuan.analyse.tests.test_shown import Plain


def spec(start: str = "A", end: str = "B", **more: Any) -> IntervalSpec:
    return IntervalSpec.model_validate(
        {"start": {"event": start}, "end": {"event": end}, "longest": {"n": 7}, "period": {"last": 20}, **more}
    )


@pytest.fixture
def lengths(engine, scope, write, first_person):
    """The lengths in hours of what happened at so many hours of a day, as "A0 A1 B3"."""

    def of(events: str, **more: Any) -> list[float]:
        day = scope.now.replace(hour=0) - timedelta(days=5)
        write(*((first_person, one[0], day + timedelta(hours=int(one[1:]))) for one in events.split()))
        result = engine.ask(INTERVAL, spec(**more), scope).result
        now = result.everybody.now
        return [now.many, (now.least or 0) / 3600, (now.greatest or 0) / 3600]

    return of


@pytest.mark.parametrize(
    ("events", "last", "first"),
    [
        ("A0 B2", [1, 2, 2], [1, 2, 2]),
        ("A0 A1 B3", [1, 2, 2], [1, 3, 3]),
        ("A0 B2 B5", [1, 2, 2], [1, 2, 2]),
        ("A0 A1 B3 B9", [1, 2, 2], [1, 3, 3]),
        ("B0 A1 B1 A4", [1, 0, 0], [1, 0, 0]),  # at the same instant the start comes first
        ("A0 B1 A2 B5", [2, 1, 3], [2, 1, 3]),
    ],
)
@pytest.mark.parametrize("begins", ["last", "first"])
def test_each_end_closes_what_waits_for_it(lengths, events, last, first, begins):
    assert lengths(events, begins=begins) == (last if begins == "last" else first)


@pytest.mark.parametrize("begins", ["last", "first"])
def test_what_starts_and_ends_pairs_with_the_next_but_not_with_itself(lengths, begins):
    assert lengths("A0 A1 A1 A4", end="A", begins=begins) == [3, 0, 3]


def test_the_longest_time_still_counts_and_a_millisecond_more_does_not(engine, scope, write, first_person):
    start = scope.now - timedelta(days=3)
    for more, person in ((0, first_person), (1, first_person + 1)):
        write((person, "A", start), (person, "B", start + timedelta(seconds=1, milliseconds=more)))
    result = engine.ask(INTERVAL, spec(longest={"n": 1, "unit": "second"}), scope).result
    assert (result.everybody.now.many, result.everybody.now.greatest) == (1, 1.0)


def test_the_same_order_is_held_together_and_events_without_one_are_left_out(engine, scope, write, first_person):
    at = scope.now - timedelta(days=3)
    write(
        (first_person, "A", at, {"order": 1}),
        (first_person, "A", at + timedelta(hours=1), {"order": 2}),
        (first_person, "B", at + timedelta(hours=3), {"order": 1}),
        (first_person, "B", at + timedelta(hours=5)),
    )
    now = engine.ask(INTERVAL, spec(held="order"), scope).result.everybody.now
    assert (now.many, now.least) == (1, 3 * 3600)


def test_a_day_is_open_until_its_longest_interval_could_have_ended(engine, scope, write, first_person):
    write((first_person, "A", scope.now - timedelta(days=10)), (first_person, "B", scope.now - timedelta(days=9)))
    result = engine.ask(INTERVAL, spec(), scope).result
    assert [bucket.open for bucket in result.buckets] == [False] * 12 + [True] * 8  # the last eight days end less than seven days ago
    assert [text for text, _ in result.warnings] == [
        "Some intervals may still end, long ones above all: until then the numbers look shorter than they will be."
    ]
    by_end = engine.ask(INTERVAL, spec(day="end"), scope).result
    assert [bucket.open for bucket in by_end.buckets] == [False] * 19 + [True]


def test_a_sample_asks_its_people_alone(engine, scope, write, first_person):
    at = scope.now - timedelta(days=10)
    people = range(first_person, first_person + 200)
    write(*((person, name, at + timedelta(hours=hour)) for person in people for name, hour in (("A", 0), ("B", 1))))
    sampled = engine.ask(INTERVAL, spec(sample=0.5), scope)
    kept = engine.store.fetch(
        "SELECT count() AS kept FROM (SELECT arrayJoin(range({a:UInt32}, {a:UInt32} + 200)) AS person) "
        "WHERE cityHash64('sample', toUInt64(person)) % 1000000 < 500000",
        {"a": first_person},
    ).rows[0]["kept"]
    assert sampled.result.everybody.now.many == 2 * kept
    assert sampled.sample == 0.5


def test_what_cannot_be_asked_is_refused():
    for wrong in ({"compare": {"target": 3}}, {"longest": {"n": 366}}, {"cuts": [-1, 2]}, {"cuts": [2, 1]}):
        with pytest.raises(ValidationError):
            spec(**wrong)


def test_boxes_and_bars_lead_to_their_people(engine, scope, write, first_person):
    at = scope.now - timedelta(days=10)
    write((first_person, "A", at), (first_person, "B", at + timedelta(days=2)))
    result = engine.ask(INTERVAL, spec(cuts=[1, 3], compare="previous"), scope).result
    chart = INTERVAL.chart(result, Plain()) or {}
    box = next(each for each in chart["series"][0]["data"] if each["value"])
    assert box["value"] == [2.0] * 5  # days
    assert box["cell"] == {"bucket": at.date().isoformat()}
    panel = INTERVAL.panel(result, Plain()) if INTERVAL.panel else {}
    assert [(row["many"], row["where"]) for row in panel["rows"]] == [("1 number", "cell.least=86400.0&cell.below=259200.0")]
    assert panel["bars"]["series"][1]["data"] == [{"value": 0, "cell": {"least": 86_400.0, "below": 259_200.0, "before": True}}]


def test_nothing_has_no_chart_and_no_rows(engine, scope):
    result = engine.ask(INTERVAL, spec(), scope).result
    assert INTERVAL.chart(result, Plain()) is None
    assert INTERVAL.table(result).rows == ()
    assert INTERVAL.panel is not None
    assert INTERVAL.panel(result, Plain())["bars"] is None
