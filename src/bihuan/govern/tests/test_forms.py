"""Dotted names and specs: one round trip each way, and mistakes at their places."""

from __future__ import annotations

import time
from datetime import date
from typing import Annotated, Literal

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from bihuan.engine.filters import EVERYTHING, All, Any, Did, EventProperty, Filter, InSegment, Not, PersonProperty
from bihuan.engine.periods import Between, Last, PeriodSpec
from bihuan.govern.forms import parse_dotted, to_dotted, validated, whole


class Step(BaseModel):
    event: str
    filter: Filter = EVERYTHING


class Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
    steps: tuple[Step, ...] = ()
    period: PeriodSpec = Last()
    unit: Literal["day", "week"] = "day"
    compare: bool = False
    filter: Filter = EVERYTHING


def test_an_address_is_a_nested_document() -> None:
    query = QueryDict("steps.0.event=View&steps.10.event=Buy&steps.2.event=Cart&period.last=7&unit=&csrfmiddlewaretoken=x&tag[]=a&tag[]=b")
    assert parse_dotted(query) == {
        "steps": [{"event": "View"}, {"event": "Cart"}, {"event": "Buy"}],
        "period": {"last": "7"},
        "tag": ["a", "b"],
    }


def test_a_branch_and_a_plain_value_in_one_place_do_not_break_anything() -> None:
    assert parse_dotted(QueryDict("a=1&a.b=2&c.d=3&c=4")) == {"a": "1", "c": {"d": "3"}}


filters = st.recursive(
    st.one_of(
        st.builds(EventProperty, property=st.text("abc_ $.", min_size=1), values=st.tuples(st.text("xyz=&+ 好", min_size=1))),
        st.builds(PersonProperty, person=st.just("plan"), op=st.sampled_from(["is_not", "set"]), values=st.tuples(st.just("gold"))),
        st.builds(Did, did=st.just("Order"), times=st.integers(0, 5), days=st.integers(1, 99)),
        st.builds(InSegment, segment=st.just("vip")),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: All(all=(a, b)), inner, inner),
        st.builds(lambda a, b: Any(any=(a, b)), inner, inner),
        st.builds(lambda a: Not(negated=a), inner),
    ),
    max_leaves=5,
)


@given(
    st.builds(
        Asked,
        steps=st.lists(st.builds(Step, event=st.text("AB c", min_size=1), filter=filters), max_size=3).map(tuple),
        period=st.sampled_from([Last(last=30), Last(last=7, complete=True), Between(since=date(2026, 1, 1), until=date(2026, 2, 1))]),
        unit=st.sampled_from(["day", "week"]),
        compare=st.booleans(),
        filter=filters,
    )
)
def test_every_spec_comes_back_from_its_address(spec: Asked) -> None:
    query = QueryDict(mutable=True)
    for name, value in to_dotted(spec):
        query.appendlist(name, value)
    back, errors = validated(Asked, parse_dotted(QueryDict(query.urlencode())))
    assert not errors
    assert back == spec


def test_an_address_says_only_what_differs_from_the_default() -> None:
    assert to_dotted(Asked()) == []
    assert to_dotted(Asked(period=Last(last=7), compare=True)) == [("period.last", "7"), ("compare", "true")]


@pytest.mark.parametrize(
    ("address", "errors"),
    [
        ("unit=year", {"unit": "Choose one of: 'day' or 'week'."}),
        ("stepz.0.event=x", {"stepz": "There is no such field here."}),
        ("steps.0.filter.did=Buy", {"steps.0.event": "This is needed."}),
        ("period.last=0", {"period.last": "This must be at least 1."}),
        ("period.last=many", {"period.last": "This must be a whole number."}),
        ("period.since=2026-02-30&period.until=2026-03-01", {"period.since": "This must be a day, like 2026-11-21."}),
        ("period.since=2026-03-02&period.until=2026-03-01", {"period": "The period ends (2026-03-01) before it begins (2026-03-02)."}),
        ("period.since=2026-03-02", {"period.until": "This is needed."}),
        ("filter.did=Buy&filter.times=-1", {"filter.times": "This must be at least 0."}),
        ("filter.all.0.property=a&filter.all.0.op=like", {"filter.all.0.op": "Choose one of"}),
        ("filter.not.did=Buy&filter.not.days=x", {"filter.not.days": "This must be a whole number."}),
    ],
)
def test_a_mistake_is_told_at_its_place(address: str, errors: dict[str, str]) -> None:
    spec, found = validated(Asked, parse_dotted(QueryDict(address)))
    assert spec is None
    assert found.keys() == errors.keys()
    for where, text in errors.items():
        assert found[where].startswith(text)


class Series(BaseModel):
    event: str = "*"
    measure: str = "events"


class Chart(BaseModel):
    series: tuple[Series, ...]


class Counted(BaseModel):
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


def test_a_list_is_not_called_too_short_for_what_is_wrong_in_it() -> None:
    assert validated(Counted, {"steps": [{"filter": {"did": "Buy"}}]})[1].keys() == {"steps.0.event"}
    assert validated(Counted, {"steps": []})[1] == {"steps": "There must be at least 1."}


def test_an_item_of_a_list_that_is_all_default_is_still_there() -> None:
    chart = Chart(series=(Series(), Series(event="Order")))
    assert validated(Chart, parse_dotted(to_dotted(chart)))[0] == chart


def test_a_number_in_an_address_that_is_none_of_ours_is_none():
    assert [whole(text) for text in ("7", "007", "²", "٣", "-1", "", "9" * 5000)] == [7, 7, None, None, None, None, None]
    assert parse_dotted([("a." + "9" * 5000, "x"), ("b.0", "y")]) == {"a": {"9" * 5000: "x"}, "b": ["y"]}


def test_a_document_nested_without_end_is_refused_at_once():
    document: dict[str, object] = {"all": []}
    for _ in range(260):
        document = {"not": document}
    begun = time.monotonic()
    spec, errors = validated(Asked, {"filter": document})
    assert (spec, errors) == (None, {"": "This is nested too deep."})
    assert time.monotonic() - begun < 5, "it took minutes to find the likeliest of so many mistakes"
