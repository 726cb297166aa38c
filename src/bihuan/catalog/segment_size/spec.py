"""What is asked of a segment's size: of how many people a condition is true now."""

from __future__ import annotations

from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.question import Spec


class SegmentSizeSpec(Spec):
    """How many people `filter` is true of, now."""

    filter: Filter = EVERYTHING


class SegmentSizeCell(Spec):
    """The whole segment; there are no parts of it."""
