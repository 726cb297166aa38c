"""Days that are over, counted once: how often each event came on them, and the bitmap of its people.

The writer counts a day (`roll`) when it is over and nothing comes for it any more, and says so in `rolled_days`; before it stores a late
event it says that the day is not whole, until it has counted it again. So a whole day needs no look at its events, whatever is linked,
merged or undone meanwhile: one bitmap holds the `numbers` that events came with, another where their persons are others (`moved`), as
far as links went that were stored by then (`links_below`). Whom links moved since is looked up when asked, until `settle` makes `moved`
anew. Why: `docs/decisions/0008-day-rollup.md`, `docs/decisions/0013-settled-days.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from bihuan.engine.periods import Period
from bihuan.engine.person_map import LINKED, LINKED_SINCE, person_of
from bihuan.engine.store import Store


def persons_of(settled: str) -> str:
    """SQL: the persons of `numbers`, of which `settled` (SQL of a bitmap) says the persons that they were before those `linked` were.

    Whoever of a person is linked anew, all of that person's numbers are among `linked` (`person_links`): taken out with the person's own,
    they leave whom nothing concerns, and are put in again as who they are now.
    """
    again = f"arrayMap(person_id -> {person_of('person_id')}, bitmapToArray(bitmapAnd(linked, numbers)))"
    return f"bitmapOr(bitmapAndnot({settled}, linked), bitmapBuild({again}))"


SETTLED = "bitmapXor(numbers, moved)"
MOVED = f"bitmapXor(numbers, {persons_of('numbers')})"
ROLL = f"""
INSERT INTO day_rollup (project_id, event, day, version, events, nobody, numbers, moved)
WITH ({LINKED}) AS linked
SELECT project_id, event, day, {{version:UInt64}}, events, nobody, numbers, {MOVED}
FROM (
  SELECT project_id, event, day,
    count() AS events, countIf(person_id = 0) AS nobody, groupBitmapStateIf(person_id, person_id != 0) AS numbers
  FROM events
  WHERE project_id = {{scope_project:UInt32}} AND day IN {{days:Array(Date)}}
  GROUP BY project_id, event, day
  UNION ALL
  SELECT project_id, '', day, count(), countIf(person_id = 0), groupBitmapStateIf(person_id, person_id != 0)
  FROM events
  WHERE project_id = {{scope_project:UInt32}} AND day IN {{days:Array(Date)}} AND source != 'ledger'
  GROUP BY project_id, day
)"""
SETTLE = f"""
INSERT INTO day_rollup (project_id, event, day, version, events, nobody, numbers, moved)
WITH ({LINKED}) AS linked
SELECT project_id, event, day, {{version:UInt64}}, events, nobody, numbers, made
FROM (
  SELECT *, {MOVED} AS made
  FROM day_rollup FINAL
  WHERE project_id = {{scope_project:UInt32}} AND day IN {{days:Array(Date)}}
)
WHERE bitmapXorCardinality(moved, made) != 0"""
NEWEST_LINK = "SELECT max(version) AS version FROM person_links WHERE project_id = {scope_project:UInt32}"
WHOLE = """
INSERT INTO rolled_days (project_id, day, version, whole, links_below, highest)
SELECT {scope_project:UInt32}, day, {version:UInt64}, 1, {links_below:UInt64}, highest
FROM (SELECT arrayJoin({days:Array(Date)}) AS day) AS asked
LEFT JOIN (
  SELECT day, max(bitmapMax(numbers)) AS highest
  FROM day_rollup FINAL
  WHERE project_id = {scope_project:UInt32} AND day IN {days:Array(Date)}
  GROUP BY day
) AS counted USING day"""
DAYS = """
SELECT day, max(r.version) AS version, argMax(r.links_below, r.version) AS links_below, argMax(r.highest, r.version) AS highest
FROM rolled_days AS r
WHERE project_id = {project:UInt32}
GROUP BY day
HAVING argMax(whole, r.version)"""
LINKED_LEAST = """
SELECT roundDown(version, {steps:Array(UInt64)}) AS step, min(person_id) AS least
FROM person_links
WHERE project_id = {project:UInt32} AND version >= {oldest:UInt64}
GROUP BY step"""

NOBODY = 2**32  # higher than every number


class Counted(NamedTuple):
    """A whole day. `version` is another number once it is counted or settled again. `lacks` is the version of `person_links` from which on
    rows may concern the day that it has not got in `moved` (0: it has none of them), None: there are no such rows."""

    version: int
    lacks: int | None


def roll(store: Store, project_id: int, days: Sequence[date], version: int) -> None:
    """Count days, while nobody adds to their events or to links, and all links that are stored hold (`person_map`). `version` is greater
    than that of any call before, of this or of `settle`."""
    _write(store, ROLL, project_id, days, version)


def settle(store: Store, project_id: int, days: Sequence[date], version: int) -> None:
    """Let whole days say whom their numbers belong to now, without a look at events; under the same conditions as `roll`.

    Killed anywhere it has changed no answer: rows without their days' new `links_below` know of more links than is said.
    """
    whole = whole_days(store, project_id)
    if still := [day for day in days if day in whole]:
        _write(store, SETTLE, project_id, still, version)


def _write(store: Store, rows: str, project_id: int, days: Sequence[date], version: int) -> None:
    """What days are, and only then that they are so."""
    values = {"scope_project": project_id, "days": list(days), "version": version}
    newest = int(store.fetch(NEWEST_LINK, values).rows[0]["version"])
    store.command(rows, values)
    store.command(WHOLE, values | {"links_below": newest + 1})


def whole_days(store: Store, project_id: int) -> Mapping[date, Counted]:
    """The days of which all events are counted. Numbers are given in growing order: a link of one that is higher than all of a day's, as
    of those who came later, does not concern the day."""
    days = store.fetch(DAYS, {"project": project_id}).rows
    steps = sorted({row["links_below"] for row in days} - {0})
    if not steps:
        return {row["day"]: Counted(row["version"], 0) for row in days}
    found = store.fetch(LINKED_LEAST, {"project": project_id, "steps": steps, "oldest": steps[0]}).rows
    by_step = {row["step"]: row["least"] for row in found}
    since = accumulate((by_step.get(step, NOBODY) for step in reversed(steps)), min)
    least = dict(zip(reversed(steps), since, strict=True)) | {0: 0}
    return {
        row["day"]: Counted(row["version"], row["links_below"] if least[row["links_below"]] <= row["highest"] else None) for row in days
    }


def daily(reads: Period | None, whole: Mapping[date, Counted], *, any_event: bool, people: bool) -> tuple[str, dict[str, Any]]:
    """SQL of (event, day, events, nobody, persons), and its bound values: by event, or of any event from outside (its name is '').

    Without `people` there are no persons. `whole` days are taken as they were counted, others counted from their events. Without
    `reads` it is all of the past.
    """
    name, only = ("''", "source != 'ledger'") if any_event else ("event", "1")
    branches = []
    days = _divided(reads, whole)
    if days.counted:
        linked = f"\n  WITH ({days.linked}) AS linked" if people and days.linked else ""
        persons = f", {persons_of(SETTLED) if days.linked else SETTLED} AS persons" if people else ""
        branches.append(f"""{linked}
  SELECT event, day, events, nobody{persons}
  FROM day_rollup FINAL
  WHERE project_id = {{scope_project:UInt32}} AND event {"=" if any_event else "!="} '' AND {days.counted}""")
    if days.others:
        person = person_of("person_id")
        persons = f", groupBitmapStateIf({person}, person_id != 0) AS persons" if people else ""
        branches.append(f"""
  SELECT {name} AS event, day, count() AS events, countIf(person_id = 0) AS nobody{persons}
  FROM events
  WHERE project_id = {{scope_project:UInt32}} AND {only} AND {days.others}
  GROUP BY event, day""")
    return "\n  UNION ALL".join(branches), days.params


class _Divided(NamedTuple):
    """SQL of the days that are taken as they were counted, and of the others; and of the numbers whose links some of the former lack.
    Empty where there are none."""

    counted: str
    others: str
    linked: str
    params: dict[str, Any]


def _divided(reads: Period | None, whole: Mapping[date, Counted]) -> _Divided:
    """Days that are to be counted are told by what lies around a run of counted ones, and the few within it: the store's index finds those,
    while for days that are in no list it would look at nearly everything."""
    within = "day BETWEEN {scope_since:Date} AND {scope_until:Date}" if reads else "1"
    days = sorted(day for day in whole if reads is None or reads.since <= day <= reads.until)
    if not days:
        return _Divided("", within, "", {})
    # Back to the first day from which on most are counted: a wrong clock's day of long ago would make a list of all those since.
    first, last = next(day for place, day in enumerate(days) if (days[-1] - day).days < 2 * (len(days) - place)), days[-1]
    missing = sorted({first + timedelta(days=number) for number in range((last - first).days)} - set(days))
    name = "scope_run" if reads else "scope_past_run"
    since, until, listed = f"{{{name}_since:Date}}", f"{{{name}_until:Date}}", f"{{{name}_without:Array(Date)}}"
    params: dict[str, Any] = {f"{name}_since": first, f"{name}_until": last} | ({f"{name}_without": missing} if missing else {})
    counted = f"day BETWEEN {since} AND {until}" + (f" AND day NOT IN {listed}" if missing else "")
    others = f"{within} AND (day < {since} OR day > {until}" + (f" OR day IN {listed})" if missing else ")")
    is_all = reads is not None and (first, last, missing) == (reads.since, reads.until, [])
    lacks = min((lack for day in days if day >= first and (lack := whole[day].lacks) is not None), default=None)
    linked = "" if lacks is None else LINKED
    if lacks:
        params[f"{name}_lacks"], linked = lacks, LINKED_SINCE.format(since=f"{{{name}_lacks:UInt64}}")
    return _Divided(counted, "" if is_all else others, linked, params)
