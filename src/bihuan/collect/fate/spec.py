"""Which event to look for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec

Text = Annotated[str, Field(max_length=500)]


class FateSpec(Spec):
    """The event that its client called `key` (its messageId, uuid, $insert_id …), by any of the `sources`; or the newest events of who has
    the id `who`, of those called `event`, and on `day` (2026-03-15, in the project's zone), as far as given."""

    key: Text = ""
    who: Text = ""
    event: Annotated[str, Field(max_length=200)] = ""
    day: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    sources: Annotated[tuple[str, ...], Field(max_length=200)] = ()
    limit: Annotated[int, Field(ge=1, le=200)] = 30
