"""What is asked of the log of links."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bihuan.engine.question import Spec

Which = Literal["all", "links", "merges", "undone", "proposals", "open", "shared", "devices", "unbound"]


class ToldSpec(Spec):
    """The newest rows about `which`: of the person or id with this `id` (text) or `person` (number), said by `by` (a part of it),
    written before `before`; or the one row `act`."""

    which: Which = "all"
    id: Annotated[str, Field(max_length=500)] = ""
    person: Annotated[int, Field(ge=0, lt=2**32)] = 0
    by: Annotated[str, Field(max_length=200)] = ""
    act: Annotated[int, Field(ge=0, lt=2**63)] = 0
    before: datetime | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
