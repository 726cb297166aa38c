"""What is asked of one person's ids."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.question import Spec


class OfPersonSpec(Spec):
    """The ids of the persons whom these numbers belong to, what they did and what is known of them."""

    persons: tuple[Annotated[int, Field(ge=1, lt=2**32)], ...] = Field(default=(1,), min_length=1, max_length=10)
