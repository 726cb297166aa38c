"""Tables as files: the same values whichever way they travel."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from bihuan.console.tables import from_json, to_arrow, to_csv, to_json_rows
from bihuan.engine.question import Column, Table

NOON = datetime(2026, 3, 15, 12, 30, 0, 123000, tzinfo=ZoneInfo("Asia/Shanghai"))
COLUMNS = (
    Column("name", "Name"),
    Column("number", "Number", "number"),
    Column("money", "Money", "money"),
    Column("at", "At", "time"),
    Column("day", "Day", "day"),
    Column("person", "Person", "person"),
)
TABLE = Table(COLUMNS, (("茶", 2**60 + 1, 0.1 + 0.2, NOON, date(2026, 3, 15), 7), (None, None, None, None, None, None)))


def test_a_table_comes_back_from_json_as_it_was() -> None:
    columns = [{"name": c.name, "title": c.title, "kind": c.kind} for c in COLUMNS]
    back = from_json(columns, json.loads(json.dumps(to_json_rows(TABLE))))
    assert back == TABLE


def test_a_table_is_arrow_with_types_by_kind() -> None:
    data = to_arrow(TABLE)
    assert [str(field.type) for field in data.schema] == ["string", "int64", "double", "timestamp[ms, tz=UTC]", "date32[day]", "int64"]
    assert data.to_pylist()[0]["at"] == NOON
    assert data.to_pylist()[0]["number"] == 2**60 + 1
    assert data.schema.field("money").metadata == {b"title": b"Money", b"kind": b"money"}


def test_an_empty_table_is_arrow_with_its_columns() -> None:
    assert to_arrow(Table(COLUMNS, ())).column_names == [column.name for column in COLUMNS]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed_in_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(Table((Column(text, "x"),), ((text,),))), newline="")))
    assert rows == [[f"'{text}"], [f"'{text}"]]


def test_a_negative_number_stays_a_number_in_csv() -> None:
    assert to_csv(Table((Column("n", "N", "number"),), ((-1.5,), (None,), (float("nan"),)))).split("\r\n") == ["n", "-1.5", '""', '""', ""]


def test_instants_are_utc_in_csv() -> None:
    assert "2026-03-15T04:30:00.123000+00:00" in to_csv(TABLE)
