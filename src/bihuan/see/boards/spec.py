"""What a board is: tiles, each a question with its spec, in the order in which they are shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Width = Literal["3", "4", "6", "8", "12"]


class Tile(BaseModel):
    """One answer on a board. `question` and `spec` are what is asked, `title` and `note` what people read above and below it,
    `width` how many of the twelve columns it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_]*$")]
    spec: dict[str, Any]
    title: Annotated[str, Field(max_length=200)] = ""
    note: Annotated[str, Field(max_length=2000)] = ""
    width: Width = "6"


class BoardSpec(BaseModel):
    """Up to sixty tiles."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tiles: Annotated[tuple[Tile, ...], Field(max_length=60)] = ()
