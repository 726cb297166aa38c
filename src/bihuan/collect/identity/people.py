"""All ids and who they belong to, in memory: what the writer knows of identity, read from the store at start.

Two ids that are linked belong to one person; a person is whatever links connect. Its number is the smallest of its logins, or without
one the smallest of all, so that it depends on nothing but the links that hold: taking one away leaves what would be without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bihuan.collect.identity.ids import FLAG, HASH, LOGIN, WEAK, Id, id_hash
from bihuan.collect.identity.log import Told, mend_map, read_log
from bihuan.collect.sorted_runs import Numbers, SortedRuns
from bihuan.engine.store import Store

NUMBERS = f"""
SELECT {HASH} AS hash, person_id, toUInt8({FLAG}) AS flag
FROM person_ids WHERE person_id BETWEEN {{least:UInt32}} AND {{most:UInt32}} ORDER BY person_id
"""
LAST = """
SELECT greatest((SELECT max(person_id) FROM person_ids), (SELECT max(person_id) FROM events),
  (SELECT max(greatest(one, other)) FROM identity_log)) AS number
"""
AT_ONCE = 1_000_000


class Facts(NamedTuple):
    """What is known of a person: the bits of all its ids, how many of them are cookies or devices, and how many ids it has."""

    holds: int
    devices: int
    size: int


class People:
    """In memory a million ids take 30 MB: 12 for a hash and its number, 18 for whom it is linked to and what that person has.

    An id is known by 64 bits of a hash; two different ids of n share them with probability n² / 2⁶⁵ (1 in 370,000 over all of 10 million).
    """

    store: Store  # what it was loaded from
    mended: bool  # whether the store's map had to be mended then

    def __init__(self, first_number: int = 1) -> None:
        self._first_number = first_number
        self._make_room(1024)
        self._numbers = SortedRuns()
        self._again: dict[int, int] = {}  # the newer number of an id that was taken from its person, by hash
        self.next = first_number
        self.told = Told()

    def _make_room(self, size: int) -> None:
        self._flag = np.zeros(size, dtype=np.uint8)  # of each number, the bit of its id's type
        self._person: Numbers = np.zeros(size, dtype=np.uint32)  # the person's number; 0: its own
        self._following: Numbers = np.zeros(size, dtype=np.uint32)  # the next id of the same person, around; 0: it is alone
        self._holds = np.zeros(size, dtype=np.uint8)  # at the person's number, as the next two
        self._devices: Numbers = np.zeros(size, dtype=np.uint32)
        self._size: Numbers = np.zeros(size, dtype=np.uint32)

    def load(self, store: Store) -> None:
        """Take what the store holds. Mends the map where a crash left it behind the log."""
        self.store = store
        last = int(store.fetch(LAST).rows[0]["number"])
        self.next = max(last + 1, self._first_number)
        self._make_room(max(1024, self.next))
        self._numbers, self._again = SortedRuns(), {}
        for least in range(0, last + 1, AT_ONCE):
            body = store.raw(NUMBERS, "RowBinary", {"least": least, "most": least + AT_ONCE - 1})
            rows = np.frombuffer(body, dtype=[("hash", "<u8"), ("number", "<u4"), ("flag", "u1")])
            self._flag[rows["number"]] = rows["flag"]
            hashes, places = np.unique(rows["hash"][::-1], return_index=True)  # the newest number of each
            numbers = rows["number"][::-1][places].astype(np.uint32)
            known = self._numbers.contains(hashes)
            self._numbers.add(hashes[~known], numbers[~known])
            self._again.update(zip(hashes[known].tolist(), numbers[known].tolist(), strict=True))
        self.told, links, holds = read_log(store)
        for old, new in self.told.unbound:
            self._flag[old] = self._flag[new]
        self._holds = self._flag.copy()
        self._devices = ((self._flag & WEAK) != 0).astype(np.uint32)
        self._size = np.ones(len(self._flag), dtype=np.uint32)
        self._connect(links[holds])
        self.told.next, self.mended = mend_map(store, np.unique(links), self._person, self.told.next)

    def _connect(self, links: npt.NDArray[np.uint32]) -> None:
        """Make persons of the links (pairs of numbers) that hold."""
        linked = np.unique(links).astype(np.uint32)
        if not len(linked):
            return
        root = linked[components(np.searchsorted(linked, links), (self._flag[linked] & LOGIN) != 0)]
        self._person[linked] = np.where(root == linked, 0, root)
        order = np.argsort(root, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(root[order].astype(np.int64)) != 0, True))
        starts = np.append(0, ends[:-1] + 1)
        following = np.append(linked[order][1:], 0).astype(np.uint32)
        following[ends] = linked[order][starts]
        self._following[linked[order]] = following
        persons = root[order][starts]
        self._holds[persons] = np.bitwise_or.reduceat(self._flag[linked[order]], starts)
        self._devices[persons] = np.add.reduceat((self._flag[linked[order]] & WEAK) != 0, starts, dtype=np.uint32)
        self._size[persons] = ends - starts + 1

    def find(self, ids: Iterable[Id]) -> dict[Id, int]:
        """The numbers of those ids that have one."""
        wanted = list(ids)
        hashes = np.fromiter(map(id_hash, wanted), dtype=np.uint64, count=len(wanted))
        found = self._numbers.numbers(hashes).tolist()
        if self._again:
            found = [self._again.get(digest, number) for digest, number in zip(hashes.tolist(), found, strict=True)]
        return {one: number for one, number in zip(wanted, found, strict=True) if number}

    def person(self, number: int) -> int:
        """The person whom this number belongs to: its own number, when nothing links it to another."""
        return (int(self._person[number]) or number) if number < len(self._person) else number

    def facts(self, person: int) -> Facts:
        """What is known of a person by its number."""
        if person >= len(self._size):
            return Facts(0, 0, 1)
        return Facts(int(self._holds[person]), int(self._devices[person]), int(self._size[person]))

    def flag(self, number: int) -> int:
        """The bit of the type of this number's id."""
        return int(self._flag[number]) if number < len(self._flag) else 0

    def members(self, person: int) -> Iterator[int]:
        """The numbers that belong to a person."""
        yield person
        at = int(self._following[person]) if person < len(self._following) else 0
        while at and at != person:
            yield at
            at = int(self._following[at])

    def remember(self, ids: dict[Id, int]) -> None:
        """These ids have these numbers now, and belong to nobody else."""
        if not ids:
            return
        highest = max(ids.values())
        while highest >= len(self._flag):
            self._grow()
        hashes = np.fromiter(map(id_hash, ids), dtype=np.uint64, count=len(ids))
        numbers = np.fromiter(ids.values(), dtype=np.uint32, count=len(ids))
        flags = np.fromiter((one.flag for one in ids), dtype=np.uint8, count=len(ids))
        known = self._numbers.contains(hashes)
        self._numbers.add(hashes[~known], numbers[~known])
        self._again.update(zip(hashes[known].tolist(), numbers[known].tolist(), strict=True))
        self._flag[numbers] = self._holds[numbers] = flags
        self._devices[numbers] = (flags & WEAK) != 0
        self._size[numbers] = 1
        self.next = max(self.next, highest + 1)

    def regroup(self, person: int, members: list[int]) -> None:
        """These numbers are the person `person` now, and no others."""
        while max(members) >= len(self._flag):
            self._grow()
        numbers = np.array(members, dtype=np.uint32)
        self._person[numbers] = np.where(numbers == person, 0, person)
        self._following[numbers] = np.roll(numbers, -1) if len(members) > 1 else 0
        self._holds[person] = np.bitwise_or.reduce(self._flag[numbers])
        self._devices[person] = int(np.count_nonzero(self._flag[numbers] & WEAK))
        self._size[person] = len(members)

    def _grow(self) -> None:
        for name in ("_flag", "_person", "_following", "_holds", "_devices", "_size"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate((array, np.zeros_like(array))))


def components(links: npt.NDArray[np.intp], login: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """For each of so many ids the place of its person's number, when these pairs of places are linked: of the first login, or without
    one of the first id."""
    order = np.argsort(~login, kind="stable")  # logins before all others; each id takes the least rank that it can reach
    rank = np.empty(len(login), dtype=np.intp)
    rank[order] = reach = np.arange(len(login))
    one, other = rank[links[:, 0]], rank[links[:, 1]]
    while True:
        low, high = np.minimum(reach[one], reach[other]), np.maximum(reach[one], reach[other])
        apart = low != high
        if not apart.any():
            return order[reach[rank]]
        np.minimum.at(reach, high[apart], low[apart])
        while not np.array_equal(jumped := reach[reach], reach):
            reach = jumped


def groups(members: Iterable[int], edges: Iterable[tuple[int, int]], people: People) -> list[tuple[int, list[int]]]:
    """The persons that a person's numbers are when only these links hold, each as its number and its members."""
    above: dict[int, int] = {}

    def top(number: int) -> int:
        while (up := above.get(number, number)) != number:
            number = up
        return number

    for one, other in edges:
        above[top(one)] = top(other)
    found: dict[int, list[int]] = defaultdict(list)
    for number in sorted(members):
        found[top(number)].append(number)
    return [(min(group, key=lambda number: (not people.flag(number) & LOGIN, number)), group) for group in found.values()]
