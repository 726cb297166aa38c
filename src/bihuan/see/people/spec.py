"""Which people to list."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec


class PeopleSpec(Spec):
    """People who did something in `period`, the latest first. With `search`, people of whom an id, the name, the e-mail or the phone
    contains that text, whenever they were here. `filter` holds for at least one of their events in the period."""

    search: Annotated[str, Field(max_length=200)] = ""
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=90)
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
