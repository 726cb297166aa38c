"""Who an event belongs to: each id gets a dense number once, and an anonymous id is linked to the first user that identifies with it.

An event keeps the number of the id it came with; a link is a row beside it (`person_links`), so it holds for all of history at once and
can be taken back. The rules:

- a user id is never linked to anything: two identified people are never made one by what a client sends;
- an anonymous id is linked to the first user id that it comes together with; a second user on the same device changes nothing;
- `alias` from an anonymous (or unknown) id links it; from the same id, nothing happens; from another user's id, it is refused and recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np

from bihuan.collect.sorted_runs import Numbers, SortedRuns
from bihuan.engine.store import Store

NUMBERS = """
SELECT reinterpretAsUInt64(substring(SHA256(concat(toString(project_id), '\\0', id_type, '\\0', id)), 1, 8)) AS hash, person_id
FROM person_ids WHERE person_id BETWEEN {least:UInt32} AND {most:UInt32}
"""
LINKS = "SELECT person_id, argMax(canonical, version) AS canonical FROM person_links GROUP BY person_id"
LAST = "SELECT greatest((SELECT max(person_id) FROM person_ids), (SELECT max(person_id) FROM events)) AS number"
AT_ONCE = 1_000_000


class Id(NamedTuple):
    """One id of somebody in a project."""

    project: int
    type: Literal["user", "anonymous"]
    text: str


class People:
    """All ids and links. In memory a million ids take 16 MB: 8 for a hash, 4 for its number, 4 for whom it is linked to.

    An id is known by 64 bits of a hash; two different ids of n share them with probability n² / 2⁶⁵ (1 in 370,000 over all of 10 million).
    """

    def __init__(self, first_number: int = 1) -> None:
        self._first_number = first_number
        self._numbers = SortedRuns()
        self._linked: Numbers = np.zeros(1024, dtype=np.uint32)
        self.next = first_number

    def load(self, store: Store) -> None:
        """Take what the store holds."""
        last = int(store.fetch(LAST).rows[0]["number"])
        numbers = SortedRuns()
        for least in range(0, last + 1, AT_ONCE):
            body = store.raw(NUMBERS, "RowBinary", {"least": least, "most": least + AT_ONCE - 1})
            rows = np.frombuffer(body, dtype=[("hash", "<u8"), ("number", "<u4")])
            hashes, places = np.unique(rows["hash"], return_index=True)
            numbers.add(hashes, rows["number"][places].astype(np.uint32))
        self._numbers = numbers
        self.next = max(last + 1, self._first_number)
        pairs = np.frombuffer(store.raw(LINKS, "RowBinary"), dtype=[("number", "<u4"), ("canonical", "<u4")])
        self._linked = np.zeros(max(1024, self.next), dtype=np.uint32)
        self._linked[pairs["number"]] = pairs["canonical"]

    def find(self, ids: Iterable[Id]) -> dict[Id, int]:
        """The numbers of those ids that have one."""
        wanted = list(ids)
        found = self._numbers.numbers(np.fromiter(map(id_hash, wanted), dtype=np.uint64, count=len(wanted)))
        return {one: int(number) for one, number in zip(wanted, found, strict=True) if number}

    def linked(self, number: int) -> int:
        """The person to whom this number is linked, or 0."""
        return int(self._linked[number]) if number < len(self._linked) else 0

    def take(self, changes: Changes) -> None:
        """The changes are stored: remember them."""
        if changes.new:
            hashes = np.fromiter(map(id_hash, changes.new), dtype=np.uint64, count=len(changes.new))
            self._numbers.add(hashes, np.fromiter(changes.new.values(), dtype=np.uint32, count=len(changes.new)))
            self.next = max(self.next, max(changes.new.values()) + 1)
        for number, link in changes.links.items():
            while number >= len(self._linked):
                self._linked = np.concatenate((self._linked, np.zeros_like(self._linked)))
            self._linked[number] = link.person


class Link(NamedTuple):
    """That an anonymous id belongs to `person`: why, and by which source."""

    project: int
    person: int
    why: str
    by: str


class Changes:
    """What one commit changes about people: numbers for new ids, and links. Nothing of it holds until `People.take`."""

    def __init__(self, people: People, ids: Mapping[Id, int], maybe: Iterable[Id] = ()) -> None:
        """`ids` get a number if they have none (their values are when they were first seen); `maybe` are only looked up."""
        self._people = people
        self._known = people.find({*ids, *maybe})
        self._next = people.next
        self.new: dict[Id, int] = {}
        self.links: dict[int, Link] = {}
        for one in ids:
            self._number(one)

    def number(self, one: Id) -> int:
        """The number of an id; 0 for one that has none."""
        return self._known.get(one, 0)

    def identify(self, user: Id, anonymous: Id, by: str) -> None:
        """The two ids came together."""
        self._link(anonymous, user, "identify", by)

    def alias(self, user: Id, previous: str, by: str) -> bool:
        """`previous` is an earlier id of `user`. False when that would make two identified people one, which is refused."""
        anonymous, other = Id(user.project, "anonymous", previous), Id(user.project, "user", previous)
        if other == user:
            return True
        if not self.number(anonymous) and self.number(other):
            return False
        self._number(anonymous)
        self._link(anonymous, user, "alias", by)
        return True

    def _link(self, anonymous: Id, user: Id, why: str, by: str) -> None:
        number = self.number(anonymous)
        if number not in self.links and not self._people.linked(number):
            self.links[number] = Link(user.project, self.number(user), why, by)

    def _number(self, one: Id) -> None:
        if one not in self._known:
            self._known[one] = self.new[one] = self._next
            self._next += 1


def id_hash(one: Id) -> int:
    """64 bits that stand for an id; the store computes the same in `NUMBERS`."""
    return int.from_bytes(sha256(f"{one.project}\0{one.type}\0{one.text}".encode()).digest()[:8], "little")
