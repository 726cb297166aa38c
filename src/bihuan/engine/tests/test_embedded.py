"""The embedded engine tells what an answer cost."""

from __future__ import annotations

from bihuan.engine.store import Store


def test_an_answer_says_how_many_rows_were_read_not_how_many_came_out(store: Store):
    assert store.fetch("SELECT sum(number) AS total FROM numbers(1000000)").rows_read == 1_000_000
