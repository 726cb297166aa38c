"""The rules of identity once more, slow and obvious: what the tests hold the real ones to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Who = tuple[str, str]  # type and text of an id

CERTAIN = ("user", "email", "phone", "unionid")  # two persons with an id of the same such type are two
DEVICES = ("anonymous", "cookie", "device")


@dataclass
class Link:
    """A row about two numbers; whether it holds now, and whether it may come again by itself."""

    kind: str
    one: int
    other: int
    holds: bool
    barred: bool = False


@dataclass
class Reference:
    """One project. Numbers are given as ids come; `type_of` keeps each number's type."""

    shared_after: int = 5
    most_devices: int = 200
    number: dict[Who, int] = field(default_factory=dict)
    type_of: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    said: list[tuple[str, int, int]] = field(default_factory=list)
    shared: set[int] = field(default_factory=set)
    met: Counter[int] = field(default_factory=Counter)

    def give(self, who: Who) -> int:
        if who not in self.number:
            self._new(who)
        return self.number[who]

    def person(self, number: int) -> frozenset[int]:
        """All numbers that links lead to."""
        reached, waiting = {number}, [number]
        while waiting:
            at = waiting.pop()
            for link in self.links:
                if link.holds and at in (link.one, link.other):
                    other = link.other if at == link.one else link.one
                    if other not in reached:
                        reached.add(other)
                        waiting.append(other)
        return frozenset(reached)

    def meet(self, one: Who, other: Who) -> None:
        x, y = self.give(one), self.give(other)
        mine, theirs = self.person(x), self.person(y)
        if mine == theirs or self._barred(mine, theirs):
            return
        if x in self.shared or y in self.shared:
            return
        if self._clash(mine, theirs):
            self._apart(one, other, x, y)
        elif self._devices(mine) and self._devices(theirs) and self._devices(mine) + self._devices(theirs) > self.most_devices:
            return
        else:
            self.links.append(Link("link", x, y, holds=True))

    def unbind(self, who: Who, gone: Who) -> None:
        if gone in self.number and gone != who and self.person(self.number[gone]) == self.person(self.number[who]):
            old = self.number[gone]
            self._new(gone)
            self.links.append(Link("unbind", old, self.number[gone], holds=False))

    def merge(self, x: int, y: int) -> None:
        if self.person(x) != self.person(y):
            self.links.append(Link("merge", x, y, holds=True))

    def undo(self, link: Link) -> None:
        if link.holds != (link.kind == "unbind"):
            link.holds = link.kind == "unbind"
            link.barred = link.kind == "link"

    def redo(self, link: Link) -> None:
        link.holds = link.kind != "unbind"
        link.barred = False

    def detach(self, number: int) -> None:
        for link in self.links:
            if link.holds and number in (link.one, link.other):
                link.holds = False
                link.barred = link.kind == "link"

    def _new(self, who: Who) -> None:
        self.number[who] = len(self.type_of)
        self.type_of.append(who[0])

    def _barred(self, mine: frozenset[int], theirs: frozenset[int]) -> bool:
        return any(link.barred and ({link.one, link.other} & mine and {link.one, link.other} & theirs) for link in self.links)

    def _clash(self, mine: frozenset[int], theirs: frozenset[int]) -> bool:
        def has(kind: str, person: frozenset[int]) -> bool:
            return any(self.type_of[number] == kind for number in person)

        if has("user", mine) and has("user", theirs):
            return True
        return len(mine) > 1 and len(theirs) > 1 and any(has(kind, mine) and has(kind, theirs) for kind in CERTAIN)

    def _apart(self, one: Who, other: Who, x: int, y: int) -> None:
        weak = one[0] in DEVICES or other[0] in DEVICES
        row = ("keep" if weak else "propose", min(x, y), max(x, y))
        if row in self.said:
            return
        self.said.append(row)
        if weak:
            device = x if one[0] in DEVICES else y
            self.met[device] += 1
            if self.met[device] >= self.shared_after:
                self.shared.add(device)

    def _devices(self, person: frozenset[int]) -> int:
        return sum(self.type_of[number] in DEVICES for number in person)
