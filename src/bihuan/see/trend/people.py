"""Who is behind a number of a trend: the people of one series, in one bucket or the whole period, of one value of the breakdown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bihuan.engine.breakdowns import split
from bihuan.engine.compare import Groups
from bihuan.engine.conditions import condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import InSegment
from bihuan.engine.meta import sampled
from bihuan.engine.periods import bucket_end
from bihuan.engine.question import Scope, Spec, Statement
from bihuan.engine.selection import has_name_of, is_one_of
from bihuan.engine.visible import Binder
from bihuan.see.trend.spec import ROLLING, TrendSpec
from bihuan.see.trend.sql import first_times, period_of


class TrendCell(Spec):
    """The people of series number `series` (from 0) in the bucket that holds the instant `at` (None: the whole period), with the value
    `part` of the breakdown as `breakdowns.split` writes it (None: of all values)."""

    series: Annotated[int, Field(ge=0, le=9)] = 0
    at: datetime | None = None
    part: str | None = None


def people_of_trend(spec: TrendSpec, cell: TrendCell, scope: Scope) -> Statement:
    if cell.series >= len(spec.series):
        raise QuestionError("There is no such number in this trend.", where="cell")
    series, binder = spec.series[cell.series], Binder()
    if series.measure in ROLLING:
        raise QuestionError("Who was active over 7 or 30 days is not listed; look at the people of a day.", where="cell")
    period = period_of(spec, scope)
    where = [
        "person != 0",
        f"day BETWEEN {binder.bind(period.since, 'Date')} AND {binder.bind(period.until, 'Date')}",
        has_name_of([series], binder),
        is_one_of(series, scope, binder),
        condition(spec.filter, scope, binder, over="visible"),
        sampled(spec.sample, binder),
    ]
    if isinstance(spec.compare, Groups):
        where.append(condition(InSegment(segment=spec.compare.segment), scope, binder, over="visible"))
    everyone = [(one, is_one_of(one, scope, binder)) for one in spec.series]
    among = " AND ".join([where[1], f"({' OR '.join(test for _, test in everyone)})", *where[4:]])
    parts = split(spec.breakdown, scope, binder, among=among)
    if series.measure == "first_time":
        where.append(first_times(series, spec, scope, binder))
    if cell.at is not None:
        where.append(_during(spec, cell.at, scope, binder))
    if cell.part is not None and spec.breakdown:
        where.append(f"part = {binder.bind(cell.part, 'String')}")
    return Statement(
        f"SELECT DISTINCT person FROM (SELECT *, {parts.value} AS part FROM {parts.source}) WHERE {' AND '.join(where)}", binder.params
    )


def _during(spec: TrendSpec, at: datetime, scope: Scope, binder: Binder) -> str:
    starts = [start for start in period_of(spec, scope).buckets(spec.unit) if start <= at]
    if not starts:
        raise QuestionError("There is no such bucket in this trend.", where="cell")
    first = round(starts[-1].timestamp() * 1000)
    after = round(bucket_end(starts[-1], spec.unit, scope.zone).timestamp() * 1000)
    return f"toUnixTimestamp64Milli(ts) >= {binder.bind(first, 'Int64')} AND toUnixTimestamp64Milli(ts) < {binder.bind(after, 'Int64')}"
