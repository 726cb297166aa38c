"""Where a question lets one choose an event, it lets one choose any of several, each with its own filter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bihuan.engine import conditions
from bihuan.engine.filters import ANY_EVENT, EVERYTHING, EventChoice, Filter, Name
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

MOST_ALSO = 20


class Choosing(BaseModel):
    """An event of this name (`*`: any that came from outside) of which `filter` is true, or one of `also`.

    A question's step, series, start … is a subclass: it adds its own fields, and perhaps a default for `event`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)
    event: Name
    filter: Filter = EVERYTHING
    also: Annotated[tuple[EventChoice, ...], Field(max_length=MOST_ALSO)] = ()

    @property
    def choices(self) -> tuple[EventChoice, ...]:
        """All of them, the first one first."""
        return (EventChoice(event=self.event, filter=self.filter), *self.also)

    @property
    def any_event(self) -> bool:
        """Whether every event from outside is one of them."""
        return any(choice.event == ANY_EVENT and choice.filter in (None, EVERYTHING) for choice in self.choices)

    @property
    def events(self) -> str:
        """The names as one text, for titles: "View / Buy"."""
        return " / ".join(dict.fromkeys(choice.event for choice in self.choices))


def is_one_of(choosing: Choosing, scope: Scope, binder: Binder, *, over: str = "visible") -> str:
    """SQL: a row of `over` (the CTE that the statement reads) is one of the chosen events."""
    return conditions.chosen(choosing.choices, scope, binder, over=over)


def has_name_of(choosings: Iterable[Choosing], binder: Binder) -> str:
    """SQL on names alone, true of every row that any of these choose: put it into WHERE, the store finds the rows by it."""
    return conditions.named([choice for choosing in choosings for choice in choosing.choices], binder)
