"""A segment's size, its numbers defined."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.catalog.segment_size.spec import SegmentSizeSpec
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class SegmentSize:
    """`people` of whom the condition is true; `everybody` the project knows; `share` people / everybody (None of nobody)."""

    people: int
    everybody: int

    @property
    def share(self) -> float | None:
        return self.people / self.everybody if self.everybody else None


def shape_segment_size(spec: SegmentSizeSpec, scope: Scope, rows: Rows) -> SegmentSize:
    return SegmentSize(int(rows[0]["people"]), int(rows[0]["everybody"]))


def table_segment_size(result: SegmentSize) -> Table:
    columns = (Column("people", "People", "number"), Column("everybody", "Everybody", "number"), Column("share", "Share", "share"))
    return Table(columns, ((result.people, result.everybody, result.share),))


def headlines_segment_size(result: SegmentSize) -> tuple[Headline, ...]:
    return (Headline("People", result.people), Headline("Share of everybody", result.share, "share"))
