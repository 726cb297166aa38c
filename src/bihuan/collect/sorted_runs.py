"""Which 64-bit hashes are known, and optionally a number for each, in 8 (12) bytes a hash: sorted arrays, merged as they grow."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Hashes: TypeAlias = npt.NDArray[np.uint64]
Numbers: TypeAlias = npt.NDArray[np.uint32]

LARGEST_RUN = 4_000_000  # a merge takes as much memory again as what it merges: 32 MB at most


class SortedRuns:
    """A set of hashes, or a map from hashes to numbers, that only grows.

    A run is a sorted array. Two neighbours of like size are merged, so that n hashes lie in about log2(n) + n / LARGEST_RUN runs;
    looking up is a binary search in each. Python's own set or dict would take 60 to 120 bytes a hash.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Numbers | None]] = []

    def __len__(self) -> int:
        return sum(len(hashes) for hashes, _ in self._runs)

    def add(self, hashes: Hashes, numbers: Numbers | None = None) -> None:
        """Add hashes, with their numbers if this is a map; none may be known already."""
        if not len(hashes):
            return
        self._runs.append(_sorted(hashes, numbers))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            (older, older_numbers), (newer, newer_numbers) = self._runs[-2:]
            if len(older) + len(newer) > LARGEST_RUN:
                return
            both = None if older_numbers is None or newer_numbers is None else np.concatenate((older_numbers, newer_numbers))
            self._runs[-2:] = [_sorted(np.concatenate((older, newer)), both)]

    def hashes(self) -> Hashes:
        """All of them, in order."""
        together: Hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *(run for run, _ in self._runs)])
        together.sort()
        return together

    def contains(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """For each hash, whether it is known."""
        order = np.argsort(hashes)  # asking in order, neighbours find the same parts of a run in the processor's cache
        asked = hashes[order]
        known = np.zeros(len(hashes), dtype=np.bool_)
        for run, _ in self._runs:
            known |= run[_places(run, asked)] == asked
        found = np.empty_like(known)
        found[order] = known
        return found

    def numbers(self, hashes: Hashes) -> Numbers:
        """For each hash its number, or 0."""
        order = np.argsort(hashes)
        asked = hashes[order]
        known = np.zeros(len(hashes), dtype=np.uint32)
        for run, numbers in self._runs:
            places = _places(run, asked)
            hit = run[places] == asked
            if numbers is not None:
                known[hit] = numbers[places[hit]]
        found = np.empty_like(known)
        found[order] = known
        return found


def _places(run: Hashes, hashes: Hashes) -> npt.NDArray[np.intp]:
    return np.minimum(np.searchsorted(run, hashes), len(run) - 1)


def _sorted(hashes: Hashes, numbers: Numbers | None) -> tuple[Hashes, Numbers | None]:
    if numbers is None:
        return np.sort(hashes), None
    order = np.argsort(hashes)
    return hashes[order], numbers[order]
