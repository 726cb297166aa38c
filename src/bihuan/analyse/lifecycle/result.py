"""What lifecycle answers, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from bihuan.analyse.lifecycle.spec import LifecycleSpec, State
from bihuan.analyse.lifecycle.sql import bucket_days
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.meta import Interval, Warning_, between, lows_and_highs, sample_warning
from bihuan.engine.periods import bucket_end, midnight
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

STATES: tuple[State, ...] = ("new", "returning", "resurrected", "dormant")


@dataclass(frozen=True)
class Stage:
    """The people of one day, week or month that begins on `day`.

    `new` were active for the first time ever, `returning` also in the period before, `resurrected` not in the one before but earlier.
    `dormant` were active in the one before and not in this. All are None when the period has not begun. `complete` says that it is over:
    until then the first three may grow, and `dormant` shrinks. Of a `sample` all numbers are estimates for everybody, of what was `seen`
    of its people; `stayed` and `quick_ratio` are then theirs.
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
    first (`other` is then how many values those are). `place` is where it stands in the answer; 0 is everybody."""

    place: int
    value: str | None
    other: int
    stages: tuple[Stage, ...]

    @property
    def latest(self) -> Stage | None:
        """The last period that is over."""
        return next((stage for stage in reversed(self.stages) if stage.complete), None)


@dataclass(frozen=True)
class LifecycleResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last."""

    unit: str
    everybody: LifecyclePart
    parts: tuple[LifecyclePart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    sample: float | None = None

    @property
    def warnings(self) -> tuple[Warning_, ...]:
        return sample_warning(self.sample)

    @property
    def people(self) -> bool:
        """Whether there is anybody at all."""
        return any(stage.active or stage.dormant for stage in self.everybody.stages)


def shape_lifecycle(spec: LifecycleSpec, scope: Scope, rows: Rows) -> LifecycleResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(int(row["place"]), []).append(row)
    parts = [_part(spec, scope, place, found) for place, found in sorted(places.items())]
    return LifecycleResult(spec.unit, parts[0], tuple(parts[1:]), spec.breakdown, scope.segment_names, spec.sample)


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
        *(_bound_columns() if result.sample is not None else ()),
    )
    rows, cells = [], []
    for part in (result.parts or (result.everybody,)) if result.people else ():
        for stage in part.stages:
            if stage.new is None:
                continue
            named = cells_of(part.value, result.breakdown) if value else ()
            counts = (stage.new, stage.returning, stage.resurrected, stage.dormant)
            bounds = _bounds(stage) if result.sample is not None else ()
            rows.append((*named, stage.day, *counts, stage.active, stage.stayed, stage.quick_ratio, stage.complete, *bounds))
            whose = {"day": stage.day.isoformat(), **({"place": part.place} if part.place else {})}
            linked = [{**whose, "state": state} for state in STATES]
            cells.append((*[None] * len(named), None, *linked, whose, None, None, None, *[None] * len(bounds)))
    return Table(columns, tuple(rows), tuple(cells))


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


def _bounds(stage: Stage) -> tuple[float | None, ...]:
    found = [*(stage.sure(state) for state in STATES), stage.sure("active")]
    return lows_and_highs(found)


def headlines_lifecycle(result: LifecycleResult) -> tuple[Headline, ...]:
    """The last period that is over, against the one before it."""
    over = [stage for stage in result.everybody.stages if stage.complete]
    now, before = ([None, None, *over][at] for at in (-1, -2))

    def change(state: State) -> float | None:
        then = getattr(before, state, None)
        return getattr(now, state) / then - 1 if then else None

    return (
        Headline("New", now and now.new, change=change("new")),
        Headline("Returning", now and now.returning, change=change("returning")),
        Headline("Resurrected", now and now.resurrected, change=change("resurrected")),
        Headline("Dormant", now and now.dormant),
        Headline("Quick ratio", None if now is None or now.quick_ratio is None else round(now.quick_ratio, 2)),
    )


def _part(spec: LifecycleSpec, scope: Scope, place: int, rows: Sequence[Mapping[str, Any]]) -> LifecyclePart:
    counts = {(row["state"], row["bucket"]): int(row["people"]) for row in rows}
    stages = []
    for number, day in enumerate(bucket_days(spec, scope)):
        start = midnight(day, scope.zone)
        if start > scope.now:
            stages.append(Stage(day, None, None, None, None, False))
            continue
        new, returning, resurrected, dormant = (counts.get((state, number), 0) for state in STATES)
        seen = Stage(day, new, returning, resurrected, dormant, bucket_end(start, spec.unit, scope.zone) <= scope.now)
        stages.append(seen if spec.sample is None else _of_everybody(seen, spec.sample))
    is_other = place > spec.top
    return LifecyclePart(
        place=place,
        value=None if place == 0 or is_other else str(rows[0]["value"]),
        other=max(row["rank"] for row in rows) - spec.top if is_other else 0,
        stages=tuple(stages),
    )


def _of_everybody(seen: Stage, sample: float) -> Stage:
    """What the sample's people say of all."""
    new, returning, resurrected, dormant = (_scaled(getattr(seen, state), sample) for state in STATES)
    return Stage(seen.day, new, returning, resurrected, dormant, seen.complete, sample, seen)
