"""Which rejected events to show."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bihuan.engine.question import Spec


class QuarantinedSpec(Spec):
    """The events that were rejected last: for `reason`, from `source`, with `text` in their body or in what is wrong, each if given.

    `state`: those that still wait, those that were mended or discarded (`done`), or all.
    """

    reason: Annotated[str, Field(max_length=100)] = ""
    source: Annotated[str, Field(max_length=100)] = ""
    text: Annotated[str, Field(max_length=200)] = ""
    state: Literal["open", "done", "all"] = "open"
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
