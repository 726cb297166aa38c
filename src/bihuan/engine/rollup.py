"""Days that are over, counted once: how often each event came on them, and the bitmap of its people.

The writer counts a day (`roll`) when it is over and nothing comes for it any more, and says so in `rolled_days`; before it stores a late
event it says that the day is not whole, until it has counted it again. So a whole day needs no look at its events, whatever is linked,
merged or undone meanwhile: a bitmap holds the numbers that events came with, and who they belong to is found when asked.
Why: `docs/decisions/0008-day-rollup.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from bihuan.engine.periods import Period
from bihuan.engine.person_map import LINKED, person_of
from bihuan.engine.store import Store

ROLL = """
INSERT INTO day_rollup
SELECT project_id, event, day, {version:UInt64}, count(), countIf(person_id = 0), groupBitmapStateIf(person_id, person_id != 0)
FROM events
WHERE project_id = {project:UInt32} AND day IN {days:Array(Date)}
GROUP BY project_id, event, day
UNION ALL
SELECT project_id, '', day, {version:UInt64}, count(), countIf(person_id = 0), groupBitmapStateIf(person_id, person_id != 0)
FROM events
WHERE project_id = {project:UInt32} AND day IN {days:Array(Date)} AND source != 'ledger'
GROUP BY project_id, day
"""
WHOLE = "INSERT INTO rolled_days SELECT {project:UInt32}, arrayJoin({days:Array(Date)}), {version:UInt64}, 1"


def roll(store: Store, project_id: int, days: Sequence[date], version: int) -> None:
    """Count days, while nobody adds to their events. `version` is greater than that of any call before."""
    values = {"project": project_id, "days": list(days), "version": version}
    store.command(ROLL, values)
    store.command(WHOLE, values)


def whole_days(store: Store, project_id: int) -> Mapping[date, int]:
    """The days of which all events are counted, each with a number that is another one once it is counted again."""
    sql = """
SELECT day, max(version) AS counted FROM rolled_days WHERE project_id = {project:UInt32} GROUP BY day HAVING argMax(whole, version)"""
    return {row["day"]: int(row["counted"]) for row in store.fetch(sql, {"project": project_id}).rows}


def daily(reads: Period | None, whole: Collection[date], *, any_event: bool, people: bool) -> tuple[str, dict[str, Any]]:
    """SQL of (event, day, events, nobody, persons), and its bound values: by event, or of any event from outside (its name is '').

    Without `people` there are no persons. `whole` days are taken as they were counted, others counted from their events. Without
    `reads` it is all of the past.
    """
    name, only = ("''", "source != 'ledger'") if any_event else ("event", "1")
    branches = []
    days = _divided(reads, whole)
    if days.counted:
        linked = f"\n  WITH ({LINKED}) AS linked" if people else ""
        mapped = f"arrayMap(person_id -> {person_of('person_id')}, bitmapToArray(bitmapAnd(numbers, linked)))"
        persons = f", bitmapOr(bitmapAndnot(numbers, linked), bitmapBuild({mapped})) AS persons" if people else ""
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
    """SQL of the days that are taken as they were counted, and of the others; empty where there are none."""

    counted: str
    others: str
    params: dict[str, Any]


def _divided(reads: Period | None, whole: Collection[date]) -> _Divided:
    """Days that are to be counted are told by what lies around a run of counted ones, and the few within it: the store's index finds those,
    while for days that are in no list it would look at nearly everything."""
    within = "day BETWEEN {scope_since:Date} AND {scope_until:Date}" if reads else "1"
    days = sorted(day for day in whole if reads is None or reads.since <= day <= reads.until)
    if not days:
        return _Divided("", within, {})
    # Back to the first day from which on most are counted: a wrong clock's day of long ago would make a list of all those since.
    first, last = next(day for place, day in enumerate(days) if (days[-1] - day).days < 2 * (len(days) - place)), days[-1]
    missing = sorted({first + timedelta(days=number) for number in range((last - first).days)} - set(days))
    name = "scope_run" if reads else "scope_past_run"
    since, until, listed = f"{{{name}_since:Date}}", f"{{{name}_until:Date}}", f"{{{name}_without:Array(Date)}}"
    params = {f"{name}_since": first, f"{name}_until": last} | ({f"{name}_without": missing} if missing else {})
    counted = f"day BETWEEN {since} AND {until}" + (f" AND day NOT IN {listed}" if missing else "")
    others = f"{within} AND (day < {since} OR day > {until}" + (f" OR day IN {listed})" if missing else ")")
    is_all = reads is not None and (first, last, missing) == (reads.since, reads.until, [])
    return _Divided(counted, "" if is_all else others, params)
