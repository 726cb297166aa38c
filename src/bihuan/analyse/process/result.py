"""What a process answers, each number defined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bihuan.analyse.process.cases import KINDS, MOST_ACTIVITIES, MOST_CASES, MOST_EVENTS, OTHERS
from bihuan.analyse.process.parts import Part, parts_of
from bihuan.analyse.process.spec import Deviation, ProcessSpec
from bihuan.analyse.process.sql import MOST_VARIANTS
from bihuan.analyse.process.whole import HOUR, NOTHING, Whole, scaled_row, whole_of
from bihuan.engine.breakdowns import Breakdown
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import sample_warning
from bihuan.engine.question import Rows, Scope

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Times:
    """Of `number` times: their `mean`, `median` and `p90` in seconds (None: there is none), and the hours `lost`: the sum, over those that
    took longer than what is allowed (the target, or the median), of what they took beyond it."""

    number: int
    mean: float | None
    median: float | None
    p90: float | None
    lost: float


@dataclass(frozen=True)
class Activity:
    """`name` was executed `executions` times in `cases` cases of `people` people. `begins` cases begin with it; `ended` complete cases end
    with it, and `running` cases that are not complete have not come further. `service` is the time that it takes, of executions whose
    start and completion are known.

    `extra` executions are not the first in their case, which are `again_cases` cases; they took `again_hours`, waiting before included.
    `before`: its cases in what it is compared with.
    """

    name: str
    executions: int
    cases: int
    people: int
    begins: int
    ended: int
    running: int
    service: Times
    extra: int
    again_cases: int
    again_hours: float
    before: int = 0


@dataclass(frozen=True)
class Edge:
    """`name` was directly followed by `next` `gone` times, in `cases` cases of `people` people; `waiting` is the time from the end of the
    one to the beginning of the other. `before`: the cases in what it is compared with, `before_median` their waiting."""

    name: str
    next: str
    gone: int
    cases: int
    people: int
    waiting: Times
    before: int = 0
    before_median: float | None = None


@dataclass(frozen=True)
class Variant:
    """`cases` cases of `people` people are exactly `names`; `share` of all, `up_to` together with all variants above it. Half of them take
    no longer than `median` seconds. `before…`: the same of what it is compared with."""

    names: tuple[str, ...]
    cases: int
    people: int
    share: float
    up_to: float
    median: float | None
    before: int
    before_people: int
    before_share: float | None
    before_median: float | None


@dataclass(frozen=True)
class Kept:
    """`cases` cases of `people` people; they take `mean` and `median` seconds."""

    cases: int
    people: int
    mean: float | None
    median: float | None


@dataclass(frozen=True)
class Deviates:
    """`of.cases` cases deviate by `kind` of `activity`. They take `hours` more together than as many cases that keep the order do on
    average (less, when negative; None: none keeps it)."""

    kind: Deviation
    activity: str
    of: Kept
    hours: float | None
    before: int = 0


@dataclass(frozen=True)
class Conformance:
    """`keeping` are the cases that keep the order, `share` their part of all, `others` those that do not, which take `hours` more together
    than as many that keep it do on average. `deviations`, most frequent first; a case may have several."""

    keeping: Kept
    others: Kept
    share: float | None
    hours: float | None
    deviations: tuple[Deviates, ...]
    before_share: float | None


@dataclass(frozen=True)
class Bottleneck:
    """Where hours are lost: waiting between `name` and `next`, or (None) executing `name`; `share` of all that is lost."""

    name: str
    next: str | None
    times: Times
    share: float


@dataclass(frozen=True)
class ProcessResult:
    """`activities` and `edges` by frequency, `variants` the most frequent ones. `before` is None when nothing is compared. `services`:
    whether activities can take time; `complete_told`: whether it is told which cases are complete. `activities_shown` and
    `edges_shown` percent are to be drawn. `parts` are the same broken down; `names` those of segments, by key. With a
    `sample` (of people, or not `by_person` of cases) all numbers are estimates of those of all."""

    whole: Whole
    before: Whole | None
    compared: Said | None
    activities: tuple[Activity, ...]
    edges: tuple[Edge, ...]
    variants: tuple[Variant, ...]
    conformance: Conformance | None
    services: bool
    complete_told: bool
    target: float | None
    activities_shown: int
    edges_shown: int
    only_complete: bool
    parts: tuple[Part, ...] = ()
    breakdown: tuple[Breakdown, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    sample: float | None = None
    by_person: bool = True

    @property
    def bottlenecks(self) -> tuple[Bottleneck, ...]:
        """Connections and activities by the hours that they lose, most first."""
        found: list[tuple[str, str | None, Times]] = [(edge.name, edge.next, edge.waiting) for edge in self.edges if edge.waiting.lost]
        found += [(one.name, None, one.service) for one in self.activities if one.service.lost]
        lost = math.fsum(times.lost for _, _, times in found)
        some = [Bottleneck(name, following, times, times.lost / lost) for name, following, times in found]
        return tuple(sorted(some, key=lambda one: (-one.times.lost, one.name, one.next or "")))

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found: list[tuple[str, Mapping[str, Any]]] = []
        sides = [self.whole, *([self.before] if self.before else [])]
        if self.whole.found > MOST_CASES:
            found.append(
                (
                    "There are {found} cases; numbers are of about {cases} of them, chosen at random.",
                    {"found": self.whole.found, "cases": MOST_CASES},
                )
            )
        if cut := sum(side.cut for side in sides):
            found.append(
                (
                    "{count} cases have more than {most} events; what comes after these is not looked at.",
                    {"count": cut, "most": MOST_EVENTS},
                )
            )
        if any(one.name == OTHERS for one in self.activities):
            found.append(("There are more than {most} activities; the rarest are together as “…”.", {"most": MOST_ACTIVITIES}))
        if self.whole.open:
            found.append(("{count} cases are not complete; their times may still grow.", {"count": self.whole.open}))
        if self.sample is not None and self.whole.sure is not None:
            whole, sure = self.whole, self.whole.sure
            found += sample_warning(self.sample) if self.by_person else _of_cases(self.sample)
            found.append(
                (
                    "There are about {count} cases, surely (95 %) {low} to {high}.",
                    {"count": whole.cases, "low": max(0, round(sure.low)), "high": round(sure.high)},
                )
            )
        return tuple(found)


def _of_cases(sample: float) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return (("Estimated from {percent} % of the cases.", {"percent": round(sample * 100, 4)}),)


def shape_process(spec: ProcessSpec, scope: Scope, rows: Rows) -> ProcessResult:
    names = {int(row["b"]): str(row["name"]) for row in rows if row["part"] == "name"}
    if spec.sample is not None:
        rows = [scaled_row(row, spec.sample, spec.top + 1 if spec.breakdown else 0) for row in rows]
    compared = spec.compare is not None
    totals = {int(row["side"]): whole_of(row, spec.sample) for row in rows if row["part"] == "total"}
    whole, before = totals.get(0, NOTHING), totals.get(1, NOTHING)
    return ProcessResult(
        whole=whole,
        before=before if compared else None,
        compared=compare_said(spec.compare, scope) if spec.compare else None,
        activities=_activities(_of(rows, "activity"), names),
        edges=_edges(_of(rows, "edge"), names),
        variants=_variants(_of(rows, "variant"), names, whole, before if compared else None),
        conformance=_conformance(spec, rows, names, whole, before) if spec.order else None,
        services=spec.takes_time,
        complete_told=spec.tells_complete,
        target=spec.target,
        activities_shown=spec.activities,
        edges_shown=spec.edges,
        only_complete=spec.only_complete,
        parts=parts_of(spec, rows, names) if spec.breakdown else (),
        breakdown=spec.breakdown,
        names=scope.segment_names,
        sample=spec.sample,
        by_person=spec.case != "property",
    )


def _of(rows: Rows, part: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["part"] == part]


def _times(number: float, times: Sequence[float]) -> Times:
    total, median, p90, lost = (float(one) / 1000 for one in times[:4])
    if not number:
        return Times(0, None, None, None, 0.0)
    return Times(round(number), total / number, median, p90, lost / HOUR)


def _activities(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> tuple[Activity, ...]:
    before = {int(row["a"]): round(row["counts"][1]) for row in rows if row["side"] == 1}
    found = []
    for row in rows:
        if row["side"] == 1:
            continue
        executions, cases, people, begins, ended, running, _, extra, again = map(round, row["counts"][:9])
        service, hours = _times(row["counts"][6], row["times"]), float(row["times"][4]) / 1000 / HOUR
        name = names[int(row["a"])]
        found.append(
            Activity(name, executions, cases, people, begins, ended, running, service, extra, again, hours, before.get(int(row["a"]), 0))
        )
    return tuple(sorted(found, key=lambda one: (-one.executions, one.name)))


def _edges(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> tuple[Edge, ...]:
    sides: dict[int, dict[tuple[int, int], Mapping[str, Any]]] = {0: {}, 1: {}}
    for row in rows:
        sides[int(row["side"])][int(row["a"]), int(row["b"])] = row
    found = []
    for key in sides[0] | sides[1]:
        now, other = sides[0].get(key), sides[1].get(key)
        gone, cases, people = map(round, now["counts"][:3]) if now else (0, 0, 0)
        waiting = _times(now["counts"][0], now["times"]) if now else _times(0, (0, 0, 0, 0))
        before = round(other["counts"][1]) if other else 0
        median = float(other["times"][1]) / 1000 if other else None
        found.append(Edge(names[key[0]], names[key[1]], gone, cases, people, waiting, before, median))
    return tuple(sorted(found, key=lambda one: (-one.gone, -one.before, one.name, one.next)))


def _variants(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str], whole: Whole, before: Whole | None) -> tuple[Variant, ...]:
    found, so_far = [], 0
    ordered = sorted(rows, key=lambda row: (-int(row["counts"][0]), -int(row["counts"][2]), list(row["trail"])))
    for row in ordered[:MOST_VARIANTS]:
        cases, people, others, other_people = map(round, row["counts"][:4])
        median, other_median = (float(one) / 1000 for one in row["times"])
        so_far += cases
        found.append(
            Variant(
                names=tuple(names[int(code)] for code in row["trail"]),
                cases=cases,
                people=people,
                share=cases / whole.cases if whole.cases else 0.0,
                up_to=so_far / whole.cases if whole.cases else 0.0,
                median=median if cases else None,
                before=others,
                before_people=other_people,
                before_share=others / before.cases if before and before.cases else None,
                before_median=other_median if others else None,
            )
        )
    return tuple(found)


def _conformance(spec: ProcessSpec, rows: Rows, names: Mapping[int, str], whole: Whole, before: Whole) -> Conformance:
    kept = {(int(row["side"]), int(row["a"])): _kept(row) for row in _of(rows, "order")}
    keeping, others = kept.get((0, 1), NOBODY), kept.get((0, 0), NOBODY)
    deviations = _of(rows, "deviation")
    earlier = {(int(row["a"]), int(row["b"])): round(row["counts"][0]) for row in deviations if row["side"] == 1}
    found = []
    for row in deviations:
        if row["side"] == 1:
            continue
        kind, of = int(row["a"]), int(row["b"])
        name = names[of] if KINDS[kind] == "unexpected" else spec.order[of - 1].activity
        cases = _kept(row)
        found.append(Deviates(KINDS[kind], name, cases, _more(cases, keeping), earlier.get((kind, of), 0)))
    return Conformance(
        keeping=keeping,
        others=others,
        share=keeping.cases / whole.cases if whole.cases else None,
        hours=_more(others, keeping),
        deviations=tuple(sorted(found, key=lambda one: (-one.of.cases, one.kind, one.activity))),
        before_share=kept.get((1, 1), NOBODY).cases / before.cases if before.cases else None,
    )


NOBODY = Kept(0, 0, None, None)


def _kept(row: Mapping[str, Any]) -> Kept:
    cases, _, people = map(round, row["counts"][:3])
    total, median = (float(one) / 1000 for one in row["times"][:2])
    return Kept(cases, people, total / row["counts"][0], median)


def _more(cases: Kept, keeping: Kept) -> float | None:
    """Hours that the cases take more than as many that keep the order."""
    if cases.mean is None or keeping.mean is None:
        return None
    return (cases.mean - keeping.mean) * cases.cases / HOUR
