"""Files of all formats, and all that is wrong with files: a bad row costs only itself."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bihuan.collect.imports import readers, readers_text
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.plan import make_plan
from bihuan.collect.imports.tests.conftest import Write, read

CSV = "user_id,event,timestamp,price\nu1,Order,2024-03-13 10:00:00,9.5\nu2,Visit,2024-03-13 11:00:00,\n"
ROWS = [("u1", "Order", '{"price":9.5}'), ("u2", "Visit", "{}")]


def rows(path: Path, **given: Any) -> list[tuple[str, str, str]]:
    return [(row["user_id"], row["name"], row["props"]) for row in read(path, **given).rows]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV", "a.tsv", "a.tsv.gz", "a.txt"])
def test_text_tables_plain_or_gzipped(file: Write, name: str) -> None:
    content = CSV.replace(",", "\t") if ".tsv" in name else CSV
    assert rows(file(name, content)) == ROWS


@pytest.mark.parametrize("mark", [";", "|", "\t"])
def test_the_mark_between_columns_is_found_out(file: Write, mark: str) -> None:
    assert rows(file("a.csv", CSV.replace(",", mark))) == ROWS


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson.gz"])
def test_json_lines_plain_or_gzipped(file: Write, name: str) -> None:
    lines: list[dict[str, Any]] = [{"user_id": "u1", "event": "Order", "timestamp": "2024-03-13 10:00:00", "properties": {"price": 9.5}}]
    lines += [{"user_id": "u2", "event": "Visit", "timestamp": "2024-03-13 11:00:00", "properties": {}, "empty": None}]
    path = file(name, "\n\n".join(map(json.dumps, lines)))
    assert rows(path) == [ROWS[0], ("u2", "Visit", '{"properties":{}}')]


def test_a_small_file_that_unpacks_to_the_whole_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 3 * 1024 * 1024}))
    path = tmp_path / "bomb.parquet.gz"
    path.write_bytes(gzip.compress(bytes(5 * 1024 * 1024)))
    with pytest.raises(ImportProblem, match="unpacks to more than half"), readers.open_file(path):
        pass


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
def test_parquet_plain_or_gzipped(tmp_path: Path, name: str) -> None:
    at = [datetime(2024, 3, 13, hour) for hour in (10, 11)]  # noqa: DTZ001
    table = pa.table({"user_id": ["u1", "u2"], "event": ["Order", "Visit"], "timestamp": at, "price": [9.5, None]})
    path = tmp_path / name
    pq.write_table(table, path)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert rows(path) == ROWS


def test_parquet_types_become_json_types(tmp_path: Path) -> None:
    columns = {
        "timestamp": pa.array([1710325274]),
        "whole": pa.array([17850.0]),
        "price": pa.array([Decimal("12.50")], pa.decimal128(10, 2)),
        "big": pa.array([2**62]),
        "yes": pa.array([True]),
        "at": pa.array([datetime(2024, 3, 13, 10)]),  # noqa: DTZ001
        "tags": pa.array([["a", "b"]]),
        "kind": pa.array(["x"]).dictionary_encode(),
        "raw": pa.array([b"caf\xc3\xa9"]),
        "none": pa.array([None], pa.float64()),
        "nan": pa.array([float("nan")]),
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    assert json.loads(read(path, event="Seen").rows[0]["props"]) == {
        "at": "2024-03-13T10:00:00",
        "big": 2**62,
        "kind": "x",
        "price": 12.5,
        "raw": "café",
        "tags": ["a", "b"],
        "whole": 17850,
        "yes": True,
    }


def test_a_byte_order_mark_belongs_to_no_column(file: Write) -> None:
    assert rows(file("a.csv", CSV, "utf-8-sig")) == ROWS
    assert rows(file("b.csv", CSV, "utf-16")) == ROWS


def test_gb18030_is_read_when_it_is_named(file: Write) -> None:
    path = file("a.csv", CSV.replace("Order", "下单").replace("user_id", "用户ID"), "gb18030")
    assert [row["name"] for row in read(path, encoding="gb18030").rows] == ["下单", "Visit"]


def test_a_header_in_another_encoding_says_what_to_do(file: Write) -> None:
    with pytest.raises(ImportProblem, match="gb18030"):
        read(file("a.csv", "numéro,event,timestamp\nu1,Order,2024-03-13\n", "cp1252"))


def test_chinese_that_a_spreadsheet_wrote_in_gbk_is_recognised_and_said(file: Write) -> None:
    path = file("a.csv", "用户ID;事件;时间;金额\n张三;下单;2024年3月13日 下午1:05;￥1,234.50\n李四;下单;45364.5;（３．５）\n", "gb18030")
    plan = make_plan(path, {}, guess=True)
    assert plan.guessed == {"event_column": "事件", "time": "时间", "person": "用户ID", "revenue": "金额", "encoding": "gb18030"}
    done = read(path)
    assert (done.column("user_id"), done.column("revenue")) == (["张三", "李四"], [1234.5, -3.5])
    assert done.column("at") == [1710306300000, 1710302400000]  # 13:05 and noon in Shanghai


def test_an_unknown_encoding_says_so(file: Write) -> None:
    with pytest.raises(ImportProblem, match="no encoding “klingon”"):
        read(file("a.csv", CSV), encoding="klingon")


def test_a_row_with_bad_bytes_costs_only_itself_and_can_be_seen(file: Write) -> None:
    path = file("a.csv", b"user_id,event,timestamp\nu1,Order,2024-03-13\nu\xff2,Order,2024-03-13\nu3,Order,2024-03-13\n")
    done = read(path)
    assert done.column("user_id") == ["u1", "u3"]
    assert done.reasons() == [(3, "The row holds bytes that are not utf-8: “u\\xff2”.")]
    assert done.rejects[0].row == "u\\xff2,Order,2024-03-13"


def test_quoted_fields_may_hold_commas_quotes_and_line_breaks(file: Write) -> None:
    path = file("a.csv", 'user_id,event,timestamp,note\nu1,Order,2024-03-13,"a, ""b""\nc"\nu2,Order,2024-03-13,\nu3,Order,nonsense,\n')
    done = read(path)
    assert [json.loads(row["props"]).get("note") for row in done.rows] == ['a, "b"\nc', None]
    assert [line for line, _ in done.reasons()] == [5]  # the line of the file, not the number of the row


@pytest.mark.parametrize("bad", ['u2,Or"der,2024-03-13', 'u2,"Order,2024-03-13', 'u2,"Order"x,2024-03-13'])
def test_a_stray_quote_costs_only_its_line(file: Write, bad: str) -> None:
    path = file("a.csv", f'user_id,event,timestamp\nu1,Order,2024-03-13\n{bad}\nu3,"Order",2024-03-13\nu4,Order,2024-03-13\n')
    users = read(path).column("user_id")
    assert users in (["u1", "u3", "u4"], ["u1", "u2", "u3", "u4"])  # within an unquoted field a quote is a letter


def test_rows_that_are_too_short_or_too_long_are_rejected_and_empty_lines_ignored(file: Write) -> None:
    done = read(file("a.csv", "user_id,event,timestamp\nu1,Order\n\nu2,Order,2024-03-13,x,y\nu3,Order,2024-03-13\n,,\n"))
    assert done.column("user_id") == ["u3"]
    expected = [(2, "The row has 2 fields, the header 3."), (4, "The row has 5 fields, the header 3."), (6, "The row has no time.")]
    assert done.reasons() == expected


def test_a_huge_line_costs_only_itself(file: Write) -> None:
    huge = "x" * (readers.MAX_LINE + 10)
    path = file("a.csv", f"user_id,event,timestamp\nu1,Order,2024-03-13\n{huge},Order,2024-03-13\nu3,Order,2024-03-13\n")
    done = read(path)
    assert done.column("user_id") == ["u1", "u3"]
    assert done.reasons() == [(3, "The line has more than 1,048,576 characters.")]
    assert len(done.rejects[0].row) < 1000
    lines = f'{{"event":"A","timestamp":1710325274}}\n{{"event":"{huge}","timestamp":1710325274}}\n{{"event":"B","timestamp":1710325274}}\n'
    done = read(file("a.jsonl", lines))
    assert done.column("name") == ["A", "B"]
    assert done.reasons() == [(2, "The line has more than 1,048,576 characters.")]


def test_json_lines_that_are_no_objects_are_rejected(file: Write) -> None:
    lines = ['{"event":"A","timestamp":1710325274}', "[1]", '{"event":', "null", '{"event":"B","timestamp":"soon"}', "[" * 2000]
    done = read(file("a.jsonl", "\n".join(lines)))
    assert done.column("name") == ["A"]
    assert [line for line, _ in done.reasons()] == [2, 3, 4, 5, 6]
    assert done.reasons()[0][1] == "The line is not a JSON object but list."


def test_json_columns_may_come_late_and_be_of_any_type(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "ROWS", 2)
    values = ['"7"', "7", "7.0", "true", '{"b":[1]}', "null"]
    lines = [f'{{"event":"A","timestamp":1710325274,"user_id":{value},"late{place}":{value}}}' for place, value in enumerate(values)]
    done = read(file("a.jsonl", "\n".join(lines)))
    assert done.column("user_id") == ["7", "7", "7", None, None, None]
    assert [json.loads(row["props"]) for row in done.rows][1:3] == [{"late1": 7}, {"late2": 7}]


def test_a_header_must_name_each_column_once(file: Write) -> None:
    with pytest.raises(ImportProblem, match="“event” stands in the header more than once"):
        read(file("a.csv", "event,timestamp,event\nA,2024-03-13,B\n"))


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.csv", "\n\n"), ("a.csv.gz", ""), ("a.jsonl", ""), ("a.csv", "event,timestamp\n")]
)
def test_a_file_without_rows_says_so(file: Write, name: str, content: str) -> None:
    with pytest.raises(ImportProblem, match=r"empty|no rows"):
        read(file(name, content))


def test_a_file_that_is_not_what_it_says_is_refused(file: Write, tmp_path: Path) -> None:
    with pytest.raises(ImportProblem, match="not a Parquet file"):
        read(file("a.parquet", "user_id,event\n"))
    (tmp_path / "b.csv.gz").write_text(CSV)
    with pytest.raises(ImportProblem, match="not a whole gzip file"):
        read(tmp_path / "b.csv.gz")
    with pytest.raises(ImportProblem, match="is a spreadsheet: save it as"):
        read(file("a.xlsx", "x"))
    with pytest.raises(ImportProblem, match="cannot be read: No such file"):
        read(tmp_path / "none.csv")


def test_of_a_gzip_file_that_breaks_off_what_could_be_read_is_taken(tmp_path: Path) -> None:
    lines = "".join(f"u{number},Order,2024-03-13 10:00:00,{number * 7919 % 10007}\n" for number in range(60_000))
    whole = gzip.compress(f"user_id,event,timestamp,price\n{lines}".encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) * 19 // 20])
    taken: list[int] = []
    from bihuan.collect.events import Outcome
    from bihuan.collect.imports.plan import make_plan
    from bihuan.collect.imports.run import run_import

    def sink(events: pa.Table) -> Outcome:
        taken.append(events.num_rows)
        return Outcome(stored=events.num_rows)

    plan = make_plan(tmp_path / "a.csv.gz", {}, guess=True)
    with pytest.raises(ImportProblem, match="not a whole gzip file"):
        run_import(plan, project_id=7, zone="UTC", sink=sink, reject=lambda reject: None)
    assert sum(taken) == 50_000


def test_nothing_depends_on_how_a_file_is_cut_into_chunks(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"u{number % 7},Order,2024-03-13 10:0{number % 3}:00,{number % 2 or ''}\n" for number in range(500))
    path = file("a.csv", "user_id,event,timestamp,price\n" + lines)
    whole = read(path).rows
    monkeypatch.setattr(readers_text, "BYTES", 700)
    assert read(path).rows == whole
    assert len({row["event_key"] for row in whole}) == 500
