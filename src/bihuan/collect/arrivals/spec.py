"""What to count of each source."""

from __future__ import annotations

from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class ArrivalsSpec(Spec):
    """Events by the source that they came by, of those that happened in `period`."""

    period: PeriodSpec = Last(last=30)
