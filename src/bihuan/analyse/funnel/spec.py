"""What a funnel asks: its steps and what may lie between them, how long they may take, who enters when, what is counted, and what the
answer is broken down by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bihuan.analyse.window import Window
from bihuan.engine.breakdowns import Breakdowns
from bihuan.engine.compare import Comparison, Target
from bihuan.engine.filters import EVERYTHING, Filter, Name
from bihuan.engine.meta import Sample
from bihuan.engine.periods import Last, PeriodSpec
from bihuan.engine.question import Spec
from bihuan.engine.selection import Choosing

MOST_STEPS = 20


def _unless_empty(given: object) -> object:
    """A form's unit without a number asks for no time."""
    return None if isinstance(given, Mapping) and not given.get("n") else given


class Step(Choosing):
    """Any of the chosen events; `name` is what readers see, the events' names when empty. An `optional` step may be left out; a step with
    `within` counts only so soon after the step that was done before it."""

    name: Annotated[str, Field(max_length=200)] = ""
    optional: bool = False
    within: Annotated[Window | None, BeforeValidator(_unless_empty)] = None

    @property
    def title(self) -> str:
        return self.name or self.events


class Exclusion(Choosing):
    """None of the chosen events may lie between step `after` and step `before` (numbers from 1; None: the last)."""

    after: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 1
    before: Annotated[int, Field(ge=2, le=MOST_STEPS)] | None = None


class FunnelSpec(Spec):
    """How many go through `steps` within `window` of the first; `filter` must hold of every event that is looked at.

    `order`: other events may lie between ("ordered"), nothing may ("strict"), or the steps come in "any" order. `first_ever`: only the
    first time ever that somebody did the first step begins a way. `held`: this property has the same value at all steps. `count` people,
    their sessions (which end where nothing happens for `session_gap` minutes) or attempts. A breakdown by what events say takes the event
    of the step `attribution`, or wants the same value at all. `compare` puts another period or other people beside it. `sample` asks this
    part of the people only.

    `show` adds to the steps: their "trend", each `unit` of entry for itself; or "drivers", what those who did step `success` (None: the
    last) had and did before, and the others who came to the step before it did not, as far as at least `least` have it and have it not.
    """

    steps: Annotated[tuple[Step, ...], Field(min_length=2, max_length=MOST_STEPS)]
    order: Literal["ordered", "strict", "any"] = "ordered"
    exclusions: Annotated[tuple[Exclusion, ...], Field(max_length=5)] = ()
    filter: Filter = EVERYTHING
    period: PeriodSpec = Last(last=30)
    window: Window = Window()
    first_ever: bool = False
    held: Name | None = None
    count: Literal["people", "sessions", "attempts"] = "people"
    session_gap: Annotated[int, Field(ge=1, le=1440)] = 30
    breakdown: Breakdowns = ()
    attribution: Literal["first", "last", "all"] | Annotated[int, Field(ge=1, le=MOST_STEPS)] = "first"
    top: Annotated[int, Field(ge=1, le=50)] = 5
    compare: Comparison = None
    show: Literal["steps", "trend", "drivers"] = "steps"
    unit: Literal["day", "week", "month"] = "day"
    success: Annotated[int, Field(ge=2, le=MOST_STEPS)] | None = None
    least: Annotated[int, Field(ge=1, le=100_000)] = 10
    sample: Sample = None

    @field_validator("compare")
    @classmethod
    def _not_a_target(cls, compare: Comparison) -> Comparison:
        if isinstance(compare, Target):
            raise ValueError("A funnel has no target: compare it with a period or with other people.")
        return compare

    @model_validator(mode="after")
    def _steps_fit(self) -> FunnelSpec:
        if self.steps[0].optional or self.steps[-1].optional:
            raise ValueError("The first and the last step cannot be optional.")
        if isinstance(self.attribution, int) and self.attribution > len(self.steps):
            raise ValueError("There is no such step to take the value from.")
        for each in self.exclusions:
            before = self.last_of(each)
            if not each.after < before <= len(self.steps):
                raise ValueError("An exclusion lies between a step and a later one.")
            if self.steps[each.after - 1].optional or self.steps[before - 1].optional:
                raise ValueError("An exclusion cannot begin or end at an optional step.")
            if self.order == "any" and (each.after, before) != (1, len(self.steps)):
                raise ValueError("In any order, an exclusion lies between the first event and the last.")
        return self

    @model_validator(mode="after")
    def _goes_together(self) -> FunnelSpec:
        if self.order == "any":
            if any(step.optional or step.within for step in self.steps):
                raise ValueError("In any order, no step is optional and none has a time of its own.")
            if self.first_ever or self.count == "attempts":
                raise ValueError("In any order there is no first step: neither its first time ever nor attempts can be counted.")
        if self.held and self.count == "sessions":
            raise ValueError("A property that is held and sessions cannot be asked together.")
        if self.attribution == "all" and (self.held or self.count != "people"):
            raise ValueError("The same value at all steps can be asked of people alone, and without another property that is held.")
        return self

    @model_validator(mode="after")
    def _drivers_fit(self) -> FunnelSpec:
        if self.show != "drivers":
            return self
        if self.compare or self.breakdown or self.count != "people":
            raise ValueError("What goes with success is asked of people, without a comparison and without a breakdown.")
        if self.success is not None and self.success > len(self.steps):
            raise ValueError("There is no such step that could be success.")
        if self.steps[self.success_step - 1].optional:
            raise ValueError("An optional step cannot be success.")
        if self.order == "any" and self.success_step < len(self.steps):
            raise ValueError("In any order, success is to do all steps.")
        return self

    @property
    def success_step(self) -> int:
        """The step that those who succeed do."""
        return self.success or len(self.steps)

    @property
    def asked(self) -> FunnelSpec:
        """The funnel whose ways are counted: up to the step that is success, where one asks what goes with it."""
        if self.show != "drivers" or self.success_step == len(self.steps):
            return self
        last = self.success_step
        kept = [each.model_copy(update={"before": min(self.last_of(each), last)}) for each in self.exclusions if each.after < last]
        return self.model_copy(update={"steps": self.steps[:last], "exclusions": tuple(kept), "attribution": "first", "success": None})

    def last_of(self, exclusion: Exclusion) -> int:
        """The step before which the exclusion ends."""
        return exclusion.before or len(self.steps)


class FunnelCell(Spec):
    """Those who did step `step`, or (`state` "dropped") did the required step before it but not this one; with `value`, of that value of
    the breakdown (`no_value`: of those who have none); with `day`, of the day, week or month that begins then; with `before`, of what it
    is compared with. With `driver`, those with it: who did the event `name` on their way, or whose first event, or who themselves, had
    `having` as the property `name`, or a number from `at_least` on and less than `below`; of those who came to the step before success,
    the ones who did it, or did not ("dropped")."""

    step: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 1
    state: Literal["reached", "dropped"] = "reached"
    value: Annotated[str, Field(max_length=2_000)] | None = None
    no_value: bool = False
    day: date | None = None
    before: bool = False
    driver: Literal["event", "property", "person"] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    having: Annotated[str, Field(max_length=2_000)] | None = None
    at_least: Annotated[float, Field(allow_inf_nan=False)] | None = None
    below: Annotated[float, Field(allow_inf_nan=False)] | None = None
