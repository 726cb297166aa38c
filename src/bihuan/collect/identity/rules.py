"""When two ids that come together make one person: pure rules over what is known of the two persons they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from bihuan.collect.identity.ids import CLASH, LOGIN, WEAK

STATEMENT = "SELECT project_id, spec FROM catalog_definition WHERE kind = 'identity' AND key = 'rules' AND state = 'live'"


class Rules(NamedTuple):
    """What a project sets. A device or cookie that has met more than `shared_after` persons is shared and links no further. A person with
    more than `many_devices` of them is alarmed, and from `most_devices` on gets none by itself. `junk` are ids of nobody, in small letters.
    """

    shared_after: int = 5
    many_devices: int = 20
    most_devices: int = 200
    junk: frozenset[str] = frozenset()


RulesOf = Callable[[int], Rules]


def default_rules(_project: int) -> Rules:
    """What holds where a project sets nothing."""
    return Rules()


def rules_of(rows: Iterable[Sequence[Any]]) -> dict[int, Rules]:
    """By project, from what `STATEMENT` reads."""
    found: dict[int, Rules] = {}
    for project, document in rows:
        spec = json.loads(document) if isinstance(document, str | bytes) else document
        found[int(project)] = Rules(**{**spec, "junk": frozenset(spec.get("junk", ()))})
    return found


class Side(NamedTuple):
    """What is known of one of the two ids and its person: `own` is the bit of the id's type, `holds` those of all the person's ids,
    `alone` whether the person has no other id, `devices` how many cookies and devices it has."""

    own: int
    holds: int
    alone: bool
    devices: int


class Verdict(Enum):
    """`LINK` them; `PROPOSE` it to somebody who may confirm it; `KEEP` them apart, as a device keeps its first person; or keep them
    apart because the person is `FULL` of devices."""

    LINK = "link"
    PROPOSE = "propose"
    KEEP = "keep"
    FULL = "full"


def decide(one: Side, other: Side, rules: Rules) -> Verdict:
    """What becomes of two ids of different persons that a client says are one's.

    An id that nobody has joins whoever it comes with, unless both are logins. Else the two are one if they do not clash: not both have a
    login, and not each an e-mail address (a phone, a unionid) of its own. A device or cookie that clashes stays with its first person.
    """
    if _clash(one, other):
        return Verdict.KEEP if (one.own | other.own) & WEAK else Verdict.PROPOSE
    if one.devices and other.devices and one.devices + other.devices > rules.most_devices:
        return Verdict.FULL
    return Verdict.LINK


def _clash(one: Side, other: Side) -> bool:
    if one.holds & other.holds & LOGIN:
        return True
    if one.alone or other.alone:
        return False
    return bool(one.holds & other.holds & CLASH)
