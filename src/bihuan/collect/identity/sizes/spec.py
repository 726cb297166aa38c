"""What is asked of all identities."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class SizesSpec(Spec):
    """How many people there are by the number of their ids, and which ids of `junk` (small letters) still link people."""

    junk: tuple[Annotated[str, Field(max_length=500)], ...] = Field(default=(), max_length=2_000)
