"""A trend's numbers, each defined here, and their headlines and table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bihuan.engine.periods import Period, Unit, midnight, next_bucket_day
from bihuan.engine.question import Column, Headline, Kind, Rows, Scope, Table
from bihuan.see.trend.spec import ANY_EVENT, TrendSpec
from bihuan.see.trend.sql import period_of

Number = float | int | None
TITLES = {
    "events": ("{event}", "Any event"),
    "people": ("{event}, people", "People"),
    "sum": ("{event}, sum of {property}", "Sum of {property}"),
    "average": ("{event}, average of {property}", "Average of {property}"),
    "median": ("{event}, median of {property}", "Median of {property}"),
    "p90": ("{event}, 90th percentile of {property}", "90th percentile of {property}"),
    "distinct": ("{event}, different values of {property}", "Different values of {property}"),
}


@dataclass(frozen=True)
class Line:
    """One number over time: a series, or one value of the breakdown of a series.

    What the number is, by the measure of the series, over the events that belong to it:

    `events`    how many there are;
    `people`    how many different people did them; events of nobody count no one;
    `sum`       the sum of the property where it is a number or a text that is one (compensated, so that the order of the
                events does not matter); 0 when there is none;
    `average`   that sum divided by how many such values there are; None when there is none;
    `median`, `p90`  of those values, linear between closest ranks (at 0.5 or 0.9 times (values - 1)); None when there is none;
    `distinct`  how many different values the property has, as text, not counting events without it.

    `values` has the number of each bucket, `total` that of the whole period: of all its events together, so `total` of `people`
    counts somebody who came on two days once. `previous` and `previous_total` say the same of the period before, up to the
    instant that is as far into it as now is into the period asked about; () and None when it was not asked for.
    `change` is total / previous_total - 1, a fraction; None without a previous total or when that is 0.

    `part` is the value of the breakdown ('': events without it); None for the line of all other values together and when there
    is no breakdown; `rest` tells these two apart.
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

    @property
    def change(self) -> float | None:
        if self.total is None or not self.previous_total:
            return None
        return self.total / self.previous_total - 1


@dataclass(frozen=True)
class TrendResult:
    """`lines` over `buckets` (the first instant of each, aware). Buckets that have not begun are left out while they are empty.

    The previous period is laid over this one day by day (by the hour: hour by hour), so each bucket has its counterpart.
    `overall` has one line for each series over all values of the breakdown (then without numbers of buckets).
    `open_end`: the last bucket is not over, or the period ends within it; `cut_start`: the period begins within the first.
    """

    unit: Unit
    buckets: tuple[datetime, ...]
    lines: tuple[Line, ...]
    overall: tuple[Line, ...]
    compared: bool
    cut_start: bool
    open_end: bool
    warnings: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())


def shape_trend(spec: TrendSpec, scope: Scope, rows: Rows) -> TrendResult:
    """The statement's rows as lines: those of the named values by their first series' total, then all others."""
    period = period_of(spec, scope)
    begun, places = _buckets(spec, period, scope.now, rows)
    cells = _cells(spec, rows, places)
    length = len(begun) if not spec.breakdown else 0
    overall = tuple(_line(spec, number, None, cells, length) for number in range(len(spec.series)))
    return TrendResult(
        unit=spec.unit,
        buckets=begun,
        lines=overall if not spec.breakdown else _broken_down(spec, cells, len(begun)),
        overall=overall,
        compared=spec.compare is not None,
        cut_start=begun[0] < period.start,
        open_end=_end_of(begun[-1], spec.unit, scope.zone).timestamp() > min(scope.now.timestamp(), period.end.timestamp()),
    )


Group = str | None  # None: of all values; "=" and one value; "": of all other values
Cells = dict[tuple[Group, bool], dict[int | None, tuple[Number, ...]]]  # (group, previous) -> place of the bucket, None: whole -> numbers


def _buckets(spec: TrendSpec, period: Period, now: datetime, rows: Rows) -> tuple[tuple[datetime, ...], dict[Any, int]]:
    """The buckets to show, and the place of each bucket by the name that the statement gives it."""
    every = tuple(period.buckets(spec.unit))
    places: dict[Any, int] = {(place if spec.unit == "hour" else start.date()): place for place, start in enumerate(every)}
    used = [places.get(_bucket(row["bucket"]), 0) for row in rows if not row["level"] and not row["previous"]]
    begun = sum(start.timestamp() <= now.timestamp() for start in every)
    return every[: max([begun, 1, *(place + 1 for place in used)])], places


def _bucket(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _cells(spec: TrendSpec, rows: Rows, places: Mapping[Any, int]) -> Cells:
    cells: Cells = {}
    for row in rows:
        overall = not spec.breakdown or row["level"] == 2
        place = None if row["level"] else places.get(_bucket(row["bucket"]), -1)
        numbers = tuple(_clean(row[f"m{number}"]) for number in range(len(spec.series)))
        cells.setdefault((None if overall else str(row["shown"]), bool(row["previous"])), {})[place] = numbers
    return cells


def _clean(value: Any) -> Number:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _broken_down(spec: TrendSpec, cells: Cells, length: int) -> tuple[Line, ...]:
    groups = {group for group, _ in cells if group is not None}

    def rank(group: str) -> tuple[bool, bool, float, str]:
        total = cells.get((group, False), {}).get(None, (None,))[0]
        return (not group, total is None, -(total or 0), group)

    ordered = sorted(groups, key=rank)
    return tuple(_line(spec, number, group, cells, length) for number in range(len(spec.series)) for group in ordered)


def _line(spec: TrendSpec, number: int, group: Group, cells: Cells, length: int) -> Line:
    series = spec.series[number]
    nothing: Number = 0 if series.measure in ("events", "people", "sum", "distinct") else None

    def number_at(previous: bool, place: int | None) -> Number:
        found = cells.get((group, previous), {}).get(place)
        return nothing if found is None or found[number] is None else found[number]

    title, values = _title(spec, number, group)
    return Line(
        series=number,
        title=title,
        title_values=values,
        kind="money" if series.property == "revenue" and series.measure in ("sum", "average", "median", "p90") else "number",
        part=group[1:] if group else None,
        rest=group == "",
        values=tuple(number_at(False, place) for place in range(length)),
        total=number_at(False, None),
        previous=tuple(number_at(True, place) for place in range(length)) if spec.compare else (),
        previous_total=number_at(True, None) if spec.compare else None,
    )


def _title(spec: TrendSpec, number: int, group: Group) -> tuple[str, Mapping[str, Any]]:
    """How a line is called: an English msgid with its values."""
    series = spec.series[number]
    if group is None:
        if series.name:
            return "{name}", {"name": series.name}
        with_event, any_event = TITLES[series.measure]
        values = {"event": series.event, "property": series.property or ""}
        return (any_event if series.event == ANY_EVENT else with_event), values
    alone, part = len(spec.series) == 1, group[1:]
    name = {} if alone else {"name": series.name or series.event}
    if part:
        return "{value}" if alone else "{name}: {value}", {**name, "value": part}
    if group:
        return "(none)" if alone else "{name}: (none)", name
    return "Other values" if alone else "{name}: other values", name


def _end_of(start: datetime, unit: Unit, zone: str) -> datetime:
    if unit == "hour":
        return start.astimezone(UTC) + timedelta(hours=1)
    return midnight(next_bucket_day(start.date(), unit), zone)


def headlines_trend(result: TrendResult) -> tuple[Headline, ...]:
    """The whole period's number of each series."""
    return tuple(Headline(line.title, line.total, line.kind, line.change, line.title_values) for line in result.overall)


FIRST_COLUMN: Mapping[Unit, tuple[str, Kind]] = {
    "hour": ("Hour", "time"),
    "day": ("Day", "day"),
    "week": ("Week from", "day"),
    "month": ("Month from", "day"),
}


def table_trend(result: TrendResult) -> Table:
    """A row for each bucket: its beginning, then each line's number and, when compared, that of the previous period."""
    title, kind = FIRST_COLUMN[result.unit]
    columns, taken = [Column("time", title, kind)], {"time"}
    cells: list[tuple[Any, ...]] = [tuple(start if result.unit == "hour" else start.date() for start in result.buckets)]
    for line in result.lines:
        said = line.title.format(**line.title_values)
        columns.append(Column(_unique(said, taken), line.title, line.kind, line.title_values))
        cells.append(line.values)
        if result.compared:
            before = {"name": said} if len(result.lines) > 1 else {}
            columns.append(
                Column(
                    _unique(f"{said}, previous period", taken),
                    "{name}, previous period" if before else "Previous period",
                    line.kind,
                    before,
                )
            )
            cells.append(line.previous)
    return Table(tuple(columns), tuple(zip(*cells, strict=True)) if result.lines else ())


def _unique(name: str, taken: set[str]) -> str:
    """The name, with a number behind it when it is taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} {number}"
    taken.add(found)
    return found
