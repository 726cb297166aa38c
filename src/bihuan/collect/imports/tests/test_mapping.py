"""Mappings: what columns mean, guessed, by options or by YAML; ids are texts; a row is kept whole or rejected."""

from __future__ import annotations

import json

import pytest

from bihuan.collect.imports.chosen import make_mapping, read_mapping
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.mapping import Mapping
from bihuan.collect.imports.tests.conftest import Write, read

HEAD = "user_id,event,timestamp"


def test_obvious_columns_are_guessed_and_said() -> None:
    columns = ["User ID", "Event Name", "Created-At", "anonymousId", "message_id", "plan"]
    mapping, guessed = make_mapping({}, columns, guess=True)
    assert guessed == {
        "event_column": "Event Name",
        "time": "Created-At",
        "person": "User ID",
        "anonymous": "anonymousId",
        "id": "message_id",
    }
    assert isinstance(mapping, Mapping)
    assert mapping.person == "User ID"


def test_what_is_given_is_not_guessed() -> None:
    mapping, guessed = make_mapping({"event": "Order", "person": "member"}, ["member", "user_id", "event", "time"], guess=True)
    assert guessed == {"time": "time"}
    assert isinstance(mapping, Mapping)
    assert (mapping.event, mapping.event_column, mapping.person) == ("Order", "", "member")


def test_what_cannot_be_guessed_is_asked_for_with_the_columns_there_are() -> None:
    with pytest.raises(ImportProblem, match=r"Which events are these.*The file has: a, time\."):
        make_mapping({}, ["a", "time"], guess=True)
    with pytest.raises(ImportProblem, match=r"Which column says when.*The file has: a, event\."):
        make_mapping({}, ["a", "event"], guess=True)
    with pytest.raises(ImportProblem, match="Which events"):
        make_mapping({"time": "time"}, ["event", "time"], guess=False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"person": "who"}, "person is “who”, but the file has no such column. The file has: a, t."),
        ({"revenue": "a * price"}, "revenue is “price”, but"),
        ({"properties": {"x": "nope"}}, "properties.x is “nope”, but"),
        ({"properties": {"x": "a +"}}, "neither a column nor an expression"),
        ({"zone": "Mars/Olympus"}, "zone: There is no time zone “Mars/Olympus”"),
        ({"event_column": "a"}, "Give either event"),
        ({"persom": "a"}, "persom: Extra inputs"),
        ({"time": {"column": "t", "unit": "days"}}, "time.unit"),
    ],
)
def test_a_wrong_mapping_says_what_and_where(given: dict[str, object], said: str) -> None:
    with pytest.raises(ImportProblem) as problem:
        make_mapping({"event": "E", "time": "t", **given}, ["a", "t"], guess=False)
    assert said in str(problem.value)


def test_a_yaml_file_says_the_same_as_options() -> None:
    text = "event: on\ntime: {column: t, format: '%d/%m/%Y'}\nperson: who\nproperties:\n  price: a * 2\n  code: {value: a, type: text}\n"
    mapping = Mapping.model_validate(read_mapping(text))
    assert mapping.event == "on"  # YAML 1.2: not true
    assert mapping.properties is not None
    assert mapping.properties["code"].type == "text"
    assert Mapping.model_validate(read_mapping(mapping.yaml())) == mapping


def test_a_broken_yaml_file_says_where() -> None:
    with pytest.raises(ImportProblem, match="line 2"):
        read_mapping("event: a\n  b: [")
    with pytest.raises(ImportProblem, match="what: column"):
        read_mapping("- a")


def test_ids_are_texts_whatever_they_look_like(file: Write) -> None:
    ids = ["NA", "0042", "17850.0", "1e5", " spaced ", "True", "-", "N/A", "nan?"]
    done = read(file("a.csv", f"{HEAD}\n" + "".join(f"{one},E,2024-03-13\n" for one in ids)))
    assert done.column("user_id") == ["NA", "0042", "17850.0", "1e5", "spaced", None, None, None, "nan?"]


def test_rows_of_nobody_stay_rows_of_nobody(file: Write) -> None:
    done = read(file("a.csv", f"{HEAD}\n" + "".join(f"{one},E,2024-03-13\n" for one in ["", "  ", "null", "undefined", "0", "u1"])))
    assert done.column("user_id") == [None] * 5 + ["u1"]
    assert done.tally.nobody == 5


def test_a_column_of_floats_gives_whole_ids(file: Write) -> None:
    done = read(
        file("a.jsonl", '{"user_id":17850.0,"event":"E","timestamp":1710325274}\n{"user_id":12,"event":"E","timestamp":1710325274}\n')
    )
    assert done.column("user_id") == ["17850", "12"]


def test_all_other_columns_are_properties_and_numbers_are_numbers(file: Write) -> None:
    text = f"{HEAD},price,order_id,zip,note\nu1,E,2024-03-13,9.50,1001,01234,NA\nu2,E,2024-03-13,,1002,99999,x\n"
    done = read(file("a.csv", text))
    assert done.column("props") == [
        '{"note":"NA","order_id":"1001","price":9.50,"zip":"01234"}',
        '{"note":"x","order_id":"1002","zip":"99999"}',
    ]


def test_built_in_columns_and_revenue_go_to_their_places(file: Write) -> None:
    done = read(file("a.csv", f"{HEAD},Revenue,country,device\nu1,E,2024-03-13,12.5,CN,\nu2,E,2024-03-13,,,phone\n"))
    assert [(row["revenue"], row["country"], row["device"], row["props"]) for row in done.rows] == [
        (12.5, "CN", None, "{}"),
        (None, None, "phone", "{}"),
    ]


def test_revenue_may_be_computed_and_a_text_in_it_rejects_the_row(file: Write) -> None:
    path = file("a.csv", "t,Quantity,Unit Price\n2024-03-13,6,2.55\n2024-03-13,-1,10\n2024-03-13,six,1\n2024-03-13,,1\n2024-03-13,1,inf\n")
    done = read(path, event="Sale", time="t", revenue="Quantity * `Unit Price`", properties={"half": "Quantity / 2"})
    assert [row["revenue"] for row in done.rows] == [pytest.approx(15.3), -10, None]
    assert [json.loads(row["props"]) for row in done.rows] == [{"half": 3}, {"half": -0.5}, {}]
    assert done.reasons() == [(4, "Quantity is not a number: “six”."), (6, "Unit Price is not a number: “inf”.")]


def test_a_row_without_an_event_or_with_too_long_values_is_rejected(file: Write) -> None:
    long = "x" * 600
    text = f"{HEAD}\nu1,,2024-03-13\nu1,{long},2024-03-13\n{long},E,2024-03-13\nu1,E,2024-03-13\n"
    done = read(file("a.csv", text))
    assert done.reasons() == [
        (2, "The row does not say which event it is: event is empty."),
        (3, "The event's name has more than 200 characters."),
        (4, "The id in user_id has more than 500 characters."),
    ]
    assert done.tally.read == done.tally.stored + done.tally.rejected == 4


def test_the_events_own_id_decides_which_event_it_is(file: Write) -> None:
    text = f"id,{HEAD}\ne1,u1,A,2024-03-13\ne1,u2,B,2024-03-14\n,u3,C,2024-03-13\n,u3,C,2024-03-13\n"
    keys = read(file("a.csv", text), id="id").column("event_key")
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3  # rows without an id are told apart by their content


def test_the_mapping_and_the_format_of_numbers_do_not_change_which_event_a_line_is(file: Write) -> None:
    path = file("a.csv", f"{HEAD},n\nu1,A,2024-03-13,1\nu1,A,2024-03-13,1\n")
    assert read(path).column("event_key") == read(path, event="Other", properties={}).column("event_key")
    assert read(path).column("event_key") != read(path, dataset="again").column("event_key")
