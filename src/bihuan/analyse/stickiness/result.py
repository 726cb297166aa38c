"""What stickiness answers, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from bihuan.analyse.stickiness.spec import StickinessSpec
from bihuan.analyse.stickiness.sql import most_times, whole_period
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Interval, between, lows_and_highs, sample_warning
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Spread:
    """How often people were active: `seen[n - 1]` of them on n different days (weeks, months). Of a `sample` these are its people; numbers
    of people are then estimates for everybody, means, medians and shares those of the sample."""

    seen: tuple[int, ...]
    sample: float | None = None

    @property
    def exactly(self) -> tuple[int, ...]:
        """`exactly[n - 1]` people were active on n different days."""
        return tuple(map(self._all, self.seen))

    @property
    def people(self) -> int:
        """All who were active at all."""
        return self._all(sum(self.seen))

    @property
    def at_least(self) -> tuple[int, ...]:
        """`at_least[n - 1]` people were active on n or more."""
        return tuple(map(self._all, self._seen_at_least))

    def sure(self, cumulative: bool) -> tuple[Interval | None, ...]:
        """Where each of `counts` lies; None without a sample, and where nobody of it was so often active."""
        return tuple(between(people, people, self.sample) for people in (self._seen_at_least if cumulative else self.seen))

    @property
    def _seen_at_least(self) -> tuple[int, ...]:
        return tuple(accumulate(reversed(self.seen)))[::-1]

    def _all(self, people: int) -> int:
        return people if self.sample is None else round(people / self.sample)

    @property
    def mean(self) -> float | None:
        """On how many they were active on average (None: nobody was)."""
        return sum(times * people for times, people in enumerate(self.seen, 1)) / sum(self.seen) if sum(self.seen) else None

    @property
    def median(self) -> int | None:
        """The smallest number that at least half of them do not exceed (None: nobody was)."""
        totals = accumulate(self.seen)
        return next((times for times, total in enumerate(totals, 1) if 2 * total >= sum(self.seen)), None) if sum(self.seen) else None

    def counts(self, cumulative: bool) -> tuple[int, ...]:
        return self.at_least if cumulative else self.exactly

    def shares(self, cumulative: bool) -> tuple[float | None, ...]:
        """Of all who were active at all."""
        among = sum(self.seen)
        return tuple(people / among if among else None for people in (self._seen_at_least if cumulative else self.seen))


@dataclass(frozen=True)
class StickinessPart:
    """Everybody (`value` None), those with `value` ('' when they have none), or those with a value that is not among the first (`other` is
    then how many values those are). `place` is where it stands in the answer; 0 is everybody. `before` is what it is compared with."""

    place: int
    value: str | None
    other: int
    now: Spread
    before: Spread | None


@dataclass(frozen=True)
class StickinessResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last: with an event's property a person may be in several.
    `possible` is on how many days (weeks, months) of the period somebody could have been active so far, `running` whether it goes on."""

    unit: str
    cumulative: bool
    shown: str
    possible: int
    running: bool
    everybody: StickinessPart
    parts: tuple[StickinessPart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    compared_with: Said | None
    sample: float | None = None

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found = sample_warning(self.sample)
        return (*found, ("The period still runs: people may be active on more days.", {})) if self.running else found


def shape_stickiness(spec: StickinessSpec, scope: Scope, rows: Rows) -> StickinessResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(int(row["place"]), []).append(row)
    parts = [_part(spec, scope, place, found) for place, found in sorted(places.items())]
    period = whole_period(spec, scope)
    return StickinessResult(
        unit=spec.unit,
        cumulative=spec.cumulative,
        shown=spec.shown,
        possible=sum(start <= scope.now for start in period.buckets(spec.unit)),
        running=period.start <= scope.now < period.end,
        everybody=parts[0],
        parts=tuple(parts[1:]),
        breakdown=spec.breakdown,
        names=scope.segment_names,
        compared_with=compare_said(spec.compare, scope) if spec.compare else None,
        sample=spec.sample,
    )


TIMES = {"day": "Active days", "week": "Active weeks", "month": "Active months"}
MEANS = {"day": "Active days on average", "week": "Active weeks on average", "month": "Active months on average"}
ONCE = {"day": "Active on one day only", "week": "Active in one week only", "month": "Active in one month only"}


def table_stickiness(result: StickinessResult) -> Table:
    """One row for each number of days (weeks, months), of everybody or of each value; none when nobody was active."""
    value = columns_of(result.breakdown) if result.parts else ()
    compared = result.everybody.before is not None
    columns = (
        *value,
        Column("times", TIMES[result.unit], "number"),
        Column("people", "People", "number"),
        Column("share", "Share", "share"),
        Column("at_least", "So many or more", "number"),
        Column("at_least_share", "Share, so many or more", "share"),
    )
    if compared:
        columns += (Column("people_before", "People, compared", "number"), Column("share_before", "Share, compared", "share"))
    if result.sample is not None:
        columns += _bound_columns(compared)
    rows, cells = [], []
    for part in result.parts or (result.everybody,):
        now, before = part.now, part.before
        if not now.people and not (before and before.people):
            continue
        named = cells_of(part.value, result.breakdown) if value else ()
        whose: dict[str, Any] = {"place": part.place} if part.place else {}
        for at, people in enumerate(now.exactly):
            times = {**whose, "times": at + 1}
            more = {**times, "at_least": True}
            row: tuple[Any, ...] = (at + 1, people, now.shares(False)[at], now.at_least[at], now.shares(True)[at])
            links: tuple[Mapping[str, Any] | None, ...] = (None, times, None, more, None)
            if before is not None:
                row += (before.exactly[at], before.shares(False)[at])
                links += ({**times, "before": True}, None)
            if result.sample is not None:
                row += _bounds(part, at)
            rows.append((*named, *row))
            cells.append((*[None] * len(named), *links, *[None] * (len(row) - len(links))))
    return Table(columns, tuple(rows), tuple(cells))


def _bound_columns(compared: bool) -> tuple[Column, ...]:
    """Where the numbers that a sample estimates lie."""
    beside = (
        Column("people_before_low", "People, compared, at least", "number"),
        Column("people_before_high", "People, compared, at most", "number"),
    )
    return (
        Column("people_low", "People, at least", "number"),
        Column("people_high", "People, at most", "number"),
        Column("at_least_low", "So many or more, at least", "number"),
        Column("at_least_high", "So many or more, at most", "number"),
        *(beside if compared else ()),
    )


def _bounds(part: StickinessPart, at: int) -> tuple[float | None, ...]:
    found = [part.now.sure(False)[at], part.now.sure(True)[at], *([part.before.sure(False)[at]] if part.before else [])]
    return lows_and_highs(found)


def headlines_stickiness(result: StickinessResult) -> tuple[Headline, ...]:
    now, before = result.everybody.now, result.everybody.before
    half = (result.possible + 1) // 2
    often = (now.shares(True)[half - 1] if half else 0.0) if now.people else None
    return (
        Headline("People active", now.people, change=_change(now.people, before.people if before else None)),
        Headline(
            MEANS[result.unit],
            None if now.mean is None else round(now.mean, 2),
            change=_change(now.mean, before.mean if before else None),
        ),
        Headline(ONCE[result.unit], now.shares(False)[0], "share"),
        Headline("Active on half of them or more", often, "share"),
    )


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before - 1


def _part(spec: StickinessSpec, scope: Scope, place: int, rows: Sequence[Mapping[str, Any]]) -> StickinessPart:
    is_other = place > spec.top
    return StickinessPart(
        place=place,
        value=None if place == 0 or is_other else str(rows[0]["value"]),
        other=max(row["rank"] for row in rows) - spec.top if is_other else 0,
        now=_spread(spec, scope, rows, 0),
        before=_spread(spec, scope, rows, 1) if spec.compare else None,
    )


def _spread(spec: StickinessSpec, scope: Scope, rows: Sequence[Mapping[str, Any]], side: int) -> Spread:
    counts = {row["times"]: int(row["people"]) for row in rows if row["side"] == side}
    return Spread(tuple(counts.get(times, 0) for times in range(1, most_times(spec, scope) + 1)), spec.sample)
