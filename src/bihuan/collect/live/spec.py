"""Which arrivals to show."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class LiveSpec(Spec):
    """The events that arrived last, of those that happened in the last seven days: of that `event`, by that `source`, of that `person` (by
    number) or of whoever has the id `who`, with `text` among their properties, and only those that break the plan (`wrong`), as given."""

    event: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(max_length=100)] = ""
    person: Annotated[int, Field(ge=1, lt=2**32)] | None = None
    who: Annotated[str, Field(max_length=500)] = ""
    text: Annotated[str, Field(max_length=200)] = ""
    wrong: bool = False
    limit: Annotated[int, Field(ge=1, le=200)] = 50
