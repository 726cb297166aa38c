"""What is asked of an audience: who satisfies a condition now, with which of their properties."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bihuan.engine.filters import EVERYTHING, Filter
from bihuan.engine.question import Spec


class AudienceSpec(Spec):
    """People for whom `filter` holds now, in the order of their numbers, after number `after`, at most `limit` of them.

    `properties` are the person properties to bring; `address` the property that must be there for a person to be reachable.
    """

    filter: Filter = EVERYTHING
    properties: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    address: Annotated[str, Field(max_length=200)] = ""
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1_000
