"""The door of the tracking plan: what a project has agreed on, and the verbs that change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from bihuan.catalog.definitions import definitions, save_definition, spec_of
from bihuan.catalog.models import Definition
from bihuan.collect.plan.check import Plan
from bihuan.collect.plan.spec import PLAN_KEY, EventSpec, PlanSpec
from bihuan.govern.door import Member
from bihuan.govern.errors import Conflict


@dataclass(frozen=True)
class Planned:
    """A declared event: its definition, and the document of that."""

    definition: Definition
    spec: EventSpec


@dataclass(frozen=True)
class WholePlan:
    """A project's plan: what holds for all events (`definition` is None while nobody has said), and the declared events by name."""

    definition: Definition | None
    spec: PlanSpec
    events: tuple[Planned, ...]

    @property
    def by_name(self) -> Mapping[str, Planned]:
        return {one.spec.event: one for one in reversed(self.events)}

    def compiled(self) -> Plan:
        """As the collector holds events to it."""
        return Plan(self.spec.model_dump(mode="json"), [one.spec.model_dump(mode="json") for one in self.events])


def tracking_plan(member: Member) -> WholePlan:
    """The plan as it is now."""
    whole = next((one for one in definitions(member, "plan") if one.key == PLAN_KEY), None)
    events = sorted(
        (Planned(one, spec_of(one)) for one in definitions(member, "event")), key=lambda one: (one.spec.event, one.definition.key)
    )
    return WholePlan(whole, spec_of(whole) if whole else PlanSpec(), tuple(events))


def save_event(
    *, member: Member, spec: EventSpec, description: str = "", reason: str = "", key: str = "", revision: int | None = None
) -> Definition:
    """Declare an event, or change what is declared of it. Conflict when another definition declares one of the same name."""
    with transaction.atomic():
        other = tracking_plan(member).by_name.get(spec.event)
        if other is not None and other.definition.key != key:
            raise Conflict("The event “{name}” is in the plan already.", name=spec.event, where="event")
        return save_definition(
            member=member,
            kind="event",
            key=key,
            name=spec.event,
            spec=spec,
            description=description,
            reason=reason,
            revision=revision,
        )


def save_whole(*, member: Member, spec: PlanSpec, reason: str = "", revision: int | None = None) -> Definition:
    """Say what holds for all events."""
    return save_definition(
        member=member, kind="plan", key=PLAN_KEY, name=gettext("Tracking plan"), spec=spec, reason=reason, revision=revision
    )


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same."""
    return bool(one.model_dump(mode="json") == other.model_dump(mode="json"))
