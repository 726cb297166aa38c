"""Which event a line is: the same line of the same file is the same event whenever it is read again, and a repeated line is one more.

The key of a line is the hash of its content and its ordinal among the identical lines of the file. Counting them takes one pass and
12 bytes for each distinct line: 120 MB for ten million lines, and 100 MB more for a moment while two sorted runs are merged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LARGEST_RUN = 4_000_000
MIX = 0x9E3779B97F4A7C15


def hashes(contents: Iterable[bytes], seed: bytes = b"") -> np.ndarray:
    """A 64-bit hash of each content, the same on every machine."""
    import numpy as np

    base = hashlib.blake2b(seed, digest_size=8)
    digests = []
    for content in contents:
        one = base.copy()
        one.update(content)
        digests.append(one.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8")


class LineKeys:
    """Turns the content hashes of a file's lines, chunk by chunk and in order, into event keys."""

    def __init__(self) -> None:
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []  # sorted hashes with their counts, the longest run first

    def keys(self, content: np.ndarray) -> np.ndarray:
        """The event key of each line: the content's hash itself for its first line, mixed with the ordinal for the others."""
        import numpy as np

        ordinals = self._ordinals(content)
        keys = content.copy()
        again = ordinals > 0
        if again.any():
            keys[again] = _mixed(content[again], ordinals[again].astype(np.uint64))
        return keys

    def repeated(self, content: np.ndarray) -> np.ndarray:
        """Whether each content came before, here or in an earlier chunk."""
        return self._ordinals(content) > 0

    def _ordinals(self, content: np.ndarray) -> np.ndarray:
        import numpy as np

        order = np.argsort(content, kind="stable")
        ranked = content[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.empty(0, dtype=np.int64)
        counts = np.diff(np.r_[starts, len(ranked)])
        distinct = ranked[starts]
        before = self._counted(distinct)
        within = np.arange(len(ranked)) - np.repeat(starts, counts)
        ordinals = np.empty(len(ranked), dtype=np.int64)
        ordinals[order] = within + np.repeat(before, counts)
        self._add(distinct, counts.astype(np.uint32))
        return ordinals

    def _counted(self, distinct: np.ndarray) -> np.ndarray:
        """How many lines with each of these hashes came before."""
        import numpy as np

        total = np.zeros(len(distinct), dtype=np.int64)
        for run, counts in self._runs:
            place = np.searchsorted(run, distinct)
            place[place == len(run)] = 0
            hit = run[place] == distinct
            total[hit] += counts[place[hit]]
        return total

    def _add(self, distinct: np.ndarray, counts: np.ndarray) -> None:
        import numpy as np

        if not len(distinct):
            return
        self._runs.append((distinct, counts))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            if len(self._runs[-2][0]) + len(self._runs[-1][0]) > LARGEST_RUN:
                return
            (later, later_counts), (earlier, earlier_counts) = self._runs.pop(), self._runs.pop()
            both = np.concatenate([earlier, later])
            order = np.argsort(both, kind="stable")
            both = both[order]
            amounts = np.concatenate([earlier_counts, later_counts])[order]
            starts = np.flatnonzero(np.r_[True, both[1:] != both[:-1]])
            self._runs.append((both[starts], np.add.reduceat(amounts, starts, dtype=np.uint32)))


def _mixed(content: np.ndarray, ordinal: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 over both, so that ordinals of one content and of another do not meet."""
    import numpy as np

    with np.errstate(over="ignore"):
        x = content + ordinal * np.uint64(MIX)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
