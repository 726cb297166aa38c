"""A trend's numbers, each defined here, and how its lines are made from the statement's rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bihuan.engine.breakdowns import Breakdown, order_key, ordered, value_said, values_of
from bihuan.engine.compare import Before, Target, compare_said
from bihuan.engine.filters import ANY_EVENT
from bihuan.engine.meta import Interval, hidden_warning, nobody_warning, sample_warning, scaled, sure
from bihuan.engine.periods import BucketState, Unit, bucket_end, bucket_state
from bihuan.engine.question import Headline, Kind, Rows, Scope
from bihuan.see.trend.formula import LETTERS, calculate, parse
from bihuan.see.trend.mapped import Mapped, map_of
from bihuan.see.trend.spec import ADDING, RATIOS, ROLLING, SCALED, Look, Series, TrendSpec
from bihuan.see.trend.sql import baseline_of, period_of

Number = float | int | None
Said = tuple[str, Mapping[str, Any]]
COUNTS = frozenset({"events", "people", "sum", "distinct", "first_time", "active_7", "active_30"})  # 0 where there is nothing
MONEY = frozenset({"sum", "average", "min", "max", "median", "p75", "p90", "p95", "p99"})
TITLES = {
    "events": ("{event}", "Any event"),
    "people": ("{event}, people", "People"),
    "per_person": ("{event}, times per person", "Events per person"),
    "first_time": ("{event}, people for the first time", "People for the first time"),
    "active_7": ("{event}, people of 7 days", "People of 7 days"),
    "active_30": ("{event}, people of 30 days", "People of 30 days"),
    "dau_wau": ("{event}, DAU / WAU", "DAU / WAU"),
    "dau_mau": ("{event}, DAU / MAU", "DAU / MAU"),
    "sum": ("{event}, sum of {property}", "Sum of {property}"),
    "average": ("{event}, average of {property}", "Average of {property}"),
    "min": ("{event}, least {property}", "Least {property}"),
    "max": ("{event}, greatest {property}", "Greatest {property}"),
    "median": ("{event}, median of {property}", "Median of {property}"),
    "p75": ("{event}, 75th percentile of {property}", "75th percentile of {property}"),
    "p90": ("{event}, 90th percentile of {property}", "90th percentile of {property}"),
    "p95": ("{event}, 95th percentile of {property}", "95th percentile of {property}"),
    "p99": ("{event}, 99th percentile of {property}", "99th percentile of {property}"),
    "distinct": ("{event}, different values of {property}", "Different values of {property}"),
}


@dataclass(frozen=True)
class Line:
    """One number over time: a series or a formula, or one value of the breakdown of it.

    What the number is, by the measure of the series, over the events that belong to it:

    `events`    how many there are;
    `people`    how many different people did them; events of nobody count no one;
    `per_person`  how many of those events that are somebody's come on one of these people; None without people;
    `first_time`  how many people did one for the first time of all (any earlier one of the project counts);
    `active_7`, `active_30`  how many different people did one in the 7 or 30 days up to the bucket's last day (of the days that have
                come); `dau_wau`, `dau_mau`: how many did on that last day, as a fraction of these; None without people;
    `sum`       the sum of the property where it is a number or a text that is one (compensated, so that the order of the
                events does not matter); 0 when there is none;
    `average`   that sum divided by how many such values there are; None when there is none;
    `min`, `max`  the least and the greatest of those values; None when there is none;
    `median`, `p75` … `p99`  of those values, linear between closest ranks (at 0.5, 0.75 … times (values - 1)); None when there is none;
    `distinct`  how many different values the property has, as text, not counting events without it;
    a formula   calculated from the numbers of the same bucket (the same part, the same side); None where it has no value.

    `values` has the number of each bucket, `total` that of the whole period: of all its events together, so `total` of `people`
    counts somebody who came on two days once; of the rolling measures, that of the last bucket. `previous` and `previous_total` say the
    same of what it is compared with, as far as this period has come; () and None when it was not asked for, and for a target.
    `change` is total / previous_total - 1, a fraction; None without a previous total or when that is 0. With a target for the period
    `previous_total` is that target.
    With `running` "total", a value is the sum of those up to it; with "mean", the mean of the last `window` values that there are.
    `intervals` and `total_interval` are where the numbers of a sample lie with 95 % confidence; () and None without one.

    `listed`: the people behind its numbers can be listed (`see.trend.people`).
    `part` is the value of the breakdown ('': events without it); None for the line of all other values together and when there
    is no breakdown; `rest` tells these two apart. `series` counts series, then formulas.
    """

    series: int
    title: str
    title_values: Mapping[str, Any]
    kind: Kind
    part: str | None
    rest: bool
    values: tuple[Number, ...]
    total: Number
    previous: tuple[Number, ...] = ()
    previous_total: Number = None
    intervals: tuple[Interval | None, ...] = ()
    total_interval: Interval | None = None
    listed: bool = False

    @property
    def change(self) -> float | None:
        if self.total is None or not self.previous_total:
            return None
        return self.total / self.previous_total - 1


@dataclass(frozen=True)
class TrendResult:
    """`lines` over `buckets` (the first instant of each, aware). Buckets that have not begun are left out while they are empty.

    What it is compared with is laid over this period day by day (by the hour: by the clock), so each bucket has its counterpart.
    `overall` has one line for each series over all values of the breakdown (then without numbers of buckets).
    `states` say of each bucket whether it is whole; `open_end`: the last one is not over, or the period ends within it; `cut_start`: the
    period begins within the first. `others` is how many values are in the lines of the rest.
    `compared_with` is what the previous numbers are of (None: nothing); `target` the number that each bucket should reach.
    `mapped`: the first number of the whole period by place, where a map is asked for.
    """

    unit: Unit
    buckets: tuple[datetime, ...]
    states: tuple[BucketState, ...]
    lines: tuple[Line, ...]
    overall: tuple[Line, ...]
    cut_start: bool = False
    open_end: bool = False
    compared_with: Said | None = None
    before: bool = False
    target: float | None = None
    breakdown: tuple[Breakdown, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    look: Look = "line"
    others: int = 0
    mapped: Mapped | None = None
    warnings: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())

    @property
    def compared(self) -> bool:
        return self.compared_with is not None and self.target is None


def shape_trend(spec: TrendSpec, scope: Scope, rows: Rows) -> TrendResult:
    """The statement's rows as lines: those of the named values by their first series' total, then all others."""
    period = period_of(spec, scope)
    begun, places = _buckets(spec, scope, rows)
    cells = _cells(spec, scope, rows, places, len(begun))
    overall = _lines(spec, (None,), cells, len(begun) if not spec.breakdown else 0)
    lines = _lines(spec, _ranked(spec, cells), cells, len(begun)) if spec.breakdown else overall
    whole = next((row for row in rows if not row["side"] and row["level"] == (2 if spec.breakdown else 1)), None)
    others = max((int(row["others"]) for row in rows if not row["side"] and row["level"] == 1 and row["shown"] == ""), default=0)
    others = others if spec.breakdown else 0
    mapped = (
        map_of([line for line in lines if line.series == lines[0].series], spec.series[0].measure in ADDING) if spec.look == "map" else None
    )
    return TrendResult(
        unit=spec.unit,
        buckets=begun,
        states=tuple(bucket_state(start, spec.unit, period, scope.now) for start in begun),
        lines=tuple(_shown(spec, lines)),
        overall=tuple(_shown(spec, overall)),
        cut_start=begun[0] < period.start,
        open_end=bucket_end(begun[-1], spec.unit, scope.zone) > min(scope.now, period.end),
        compared_with=compare_said(spec.compare, scope) if spec.compare else None,
        before=isinstance(spec.compare, Before) and spec.compare.to == "previous",
        target=spec.compare.target if isinstance(spec.compare, Target) else None,
        breakdown=spec.breakdown,
        names=scope.segment_names,
        look=spec.look,
        others=others,
        mapped=mapped,
        warnings=(
            *sample_warning(spec.sample),
            *(nobody_warning(int(whole["seen"]), int(whole["nobody"])) if whole else ()),
            *hidden_warning(others),
            *(mapped.warnings if mapped else ()),
        ),
    )


def headlines_trend(result: TrendResult) -> tuple[Headline, ...]:
    """The whole period's number of each series."""
    return tuple(Headline(line.title, line.total, line.kind, line.change, line.title_values) for line in result.overall)


# --- From rows to numbers ---------------------------------------------------------------------------------------------------------------

Group = str | None  # None: of all values; "=" and one value; "": of all other values


@dataclass
class _Cell:
    """The numbers of the series in one bucket of one group and side, or of the whole period; and what their intervals are made of."""

    numbers: dict[int, Number] = field(default_factory=dict)
    squares: dict[int, Number] = field(default_factory=dict)


Cells = dict[tuple[Group, int], dict[int | None, _Cell]]  # (group, side) -> place of the bucket, None: whole -> numbers


def _buckets(spec: TrendSpec, scope: Scope, rows: Rows) -> tuple[tuple[datetime, ...], dict[Any, int]]:
    """The buckets to show, and the place of each bucket by the name that the statement gives it."""
    every = tuple(period_of(spec, scope).buckets(spec.unit))
    places: dict[Any, int] = {(place if spec.unit == "hour" else start.date()): place for place, start in enumerate(every)}
    used = [places.get(_day(row["bucket"]), 0) for row in rows if not row["level"] and not row["side"]]
    begun = sum(start.timestamp() <= scope.now.timestamp() for start in every)
    return every[: max([begun, 1, *(place + 1 for place in used)])], places


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _cells(spec: TrendSpec, scope: Scope, rows: Rows, places: Mapping[Any, int], length: int) -> Cells:
    other = baseline_of(spec, scope)
    hours = other.hours(period_of(spec, scope)) if other and spec.unit == "hour" else []
    cells: Cells = {}
    for row in rows:
        side, level = int(row["side"]), int(row["level"])
        group = None if not spec.breakdown or level >= 2 else str(row["shown"])
        place: int | None = None
        if level in (0, 3):
            name = _day(row["bucket"])
            if side and spec.unit == "hour" and other:
                name = hours[name] if 0 <= name < len(hours) else None
            place = places.get(name, -1) if name is not None else -1
        _put(spec, cells.setdefault((group, side), {}).setdefault(place, _Cell()), row)
    for by_place in cells.values():  # the whole of a rolling number is its last
        _last_of_rolling(spec, by_place, length)
    return cells


def _put(spec: TrendSpec, cell: _Cell, row: Mapping[str, Any]) -> None:
    for number, series in enumerate(spec.series):
        told = _clean(row[f"m{number}"])
        if told is not None:
            cell.numbers[number] = int(told) if series.measure in COUNTS - {"sum"} else told
        if f"s{number}" in row and (squares := _clean(row[f"s{number}"])) is not None:
            cell.squares[number] = squares


def _last_of_rolling(spec: TrendSpec, by_place: dict[int | None, _Cell], length: int) -> None:
    for number, series in enumerate(spec.series):
        if series.measure in ROLLING:
            last = by_place.get(length - 1, _Cell()).numbers.get(number)
            by_place.setdefault(None, _Cell()).numbers[number] = last


def _clean(value: Any) -> Number:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _ranked(spec: TrendSpec, cells: Cells) -> tuple[Group, ...]:
    groups = {group for group, _ in cells if group is not None}

    def rank(group: str) -> tuple[Any, ...]:
        total = cells.get((group, 0), {}).get(None, _Cell()).numbers.get(0)
        natural = order_key(group[1:], spec.breakdown) if group and ordered(spec.breakdown) else ()
        return (not group, natural, total is None, -(total or 0), group)

    return tuple(sorted(groups, key=rank))


# --- From numbers to lines --------------------------------------------------------------------------------------------------------------


def _lines(spec: TrendSpec, groups: Sequence[Group], cells: Cells, length: int) -> list[Line]:
    by_group = {group: [_line(spec, number, group, cells, length) for number in range(len(spec.series))] for group in groups}
    plain = [by_group[group][number] for number in range(len(spec.series)) for group in groups]
    return plain + [_calculated(spec, number, group, by_group[group]) for number in range(len(spec.formulas)) for group in groups]


def _line(spec: TrendSpec, number: int, group: Group, cells: Cells, length: int) -> Line:
    series = spec.series[number]
    nothing: Number = 0 if series.measure in COUNTS else None
    sample = spec.sample if series.measure in SCALED else None

    def cell(side: int, place: int | None) -> _Cell:
        return cells.get((group, side), {}).get(place, _Cell())

    def told(side: int, place: int | None) -> Number:
        found = cell(side, place).numbers.get(number)
        return scaled(nothing if found is None else found, sample)

    def interval(place: int | None) -> Interval | None:
        found = cell(0, place)
        return sure(found.numbers.get(number), found.squares.get(number, found.numbers.get(number)), sample)

    compared = spec.compare is not None and not isinstance(spec.compare, Target)
    title, values = _title(spec, number, group, _series_title(series))
    return Line(
        series=number,
        title=title,
        title_values=values,
        kind="money" if series.property == "revenue" and series.measure in MONEY else "share" if series.measure in RATIOS else "number",
        part=group[1:] if group else None,
        rest=group == "",
        values=tuple(told(0, place) for place in range(length)),
        total=told(0, None),
        previous=tuple(told(1, place) for place in range(length)) if compared else (),
        previous_total=told(1, None) if compared else _target_of_period(spec),
        intervals=tuple(interval(place) for place in range(length)) if sample else (),
        total_interval=interval(None),
        listed=series.measure not in ROLLING and group != "" and spec.running is None and spec.sample is None,
    )


def _target_of_period(spec: TrendSpec) -> Number:
    return spec.compare.target if isinstance(spec.compare, Target) and spec.compare.per == "period" else None


def _calculated(spec: TrendSpec, number: int, group: Group, series: Sequence[Line]) -> Line:
    """The formula over the lines of the series of one group."""
    formula = spec.formulas[number]
    tree = parse(formula.formula)

    def told(numbers: Sequence[Number]) -> Number:
        return calculate(tree, dict(zip(LETTERS, numbers, strict=False)))

    compared = spec.compare is not None and not isinstance(spec.compare, Target)
    title, values = _title(spec, len(spec.series) + number, group, ("{name}", {"name": formula.name or formula.formula}))
    return Line(
        series=len(spec.series) + number,
        title=title,
        title_values=values,
        kind=formula.kind,
        part=group[1:] if group else None,
        rest=group == "",
        values=tuple(told(numbers) for numbers in zip(*(line.values for line in series), strict=True)),
        total=told([line.total for line in series]),
        previous=tuple(told(numbers) for numbers in zip(*(line.previous for line in series), strict=True)) if compared else (),
        previous_total=told([line.previous_total for line in series]) if compared else _target_of_period(spec),
    )


def _shown(spec: TrendSpec, lines: Sequence[Line]) -> list[Line]:
    """The lines to show, as running totals or means where these are asked for."""
    kept = [line for line in lines if line.series >= len(spec.series) or not (spec.only_formulas and spec.formulas)]
    if spec.running is None:
        return kept
    window = None if spec.running == "total" else spec.window

    def run(line: Line, values: tuple[Number, ...]) -> tuple[Number, ...]:
        adds = line.series < len(spec.series) and spec.series[line.series].measure in ADDING
        return running(values, window) if window or adds else values

    return [replace(line, values=run(line, line.values), previous=run(line, line.previous), intervals=()) for line in kept]


def running(values: Sequence[Number], window: int | None) -> tuple[Number, ...]:
    """For each value the sum of all up to it; with a window the mean of the last so many that there are, None where there is none."""
    found: list[Number] = []
    for place in range(len(values)):
        until = [value for value in values[max(0, place + 1 - window) if window else 0 : place + 1] if value is not None]
        total = sum(until) if all(isinstance(value, int) for value in until) else math.fsum(until)
        found.append(total if not window else total / len(until) if until else None)
    return tuple(found)


# --- Titles -----------------------------------------------------------------------------------------------------------------------------


def _series_title(series: Series) -> Said:
    if series.name:
        return "{name}", {"name": series.name}
    with_event, any_event = TITLES[series.measure]
    any_at_all = series.event == ANY_EVENT and not series.also
    return (any_event if any_at_all else with_event), {"event": series.events, "property": series.property or ""}


def _title(spec: TrendSpec, number: int, group: Group, alone: Said) -> Said:
    """How a line is called: an English msgid with its values. A part's own words are said by whoever shows it (`breakdowns.part_said`)."""
    if group is None:
        return alone
    shown = 1 if spec.only_formulas and spec.formulas else len(spec.series)
    several = shown + (len(spec.formulas) if not (spec.only_formulas and spec.formulas) else len(spec.formulas) - 1) > 1
    if number < len(spec.series):
        name = spec.series[number].name or spec.series[number].events
    else:
        name = spec.formulas[number - len(spec.series)].name or spec.formulas[number - len(spec.series)].formula
    named = {"name": name} if several else {}
    if not group:
        return ("{name}: other values" if several else "Other values"), named
    said = [value_said(value, each) for value, each in zip(values_of(group[1:], spec.breakdown), spec.breakdown, strict=True)]
    if len(said) == 1 and not several:
        return said[0]
    return ("{name}: {value}" if several else "{value}"), {**named, "value": " · ".join(msgid.format(**values) for msgid, values in said)}
