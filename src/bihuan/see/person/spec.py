"""Which person, and which part of their history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class PersonSpec(Spec):
    """The person with this number, with the latest `limit` of their events, or of those before the instant `before`; with `event`,
    only events of that name."""

    person: Annotated[int, Field(ge=1, le=4_294_967_295)]
    event: Annotated[str, Field(max_length=200)] = ""
    before: datetime | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
