"""Keeps the store's dictionary of links (`person_map`) as new as the links."""

from __future__ import annotations

import time

from bihuan.engine.store import Store

SHARE = 0.1  # of the time may go into reloading: 7 ms for 10,000 links, 170 ms for a million


class LinkMap:
    """Reloads at once when links change, unless that was done a moment ago and takes long; then a little later."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due = False
        self._not_before = 0.0

    def changed(self) -> None:
        """Links have been stored."""
        self._due = True
        self.catch_up()

    def catch_up(self) -> None:
        """Reload if it is due and time."""
        if self._due and time.monotonic() >= self._not_before:
            self.reload()

    def reload(self) -> None:
        """Read the links anew. Writes go through the store one at a time: when this returns, those sent before it are done."""
        began = time.monotonic()
        self._store.command("SYSTEM RELOAD DICTIONARY person_map")
        ended = time.monotonic()
        self._not_before = ended + (ended - began) * (1 / SHARE - 1)
        self._due = False
