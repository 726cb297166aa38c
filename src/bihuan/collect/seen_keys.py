"""Which events are stored already: the keys of all of them, exactly, in 8 bytes each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bihuan.collect.sorted_runs import Hashes, SortedRuns
from bihuan.engine.store import Store

AT_ONCE = 2_000_000  # keys to read from the store at once: 16 MB


class SeenKeys:
    """The keys (`events.event_key`) of all stored events.

    A key is a 64-bit hash, so two different events of n share one with probability n² / 2⁶⁵ (1 in 90,000 over all of 20 million); the
    later is then taken for a repeat. A million keys take 8 MB; 20 million, 160 MB.
    """

    def __init__(self) -> None:
        self._keys = SortedRuns()

    def __len__(self) -> int:
        return len(self._keys)

    def load(self, store: Store) -> None:
        """Take the keys of everything in the store."""
        keys = SortedRuns()
        for part in _stored_keys(store):
            keys.add(part)
        self._keys = keys

    def new(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        """For each key, whether it is seen for the first time: neither stored nor earlier in `keys`."""
        first = np.zeros(len(keys), dtype=np.bool_)
        first[np.unique(keys, return_index=True)[1]] = True
        return first & ~self._keys.contains(keys)

    def known(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        """For each key, whether its event is stored."""
        return self._keys.contains(keys)

    def add(self, keys: Hashes) -> None:
        """These are stored now."""
        self._keys.add(keys)


def _stored_keys(store: Store) -> Iterator[Hashes]:
    """All keys, a range of their values at a time."""
    total = int(store.fetch("SELECT count() AS total FROM events").rows[0]["total"])
    parts = total // AT_ONCE + 1
    width = 2**64 // parts + 1
    for part in range(parts):
        bounds = {"least": part * width, "most": min((part + 1) * width, 2**64) - 1}
        body = store.raw("SELECT event_key FROM events WHERE event_key BETWEEN {least:UInt64} AND {most:UInt64}", "RowBinary", bounds)
        yield np.unique(np.frombuffer(body, dtype="<u8"))
