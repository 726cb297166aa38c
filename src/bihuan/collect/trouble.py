"""What keeps events from being stored just now, so that somebody can mend it: a full disk, a read-only folder, a store that errs."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime
from typing import Literal

import msgspec

from bihuan.engine.config import Config

NEEDED = 100_000_000  # bytes: the store refuses to insert with less (`min_free_disk_bytes_to_perform_insert`)
MB = 1_000_000

Kind = Literal["disk_full", "read_only", "store"]


class Trouble(msgspec.Struct, frozen=True):
    """`since` (ms) nothing could be stored; `free` are the bytes left on the data folder's disk."""

    kind: Kind
    since: int
    folder: str
    free: int

    @property
    def lasting(self) -> bool:
        """Whether only somebody who makes room or gives back rights ends it: until then there is no use in trying."""
        return self.kind != "store"

    def __str__(self) -> str:
        since = f"{datetime.fromtimestamp(self.since / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        match self.kind:
            case "disk_full":
                return (
                    f"The disk of {self.folder} is full: {self.free // MB} MB are left and {NEEDED // MB} MB are needed. Events are being "
                    f"refused since {since}; make room, and they are taken again by themselves."
                )
            case "read_only":
                return (
                    f"Nothing can be written to {self.folder}. Events are being refused since {since}; make the folder writable, and they "
                    "are taken again by themselves."
                )
            case _:
                return f"The event store takes nothing since {since}; its log says more. Events are refused until it does."


def find(config: Config, before: Trouble | None) -> Trouble:
    """What the matter is now that the store did not take something; `before` is what was the matter until now, if anything."""
    since = int(time.time() * 1000) if before is None else before.since
    kind, free = _of_folder(config)
    return Trouble(kind or "store", since, str(config.data), free)


def still(config: Config, trouble: Trouble) -> Trouble | None:
    """The trouble as it is now, None when there is no sign of it any more. Looks at the folder alone."""
    kind, free = _of_folder(config)
    return None if kind is None else Trouble(kind, trouble.since, trouble.folder, free)


def _of_folder(config: Config) -> tuple[Kind | None, int]:
    """What is the matter with the data folder, and how many bytes are free. A store elsewhere has its own disk."""
    try:
        free = shutil.disk_usage(config.data).free
        if config.events_url:
            return None, free
        if free < NEEDED:
            return "disk_full", free
        with tempfile.TemporaryFile(dir=config.data) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
    except OSError:
        return "read_only", 0
    return None, free
