"""The statement of a segment's size, over everybody whom the project knows by an id."""

from __future__ import annotations

from bihuan.catalog.segment_size.spec import SegmentSizeCell, SegmentSizeSpec
from bihuan.engine.conditions import condition
from bihuan.engine.periods import Last, Period
from bihuan.engine.question import Scope, Statement
from bihuan.engine.visible import Binder


def reads_segment_size(spec: SegmentSizeSpec, scope: Scope) -> Period:
    """Only today: what people did is in `history`."""
    return scope.period(Last(last=1))


def compile_segment_size(spec: SegmentSizeSpec, scope: Scope) -> Statement:
    """One row: (people, everybody)."""
    binder = Binder()
    where = condition(spec.filter, scope, binder)
    sql = f"""
SELECT groupBitmapIf(person, {where}) AS people, groupBitmap(person) AS everybody
FROM everyone
WHERE person != 0"""
    return Statement(sql, binder.params)


def people_segment_size(spec: SegmentSizeSpec, cell: SegmentSizeCell, scope: Scope) -> Statement:
    """Everybody of the segment."""
    binder = Binder()
    return Statement(f"SELECT DISTINCT person FROM everyone WHERE person != 0 AND {condition(spec.filter, scope, binder)}", binder.params)
