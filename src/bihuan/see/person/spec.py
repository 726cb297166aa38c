"""Which person, and which part of their history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bihuan.engine.question import Spec


class PersonSpec(Spec):
    """The person with this number, with the latest `limit` of their events, or of those before the instant `before` (with `before_key` also
    those at that instant whose key is lower); with `event`, only events of that name. `what`: all that is known of them, or their events
    alone, for going on where a list ended."""

    person: Annotated[int, Field(ge=1, le=4_294_967_295)]
    event: Annotated[str, Field(max_length=200)] = ""
    before: datetime | None = None
    before_key: Annotated[int, Field(ge=0, lt=2**64)] = 0
    what: Literal["all", "events"] = "all"
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
