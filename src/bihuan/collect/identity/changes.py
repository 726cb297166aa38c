"""What one commit changes about people: numbers for new ids, links, and what is said of those that are not made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from bihuan.collect.identity.ids import LOGIN, WEAK, Id
from bihuan.collect.identity.log import Act, pair
from bihuan.collect.identity.people import Facts, People
from bihuan.collect.identity.rules import Rules, RulesOf, Side, Verdict, decide, default_rules


class Move(NamedTuple):
    """A row of the map: that a number belongs to a person from now on, and the act by which it does."""

    number: int
    person: int
    act: Act


class Changes:
    """Plans changes in the order in which they are asked for. Nothing of it holds until `take`."""

    def __init__(
        self, people: People, ids: Mapping[Id, int], maybe: Iterable[Id] = (), *, stamp: int = 0, rules: RulesOf = default_rules
    ) -> None:
        """`ids` get a number if they have none (their values are when they were first seen); `maybe` are only looked up. `stamp` is the
        time in ms that acts get."""
        self._people, self._stamp, self._rules = people, stamp, rules
        self._known = people.find({*ids, *maybe})
        self._next, self._next_act = people.next, people.told.next
        self._flags: dict[int, int] = {}  # of new numbers
        self._facts: dict[int, Facts] = {}  # of persons that change
        self._above: dict[int, int] = {}  # person -> the person that it becomes part of
        self._parts: dict[int, list[int]] = {}  # person -> the persons that become part of it, and itself
        self._because: dict[int, Act] = {}  # person -> the act that made it part of another
        self._met: dict[int, int] = {}
        self._said: set[tuple[str, int]] = set()
        self.new: dict[Id, int] = {}
        self.acts: list[Act] = []
        self.regrouped: dict[int, list[int]] = {}  # person -> its numbers, where links were taken away
        self.bars: list[tuple[int, int, bool]] = []
        for one in ids:
            self.give_number(one)

    def number(self, one: Id) -> int:
        """The number of an id; 0 for one that has none."""
        return self._known.get(one, 0)

    def give_number(self, one: Id) -> int:
        """The number of an id, a new one if it has none."""
        return self._known.get(one) or self._new_number(one)

    def person(self, number: int) -> int:
        """The person of a number, with what is planned."""
        person = self._people.person(number)
        while (above := self._above.get(person)) is not None:
            person = above
        return person

    # What clients say

    def meet(self, one: Id, other: Id, why: str, by: str) -> Verdict | None:
        """A client says that two ids are one's. None when nothing is to be decided: they are, or somebody has undone that."""
        x, y = self.number(one), self.number(other)
        a, b = self.person(x), self.person(y)
        if a == b or (self._people.told.barred and self._barred(a, b)):
            return None
        shared = self._people.told.shared
        if x in shared or y in shared or ("shared", x) in self._said or ("shared", y) in self._said:
            return Verdict.KEEP
        rules = self._rules(one.project)
        verdict = decide(self._side(x, a), self._side(y, b), rules)
        if verdict is Verdict.LINK:
            self._link(one.project, x, y, why, by, rules)
        elif verdict is Verdict.FULL:
            self._say_once("full", one.project, a if self._fact(a).devices >= self._fact(b).devices else b, why, by)
        elif self._first_time(x, y):
            self._keep_apart(verdict, one.project, x, y, by, rules)
        return verdict

    def unbind(self, one: Id, gone: Id, by: str) -> bool:
        """From now on the id `gone` is not of the person of `one`: it gets a number of its own, and what it did stays theirs. False when
        it is not theirs. Where `one` is the id itself, it leaves whoever has it."""
        old = self.number(gone)
        if not old or self.person(old) != self.person(self.number(one)) or self._fact(self.person(old)).size < 2:
            return False
        self.act(gone.project, "unbind", old, self._new_number(gone), why="unbind", by=by)
        return True

    # What any of it does

    def act(self, project: int, kind: str, one: int, other: int, *, of: int = 0, why: str, by: str) -> Act:
        """Say something in the log."""
        made = Act(project, self._next_act, self._stamp, kind, one, other, of, why, by)
        self._next_act += 1
        self.acts.append(made)
        return made

    def unite(self, x: int, y: int, because: Act) -> None:
        """Two numbers belong to one person from now on."""
        a, b = self.person(x), self.person(y)
        if a == b:
            return
        one, other = self._fact(a), self._fact(b)
        stays, goes = sorted((a, b), key=lambda person: (not self._fact(person).holds & LOGIN, person))
        self._facts[stays] = Facts(one.holds | other.holds, one.devices + other.devices, one.size + other.size)
        self._parts[stays] = self._parts.get(stays, [stays]) + self._parts.pop(goes, [goes])
        self._above[goes] = stays
        self._because[goes] = because

    def members(self, person: int) -> Iterator[int]:
        """The numbers of a person, with what is planned."""
        for part in self._parts.get(person, (person,)):
            yield from self._people.members(part)

    def moves(self) -> Iterator[Move]:
        """The rows that make the store's map say so: of a person that anybody leaves all numbers, also those that stay, so that who counted
        its days before (`engine.rollup`) knows whom to look up again."""
        for person, parts in self._parts.items():
            for part in parts:
                if part != person:
                    yield from (Move(number, person, self._because[part]) for number in self._people.members(part))
        for person, members in self.regrouped.items():
            yield from (Move(number, person, self.acts[-1]) for number in members)

    def take(self) -> None:
        """All of it is stored: let it hold."""
        people, told = self._people, self._people.told
        people.remember(self.new)
        for person, parts in self._parts.items():
            people.regroup(person, [number for part in parts for number in people.members(part)])
        for person, members in self.regrouped.items():
            people.regroup(person, members)
        for act in self.acts:
            told.note(act.kind, act.one, act.other)
        for one, other, barred in self.bars:
            told.bar(one, other, barred=barred)
        told.next = max(told.next, self._next_act)

    def _new_number(self, one: Id) -> int:
        number = self._known[one] = self.new[one] = self._next
        self._flags[number] = one.flag
        self._facts[number] = Facts(one.flag, int(one.flag == WEAK), 1)
        self._next += 1
        return number

    def _fact(self, person: int) -> Facts:
        return self._facts.get(person) or self._people.facts(person)

    def _side(self, number: int, person: int) -> Side:
        facts = self._fact(person)
        return Side(self._flags.get(number) or self._people.flag(number), facts.holds, facts.size == 1, facts.devices)

    def _barred(self, a: int, b: int) -> bool:
        """Whether somebody has taken away a link between these two persons, and not allowed it again."""
        barred = self._people.told.barred
        few, many = sorted((a, b), key=lambda person: self._fact(person).size)
        return any(self.person(other) == many for number in self.members(few) for other in barred.get(number, ()))

    def _link(self, project: int, x: int, y: int, why: str, by: str, rules: Rules) -> None:
        before = max(self._fact(self.person(x)).devices, self._fact(self.person(y)).devices)
        self.unite(x, y, self.act(project, "link", x, y, why=why, by=by))
        person = self.person(x)
        if before <= rules.many_devices < self._fact(person).devices:
            self._say_once("many", project, person, "many_devices", by)

    def _first_time(self, x: int, y: int) -> bool:
        met = pair(x, y)
        if met in self._people.told.pairs or ("pair", met) in self._said:
            return False
        self._said.add(("pair", met))
        return True

    def _keep_apart(self, verdict: Verdict, project: int, x: int, y: int, by: str, rules: Rules) -> None:
        if verdict is Verdict.PROPOSE:
            self.act(project, "propose", x, y, why="both_identified", by=by)
            return
        device, other = (x, y) if self._side(x, self.person(x)).own & WEAK else (y, x)
        self.act(project, "keep", device, other, why="first_person", by=by)
        self._met[device] = self._met.get(device, self._people.told.met[device]) + 1
        if self._met[device] >= rules.shared_after:  # with the person it belongs to, it has met one more
            self._say_once("shared", project, device, "shared_after", by)

    def _say_once(self, kind: str, project: int, number: int, why: str, by: str) -> None:
        if number not in getattr(self._people.told, kind) and (kind, number) not in self._said:
            self._said.add((kind, number))
            self.act(project, kind, number, 0, why=why, by=by)
