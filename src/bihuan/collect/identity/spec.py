"""What a project sets about identity: a definition like any other, with revisions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bihuan.collect.identity.rules import Rules

KIND, KEY = "identity", "rules"


class IdentityRules(BaseModel):
    """`shared_after`: a device that has met more persons than this is shared and links no further. `many_devices`: a person with more is
    alarmed; from `most_devices` on they get none by themselves. `junk`: ids of nobody, besides those that Bihuan knows, in any case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    shared_after: Annotated[int, Field(ge=1, le=10_000)] = Rules().shared_after
    many_devices: Annotated[int, Field(ge=1, le=100_000)] = Rules().many_devices
    most_devices: Annotated[int, Field(ge=1, le=100_000)] = Rules().most_devices
    junk: tuple[Annotated[str, Field(min_length=1, max_length=500)], ...] = Field(default=(), max_length=1_000)

    @field_validator("junk", mode="before")
    @classmethod
    def _lines(cls, given: Any) -> Any:
        """One a line, as a form gives them; small letters, each once."""
        lines = given.splitlines() if isinstance(given, str) else given
        if isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines):
            return tuple(dict.fromkeys(text for line in lines if (text := line.strip().lower())))
        return lines
