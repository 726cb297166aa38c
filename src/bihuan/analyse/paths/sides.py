"""Which visits stand beside each other: those of a period and of the one it is compared with, or those of two groups of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.visits import SPARE_DAYS, Moments, known_until, moments_of
from bihuan.engine.compare import EVERYBODY, Baseline, Groups, baseline, groups, reads
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

TICK = "@tick"  # in a test of a visit: SQL of the tick at which it begins
THEIRS, BOTH = 1, 3  # sides of a visit: of what is compared with; the same, where the visit is on this side, too (which is 0)


@dataclass(frozen=True)
class Side:
    """The visits that begin from the instant `since` to before `until`. They are followed to before `known`."""

    since: datetime
    until: datetime
    known: datetime


def other_of(spec: PathsSpec, scope: Scope) -> Baseline | None:
    """What it is compared with; None when it is no period."""
    return baseline(spec.compare, scope.period(spec.period), scope)


def reads_paths(spec: PathsSpec, scope: Scope) -> Period:
    return reads(scope.period(spec.period), other_of(spec, scope)).extended(before=1, after=1)


def sides_of(spec: PathsSpec, scope: Scope) -> tuple[Side, Side]:
    """Both go as far: visits of the other period are known for as long after it as those of this one are by now, a day at most."""
    period, other = scope.period(spec.period), other_of(spec, scope)
    mine = Side(period.start, period.end, period.extended(after=1).end)
    if other is None:
        return mine, mine
    return mine, Side(other.period.start, other.until, known_until(period, other, scope))


@dataclass(frozen=True)
class Beside:
    """SQL of both sides. `moments` are those of this one, `also` what must be known of each person, `tests` of the TICK at which a
    visit begins, `known` the ticks that it is followed to (None: as far as is read)."""

    moments: Moments
    also: Mapping[str, str]
    tests: tuple[str, str]
    known: tuple[str, str] | None

    def visits(self, tick: Callable[[str], str]) -> str:
        """SQL for the columns `its`, a person's visits of either side, and `sides`, of their `visits`; `tick` says when an event was."""
        begin, last = tick("visit[1]"), tick("visit[-1]")
        mine, theirs = (test.replace(TICK, begin) for test in self.tests)
        its, same = ["mine", "theirs"], mine
        if self.known is not None:
            its = [
                f"arrayMap(visit -> if({last} < {known}, visit, arrayFilter(one -> {tick('one')} < {known}, visit)), {side})"
                for side, known in zip(its, self.known, strict=True)
            ]
            same = f"{mine} AND {last} < least({', '.join(self.known)})"
        return f"""arrayFilter(visit -> {mine}, visits) AS mine, arrayFilter(visit -> {theirs}, visits) AS theirs,
    arrayConcat({", ".join(its)}) AS its,
    arrayConcat(arrayResize(emptyArrayUInt8(), length(mine)), arrayMap(visit -> toUInt8(if({same}, {BOTH}, {THEIRS})), theirs)) AS sides"""


def beside(spec: PathsSpec, scope: Scope, binder: Binder) -> Beside:
    moments = moments_of(scope.period(spec.period), binder, reads_paths(spec, scope))
    if isinstance(spec.compare, Groups):
        also = {name: f"any({among})" for name, among in zip(("inside", "outside"), groups(spec.compare, scope, binder), strict=True)}
        begins = moments.begins(TICK)
        return Beside(moments, also, (f"inside AND {begins}", f"outside AND {begins}"), None)
    base = reads_paths(spec, scope).extended(before=SPARE_DAYS).start
    tests, known = [], []
    for side in sides_of(spec, scope):
        since, until, end = (
            binder.bind(round((at.timestamp() - base.timestamp()) * 1000), "Int64") for at in (side.since, side.until, side.known)
        )
        tests.append(f"{TICK} >= {since} AND {TICK} < {until}")
        known.append(end)
    return Beside(moments, {}, (tests[0], tests[1]), (known[0], known[1]))


def on_either(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """SQL: an event of `visible` is of a visit on either side, or just before or after one; to follow another condition."""
    if isinstance(spec.compare, Groups):
        return "" if spec.compare.against == EVERYBODY else f" AND ({' OR '.join(groups(spec.compare, scope, binder))})"
    return days_of(spec, scope, binder)


def days_of(spec: PathsSpec, scope: Scope, binder: Binder) -> str:
    """SQL: an event of `visible` is on a day of either period, or next to one; to follow another condition."""
    other = other_of(spec, scope)
    if other is None:
        return ""
    periods = [period.extended(before=1, after=1) for period in (scope.period(spec.period), other.period)]
    tests = [f"day BETWEEN {binder.bind(one.since, 'Date')} AND {binder.bind(one.until, 'Date')}" for one in periods]
    return f" AND ({' OR '.join(tests)})"
