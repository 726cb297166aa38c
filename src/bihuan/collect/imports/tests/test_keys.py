"""Which event a line is: equal lines are told apart by their ordinal, whatever the chunks are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bihuan.collect.events import event_key
from bihuan.collect.imports.keys import LineKeys, hashes


def keys(lines: list[bytes], *sizes: int) -> list[int]:
    """The keys of lines that come in chunks of these sizes, and a last one."""
    maker, found, begin = LineKeys(), [], 0
    for size in (*sizes, len(lines)):
        found += maker.keys(hashes(lines[begin : begin + size])).tolist()
        begin += size
    return found


def test_each_of_equal_lines_has_a_key_of_its_own_and_the_same_ones_again() -> None:
    lines = [b"a", b"b", b"a", b"a", b"c", b"b"]
    first = keys(lines)
    assert len(set(first)) == 6
    assert keys(lines) == first


def test_an_appended_file_has_the_same_keys_for_its_old_lines() -> None:
    assert keys([b"a", b"b", b"a", b"c", b"a"])[:3] == keys([b"a", b"b", b"a"])


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=60), st.lists(st.integers(0, 20), max_size=6))
def test_how_a_file_is_cut_into_chunks_does_not_matter(lines: list[bytes], sizes: list[int]) -> None:
    assert keys(lines, *sizes) == keys(lines)
    assert len(set(keys(lines))) == len(lines)


@given(st.permutations([b"a", b"a", b"a", b"b", b"c"]))
def test_the_order_of_lines_does_not_matter_for_the_set_of_keys(lines: list[bytes]) -> None:
    assert sorted(keys(lines)) == sorted(keys([b"a", b"a", b"a", b"b", b"c"]))


def test_an_id_gives_the_key_that_the_same_event_has_when_it_comes_one_by_one() -> None:
    assert int(hashes([b"order-17"], b"7\0import\0")[0]) == event_key(7, "import", "order-17")


def test_a_distinct_line_takes_twelve_bytes() -> None:
    maker = LineKeys()
    for chunk in range(20):
        maker.keys(np.arange(chunk * 10_000, (chunk + 1) * 10_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    assert sum(run.nbytes + counts.nbytes for run, counts in maker._runs) == 200_000 * 12
    assert len(maker._runs) < 12
