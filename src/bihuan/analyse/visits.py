"""A person's events in the order in which they happened, cut into visits wherever nothing happened for longer than a gap."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.periods import Period, PeriodSpec
from bihuan.engine.question import Scope

MOST_MINUTES = 720  # shorter than any day, so that the day before a period tells whether a visit began there

Gap = Annotated[int, Field(ge=1, le=MOST_MINUTES)]  # minutes


def reads_visits(period: PeriodSpec, scope: Scope) -> Period:
    """A visit belongs to the day on which it begins. What is read besides is the day before, because a visit may have begun there, and
    the day after, because it may go on there: up to the end of that day it is followed."""
    return scope.period(period).extended(before=1, after=1)


def visits_sql(doings: str, kept: str, gap: str) -> str:
    """SELECT (person, visit) FROM the CTE `doings` (person, tick in milliseconds, event, key, and the columns `kept`). A visit is an array
    of (tick, event, key, *kept) in order: by time, then by the event's name, then by its key. `gap` is SQL for milliseconds."""
    return f"""
  SELECT person, arrayJoin(arraySplit((one, pause) -> pause > {gap}, sorted, arrayDifference(sorted.1))) AS visit
  FROM (
    SELECT person, arraySort(groupArray((tick, event, key, {kept}))) AS sorted
    FROM doings
    GROUP BY person
  )"""
