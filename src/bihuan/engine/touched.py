"""What a write touches, said beside it, so that only those answers are old that come from what it wrote.

Every table has a column `project_id`, and `events` one of names. Whoever inserts tells the store in the comment of the statement which
projects its rows are of, and for events the marks of their names; the embedded engine counts by that (`embedded.http`). A write that says
nothing touches all. A server tells of whole tables alone (`Store.changes`).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NO_PROJECT = 0  # what is written touches none
MARKS = 256  # names share them: an event makes old what is told of one name in so many besides its own
MOST = 100  # things that one write says it touches; where there are more, whole projects are, or all
_SAID = re.compile(r"touches((?: \d+(?:/\d+)?)+)")


def mark(event: str) -> int:
    """The mark of an event's name."""
    return zlib.crc32(event.encode()) % MARKS


def marked(table: str, event_mark: int) -> str:
    """How what is written of events with this mark is called."""
    return f"{table}/{event_mark}"


def table_of(part: str) -> str:
    """The table of what `marked` calls."""
    return part.partition("/")[0]


def of_projects(projects: Iterable[int]) -> Mapping[str, str]:
    """The setting of a statement that touches these projects alone."""
    several = set(projects)
    return _setting(str(project) for project in sorted(several)) if several and len(several) <= MOST else {}


def of_rows(table: str, columns: Sequence[str], data: Sequence[Sequence[Any]]) -> Mapping[str, str]:
    """The setting of an insert of `data` (a sequence for each column)."""
    if "project_id" not in columns:
        return {}
    projects = data[columns.index("project_id")]
    if table != "events":
        return of_projects(projects)
    marks = {(project, mark(name)) for project, name in set(zip(projects, data[columns.index("event")], strict=True))}
    return _setting(f"{project}/{one}" for project, one in sorted(marks)) if len(marks) <= MOST else of_projects(projects)


def _setting(said: Iterable[str]) -> Mapping[str, str]:
    return {"log_comment": f"touches {' '.join(said)}"}


def told(table: str, comment: str) -> list[tuple[int, str]]:
    """What a comment says of a write to `table`: each project, with the table or its part of one mark; empty: it touches all."""
    found = _SAID.fullmatch(comment)
    said = [one.partition("/") for one in found.group(1).split()] if found else []
    return [(int(project), marked(table, int(one)) if one else table) for project, _, one in said]
