"""What a process asks: what a case is, which events are its steps, when it is over, the order it should keep, and how much is shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bihuan.analyse.visits import Gap
from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import ANY_EVENT, EVERYTHING, EventChoice, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec

Activity = Annotated[str, Field(min_length=1, max_length=410)]  # an event's name, perhaps with a property's value behind " · "
Percent = Annotated[int, Field(ge=1, le=100)]
Deviation = Literal["missing", "out_of_order", "repeated", "unexpected"]
MOST_ORDERED = 30


class Service(BaseModel):
    """One activity that takes time: the event `begin` starts it, the event `end` completes it; it is called `name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    begin: Name
    end: Name
    name: Name | None = None

    @property
    def title(self) -> str:
        return self.name or f"{self.begin} → {self.end}"


class OrderStep(BaseModel):
    """A step of the order that cases should keep; it may be left out if `optional`, and done several times in a row if `repeat`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    activity: Activity
    optional: bool = False
    repeat: bool = False


class ProcessSpec(Spec):
    """How cases go from activity to activity, of those that begin in `period`.

    An activity is one of `events` (none: every event from outside) of which `filter` is true, called by its name, and by the value of its
    property `by` where it has it. A case is all of them with the same value of the property `id`, or of one person in the period, or of
    one visit, which ends when nothing follows for more than `gap` minutes. A case of a property is known, and followed, up to `around`
    days before and after the period.

    Two events are one activity that takes time where `services` say so, or where the property `lifecycle` says "start" and "complete".
    A case is complete when its last activity is one of `ends`, or when nothing followed for `quiet` days; when neither is asked for, every
    case is. `order` is what cases should do; `strict`: nothing else. Waiting is lost beyond `target` minutes, without one beyond the
    connection's own median. The graph shows `activities` % of all activities and `edges` % of the connections between them.

    `breakdown` puts kinds of cases side by side: a case is of the value that the first of its events has that has one. The `top` values
    with the most cases are shown alone. `sample` asks this part of the people (or of the cases of a property) only.
    """

    case: Literal["session", "person", "property"] = "session"
    id: Name | None = None
    around: Annotated[int, Field(ge=0, le=365)] = 30
    gap: Gap = 30
    events: Annotated[tuple[EventChoice, ...], Field(max_length=50)] = ()
    by: Name | None = None
    services: Annotated[tuple[Service, ...], Field(max_length=20)] = ()
    lifecycle: Name | None = None
    period: PeriodSpec = Last(last=30)
    filter: Filter = EVERYTHING
    ends: Annotated[tuple[Activity, ...], Field(max_length=20)] = ()
    quiet: Annotated[int, Field(ge=1, le=365)] | None = None
    only_complete: bool = False
    order: Annotated[tuple[OrderStep, ...], Field(max_length=MOST_ORDERED)] = ()
    strict: bool = True
    target: Annotated[float, Field(gt=0, le=525_600, allow_inf_nan=False)] | None = None
    compare: Comparison = None
    breakdown: Breakdowns = ()
    top: Annotated[int, Field(ge=1, le=50)] = 6
    sample: Sample = None
    activities: Percent = 100
    edges: Percent = 50

    @model_validator(mode="after")
    def _fits_together(self) -> ProcessSpec:
        if self.case == "property" and self.id is None:
            raise ValueError("Choose the property that says which case an event belongs to.")
        steps = [step.activity for step in self.order]
        if len(set(steps)) != len(steps):
            raise ValueError("Each activity can stand in the order once.")
        marks = [event for service in self.services for event in (service.begin, service.end)]
        if len(set(marks)) != len(marks):
            raise ValueError("An event can start or complete one activity only.")
        if isinstance(self.compare, Target):
            raise ValueError("Cases can be compared with another period or with other people, not with a number.")
        return self

    @property
    def choices(self) -> tuple[EventChoice, ...]:
        """The events that are activities; those that start or complete one are among them."""
        if not self.events:
            return (EventChoice(event=ANY_EVENT),)
        named = {choice.event for choice in self.events}
        marks = dict.fromkeys(event for service in self.services for event in (service.begin, service.end) if event not in named)
        return (*self.events, *(EventChoice(event=event) for event in marks))

    @property
    def takes_time(self) -> bool:
        """Whether activities can take time, or are moments."""
        return bool(self.services) or self.lifecycle is not None

    @property
    def tells_complete(self) -> bool:
        """Whether it is asked which cases are complete."""
        return bool(self.ends) or self.quiet is not None


class ProcessCell(Spec):
    """Cases with `activity` (`begins`: as the first, `ended`: as the last of a complete case, `again`: more than once), that go from it to
    `next`, that are exactly `variant`, that keep the order or not (`conforming`), that deviate from it by `deviation` of `activity`, or
    that are not complete (`running`). `before`: of what it is compared with. `value`: of this part of the breakdown (`none`: without a
    value, `other`: of one that is not shown alone). Nothing of it: all cases."""

    activity: Activity | None = None
    next: Activity | None = None
    begins: bool = False
    ended: bool = False
    again: bool = False
    running: bool = False
    variant: Annotated[tuple[Activity, ...], Field(max_length=500)] = ()
    deviation: Deviation | None = None
    conforming: Literal["yes", "no"] | None = None
    before: bool = False
    value: str | None = None
    none: bool = False
    other: bool = False
