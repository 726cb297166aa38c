"""Who a number belongs to, at query time: a large map of all links, and a small one of those that came since it was read.

The large one is an array (4 bytes for each number up to the highest that is linked), which costs a question nearly nothing but takes 170 ms
to read at a million links; the small one is read again with every commit that links somebody. Why: `docs/decisions/0007-person-numbers.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

from bihuan.engine.store import Store
from bihuan.engine.touched import NO_PROJECT, of_projects

# The numbers that were ever linked to another, as one bitmap; those whose links are undone are among them still, and do no harm.
LINKED = "SELECT groupBitmapMergeState(numbers) FROM person_linked WHERE project_id = {scope_project:UInt32}"
# Those that were linked to another, or no more, from a version on: who were one person before it are among them all or none.
LINKED_SINCE = "SELECT groupBitmapState(person_id) FROM person_links WHERE project_id = {{scope_project:UInt32}} AND version >= {since}"
_NOTE_LINKED = """
INSERT INTO person_linked SELECT project_id, groupBitmapState(person_id) FROM person_links WHERE {since} GROUP BY project_id"""


def person_of(number: str, *, recent: bool = True) -> str:
    """SQL for the person whom a number (SQL) belongs to after all links. Without `recent` those that the large map lacks are left out, of
    which there are mostly none: looking them up is a sixth of what it takes to read a funnel's events."""
    key = f"toUInt64({number})"
    person = f"dictGetOrDefault('person_map', 'person', {key}, {number})"
    return f"dictGetOrDefault('person_recent', 'person', {key}, {person})" if recent else person


def has_recent(store: Store) -> bool:
    """Whether links are stored that the large map lacks."""
    sql = "SELECT 1 FROM person_links WHERE version > (SELECT max(version) FROM person_map_read) LIMIT 1"
    return bool(store.fetch(sql).rows)


def read_recent(store: Store, projects: Iterable[int] = ()) -> None:
    """Let links hold that were stored since `read_all`: those of these projects, or of any."""
    store.command(_NOTE_LINKED.format(since="version > (SELECT max(version) FROM person_map_read)"))
    store.command("SYSTEM RELOAD DICTIONARY person_recent", settings=of_projects(projects))


def read_all(store: Store, *, holding: bool = False) -> None:
    """Let all links hold that are stored, and have none left that are recent. `holding`: they do already, so that no answer is old."""
    touches = of_projects([NO_PROJECT]) if holding else {}
    newest = int(store.fetch("SELECT max(version) AS newest FROM person_links").rows[0]["newest"])
    store.command(_NOTE_LINKED.format(since="1"))
    store.command("SYSTEM RELOAD DICTIONARY person_map", settings=touches)
    store.command("INSERT INTO person_map_read SELECT {newest:UInt64}", {"newest": newest})
    store.command("SYSTEM RELOAD DICTIONARY person_recent", settings=touches)
