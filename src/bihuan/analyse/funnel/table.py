"""A funnel's answer as one table: its steps, its days of entry, or what goes with success, whichever is asked for."""

from __future__ import annotations

from typing import Any

from bihuan.analyse.funnel.drivers import Drivers, driver_cell
from bihuan.analyse.funnel.result import TITLES, Course, FunnelPart, FunnelResult, Trend, cell_of
from bihuan.engine.breakdowns import cells_of, columns_of
from bihuan.engine.meta import lows_and_highs
from bihuan.engine.question import Column, Table

KINDS = {"event": "Event on the way", "property": "Property on entry", "person": "Property of the person"}


def table_funnel(result: FunnelResult) -> Table:
    """None of the tables has a row when nobody entered."""
    if result.drivers:
        return _drivers(result.drivers)
    return _trend(result, result.trend) if result.trend else _steps(result)


def _steps(result: FunnelResult) -> Table:
    """One row for each step, of everybody or of each value."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("step", "Step", "number"),
        Column("name", "Name"),
        Column("people", TITLES[result.counted], "number"),
        Column("from_start", "From the start", "share"),
        Column("from_previous", "From the previous step", "share"),
        Column("dropped", "Dropped off", "number"),
        Column("median_since_previous", "Median time from the previous step", "seconds"),
        Column("median_since_start", "Median time from the start", "seconds"),
        Column("p10_since_start", "Fastest 10 % from the start within", "seconds"),
        Column("p90_since_start", "90 % from the start within", "seconds"),
        *(_compared_columns() if result.compared else ()),
        *(_bound_columns(result) if result.sample else ()),
    )
    rows, cells = [], []
    entered = result.everybody.entered or (result.everybody.before and result.everybody.before.entered)
    for part in (result.parts or (result.everybody,)) if entered else ():
        for step in part.steps:
            start, previous = step.since_start, step.since_previous
            rows.append(
                (
                    *(cells_of(part.value, result.breakdown) if value else ()),
                    step.number,
                    step.title,
                    step.people,
                    step.from_start,
                    step.from_previous,
                    step.dropped,
                    previous.median if previous else None,
                    start.median if start else None,
                    start.p10 if start else None,
                    start.p90 if start else None,
                    *_compared(part, step.number),
                    *(_bounds(part, step.number) if result.sample else ()),
                )
            )
            behind = [None, None, cell_of(part, step), None, None, cell_of(part, step, "dropped") if step.number > 1 else None, *[None] * 4]
            before = [cell_of(part, step, before=True), *[None] * 9] if result.compared else []
            cells.append((*[None] * len(value), *behind, *before, *[None] * (len(columns) - len(value) - len(behind) - len(before))))
    return Table(columns, tuple(rows), tuple(cells))


def _compared_columns() -> tuple[Column, ...]:
    return (
        Column("people_before", "Compared: how many", "number"),
        Column("from_previous_low", "From the previous step, at least", "share"),
        Column("from_previous_high", "From the previous step, at most", "share"),
        Column("from_previous_before", "Compared: from the previous step", "share"),
        Column("from_previous_before_low", "Compared: at least", "share"),
        Column("from_previous_before_high", "Compared: at most", "share"),
        Column("difference", "Difference", "share"),
        Column("difference_low", "Difference, at least", "share"),
        Column("difference_high", "Difference, at most", "share"),
        Column("p_value", "p of the difference, for all steps", "number"),
    )


def _compared(part: FunnelPart, number: int) -> tuple[Any, ...]:
    if part.before is None:
        return ()
    people = part.before.steps[number - 1].people
    if number == 1:
        return (people, *[None] * 9)
    one = part.changes[number - 2]
    bounds = [interval[1:] if interval else (None, None) for interval in (one.now, one.before, one.change)]
    before, change = (interval.estimate if interval else None for interval in (one.before, one.change))
    return (people, *bounds[0], before, *bounds[1], change, *bounds[2], one.adjusted)


def _bound_columns(result: FunnelResult) -> tuple[Column, ...]:
    """Where the numbers that a sample estimates lie."""
    mine = (Column("people_low", "Number, at least", "number"), Column("people_high", "Number, at most", "number"))
    beside = (
        Column("people_before_low", "Compared: number, at least", "number"),
        Column("people_before_high", "Compared: number, at most", "number"),
    )
    return (*mine, *beside) if result.compared else mine


def _bounds(part: FunnelPart, number: int) -> tuple[float | None, ...]:
    sides = (part, part.before) if part.before else (part,)
    return lows_and_highs(side.steps[number - 1].sure for side in sides)


def _trend(result: FunnelResult, trend: Trend) -> Table:
    """One row for each day, week or month of entry, of everybody or of each value: how many did each step."""
    courses = trend.courses[1:] or trend.courses
    value = columns_of(result.breakdown) if trend.courses[1:] else ()
    steps = result.everybody.steps
    counts = [Column(f"step_{step.number}", "{number}. {name}", "number", {"number": step.number, "name": step.title}) for step in steps]
    columns = [
        *value,
        Column("since", "Entered from", "day"),
        Column("state", "State"),
        *counts,
        Column("conversion", "Conversion", "share"),
    ]
    if result.compared:
        columns += [Column("entered_before", "Compared: entered", "number"), Column("conversion_before", "Compared: conversion", "share")]
    if result.sample:
        columns += [
            Column(f"step_{step.number}_{end}", title, "number", {"number": step.number, "name": step.title})
            for step in steps
            for end, title in (("low", "{number}. {name}, at least"), ("high", "{number}. {name}, at most"))
        ]
    rows, cells = [], []
    for course in courses:
        named = cells_of(course.value, result.breakdown) if value else ()
        for place, bucket in enumerate(trend.buckets):
            counted = course.counts[place]
            more: tuple[float | None, ...] = (course.before[place][0], course.rates_before[place]) if course.before else ()
            more += lows_and_highs(course.sure[place]) if course.sure else ()
            rows.append((*named, bucket.start, bucket.state, *counted, course.rates[place], *more))
            links = [_of_bucket(course, bucket.start, step.number) for step in steps]
            cells.append((*[None] * (len(named) + 2), *links, None, *[None] * len(more)))
    if not any(sum(course.counts[place]) for course in courses for place in range(len(trend.buckets))):
        return Table(tuple(columns), ())
    return Table(tuple(columns), tuple(rows), tuple(cells))


def _of_bucket(course: Course, day: Any, step: int) -> dict[str, Any] | None:
    if course.other:
        return None
    value = {} if course.value is None else {"value": course.value} if course.value else {"no_value": True}
    return {"step": step, "day": day, **value}


def _drivers(drivers: Drivers) -> Table:
    """One row for each thing that people had or did, the surest first. Of a sample, its numbers of people are said of everybody."""
    columns = (
        Column("kind", "Kind"),
        Column("name", "Name"),
        Column("value", "Value"),
        Column("having", "With it", "number"),
        Column("having_succeeded", "With it, succeeded", "number"),
        Column("having_share", "Success with it", "share"),
        Column("lacking", "Without it", "number"),
        Column("lacking_succeeded", "Without it, succeeded", "number"),
        Column("lacking_share", "Success without it", "share"),
        Column("odds_ratio", "Odds ratio", "number"),
        Column("odds_ratio_low", "Odds ratio, at least", "number"),
        Column("odds_ratio_high", "Odds ratio, at most", "number"),
        Column("p_value", "p", "number"),
        Column("adjusted", "p for all that were looked at", "number"),
        *(_driver_bounds() if drivers.sample else ()),
    )
    rows, cells = [], []
    for one in drivers.found:
        counts = (one.having.people, one.having.converted, one.lacking.people, one.lacking.converted)
        having, having_succeeded, lacking, lacking_succeeded = map(drivers.of_everybody, counts)
        bounds = lows_and_highs(map(drivers.sure, counts)) if drivers.sample else ()
        rows.append(
            (
                one.kind,
                one.name,
                one.said or None,
                having,
                having_succeeded,
                one.having.rate,
                lacking,
                lacking_succeeded,
                one.lacking.rate,
                *one.odds,
                one.p_value,
                one.adjusted,
                *bounds,
            )
        )
        cells.append((*[None] * 4, driver_cell(drivers.step, one), *[None] * (9 + len(bounds))))
    return Table(columns, tuple(rows), tuple(cells))


def _driver_bounds() -> tuple[Column, ...]:
    return (
        Column("having_low", "With it, at least", "number"),
        Column("having_high", "With it, at most", "number"),
        Column("having_succeeded_low", "With it, succeeded, at least", "number"),
        Column("having_succeeded_high", "With it, succeeded, at most", "number"),
        Column("lacking_low", "Without it, at least", "number"),
        Column("lacking_high", "Without it, at most", "number"),
        Column("lacking_succeeded_low", "Without it, succeeded, at least", "number"),
        Column("lacking_succeeded_high", "Without it, succeeded, at most", "number"),
    )
