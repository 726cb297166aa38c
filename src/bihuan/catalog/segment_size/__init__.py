"""The question *segment size*: how many people a condition is true of, shown while a segment is edited."""

from __future__ import annotations

from bihuan.catalog.segment_size.result import SegmentSize, headlines_segment_size, shape_segment_size, table_segment_size
from bihuan.catalog.segment_size.spec import SegmentSizeCell, SegmentSizeSpec
from bihuan.catalog.segment_size.sql import compile_segment_size, people_segment_size, reads_segment_size
from bihuan.engine.question import Question, no_chart

__all__ = ["SEGMENT_SIZE", "SegmentSize", "SegmentSizeSpec"]

SEGMENT_SIZE: Question[SegmentSizeSpec, SegmentSize] = Question(
    name="segment_size",
    title="Size of a segment",
    purpose="How many people a condition is true of now.",
    icon="users-group",
    group="act",
    spec=SegmentSizeSpec,
    reads=reads_segment_size,
    compile=compile_segment_size,
    shape=shape_segment_size,
    table=table_segment_size,
    chart=no_chart,
    headlines=headlines_segment_size,
    example=SegmentSizeSpec,
    listed=False,
    cell=SegmentSizeCell,
    people=people_segment_size,
)
