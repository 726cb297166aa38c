"""Who an event belongs to: each id gets a dense number once, and ids that are one's are linked, each link a row that can be undone.

An event keeps the number of the id it came with; links are rows beside it, so they hold for all of history at once and can be taken
back. What links by itself and what is left to somebody to confirm: `docs/identity.md`; why it is done so: `docs/decisions/`.
"""

from __future__ import annotations

from bihuan.collect.identity.acts import Done, Wanted, plan_act
from bihuan.collect.identity.changes import Changes
from bihuan.collect.identity.ids import Id, Typed, anonymous_id, id_hash, other_ids
from bihuan.collect.identity.junk import is_junk
from bihuan.collect.identity.log import TABLES
from bihuan.collect.identity.people import People
from bihuan.collect.identity.rules import Rules, RulesOf, Verdict, default_rules

__all__ = [
    "TABLES",
    "Changes",
    "Done",
    "Id",
    "People",
    "Rules",
    "RulesOf",
    "Typed",
    "Verdict",
    "Wanted",
    "anonymous_id",
    "default_rules",
    "id_hash",
    "is_junk",
    "other_ids",
    "plan_act",
]
