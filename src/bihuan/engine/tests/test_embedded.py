"""The embedded engine tells what an answer cost."""

from __future__ import annotations

from bihuan.engine.store import Store


def test_an_answer_says_how_many_rows_were_read_not_how_many_came_out(store: Store):
    assert store.fetch("SELECT sum(number) AS total FROM numbers(1000000)").rows_read == 1_000_000


def test_a_condition_may_have_more_values_than_fit_into_an_address(store: Store):
    values = [f"买家 it's\t\\{number}\n" for number in range(5000)]
    row = store.fetch("SELECT {values:Array(String)} AS values, {one:String} AS one", {"values": values, "one": 'a "b"\r\n--x'}).rows[0]
    assert (row["values"], row["one"]) == (values, 'a "b"\r\n--x')
