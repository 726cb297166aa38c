"""What SQL asks: a SELECT that the reader wrote, and the days that it sees."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class SqlSpec(Spec):
    """The answer of `query`, one SELECT in ClickHouse's words over the project's views; of events it sees those in `period`."""

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    period: PeriodSpec = Last(last=30)
