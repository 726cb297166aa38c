"""What root cause answers, each number defined: the change, its arithmetic, and each dimension's parts, ranked by surprise.

After Adtributor (R. Bhagwan et al., "Adtributor: Revenue Debugging in Advertising Systems", NSDI 2014): a cause explains much of the
change, and its share is not the one that was to be expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from bihuan.analyse.root_cause.arithmetic import NOTHING, Amounts, filled, of_rate, ratio, shapley, surprise
from bihuan.analyse.root_cause.spec import Measure, RootCauseSpec
from bihuan.analyse.root_cause.sql import FACTS, dimensions_of, periods_of
from bihuan.engine.breakdowns import OTHER
from bihuan.engine.meta import Warning_, nobody_warning
from bihuan.engine.periods import Period
from bihuan.engine.question import Column, Headline, Kind, Rows, Scope, Table

LEAST = 0.1  # a part that explains less than this of the change is no cause
ENOUGH = 0.67  # with causes that explain so much together, no further ones are looked for
EVEN = 0.01  # a dimension with less surprise says nothing: all its parts moved alike


@dataclass(frozen=True)
class Effect:
    """A factor of the metric: its value before and now, and what its change `added` to the metric's."""

    title: str
    was: float | None
    now: float | None
    added: float
    kind: Kind = "number"


@dataclass(frozen=True)
class Part:
    """A value of a dimension; `value` None: `values` others together.

    `was` and `now` are the metric in the part (a rate: None without attempts), `expected` what it would be now had the part kept its share
    of the whole (a rate: had its rate stayed). `added` is what it added to the change, of a rate the sum of `within` (its own rate changed)
    and `mix` (its share of the attempts changed). `explains` is the fraction of the change (None: there is none); `surprise` how far its
    share is from the expected one, in nats; `cause` whether it is one of those that made the change. `days` and `was_days` are the metric
    by day.
    """

    value: str | None
    values: int
    amounts: Amounts
    was: float | None
    now: float | None
    expected: float | None
    added: float
    within: float
    mix: float
    explains: float | None
    surprise: float
    cause: bool
    days: tuple[float | None, ...]
    was_days: tuple[float | None, ...]


@dataclass(frozen=True)
class Dimension:
    """A property (`by`: event, property:… or person:…) and its `parts`, the greatest causes first, the rest last: all sum to the change.

    `score` sums, over its causes, surprise times the fraction that they explain; `explains` is that fraction in all. `within` and `mix`
    split the change of a rate.
    """

    by: str
    score: float
    explains: float
    within: float
    mix: float
    values: int
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return self.by.partition(":")[2]


@dataclass(frozen=True)
class RootCauseResult:
    """The metric `was` and is `now` (a rate: None without attempts), and the `change` (None: one of them is none). `effects` are its
    arithmetic and sum to the change, as the parts of each dimension do. `dimensions` are in the order of their score, without those of
    one value only, which are named in `alike`."""

    measure: Measure
    period: Period
    other: Period
    was: float | None
    now: float | None
    change: float | None
    effects: tuple[Effect, ...]
    dimensions: tuple[Dimension, ...]
    alike: tuple[str, ...]
    warnings: tuple[Warning_, ...]

    @property
    def causes(self) -> tuple[tuple[Dimension, Part], ...]:
        """The causes of the first dimension, when they say something."""
        if not self.dimensions or self.dimensions[0].score < EVEN:
            return ()
        return tuple((self.dimensions[0], part) for part in self.dimensions[0].parts if part.cause)


def shape_root_cause(spec: RootCauseSpec, scope: Scope, rows: Rows) -> RootCauseResult:
    period, other = periods_of(spec, scope)
    top = next(row for row in rows if row["dimension"] == 0)
    whole = _amounts(top)
    now, was = _value(spec.measure, whole.x, whole.y), _value(spec.measure, whole.was_x, whole.was_y)
    facts = [dict(zip(FACTS, top[f"{side}_facts"], strict=True)) for side in ("now", "was")]
    shaper = _Shaper(spec, whole, period, other.period)
    found = []
    for place, by in enumerate(dimensions_of(spec, scope), 1):
        found.append(shaper.dimension(by, [row for row in rows if row["dimension"] == place]))
    told = [one for one in found if one.values > 1]
    return RootCauseResult(
        measure=spec.measure,
        period=period,
        other=other.period,
        was=was,
        now=now,
        change=now - was if now is not None and was is not None else None,
        effects=_effects(spec.measure, whole, facts),
        dimensions=tuple(sorted(told, key=lambda one: (-one.score, -sum(part.surprise for part in one.parts), one.by))),
        alike=tuple(one.by for one in found if one.values <= 1),
        warnings=_warnings(spec, period, other.period, facts),
    )


def table_root_cause(result: RootCauseResult) -> Table:
    """A row a part, dimension by dimension; `added` sums to the change in each."""
    kind = kind_of(result.measure)
    columns = (
        Column("dimension", "Property"),
        Column("value", "Value"),
        Column("was", "Before", kind),
        Column("now", "Now", kind),
        Column("expected", "Expected now", kind),
        Column("added", "Adds to the change", kind),
        Column("explains", "Explains", "share"),
        Column("surprise", "Surprise"),
        *((Column("within", "Own rate", kind), Column("mix", "Mix", kind)) if result.measure == "rate" else ()),
        Column("cause", "Cause"),
    )
    rows, cells = [], []
    for one in result.dimensions:
        for part in one.parts:
            value = OTHER if part.value is None else part.value
            split = (part.within, part.mix) if result.measure == "rate" else ()
            numbers = (part.was, part.now, part.expected, part.added, part.explains, round(part.surprise, 6))
            rows.append((one.name or one.by, value, *numbers, *split, "yes" if part.cause else ""))
            cell = cell_of(one, part)
            before = {**cell, "before": True} if cell is not None else None
            cells.append((None, None, before, cell, *(None,) * (len(columns) - 4)))
    return Table(columns, tuple(rows), tuple(cells))


def headlines_root_cause(result: RootCauseResult) -> tuple[Headline, ...]:
    kind = kind_of(result.measure)
    change = result.change / abs(result.was) if result.change is not None and result.was else None
    first = next(iter(result.causes), None)
    headlines = (
        Headline("Now", result.now, kind, change),
        Headline("Before", result.was, kind),
        Headline("Change", result.change, kind),
    )
    if first is None:
        return headlines
    one, part = first
    said = f"{one.name or one.by} = {part.value or '–'}" if part.value is not None else OTHER
    return (*headlines, Headline("First cause", said, "text"))


def kind_of(measure: Measure) -> Kind:
    return {"rate": "share", "revenue": "money"}.get(measure, "number")  # type: ignore[return-value]


def cell_of(one: Dimension, part: Part) -> Mapping[str, Any] | None:
    """Who is behind a part; nobody can be named behind the rest."""
    if part.value is None:
        return None
    return {"by": one.by, "value": part.value} if part.value else {"by": one.by, "nothing": True}


def _value(measure: Measure, x: float, y: float) -> float | None:
    return ratio(x, y) if measure == "rate" else x


def _amounts(row: Mapping[str, Any]) -> Amounts:
    return Amounts(row["now_of_x"], row["now_of_y"], row["was_of_x"], row["was_of_y"])


class _Shaper:
    """Makes dimensions of rows: what they share is the question and the whole."""

    def __init__(self, spec: RootCauseSpec, whole: Amounts, period: Period, other: Period) -> None:
        self.spec, self.whole, self.period, self.other = spec, whole, period, other
        self.rated = spec.measure == "rate"
        if self.rated:
            split = bool(whole.y and whole.was_y)
            self.change = whole.x / whole.y - whole.was_x / whole.was_y if split else 0.0
        else:
            self.change = whole.x - whole.was_x

    def dimension(self, by: str, rows: Rows) -> Dimension:
        parts = [self._part(row) for row in rows]
        surprised = self._surprised(parts)
        causes, explained = set(), 0.0
        for place in sorted(range(len(parts)), key=lambda place: (-surprised[place], parts[place].value or "")):
            share = parts[place].explains or 0.0
            if explained > ENOUGH or parts[place].value is None or share < LEAST or not surprised[place]:
                continue
            causes.add(place)
            explained += share
        told = [_with(part, surprised[place], place in causes) for place, part in enumerate(parts)]
        told.sort(key=lambda part: (part.value is None, not part.cause, -part.surprise * part.cause, -abs(part.added), part.value or ""))
        return Dimension(
            by=by,
            score=sum(part.surprise * min(part.explains or 0.0, 1.0) for part in told if part.cause),
            explains=explained,
            within=sum(part.within for part in told),
            mix=sum(part.mix for part in told),
            values=sum(part.values for part in told),
            parts=self._shown(told),
        )

    def _part(self, row: Mapping[str, Any]) -> Part:
        amounts, whole = _amounts(row), self.whole
        within, mix = of_rate(amounts, whole) if self.rated else (amounts.x - amounts.was_x, 0.0)
        now, was = _value(self.spec.measure, amounts.x, amounts.y), _value(self.spec.measure, amounts.was_x, amounts.was_y)
        expected = was if self.rated else (amounts.was_x * whole.x / whole.was_x if whole.was_x else None)
        added = within + mix
        return Part(
            value=None if row["rest"] else row["part"],
            values=row["values"],
            amounts=amounts,
            was=was,
            now=now,
            expected=expected,
            added=added,
            within=within if self.rated else 0.0,
            mix=mix,
            explains=added / self.change if self.change else None,
            surprise=0.0,
            cause=False,
            days=self._days(row["now_days"], row["now_base_days"], self.period),
            was_days=self._days(row["was_days"], row["was_base_days"], self.other),
        )

    def _days(self, xs: Any, ys: Any, period: Period) -> tuple[float | None, ...]:
        x, y = dict(zip(*xs, strict=True)), dict(zip(*ys, strict=True))
        days: list[date] = [period.since + timedelta(days=place) for place in range(period.days)]
        return tuple(_value(self.spec.measure, x.get(day, 0.0), y.get(day, 0.0)) for day in days)

    def _surprised(self, parts: Sequence[Part]) -> list[float]:
        """The surprise of each part: how its share of the whole moved. Of a rate: its share of the hits against that which its attempts and
        its old rate let expect, and its share of the attempts, each for as much as that moved the rate: new people alone are no cause."""
        if not self.rated:
            return _terms([abs(part.amounts.was_x) for part in parts], [abs(part.amounts.x) for part in parts])
        rates = [part.was if part.was is not None else part.now or 0.0 for part in parts]
        hits = _terms([part.amounts.y * rate for part, rate in zip(parts, rates, strict=True)], [part.amounts.x for part in parts])
        mixes = _terms([part.amounts.was_y for part in parts], [part.amounts.y for part in parts])
        weights = [(abs(part.within), abs(part.mix)) for part in parts]
        return [
            (hit * own + mixed * mix) / (own + mix) if own + mix else 0.0
            for hit, mixed, (own, mix) in zip(hits, mixes, weights, strict=True)
        ]

    def _shown(self, parts: list[Part]) -> tuple[Part, ...]:
        """The first ones alone, the rest as one."""
        alone = [part for part in parts if part.value is not None]
        shown, rest = alone[: self.spec.top], [*alone[self.spec.top :], *(part for part in parts if part.value is None)]
        return (*shown, self._together(rest)) if rest else tuple(shown)

    def _together(self, rest: Sequence[Part]) -> Part:
        amounts = sum((part.amounts for part in rest), NOTHING)
        now, was = _value(self.spec.measure, amounts.x, amounts.y), _value(self.spec.measure, amounts.was_x, amounts.was_y)
        expected = was if self.rated else (amounts.was_x * self.whole.x / self.whole.was_x if self.whole.was_x else None)
        added = sum(part.added for part in rest)
        return Part(
            value=None,
            values=sum(part.values for part in rest),
            amounts=amounts,
            was=was,
            now=now,
            expected=expected,
            added=added,
            within=sum(part.within for part in rest),
            mix=sum(part.mix for part in rest),
            explains=added / self.change if self.change else None,
            surprise=sum(part.surprise for part in rest),
            cause=False,
            days=(),
            was_days=(),
        )


def _with(part: Part, surprised: float, cause: bool) -> Part:
    return replace(part, surprise=surprised, cause=cause)


def _terms(expected: Sequence[float], actual: Sequence[float]) -> list[float]:
    """The surprise of each part, its numbers taken as shares of their sums; none where one of the sums is nothing."""
    all_expected, all_actual = sum(expected), sum(actual)
    if not all_expected or not all_actual:
        return [0.0] * len(expected)
    return [surprise(one / all_expected, other / all_actual) for one, other in zip(expected, actual, strict=True)]


def _effects(measure: Measure, whole: Amounts, facts: Sequence[Mapping[str, float]]) -> tuple[Effect, ...]:
    """The arithmetic of the metric; what the effects add sums to its change."""
    now, was = facts
    match measure:
        case "count":
            factors = _factors(("People", "Events of each person"), _ratios(now, "people", "known"), _ratios(was, "people", "known"))
            nobody = Effect("Events of nobody", was["events"] - was["known"], now["events"] - now["known"], 0.0)
            return (*factors, *_plus(nobody))
        case "people":
            both = now["on_both"]
            came, left = (
                Effect("New here", 0.0, whole.x - both, whole.x - both),
                Effect("No longer here", whole.was_x - both, 0.0, both - whole.was_x),
            )
            return came, left, Effect("In both periods", both, both, 0.0)
        case "sum":
            pairs = [[fact["events"], ratio(x, fact["events"])] for fact, x in ((now, whole.x), (was, whole.was_x))]
            return _factors(("Events", "Value of each event"), pairs[0], pairs[1])
        case "revenue":
            chains = [_ratios(fact, "people", "known", "known_amount") for fact in facts]
            factors = _factors(("People", "Orders of each person", "Value of each order"), chains[0], chains[1])
            return (
                *factors,
                *_plus(Effect("Orders of nobody", whole.was_x - was["known_amount"], whole.x - now["known_amount"], 0.0, "money")),
            )
        case "rate":
            if not whole.y or not whole.was_y:
                return ()
            hits, attempts = shapley((whole.x, 1 / whole.y), (whole.was_x, 1 / whole.was_y))
            return Effect("Hits", whole.was_x, whole.x, hits), Effect("Attempts", whole.was_y, whole.y, attempts)


def _ratios(fact: Mapping[str, float], *names: str) -> list[float | None]:
    """a, b/a, c/b …, whose product is the last one."""
    numbers = [fact[name] for name in names]
    return [numbers[0], *(ratio(number, before) for before, number in pairwise(numbers))]


def _factors(titles: Sequence[str], now: Sequence[float | None], was: Sequence[float | None]) -> tuple[Effect, ...]:
    added = shapley(*filled(now, was))
    kinds: list[Kind] = ["money" if title == "Value of each order" else "number" for title in titles]
    return tuple(Effect(*each) for each in zip(titles, was, now, added, kinds, strict=True))


def _plus(effect: Effect) -> tuple[Effect, ...]:
    """An effect that is added to the others; nothing where there is nothing of it, but for what sums of floats leave over."""
    was, now = effect.was or 0.0, effect.now or 0.0
    return (replace(effect, added=now - was),) if round(was, 6) or round(now, 6) else ()


def _warnings(spec: RootCauseSpec, period: Period, other: Period, facts: Sequence[Mapping[str, float]]) -> tuple[Warning_, ...]:
    warnings: list[Warning_] = []
    if period.days != other.days:
        warnings.append(("The periods differ in length: {days} days and {others} before.", {"days": period.days, "others": other.days}))
    if spec.measure == "people":
        events = sum(fact["events"] for fact in facts)
        warnings += nobody_warning(int(events), int(events - sum(fact["known"] for fact in facts)))
    return tuple(warnings)
