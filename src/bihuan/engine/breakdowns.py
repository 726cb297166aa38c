"""What an answer is broken down by: a property of an event or of a person, and the SQL for its value."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope
from bihuan.engine.visible import HIDDEN, Binder, json_text, property_text


class ByProperty(BaseModel):
    """Each value of the event's property `property`, as text; '' when the event has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    property: Annotated[str, Field(min_length=1, max_length=200)]


class ByPerson(BaseModel):
    """Each value of the person's present property `person`, as text; '' when the person has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    person: Annotated[str, Field(min_length=1, max_length=200)]


Breakdown = ByProperty | ByPerson


def property_name(breakdown: Breakdown | None) -> str:
    """The property whose values they are; '' when nothing is broken down."""
    if breakdown is None:
        return ""
    return breakdown.property if isinstance(breakdown, ByProperty) else breakdown.person


def event_value(breakdown: Breakdown | None, scope: Scope, binder: Binder) -> str:
    """SQL for the value of an event of `visible`, as far as the event itself tells: '' for a person's property and for no breakdown."""
    return property_text(breakdown.property, scope, binder) if isinstance(breakdown, ByProperty) else "''"


def person_values(breakdown: ByPerson, scope: Scope, binder: Binder) -> str:
    """A SELECT of (person, value): one row for each person who has the property."""
    if breakdown.person in scope.hidden:
        raise QuestionError(HIDDEN, name=breakdown.person, where=breakdown.person)
    return f"SELECT person, {json_text('value')} AS value FROM traits_now WHERE name = {binder.bind(breakdown.person, 'String')}"


def with_person_values(people: str, value: str, breakdown: Breakdown | None, scope: Scope, binder: Binder) -> tuple[str, str]:
    """SQL for what each row of `people` is broken down by, and what to select it from: the person's value where the breakdown is by
    person, else the column `value`."""
    if not isinstance(breakdown, ByPerson):
        return value, people
    known = person_values(breakdown, scope, binder)
    return "coalesce(present.value, '')", f"{people} LEFT JOIN ({known}) AS present ON {people}.person = present.person"
