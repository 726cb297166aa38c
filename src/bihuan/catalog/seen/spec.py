"""What can be asked about what has come in: the events, the properties of one, the properties of people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class EventsSpec(Spec):
    """Every event that has come in, counted over `period`."""

    period: PeriodSpec = Last()


class EventPropertiesSpec(Spec):
    """The properties of the event `event`, from its newest `sample` occurrences in `period`."""

    event: Annotated[str, Field(min_length=1, max_length=200)]
    period: PeriodSpec = Last()
    sample: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000


class PersonPropertiesSpec(Spec):
    """The present properties of all people."""
