"""Sets and maps of hashes, against Python's own."""

from __future__ import annotations

import numpy as np
import pytest

from bihuan.collect import sorted_runs
from bihuan.collect.sorted_runs import SortedRuns


@pytest.mark.parametrize("largest", [1_000, 4_000_000])
def test_what_was_added_is_found_with_its_number_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    monkeypatch.setattr(sorted_runs, "LARGEST_RUN", largest)
    random = np.random.default_rng(7)
    hashes = np.unique(random.integers(0, 2**64, 20_000, dtype=np.uint64))
    random.shuffle(hashes)
    added, others = hashes[:15_000], hashes[15_000:]
    plain, mapped, at = SortedRuns(), SortedRuns(), 0
    while at < len(added):
        size = int(random.integers(0, 300))
        plain.add(added[at : at + size])
        mapped.add(added[at : at + size], np.arange(at + 1, at + 1 + len(added[at : at + size]), dtype=np.uint32))
        at += size
    assert len(plain) == len(mapped) == len(added)
    asked = np.concatenate((others, added))
    expected = np.concatenate((np.zeros(len(others), dtype=bool), np.ones(len(added), dtype=bool)))
    assert (plain.contains(asked) == expected).all()
    assert (mapped.numbers(asked)[len(others) :] == np.arange(1, len(added) + 1)).all()
    assert not mapped.numbers(others).any()


def test_an_empty_set_knows_nothing() -> None:
    nothing = np.zeros(0, dtype=np.uint64)
    assert not SortedRuns().contains(np.ones(3, dtype=np.uint64)).any()
    runs = SortedRuns()
    runs.add(nothing)
    assert len(runs) == 0
    assert len(runs.contains(nothing)) == 0
