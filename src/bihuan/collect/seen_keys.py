"""Which events are stored already, exactly, whatever their age: the latest keys in memory, all others in sorted files.

Why so, and what it costs: `docs/decisions/0004-writer.md`.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bihuan.collect.key_files import SUFFIX, KeyFile, Written, merged, ranges, write
from bihuan.collect.sorted_runs import Hashes, SortedRuns
from bihuan.engine.store import Store

IN_MEMORY = 2_000_000  # keys: 16 MB; more go to a file
ALIKE = 4  # so many files of like size are made one
PAUSE = 60.0  # seconds after a file could not be written
AT_ONCE = 2_000_000  # keys to read from the store at once: 16 MB, several times over on their way

NEWER = """
SELECT count() AS keys, toUnixTimestamp64Milli(max(received_at)) AS newest FROM events
WHERE received_at > fromUnixTimestamp64Milli({after:Int64}, 'UTC')
"""
KEYS = """
SELECT event_key FROM events
WHERE received_at > fromUnixTimestamp64Milli({after:Int64}, 'UTC') AND event_key BETWEEN {least:UInt64} AND {most:UInt64}
"""
OLDER = """
SELECT count() AS keys, groupBitXor(event_key) AS xor FROM events WHERE received_at <= fromUnixTimestamp64Milli({through:Int64}, 'UTC')
"""

log = logging.getLogger("bihuan.collect")


class SeenKeys:
    """The keys (`events.event_key`) of all stored events.

    A key is a 64-bit hash, so two different events of n share one with probability n² / 2⁶⁵ (1 in 90,000 over all of 20 million); the
    later is then taken for a repeat.

    The files are a copy of what the store holds and may be lost: `list.json` names them and says up to which `received_at` they hold the
    keys of *all* events. They are believed only when number and exclusive or of the store's keys up to then are theirs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recent = SortedRuns()
        self._files: list[KeyFile] = []
        self._through = -1  # ms; the files hold all events received until then
        self._making: _Making | None = None
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._recent) + sum(file.written.keys for file in self._files) + (len(self._making.runs) if self._making else 0)

    def load(self, store: Store) -> None:
        """Take the keys of everything in the store: those that the files lack are read from it."""
        self.settle()
        self._recent = SortedRuns()
        self._files, self._through = self._believed(store)
        (newer,) = store.fetch(NEWER, {"after": self._through}).rows
        parts = _stored_keys(store, self._through, newer["keys"])
        if newer["keys"] <= IN_MEMORY:
            for part in parts:
                self._recent.add(part)
        else:
            self._keep([*self._files, write(self._folder, parts)], newer["newest"])
        self._remove_others()

    def known(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        """For each key, whether its event is stored."""
        order = np.argsort(keys)  # in order, neighbours find the same parts of a run or file
        asked = keys[order]
        found = self._recent.contains(asked)
        if self._making is not None:
            found |= self._making.runs.contains(asked)
        for file in self._files:
            found |= file.contains(asked)
        known = np.empty_like(found)
        known[order] = found
        return known

    def new(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        """For each key, whether it is seen for the first time: neither stored nor earlier in `keys`."""
        first = np.zeros(len(keys), dtype=np.bool_)
        first[np.unique(keys, return_index=True)[1]] = True
        return first & ~self.known(keys)

    def add(self, keys: Hashes, stamp: int) -> None:
        """These are stored now, received at `stamp` (ms), as is everything before them."""
        self._recent.add(keys)
        if self._making is not None and self._making.done():
            self.settle()
        if self._making is None and time.monotonic() >= self._not_before:
            self._making = self._next(max(stamp, self._through))

    def settle(self) -> None:
        """Wait for the file that is being made, and take it up."""
        made, self._making = self._making, None
        if made is None:
            return
        try:
            file = made.result()
            self._keep([*(other for other in self._files if other not in made.files), file], max(made.through, self._through))
            for other in made.files:
                other.remove()
        except OSError as error:  # all stays as it is
            log.warning("Known keys cannot be written to %s: %s", self._folder, error)
            self._recent.add(made.runs.hashes())
            self._not_before = time.monotonic() + PAUSE

    def _next(self, stamp: int) -> _Making | None:
        """The file to make now, if any: of the keys in memory when they are many, else of several files of like size."""
        if len(self._recent) > IN_MEMORY:
            runs, self._recent = self._recent, SortedRuns()
            return _Making(self._folder, runs, [], stamp)
        alike = _alike(self._files)
        return _Making(self._folder, SortedRuns(), alike, self._through) if alike else None

    def _keep(self, files: list[KeyFile], through: int) -> None:
        """From now on these files hold all events received until `through`."""
        said = {"through": through, "files": [asdict(file.written) for file in files]}
        fresh = self._folder / "list.fresh"
        with fresh.open("w") as out:
            json.dump(said, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._folder / "list.json")
        self._files, self._through = files, through

    def _believed(self, store: Store) -> tuple[list[KeyFile], int]:
        """The files and until when they hold everything, if the store agrees."""
        try:
            said = json.loads((self._folder / "list.json").read_text())
            files = [KeyFile(self._folder, Written(**written)) for written in said["files"]]
        except (OSError, ValueError, KeyError, TypeError):
            return [], -1
        (stored,) = store.fetch(OLDER, {"through": said["through"]}).rows
        xor = 0
        for file in files:
            xor ^= file.written.xor
        if (stored["keys"], stored["xor"]) == (sum(file.written.keys for file in files), xor):
            return files, int(said["through"])
        log.info("The files of known keys are not those of this store; they are made anew.")
        return [], -1

    def _remove_others(self) -> None:
        ours = {file.written.name for file in self._files}
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path.name not in ours:
                path.unlink(missing_ok=True)


class _Making:
    """The making of one file out of keys in memory or out of several files, in a thread of its own, so that no commit waits for it."""

    def __init__(self, folder: Path, runs: SortedRuns, files: Sequence[KeyFile], through: int) -> None:
        self.runs = runs
        self.files = files
        self.through = through
        self._made: Future[KeyFile] = Future()
        threading.Thread(target=self._run, args=(folder,), name="keys", daemon=True).start()

    def done(self) -> bool:
        return self._made.done()

    def result(self) -> KeyFile:
        return self._made.result()

    def _run(self, folder: Path) -> None:
        try:
            self._made.set_result(write(folder, merged(self.files) if self.files else [self.runs.hashes()]))
        except BaseException as error:  # noqa: BLE001 - for whoever takes the result
            self._made.set_exception(error)


def _alike(files: Sequence[KeyFile]) -> list[KeyFile]:
    """Several files of like size, if there are as many."""
    of_size: dict[int, list[KeyFile]] = {}
    for file in files:
        of_size.setdefault((file.written.keys // IN_MEMORY).bit_length() // 2, []).append(file)
    return next((alike for alike in of_size.values() if len(alike) >= ALIKE), [])


def _stored_keys(store: Store, after: int, total: int) -> Iterator[Hashes]:
    """The keys of all events received after that time, a range of their values at a time, in order."""
    for least, most in ranges(total // AT_ONCE + 1):
        body = store.raw(KEYS, "RowBinary", {"after": after, "least": least, "most": most})
        yield np.unique(np.frombuffer(body, dtype="<u8"))
