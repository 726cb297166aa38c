"""The page of the people behind a number: whom it lists, what it keeps, and for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bihuan.catalog.models import Definition
from bihuan.engine.filters import InList

pytestmark = pytest.mark.django_db

ASKED = "filter.did=Buy&filter.days=3660"


@pytest.fixture
def buyers(cast, scope, store, write, first_person):
    """Three people of the cast's project, of whom two bought; returns the first one's number."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    write((first_person, "Buy", yesterday), (first_person + 1, "Buy", yesterday))
    numbers = [first_person, first_person + 1, first_person + 2]
    columns = [[scope.project_id] * 3, ["user"] * 3, ["buyer-0", "buyer-1", "looker-2"], numbers, [yesterday] * 3]
    types = ["UInt32", "LowCardinality(String)", "String", "UInt32", "DateTime64(3, 'UTC')"]
    store.insert("person_ids", ["project_id", "id_type", "id", "person_id", "first_seen"], columns, types)
    return first_person


def address(cast: Any, rest: str = "", query: str = ASKED) -> str:
    return f"/p/{cast.project.key}/ask/segment_size/people/{rest}?{query}"


def test_the_people_are_listed_and_each_leads_to_their_page(cast, buyers):
    page = cast.client(cast.vera).get(address(cast)).content.decode()
    assert "buyer-0" in page
    assert "buyer-1" in page
    assert "looker-2" not in page
    assert f"/p/{cast.project.key}/people/{buyers}/" in page


def test_a_list_of_a_sample_says_that_it_is_one(cast, store):
    asked = f"/p/{cast.project.key}/ask/interval/people/?start.event=View&end.event=Buy&cell.quarter=1"
    whole, part = (cast.client(cast.vera).get(asked + sample).content.decode() for sample in ("", "&sample=0.25"))
    assert "of the sample" not in whole
    assert "Only people of the sample of 25 % are listed." in part


def test_they_can_be_taken_along_as_a_file(cast, buyers):
    answer = cast.client(cast.vera).get(address(cast, "export.csv"))
    assert answer["Content-Disposition"] == 'attachment; filename="segment_size-people.csv"'
    assert [line.split(",")[1] for line in answer.content.decode().splitlines()] == ["name", "buyer-0", "buyer-1"]


def test_a_segment_keeps_them_as_they_are(cast, buyers):
    answer = cast.client(cast.anna).post(address(cast, "keep/"), {"name": "Early buyers"})
    assert answer.status_code == 303
    kept = Definition.objects.get(project=cast.project, kind="segment", name="Early buyers")
    assert InList.model_validate(kept.spec["filter"])
    size = cast.client(cast.vera).get(f"/p/{cast.project.key}/segments/{kept.key}/size/?as=panel").content.decode()
    assert ">2<" in size.replace("\n", "").replace(" ", "")


def test_a_segment_needs_a_name(cast, buyers):
    answer = cast.client(cast.anna).post(address(cast, "keep/"), {"name": " "})
    assert answer.status_code == 422
    assert "Give the segment a name." in answer.content.decode()


@pytest.mark.parametrize("query", [f"{ASKED}&after=x", f"{ASKED}&cell.nothing=1", "filter.did=Buy&filter.days=0"])
def test_what_cannot_be_answered_says_why(cast, query):
    answer = cast.client(cast.vera).get(address(cast, query=query))
    assert answer.status_code == 422
    assert "alert" in answer.content.decode()


def test_a_question_that_cannot_tell_has_no_such_page(cast):
    assert cast.client(cast.vera).get(f"/p/{cast.project.key}/ask/people/people/").status_code == 404
