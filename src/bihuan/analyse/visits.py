"""A person's events in the order in which they happened, cut into visits wherever nothing happened for longer than a gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from bihuan.analyse.heaps import Heaps
from bihuan.engine.compare import Baseline
from bihuan.engine.periods import Period, PeriodSpec
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

MOST_MINUTES = 720  # shorter than any day, so that the day before a period tells whether a visit began there

Gap = Annotated[int, Field(ge=1, le=MOST_MINUTES)]  # minutes


def reads_visits(period: PeriodSpec, scope: Scope) -> Period:
    """A visit belongs to the day on which it begins. What is read besides is the day before, because a visit may have begun there, and
    the day after, because it may go on there: up to the end of that day it is followed."""
    return followed(scope.period(period))


def followed(period: Period) -> Period:
    """The days that tell which visits begin in the period, and how they go on."""
    return period.extended(before=1, after=1)


def known_until(period: Period, other: Baseline, scope: Scope) -> datetime:
    """Up to when visits of the other period are followed: for as long after it as those of `period` are by now (to the minute, so that the
    answer may be kept), at most to the end of the day after it. That is time that passed, on a day of 23 or 25 hours, too."""
    end, now = followed(other.period).end.astimezone(UTC), scope.now.astimezone(UTC).replace(second=0, microsecond=0)
    if now >= followed(period).end:
        return end
    return min(end, other.until.astimezone(UTC) + max(timedelta(), now - period.end.astimezone(UTC)))


SPARE_DAYS = 2  # an event keeps the day that it had in the project's zone of then


# Events as numbers, which are sorted and cut several times quicker than rows of several columns: from the left the milliseconds since a
# beginning, then the place of the event's name among all names in order. So they are in order by time, then by name.
@dataclass(frozen=True)
class Moments:
    """SQL for the instant that milliseconds are counted from, itself in those since 1970; and for the period's begin and end. `tick_bits`
    hold twice as many milliseconds as are read."""

    base: str
    since: str
    until: str
    tick_bits: int

    def begins(self, tick: str) -> str:
        """SQL: a visit whose first event is at `tick` belongs to the period."""
        return f"{tick} >= {self.since} AND {tick} < {self.until}"

    @property
    def tick(self) -> str:
        """SQL: the milliseconds of an event of `visible`."""
        return f"toUInt64(toUnixTimestamp64Milli(ts) - {self.base})"


def moments(period: PeriodSpec, scope: Scope, binder: Binder) -> Moments:
    return moments_of(scope.period(period), binder)


def moments_of(asked: Period, binder: Binder, read: Period | None = None) -> Moments:
    """Those of the period `asked` where all days of `read` are read; without it those that visits of the period lie on."""
    read = (read or followed(asked)).extended(before=SPARE_DAYS, after=SPARE_DAYS)
    base = round(read.start.timestamp() * 1000)
    since, until, last = (round(at.timestamp() * 1000) - base for at in (asked.start, asked.end, read.end))
    return Moments(binder.bind(base, "Int64"), binder.bind(since, "Int64"), binder.bind(until, "Int64"), last.bit_length() + 1)


def place_sql(names: str, of: str = "event") -> str:
    """SQL: the place of a name (SQL, an event's) in the array `names`, from 1."""
    return f"transform({of}, {names}, arrayEnumerate({names}), toUInt32(0))"


def bits_sql(names: str) -> str:
    """SQL: as many bits as hold the place of any of these names."""
    return f"toUInt8(ceil(log2(length({names}) + 1)))"


@dataclass(frozen=True)
class Named:
    """Such numbers, of the events' `names`: SQL for the sorted array of all of them."""

    names: str
    moments: Moments
    bits: str  # SQL: as many as hold any place

    @property
    def heaps(self) -> Heaps:
        return Heaps.of(f"({self.moments.tick_bits} + {self.bits})")

    def tick(self, number: str) -> str:
        """SQL: the milliseconds of such a number (SQL), also where its owner is to the left of it."""
        return f"toInt64(bitAnd(bitShiftRight({number}, {self.bits}), {(1 << self.moments.tick_bits) - 1}))"

    def place(self, number: str) -> str:
        """SQL: the place of its name."""
        return f"toUInt32(bitAnd({number}, bitShiftLeft(toUInt64(1), {self.bits}) - 1))"

    @property
    def number(self) -> str:
        """SQL: the number of an event of `visible`."""
        return f"bitShiftLeft({self.moments.tick}, {self.bits}) + {place_sql(self.names)}"

    def cut_sql(self, rows: str, gap: str) -> str:
        """SELECT (person, visit) of the events of `rows` (a FROM clause with WHERE): a visit is the sorted numbers of its events, each with
        its owner to the left; `gap` is SQL for milliseconds. Between two people lie more, as ticks need a bit less than they have."""
        pause = f"bitShiftRight(one - before, {self.bits}) > {gap}"
        return f"""
    SELECT {self.heaps.owner("visit[1]")} AS person, visit
    FROM ({self.heaps.cut_sql("visit", pause, self.number, rows)}
    )
  """


def split_sql(
    gathered: str, rows: str, gap: str, tick: Callable[[str], str], *, by: str = "", also: Mapping[str, str] | None = None
) -> str:
    """SELECT (person, visits) of `rows` (a FROM clause with WHERE): a visit is the sorted numbers of its events, `gathered` the aggregate
    (SQL) that makes a person's array of them, `tick` says the milliseconds of one; `gap` is SQL for milliseconds. Where they are more than
    numbers, `by` is SQL for what of one they are sorted by. (Numbers alone are gathered several times quicker.) `also` are more columns
    of a person, each an aggregate."""
    order = f"one -> {by}, " if by else ""
    names = "".join(f", {name}" for name in also or ())
    aggregates = "".join(f", {aggregate} AS {name}" for name, aggregate in (also or {}).items())
    return f"""
    SELECT
      person{names}, arraySplit((one, pause) -> pause > {gap}, sorted, arrayDifference(arrayMap(one -> {tick("one")}, sorted))) AS visits
    FROM (
      SELECT person, arraySort({order}{gathered}) AS sorted{aggregates}
      {rows}
      GROUP BY person
    )
  """


def cut_sql(gathered: str, rows: str, gap: str, tick: Callable[[str], str], *, by: str = "") -> str:
    """SELECT (person, visit) of the same."""
    return f"""
    SELECT person, arrayJoin(visits) AS visit
    FROM ({split_sql(gathered, rows, gap, tick, by=by)})
  """


# Where more must be known of an event than that, its code is what is sorted: from the left its milliseconds since 1970, the place of its
# name among `names` and its key. Beside it, or to the right of it, stands what else is kept.
CODE_NAMES = "arraySort(groupArray(toString(event))) AS names FROM (SELECT DISTINCT event FROM visible)"
CODE_TICK = "toInt64(bitShiftRight({code}, 86))"


def code_sql(names: str) -> str:
    """SQL: the code of an event of `visible`; `names` is SQL for the sorted array of all names, 4 million at most."""
    tick = "bitShiftLeft(toUInt128(toUnixTimestamp64Milli(ts)), 86)"
    return f"{tick} + bitShiftLeft(toUInt128({place_sql(names)}), 64) + event_key"


def visits_sql(doings: str, kept: str, gap: str) -> str:
    """SELECT (person, visit) FROM the CTE `doings` (person, code, and the columns `kept`). A visit is an array of (code, *kept) in order.
    `gap` is SQL for milliseconds."""
    rows = f"FROM {doings}"
    return cut_sql(f"groupArray((code, {kept}))", rows, gap, lambda one: CODE_TICK.format(code=f"{one}.1"), by="one.1")
