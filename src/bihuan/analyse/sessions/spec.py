"""What sessions ask: which events, how long a pause ends a session, what a bounce is, by what entries are named and all is broken down."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bihuan.analyse.visits import Gap
from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import ANY_EVENT, EVERYTHING, EventChoice, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class SessionsSpec(Spec):
    """Sessions of `events` (none: every event from outside) of which `filter` is true, that begin in `period`.

    A session ends when none of these events follows for more than `gap` minutes. It is a bounce when it has one event alone, or, with
    `bounce_seconds`, when it is shorter than that. Entry and exit are its first and last event: its property `by` where the event has
    it, else the event's name. `breakdown` is of the first event; `top` values, entries and exits are shown alone. Beside it, with
    `compare`, the sessions of another period or of other people. `sample` asks this part of the people only.
    """

    events: Annotated[tuple[EventChoice, ...], Field(max_length=50)] = ()
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=28)
    unit: Literal["day", "week", "month"] = "day"
    gap: Gap = 30
    bounce_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    by: Name | None = None
    compare: Comparison = None
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 10
    sample: Sample = None

    @field_validator("compare")
    @classmethod
    def _not_a_target(cls, compare: Comparison) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("Sessions have no target: compare them with a period or with other people.")
        return compare

    @property
    def choices(self) -> tuple[EventChoice, ...]:
        return self.events or (EventChoice(event=ANY_EVENT),)


class SessionsCell(Spec):
    """People with a session that begins in the bucket of the day `bucket`; whose breakdown is `value` (`none`: has no value, `other`: one
    that is not shown alone); that begins with `entry` (`entry_other`), ends with `exit` (`exit_other`), or is a bounce. With `before` of
    what it is compared with."""

    bucket: date | None = None
    value: str | None = None
    none: bool = False
    other: bool = False
    entry: str | None = None
    entry_other: bool = False
    exit: str | None = None
    exit_other: bool = False
    bounced: bool = False
    before: bool = False
