"""A person's events in the order in which they happened, cut into visits wherever nothing happened for longer than a gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bihuan.engine.periods import Period, PeriodSpec
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

MOST_MINUTES = 720  # shorter than any day, so that the day before a period tells whether a visit began there

Gap = Annotated[int, Field(ge=1, le=MOST_MINUTES)]  # minutes


def reads_visits(period: PeriodSpec, scope: Scope) -> Period:
    """A visit belongs to the day on which it begins. What is read besides is the day before, because a visit may have begun there, and
    the day after, because it may go on there: up to the end of that day it is followed."""
    return scope.period(period).extended(before=1, after=1)


# Events as numbers, which are sorted and cut several times quicker than rows of several columns: from the left the milliseconds since a
# beginning, then the place of the event's name among all names in order. So they are in order by time, then by name.
PLACE_BITS = 22  # there are no more names than these can number


@dataclass(frozen=True)
class Moments:
    """SQL for the instant that milliseconds are counted from, itself in those since 1970; and for the period's begin and end."""

    base: str
    since: str
    until: str

    def begins(self, tick: str) -> str:
        """SQL: a visit whose first event is at `tick` belongs to the period."""
        return f"{tick} >= {self.since} AND {tick} < {self.until}"


def moments(period: PeriodSpec, scope: Scope, binder: Binder) -> Moments:
    asked = scope.period(period)
    base = round(reads_visits(period, scope).start.timestamp() * 1000)
    since, until = (round(at.timestamp() * 1000) - base for at in (asked.start, asked.end))
    return Moments(binder.bind(base, "Int64"), binder.bind(since, "Int64"), binder.bind(until, "Int64"))


def place_sql(names: str, of: str = "event") -> str:
    """SQL: the place of a name (SQL, an event's) in the array `names`, from 1."""
    return f"transform({of}, {names}, arrayMap(one -> toUInt32(one), arrayEnumerate({names})), toUInt32(0))"


def number_sql(base: str, names: str) -> str:
    """SQL: the number of an event."""
    return f"bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ts) - {base}), {PLACE_BITS}) + {place_sql(names)}"


def tick_of(number: str) -> str:
    """SQL: the milliseconds of such a number (SQL)."""
    return f"toInt64(bitShiftRight({number}, {PLACE_BITS}))"


def place_of(number: str) -> str:
    """SQL: the place of its name."""
    return f"bitAnd({number}, {(1 << PLACE_BITS) - 1})"


def cut_sql(gathered: str, rows: str, gap: str, tick: Callable[[str], str] = tick_of) -> str:
    """SELECT (person, visit) of `rows` (a FROM clause with WHERE): a visit is the sorted numbers of its events, `gathered` the aggregate
    (SQL) that makes a person's array of them, `tick` says the milliseconds of one; `gap` is SQL for milliseconds."""
    return f"""
    SELECT
      person,
      arrayJoin(arraySplit((one, pause) -> pause > {gap}, sorted, arrayDifference(arrayMap(one -> {tick("one")}, sorted)))) AS visit
    FROM (
      SELECT person, arraySort({gathered}) AS sorted
      {rows}
      GROUP BY person
    )
  """


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
