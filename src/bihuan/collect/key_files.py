"""Sorted keys in a file that is never changed: whether one is in it is known without reading it for nearly every key that is not."""

from __future__ import annotations

import mmap
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from bihuan.collect.sorted_runs import Hashes

PAGE = 512  # keys; the first one of each is in the index, so that a key is looked for in one page of the disk
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
    """The keys in order, then the first of every page, then the filter: 64-bit words, of which a key's upper half chooses one and
    its lower bits four bits in it. Keys are hashes, so their bits are as good as random; were they not, only time would be lost.

    It is read through the page cache: what it takes of the memory, the system takes back when others need it.
    """

    def __init__(self, folder: Path, written: Written) -> None:
        self.written = written
        self._path = folder / written.name
        pages, words = -(-written.keys // PAGE), _words(written.keys)
        with self._path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapped.madvise(mmap.MADV_RANDOM)
        numbers = np.frombuffer(mapped, dtype="<u8")
        if len(numbers) != written.keys + pages + words:
            raise ValueError(f"{self._path} is not as long as it was written.")
        self._keys, self._index, self._filter = np.split(numbers, (written.keys, written.keys + pages))

    def contains(self, asked: Hashes) -> npt.NDArray[np.bool_]:
        """For each of these keys, which are in order, whether it is in the file."""
        places, bits = _places(asked, len(self._filter))
        maybe = np.flatnonzero((self._filter[places] & bits) == bits)
        found = np.zeros(len(asked), dtype=np.bool_)
        found[maybe] = self._search(asked[maybe])
        return found

    def between(self, least: int, most: int) -> Hashes:
        """Its keys from `least` to `most`."""
        bounds = np.searchsorted(self._keys, np.array([least, most], dtype=np.uint64), side="left")
        end = bounds[1] + (bounds[1] < len(self._keys) and self._keys[bounds[1]] == most)
        return self._keys[bounds[0] : end]

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _search(self, asked: Hashes) -> npt.NDArray[np.bool_]:
        """Halve the page in which each key must be, all of them in step."""
        last = len(self._keys) - 1
        at = np.maximum(np.searchsorted(self._index, asked, side="right") - 1, 0) * PAGE
        step = PAGE // 2
        while step:
            further = np.minimum(at + step, last)
            at = np.where(self._keys[further] <= asked, further, at)
            step //= 2
        return self._keys[at] == asked


def write(folder: Path, parts: Iterable[Hashes]) -> KeyFile:
    """A new file of these keys, each part in order and after the one before; it is on disk when this returns."""
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{uuid.uuid4().hex}{SUFFIX}"
    keys, xor = 0, 0
    try:
        with (folder / name).open("xb+") as file:
            for part in parts:
                file.write(np.ascontiguousarray(part, dtype="<u8").data)
                keys, xor = keys + len(part), xor ^ int(np.bitwise_xor.reduce(part))
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
        yield np.sort(np.concatenate([file.between(least, most) for file in files]))


def ranges(parts: int) -> Iterator[tuple[int, int]]:
    """All 64-bit numbers in so many ranges of the same width."""
    width = 2**64 // parts + 1
    for part in range(parts):
        yield part * width, min((part + 1) * width, 2**64) - 1


def _complete(file: IO[bytes], keys: int) -> None:
    """Write the index and the filter behind the keys."""
    words, size = _words(keys), keys * 8
    index = np.concatenate([part[(-begin) % PAGE :: PAGE] for begin, part in _read(file, keys)]) if keys else np.zeros(0, dtype="<u8")
    file.seek(size)
    file.write(index.data)
    place, word = 0, np.uint64(0)
    for _, part in _read(file, keys):
        places, bits = _places(part, words)
        first = np.flatnonzero(np.concatenate(([True], places[1:] != places[:-1])))  # the keys are in order, and so are their words
        filled = np.zeros(int(places[-1]) - place + 1, dtype="<u8")
        filled[places[first] - place] = np.bitwise_or.reduceat(bits, first)
        filled[0] |= word
        file.seek(size + index.nbytes + place * 8)
        file.write(filled.data)
        place, word = int(places[-1]), filled[-1]
    file.truncate(size + index.nbytes + words * 8)


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
