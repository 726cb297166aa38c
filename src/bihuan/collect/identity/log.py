"""What is said of links, as rows in the store (`identity_log`): every link, refusal, merge and undo with when, why and by whom.

The log is the truth; the map of persons (`person_links`) follows from it. A link holds unless the newest row about it undoes it; an
`unbind` is one that holds only once it is undone.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bihuan.collect.sorted_runs import Numbers
from bihuan.engine.store import Store

KINDS = ("link", "merge", "unbind", "undo", "redo", "allow", "propose", "dismiss", "keep", "shared", "many", "full")
LINKS = ("link", "merge", "unbind")

_PLACE = f"toUInt8(indexOf({list(KINDS)}, toString(kind)) - 1)"
LOG = f"SELECT act, {_PLACE} AS kind, one, other, of FROM identity_log FINAL ORDER BY act"
MAP = """
SELECT m.person_id AS person_id, argMax(m.canonical, m.version) AS canonical, max(m.version) AS version
FROM person_links AS m GROUP BY person_id
"""
EDGES = """
SELECT * FROM identity_log FINAL
WHERE project_id = {project:UInt32} AND (kind IN ('undo', 'redo') OR
  (kind IN ('link', 'merge', 'unbind') AND one IN {numbers:Array(UInt32)})) ORDER BY act
"""
ABOUT = "SELECT * FROM identity_log FINAL WHERE project_id = {project:UInt32} AND (act = {act:UInt64} OR of = {act:UInt64}) ORDER BY act"
PROJECTS = (
    "SELECT DISTINCT project_id, one, other FROM identity_log WHERE one IN {numbers:Array(UInt32)} OR other IN {numbers:Array(UInt32)}"
)
_TIME = "DateTime64(3, 'UTC')"
TABLES = {
    "person_ids": {"project_id": "UInt32", "id_type": "String", "id": "String", "person_id": "UInt32", "first_seen": _TIME},
    "identity_log": {
        "project_id": "UInt32",
        "act": "UInt64",
        "at": _TIME,
        "kind": "String",
        "one": "UInt32",
        "other": "UInt32",
        "of": "UInt64",
        "why": "String",
        "by": "String",
    },
    "person_links": {
        "project_id": "UInt32",
        "person_id": "UInt32",
        "canonical": "UInt32",
        "linked_at": _TIME,
        "version": "UInt64",
        "why": "String",
        "by": "String",
    },
}
_ROW = np.dtype([("act", "<u8"), ("kind", "u1"), ("one", "<u4"), ("other", "<u4"), ("of", "<u8")])


class Act(NamedTuple):
    """A row of the log. `act` is its number, `of` that of the row it is about (0: none)."""

    project_id: int
    act: int
    at: int
    kind: str
    one: int
    other: int
    of: int
    why: str
    by: str


@dataclass
class Told:
    """What the log says besides links: `barred` pairs were undone and are not linked again by themselves; `met` counts for a device
    the persons it was kept apart from; `pairs` are those kept apart or proposed already."""

    next: int = 1
    barred: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    met: Counter[int] = field(default_factory=Counter)
    pairs: set[int] = field(default_factory=set)
    shared: set[int] = field(default_factory=set)
    many: set[int] = field(default_factory=set)
    full: set[int] = field(default_factory=set)
    unbound: list[tuple[int, int]] = field(default_factory=list)

    def note(self, kind: str, one: int, other: int) -> None:
        """Take what a row says that is no link, undo or redo."""
        if kind == "keep":
            self.met[one] += 1
        if kind in ("keep", "propose"):
            self.pairs.add(pair(one, other))
        elif kind in ("shared", "many", "full"):
            getattr(self, kind).add(one)
        elif kind == "unbind":
            self.unbound.append((one, other))

    def bar(self, one: int, other: int, *, barred: bool) -> None:
        """Whether the two may not be linked by themselves."""
        for x, y in ((one, other), (other, one)):
            if barred:
                self.barred[x].add(y)
            elif x in self.barred:
                self.barred[x].discard(y)
                if not self.barred[x]:
                    del self.barred[x]


def pair(one: int, other: int) -> int:
    """One number for two, in whatever order."""
    return min(one, other) << 32 | max(one, other)


def read_log(store: Store) -> tuple[Told, npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """All that is told; every link there ever was as a pair of numbers, and whether it holds."""
    rows = np.frombuffer(store.raw(LOG, "RowBinary"), dtype=_ROW)
    told = Told(next=int(rows["act"][-1]) + 1 if len(rows) else 1)
    named = {name: place for place, name in enumerate(KINDS)}
    is_link = np.isin(rows["kind"], [named[name] for name in LINKS])
    links = rows[is_link]
    holds = links["kind"] != named["unbind"]
    for row in rows[np.isin(rows["kind"], [named[name] for name in ("undo", "redo", "allow")])]:
        place = int(np.searchsorted(links["act"], row["of"]))
        if place >= len(links) or links["act"][place] != row["of"]:
            continue
        link = links[place]
        undone = row["kind"] == named["undo"]
        if row["kind"] != named["allow"]:
            holds[place] = undone == (link["kind"] == named["unbind"])
        if link["kind"] == named["link"]:
            told.bar(int(link["one"]), int(link["other"]), barred=bool(undone))
    for row in rows[np.isin(rows["kind"], [named[name] for name in ("keep", "propose", "shared", "many", "full", "unbind")])]:
        told.note(KINDS[row["kind"]], int(row["one"]), int(row["other"]))
    return told, np.stack((links["one"], links["other"]), axis=1).astype(np.uint32), holds


def mend_map(store: Store, linked: Numbers, person: Numbers, version: int) -> tuple[int, bool]:
    """Make the store's map say of these numbers what `person` says (0: themselves), as a crash may have left it behind the log: of a person
    that anybody leaves all numbers, as `Changes.moves` does. Returns the number after its newest row, and whether there was something to
    mend."""
    rows = np.frombuffer(store.raw(MAP, "RowBinary"), dtype=[("number", "<u4"), ("person", "<u4"), ("version", "<u8")])
    version = max(version, int(rows["version"].max()) + 1 if len(rows) else 1)
    mapped = np.zeros(max(len(person), int(rows["number"].max()) + 1 if len(rows) else 0), dtype=np.uint32)
    mapped[rows["number"]] = rows["person"]
    own = np.arange(len(mapped), dtype=np.uint32)
    mapped = np.where(mapped == 0, own, mapped)[linked]
    behind = linked[np.isin(mapped, mapped[mapped != np.where(person == 0, own[: len(person)], person)[linked]])]
    if len(behind):
        numbers = behind.tolist()
        project = {
            number: row["project_id"] for row in store.fetch(PROJECTS, {"numbers": numbers}).rows for number in (row["one"], row["other"])
        }
        rows_ = [(project[n], n, int(person[n]) or n, int(time.time() * 1000), version, "mend", "") for n in numbers]
        types = TABLES["person_links"]
        store.insert("person_links", list(types), list(zip(*rows_, strict=True)), list(types.values()))
    return version + 1, bool(len(behind))


def edges_of(store: Store, project: int, numbers: Sequence[int]) -> list[Act]:
    """The links that hold among these numbers, which are all of one person."""
    links: dict[int, Act] = {}
    holds: dict[int, bool] = {}
    for row in map(_act, store.fetch(EDGES, {"project": project, "numbers": list(numbers)}).rows):
        if row.kind in LINKS:
            links[row.act], holds[row.act] = row, row.kind != "unbind"
        elif row.of in links:
            holds[row.of] = (row.kind == "undo") == (links[row.of].kind == "unbind")
    return [link for link in links.values() if holds[link.act]]


def about(store: Store, project: int, act: int) -> list[Act]:
    """A row and those about it, oldest first."""
    return [_act(row) for row in store.fetch(ABOUT, {"project": project, "act": act}).rows]


def _act(row: dict[str, Any]) -> Act:
    return Act(**{**row, "at": int(row["at"].timestamp() * 1000)})
