"""Sorted keys in a file that is never changed: whether one is in it is known without reading it for nearly every key that is not."""

from __future__ import annotations

import os
import uuid
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from bihuan.collect.sorted_runs import Hashes

PAGE = 128  # keys; the first one of each is in the index, so that a key is looked for in one page of the file
KEYS_A_WORD = 5  # of the filter: 12.8 bits a key, of which each sets four; about 2 % of unknown keys pass it
AT_ONCE = 1_000_000  # keys to work on at once: 8 MB
SUFFIX = ".keys"


@dataclass(frozen=True)
class Written:
    """What a file holds: its name, how many keys, and the exclusive or of all of them."""

    name: str
    keys: int
    xor: int


class KeyFile:
    """The keys in order, in whole pages (the last key fills the last page); the first of every page; and the filter: 64-bit words, of which
    a key's upper half chooses one and its lower bits four bits in it. Keys are hashes, so their bits are as good as random; were they not,
    only time would be lost.

    In memory are the index and, as the system sees fit, the pages of the filter: together 1.7 bytes a key.
    """

    def __init__(self, folder: Path, written: Written) -> None:
        self.written = written
        self._path = folder / written.name
        pages, words = -(-written.keys // PAGE), _words(written.keys)
        if self._path.stat().st_size != 8 * (pages * PAGE + pages + words):
            raise ValueError(f"{self._path} is not as long as it was written.")
        self._index: Hashes = np.fromfile(self._path, dtype="<u8", count=pages, offset=8 * pages * PAGE)
        self._filter: Hashes = np.asarray(np.memmap(self._path, dtype="<u8", mode="r", offset=8 * (pages * PAGE + pages), shape=(words,)))
        self._descriptor = os.open(self._path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def contains(self, asked: Hashes) -> npt.NDArray[np.bool_]:
        """For each of these keys, which are in order, whether it is in the file."""
        places, bits = _places(asked, len(self._filter))
        maybe = np.flatnonzero((self._filter[places] & bits) == bits)
        found = np.zeros(len(asked), dtype=np.bool_)
        found[maybe] = self._search(asked[maybe])
        return found

    def between(self, least: int, most: int) -> Hashes:
        """Its keys from `least` to `most`."""
        begin = max(int(np.searchsorted(self._index, np.uint64(least))) - 1, 0)
        end = int(np.searchsorted(self._index, np.uint64(most), side="right"))
        keys = np.frombuffer(os.pread(self._descriptor, 8 * (end - begin) * PAGE, 8 * begin * PAGE), dtype="<u8")
        keys = keys[: self.written.keys - begin * PAGE]
        return keys[np.searchsorted(keys, np.uint64(least)) : np.searchsorted(keys, np.uint64(most), side="right")]

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _search(self, asked: Hashes) -> npt.NDArray[np.bool_]:
        """Read the page in which each key must be, if anywhere."""
        pages = np.maximum(np.searchsorted(self._index, asked, side="right") - 1, 0)
        needed, which = np.unique(pages, return_inverse=True)
        read = b"".join(os.pread(self._descriptor, 8 * PAGE, 8 * PAGE * int(page)) for page in needed)
        found: npt.NDArray[np.bool_] = (np.frombuffer(read, dtype="<u8").reshape(-1, PAGE)[which] == asked[:, None]).any(axis=1)
        return found


def write(folder: Path, parts: Iterable[Hashes]) -> KeyFile:
    """A new file of these keys, each part in order and after the one before; it is on disk when this returns."""
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{uuid.uuid4().hex}{SUFFIX}"
    keys, xor, last = 0, 0, np.zeros(0, dtype=np.uint64)
    try:
        with (folder / name).open("xb+") as file:
            for part in filter(len, parts):
                file.write(np.ascontiguousarray(part, dtype="<u8").data)
                keys, xor, last = keys + len(part), xor ^ int(np.bitwise_xor.reduce(part)), part[-1:]
            file.write(np.repeat(np.asarray(last, dtype="<u8"), -keys % PAGE).data)
            _complete(file, keys)
            os.fsync(file.fileno())
    except BaseException:
        (folder / name).unlink(missing_ok=True)
        raise
    return KeyFile(folder, Written(name, keys, xor))


def merged(files: Sequence[KeyFile]) -> Iterator[Hashes]:
    """The keys of all these files, in order, a part at a time."""
    parts = sum(file.written.keys for file in files) // AT_ONCE + 1
    for least, most in ranges(parts):
        together = np.concatenate([file.between(least, most) for file in files])
        together.sort()
        yield together


def ranges(parts: int) -> Iterator[tuple[int, int]]:
    """All 64-bit numbers in so many ranges of the same width."""
    width = 2**64 // parts + 1
    for part in range(parts):
        yield part * width, min((part + 1) * width, 2**64) - 1


def _complete(file: IO[bytes], keys: int) -> None:
    """Write the index and the filter behind the keys."""
    words, pages = _words(keys), -(-keys // PAGE)
    begin_filter = 8 * (pages * PAGE + pages)
    place, word = 0, np.uint64(0)
    for begin, part in _read(file, keys):
        file.seek(8 * (pages * PAGE + -(-begin // PAGE)))
        file.write(np.ascontiguousarray(part[-begin % PAGE :: PAGE]).data)
        places, bits = _places(part, words)
        first = np.flatnonzero(np.concatenate(([True], places[1:] != places[:-1])))  # the keys are in order, and so are their words
        filled = np.zeros(int(places[-1]) - place + 1, dtype="<u8")
        filled[places[first] - place] = np.bitwise_or.reduceat(bits, first)
        filled[0] |= word
        file.seek(begin_filter + place * 8)
        file.write(filled.data)
        place, word = int(places[-1]), filled[-1]
    file.truncate(begin_filter + words * 8)


def _read(file: IO[bytes], keys: int) -> Iterator[tuple[int, Hashes]]:
    for begin in range(0, keys, AT_ONCE):
        file.seek(begin * 8)
        yield begin, np.frombuffer(file.read(min(AT_ONCE, keys - begin) * 8), dtype="<u8")


def _words(keys: int) -> int:
    return keys // KEYS_A_WORD + 1


def _places(keys: Hashes, words: int) -> tuple[npt.NDArray[np.int64], Hashes]:
    """For each key its word in the filter, and its bits in that word."""
    one, low = np.uint64(1), np.uint64(63)
    bits = one << (keys & low)
    for shift in (6, 12, 18):
        bits |= one << ((keys >> np.uint64(shift)) & low)
    return (((keys >> np.uint64(32)) * np.uint64(words)) >> np.uint64(32)).astype(np.int64), bits
