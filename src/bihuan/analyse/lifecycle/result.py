"""What lifecycle answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from bihuan.analyse.lifecycle.sides import Side, asked, compared, counterparts
from bihuan.analyse.lifecycle.spec import LifecycleSpec, State
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.compare import EVERYBODY, Groups, Said, compare_said
from bihuan.engine.meta import Interval, Warning_, between, lows_and_highs, sample_warning
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

STATES: tuple[State, ...] = ("new", "returning", "resurrected", "dormant")
TITLES: Mapping[State, str] = {"new": "New", "returning": "Returning", "resurrected": "Resurrected", "dormant": "Dormant"}
SHARES: Mapping[State, str] = {
    "new": "New, share of the active",
    "returning": "Returning, share of the active",
    "resurrected": "Resurrected, share of the active",
    "dormant": "Dormant, share of those active before",
}


@dataclass(frozen=True)
class Stage:
    """The people of one day, week or month that begins on `day`.

    `new` were active for the first time ever, `returning` also in the period before, `resurrected` not in the one before but earlier.
    `dormant` were active in the one before and not in this. All are None when the period has not begun. `complete` says that it is over:
    until then the first three may grow, and `dormant` shrinks. What stands beside a period that still runs counts until the same moment and
    is not `complete` either. Of a `sample` all numbers are estimates for everybody, of what was `seen` of its people; `stayed` and
    `quick_ratio` are then theirs.
    """

    day: date
    new: int | None
    returning: int | None
    resurrected: int | None
    dormant: int | None
    complete: bool
    sample: float | None = None
    seen: Stage | None = None

    @property
    def active(self) -> int | None:
        """How many people were active: the first three together."""
        if self.seen is not None and self.sample is not None:
            return _scaled(self.seen.active, self.sample)
        return None if self.new is None else self.new + (self.returning or 0) + (self.resurrected or 0)

    def sure(self, number: State | Literal["active"]) -> Interval | None:
        """Where a number of people lies; None without a sample, and where it has nobody."""
        people = getattr(self.seen, number, None)
        return between(people, people, self.sample) if people else None

    @property
    def stayed(self) -> float | None:
        """Of those active in the period before, the fraction who are in this (None when nobody was)."""
        own = self.seen or self
        before = (own.returning or 0) + (own.dormant or 0)
        return None if own.returning is None or not before else own.returning / before

    def share(self, state: State) -> float | None:
        """The people in a state as a fraction of the active; the dormant of those active in the period before (None when nobody was)."""
        own = self.seen or self
        among = (own.returning or 0) + (own.dormant or 0) if state == "dormant" else own.active
        people: int | None = getattr(own, state)
        return None if people is None or not among else people / among

    @property
    def quick_ratio(self) -> float | None:
        """Won for each one lost: (new + resurrected) / dormant (None when nobody was lost). Above 1 the number of the active grows."""
        own = self.seen or self
        return None if own.new is None or not own.dormant else (own.new + (own.resurrected or 0)) / own.dormant


def _scaled(people: int | None, sample: float) -> int | None:
    return None if people is None else round(people / sample)


@dataclass(frozen=True)
class LifecyclePart:
    """The stages of everybody (`value` None), of those with `value` ('' when they have none), or of all those whose value is not among the
    first (`other` is then how many values those are). `place` is where it stands in the answer; 0 is everybody. `before` has for each
    stage the one of what it is compared with (None: that has no such period; all empty: it is compared with nothing)."""

    place: int
    value: str | None
    other: int
    stages: tuple[Stage, ...]
    before: tuple[Stage | None, ...] = ()

    @property
    def latest(self) -> Stage | None:
        """The last period that is over."""
        return next((stage for stage in reversed(self.stages) if stage.complete), None)

    def beside(self, stage: Stage | None) -> Stage | None:
        """What one of the stages is compared with."""
        return self.before[self.stages.index(stage)] if stage and self.before else None


@dataclass(frozen=True)
class LifecycleResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last.

    `compared_with` is what it is compared with (None: nothing), `groups` that this is another group of people, of which shares tell more
    than numbers. `shared` is how many days, weeks or months are on both sides, or whether (1) some people are in both groups, `within`
    that one group is everybody. `earlier`: somebody was active before the other period."""

    unit: str
    everybody: LifecyclePart
    parts: tuple[LifecyclePart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    sample: float | None = None
    compared_with: Said | None = None
    groups: bool = False
    shared: int = 0
    within: bool = False
    earlier: bool = True

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        return (*sample_warning(self.sample), *self._of_both_sides())

    def _of_both_sides(self) -> Iterator[Warning_]:
        """Why the sides may look alike, or cannot."""
        if self.groups and self.within:
            yield "The people of the segment are among everybody too, so that the sides look more alike than they are.", {}
        elif self.groups and self.shared:
            yield "Some people are in both segments, so that the sides look more alike than they are.", {}
        elif self.shared == 1:
            yield "One period is on both sides, so that the sides look more alike than they are.", {}
        elif self.shared:
            yield "{count} periods are on both sides, so that the sides look more alike than they are.", {"count": self.shared}
        if not self.earlier and self.people:
            came = any(stage and stage.active for stage in self.everybody.before)
            yield (FIRST_WITHIN if came else FIRST_AFTER), {}

    @property
    def people(self) -> bool:
        """Whether there is anybody at all."""
        stages = (*self.everybody.stages, *self.everybody.before)
        return any(stage and (stage.active or stage.dormant) for stage in stages)


FIRST_WITHIN = "Nobody was active before the period that this is compared with: all who came in it for the first time are new there."
FIRST_AFTER = "Nobody was active yet in the period that this is compared with, nor before it."


def shape_lifecycle(spec: LifecycleSpec, scope: Scope, rows: Rows) -> LifecycleResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(int(row["place"]), []).append(row)
    parts = [_part(spec, scope, place, found) for place, found in sorted(places.items())]
    result = LifecycleResult(spec.unit, parts[0], tuple(parts[1:]), spec.breakdown, scope.segment_names, spec.sample)
    return replace(result, **_compared(spec, scope, rows)) if spec.compare else result


def _compared(spec: LifecycleSpec, scope: Scope, rows: Rows) -> dict[str, Any]:
    """What is to be said of the other side."""
    assert spec.compare is not None
    said: dict[str, Any] = {"compared_with": compare_said(spec.compare, scope)}
    if isinstance(spec.compare, Groups):
        shared = int(any(row["shared"] for row in rows))
        return {**said, "groups": True, "shared": shared, "within": bool(shared) and spec.compare.against == EVERYBODY}
    both = {*asked(spec, scope).days} & {*compared(spec, scope).days}
    return {**said, "shared": len(both), "earlier": any(row["state"] == "earlier" for row in rows)}


def table_lifecycle(result: LifecycleResult) -> Table:
    """One row for each period that has begun: of everybody, or of each value; none when nobody was ever active in them."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("period", "Period", "day"),
        Column("new", "New", "number"),
        Column("returning", "Returning", "number"),
        Column("resurrected", "Resurrected", "number"),
        Column("dormant", "Dormant", "number"),
        Column("active", "Active", "number"),
        Column("stayed", "Stayed", "share"),
        Column("quick_ratio", "Quick ratio", "number"),
        Column("complete", "Complete"),
        *(_columns_before() if result.compared_with else ()),
        *(_share_columns() if result.groups else ()),
        *(_bound_columns() if result.sample is not None else ()),
        *(_bound_columns_before() if result.sample is not None and result.compared_with else ()),
    )
    rows, cells = [], []
    for part in (result.parts or (result.everybody,)) if result.people else ():
        for stage in part.stages:
            if stage.new is None:
                continue
            row, links = _row(stage, {"day": stage.day.isoformat(), **({"place": part.place} if part.place else {})}, result, part)
            named = cells_of(part.value, result.breakdown) if value else ()
            rows.append((*named, *row))
            cells.append((*[None] * len(named), *links, *[None] * (len(row) - len(links))))
    return Table(columns, tuple(rows), tuple(cells))


Link = Mapping[str, Any] | None


def _row(stage: Stage, whose: Mapping[str, Any], result: LifecycleResult, part: LifecyclePart) -> tuple[tuple[Any, ...], tuple[Link, ...]]:
    """The numbers of a period, and the first of the links to their people."""
    row: tuple[Any, ...] = (*_numbers(stage), stage.complete)
    links: tuple[Link, ...] = (*_links(whose), None)
    if result.compared_with:
        before = part.beside(stage)
        row += (*_numbers(before), before.complete) if before else (None,) * len(row)
        links += (*_links({**whose, "before": True}), None) if before and before.new is not None else (None,) * len(links)
        if result.groups and before:
            row += tuple(side.share(state) for state in STATES for side in (stage, before))
    if result.sample is not None:
        row += _bounds(stage)
        if result.compared_with:
            row += _bounds(part.beside(stage))
    return row, links


def _numbers(stage: Stage) -> tuple[Any, ...]:
    counts = (stage.new, stage.returning, stage.resurrected, stage.dormant)
    return (stage.day, *counts, stage.active, stage.stayed, stage.quick_ratio)


def _links(whose: Mapping[str, Any]) -> tuple[Link, ...]:
    return (None, *({**whose, "state": state} for state in STATES), whose, None, None)


def _columns_before() -> tuple[Column, ...]:
    """The same of what it is compared with."""
    return (
        Column("period_before", "Period, compared", "day"),
        Column("new_before", "New, compared", "number"),
        Column("returning_before", "Returning, compared", "number"),
        Column("resurrected_before", "Resurrected, compared", "number"),
        Column("dormant_before", "Dormant, compared", "number"),
        Column("active_before", "Active, compared", "number"),
        Column("stayed_before", "Stayed, compared", "share"),
        Column("quick_ratio_before", "Quick ratio, compared", "number"),
        Column("complete_before", "Complete, compared"),
    )


def _share_columns() -> tuple[Column, ...]:
    """Each state as a share, which two groups of people can be compared by."""
    return (
        Column("new_share", "New, share of the active", "share"),
        Column("new_share_before", "New, share of the active, compared", "share"),
        Column("returning_share", "Returning, share of the active", "share"),
        Column("returning_share_before", "Returning, share of the active, compared", "share"),
        Column("resurrected_share", "Resurrected, share of the active", "share"),
        Column("resurrected_share_before", "Resurrected, share of the active, compared", "share"),
        Column("dormant_share", "Dormant, share of those active before", "share"),
        Column("dormant_share_before", "Dormant, share of those active before, compared", "share"),
    )


def _bound_columns() -> tuple[Column, ...]:
    """Where the numbers that a sample estimates lie."""
    return (
        Column("new_low", "New, at least", "number"),
        Column("new_high", "New, at most", "number"),
        Column("returning_low", "Returning, at least", "number"),
        Column("returning_high", "Returning, at most", "number"),
        Column("resurrected_low", "Resurrected, at least", "number"),
        Column("resurrected_high", "Resurrected, at most", "number"),
        Column("dormant_low", "Dormant, at least", "number"),
        Column("dormant_high", "Dormant, at most", "number"),
        Column("active_low", "Active, at least", "number"),
        Column("active_high", "Active, at most", "number"),
    )


def _bound_columns_before() -> tuple[Column, ...]:
    return (
        Column("new_before_low", "New, compared, at least", "number"),
        Column("new_before_high", "New, compared, at most", "number"),
        Column("returning_before_low", "Returning, compared, at least", "number"),
        Column("returning_before_high", "Returning, compared, at most", "number"),
        Column("resurrected_before_low", "Resurrected, compared, at least", "number"),
        Column("resurrected_before_high", "Resurrected, compared, at most", "number"),
        Column("dormant_before_low", "Dormant, compared, at least", "number"),
        Column("dormant_before_high", "Dormant, compared, at most", "number"),
        Column("active_before_low", "Active, compared, at least", "number"),
        Column("active_before_high", "Active, compared, at most", "number"),
    )


def _bounds(stage: Stage | None) -> tuple[float | None, ...]:
    found = [*(stage.sure(state) for state in STATES), stage.sure("active")] if stage else [None] * (len(STATES) + 1)
    return lows_and_highs(found)


def headlines_lifecycle(result: LifecycleResult) -> tuple[Headline, ...]:
    """The last period that is over, against the one before it; or, compared, against the one beside it: of groups by their shares. What is
    more is shown as better, so that the dormant have no change."""
    over = [stage for stage in result.everybody.stages if stage.complete]
    now, before = ([None, None, *over][at] for at in (-1, -2))
    if result.compared_with:
        before = result.everybody.beside(now)
        before = before if before and before.complete else None
    ratio = _change(getattr(now, "quick_ratio", None), getattr(before, "quick_ratio", None)) if result.compared_with else None

    def number(stage: Stage | None, state: State) -> float | None:
        return stage.share(state) if stage and result.groups else getattr(stage, state, None)

    def headline(state: State) -> Headline:
        change = None if state == "dormant" else _change(number(now, state), number(before, state))
        return Headline((SHARES if result.groups else TITLES)[state], number(now, state), "share" if result.groups else "number", change)

    return (
        *map(headline, STATES),
        Headline("Quick ratio", None if now is None or now.quick_ratio is None else round(now.quick_ratio, 2), change=ratio),
    )


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before - 1


def _part(spec: LifecycleSpec, scope: Scope, place: int, rows: Sequence[Mapping[str, Any]]) -> LifecyclePart:
    is_other = place > spec.top
    return LifecyclePart(
        place=place,
        value=None if place == 0 or is_other else str(rows[0]["value"]),
        other=max(row["rank"] for row in rows) - spec.top if is_other else 0,
        stages=_stages(spec, scope, asked(spec, scope), [row for row in rows if not row.get("side")]),
        before=_beside(spec, scope, [row for row in rows if row.get("side")]) if spec.compare else (),
    )


def _beside(spec: LifecycleSpec, scope: Scope, rows: Sequence[Mapping[str, Any]]) -> tuple[Stage | None, ...]:
    """What it is compared with, a stage for each of this side."""
    theirs = _stages(spec, scope, compared(spec, scope), rows)
    return tuple(None if number is None else theirs[number] for number in counterparts(spec, scope))


def _stages(spec: LifecycleSpec, scope: Scope, side: Side, rows: Sequence[Mapping[str, Any]]) -> tuple[Stage, ...]:
    counts = {(row["state"], row["bucket"]): int(row["people"]) for row in rows}
    stages = []
    for number, day in enumerate(side.days):
        if not side.begun(day, scope.now):
            stages.append(Stage(day, None, None, None, None, False))
            continue
        new, returning, resurrected, dormant = (counts.get((state, number), 0) for state in STATES)
        seen = Stage(day, new, returning, resurrected, dormant, side.over(day, spec.unit, scope.now))
        stages.append(seen if spec.sample is None else _of_everybody(seen, spec.sample))
    return tuple(stages)


def _of_everybody(seen: Stage, sample: float) -> Stage:
    """What the sample's people say of all."""
    new, returning, resurrected, dormant = (_scaled(getattr(seen, state), sample) for state in STATES)
    return Stage(seen.day, new, returning, resurrected, dormant, seen.complete, sample, seen)
