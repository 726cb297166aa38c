"""What paths ask: which events, under which names, where ways begin and end, how long they are and how much of them is shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bihuan.analyse.visits import Gap
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import ANY_EVENT, EVERYTHING, EventChoice, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec

Pattern = Annotated[str, Field(min_length=1, max_length=400)]  # `*` stands for any characters, or none


class Group(BaseModel):
    """Everything of which `match` is true is one node, called `name` (as the pattern, when it is not said)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    match: Pattern
    name: Name | None = None

    @property
    def title(self) -> str:
        return self.name or self.match


class PathsSpec(Spec):
    """The ways of people through `events` (none: every event from outside) of which `filter` is true, in visits that begin in `period`.

    A node is an event's name, or its property `by` where it has it; the first of `groups` that fits names it anew, and nodes that fit
    one of `without` are left out. A visit ends when none of these events follows for more than `gap` minutes. With `start`, a way begins
    at the visit's first node that fits it, with `end` it stops at the first one (after the start) that fits; without a start and an end
    a way is the visit. A node fits by its name, by the name that it had before the groups, or by that of its event. `loops` "collapse":
    the same node several times in a row is one. `steps` nodes of a way are looked at, from its beginning, or, if only an `end` is given,
    before its end; between two, the middle of a longer way is one node. `top` nodes are shown in each step, all others as one. `measure`
    is what the chart's widths mean. Beside it, with `compare`, another period or other people. `sample` asks this part of the people only.
    """

    events: Annotated[tuple[EventChoice, ...], Field(max_length=50)] = ()
    by: Name | None = None
    groups: Annotated[tuple[Group, ...], Field(max_length=30)] = ()
    without: Annotated[tuple[Pattern, ...], Field(max_length=30)] = ()
    start: Pattern | None = None
    end: Pattern | None = None
    period: PeriodSpec = Last(last=7)
    filter: Filter = EVERYTHING
    gap: Gap = 30
    steps: Annotated[int, Field(ge=2, le=10)] = 5
    loops: Literal["collapse", "keep"] = "collapse"
    top: Annotated[int, Field(ge=1, le=20)] = 6
    measure: Literal["ways", "people"] = "ways"
    compare: Comparison = None
    sample: Sample = None

    @model_validator(mode="after")
    def _room_between(self) -> PathsSpec:
        if self.start and self.end and self.steps < 3:
            raise ValueError("Between two nodes there must be room for one more: ask for at least 3 steps.")
        return self

    @field_validator("compare")
    @classmethod
    def _not_a_target(cls, compare: Comparison) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("Ways have no target: compare them with a period or with other people.")
        return compare

    @property
    def choices(self) -> tuple[EventChoice, ...]:
        """The events that are nodes: those chosen, and the start and the end where they are the name of another event."""
        if not self.events:
            return (EventChoice(event=ANY_EVENT),)
        names = {choice.event for choice in self.events}
        ends = dict.fromkeys(end for end in (self.start, self.end) if end and "*" not in end and end not in names and len(end) <= 200)
        return (*self.events, *(EventChoice(event=end) for end in ends))

    @property
    def backwards(self) -> bool:
        """Whether steps are counted from the end."""
        return self.end is not None and self.start is None


class PathsCell(Spec):
    """People with a way that has `node` (or, with `other`, one of those not shown alone) at step `place`; that goes from there to `next`
    (`next_other`); that has nothing further there (`edge`); or people with exactly the way `way` (`more`: and further than is shown).
    Nothing of it: everybody with a way. `before`: of what it is compared with."""

    place: Annotated[int, Field(ge=1, le=10)] | None = None
    node: str | None = None
    other: bool = False
    next: str | None = None
    next_other: bool = False
    edge: bool = False
    way: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    more: bool = False
    before: bool = False
