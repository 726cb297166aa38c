"""The plan as one YAML document: for review in pull requests, and for keeping it beside the code that sends the events."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bihuan.catalog.definitions import archive_definition
from bihuan.collect.plan.door import Planned, WholePlan, same, save_event, save_whole, tracking_plan
from bihuan.collect.plan.spec import EventSpec, PlanSpec, PropertyRule
from bihuan.govern.audit import Change, changes
from bihuan.govern.door import Member
from bihuan.govern.errors import Invalid
from bihuan.govern.forms import errors_by_place

MOST_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class Read:
    """A document: what holds for all events, and of each event its specification and its description."""

    whole: PlanSpec
    events: Mapping[str, tuple[EventSpec, str]]


@dataclass(frozen=True)
class Difference:
    """What applying a document does to one event (`event` '' for what holds for all): add, change or remove it."""

    verb: str
    event: str
    changes: tuple[Change, ...] = ()


def to_yaml(plan: WholePlan) -> str:
    """The plan as text. Events and properties stand by name, so that a change is a small difference at its place."""
    document: dict[str, Any] = _without_properties(plan.spec)
    document["common"] = _properties(plan.spec.properties)
    document["events"] = {one.spec.event: _event(one) for one in plan.events}
    out = io.StringIO()
    _yaml().dump({name: value for name, value in document.items() if value or name == "events"}, out)
    return out.getvalue()


def from_yaml(text: str) -> Read:
    """What a text says. Raises Invalid, which says where it is wrong."""
    if len(text) > MOST_CHARACTERS:
        raise Invalid("The document is too long.")
    try:
        document = _yaml().load(text)
    except (YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Invalid("This is not YAML: line {line}: {problem}", line=mark.line + 1 if mark else 1, problem=_problem(error)) from None
    if not isinstance(document, Mapping) or not isinstance(document.get("events", {}) or {}, Mapping):
        raise Invalid("A plan has “events”, and under each name what is declared of that event.")
    whole = {name: value for name, value in document.items() if name not in ("events", "common")}
    read = _valid(PlanSpec, {**whole, "properties": _listed(document.get("common"), "common")}, "")
    events = {}
    for name, given in (document.get("events") or {}).items():
        given = given or {}
        if not isinstance(given, Mapping):
            raise Invalid("events.{name}: This must be a mapping.", name=name)
        rest = {field: value for field, value in given.items() if field not in ("description", "properties")}
        listed = _listed(given.get("properties"), f"events.{name}.properties")
        spec = _valid(EventSpec, {**rest, "event": str(name), "properties": listed}, f"events.{name}")
        events[str(name)] = (spec, str(given.get("description") or ""))
    return Read(read, events)


def differences(plan: WholePlan, read: Read) -> list[Difference]:
    """What applying the document would do. An event that it does not name is taken out of the plan."""
    found = []
    if not same(plan.spec, read.whole):
        found.append(Difference("change", "", tuple(changes(_facts(plan.spec), _facts(read.whole)))))
    present = plan.by_name
    for name, (spec, description) in read.events.items():
        if name not in present:
            found.append(Difference("add", name))
        elif changed := changes(_said(present[name].spec, present[name].definition.description), _said(spec, description)):
            found.append(Difference("change", name, tuple(changed)))
    return found + [Difference("remove", name) for name in present if name not in read.events]


def apply(*, member: Member, read: Read, reason: str = "") -> list[Difference]:
    """Make the plan what the document says, all of it or nothing; what that changed."""
    with transaction.atomic():
        plan = tracking_plan(member)
        found = differences(plan, read)
        present = plan.by_name
        for one in found:
            if not one.event:
                save_whole(member=member, spec=read.whole, reason=reason)
            elif one.verb == "remove":
                archive_definition(member=member, kind="event", key=present[one.event].definition.key)
            else:
                spec, description = read.events[one.event]
                key = present[one.event].definition.key if one.event in present else ""
                save_event(member=member, spec=spec, description=description, reason=reason, key=key)
    return found


def _event(one: Planned) -> dict[str, Any]:
    document = {"description": one.definition.description, **_without_properties(one.spec)}
    document.pop("event")
    document["properties"] = _properties(one.spec.properties)
    return {name: value for name, value in document.items() if value}


def _without_properties(spec: EventSpec | PlanSpec) -> dict[str, Any]:
    document = spec.model_dump(mode="json")
    document.pop("properties")
    return {name: value for name, value in document.items() if value != "inherit"}


def _properties(rules: tuple[PropertyRule, ...]) -> dict[str, Any]:
    return {rule.name: rule.model_dump(mode="json", exclude_defaults=True, exclude={"name"}) for rule in rules}


def _listed(given: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(given or {}, Mapping):
        raise Invalid("{place}: Each property stands under its name.", place=where)
    rules = []
    for name, rule in (given or {}).items():
        if not isinstance(rule or {}, Mapping):
            raise Invalid("{place}: Each property stands under its name.", place=f"{where}.{name}")
        rules.append({**(rule or {}), "name": str(name)})
    return rules


def _valid(model: Any, document: Mapping[str, Any], where: str) -> Any:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        place, sentence = next(iter(errors_by_place(error, document).items()))
        raise Invalid("{place}: {problem}", place=".".join(filter(None, (where, place))), problem=sentence) from None


def _facts(spec: PlanSpec) -> dict[str, Any]:
    return {**_without_properties(spec), "properties": _properties(spec.properties)}


def _said(spec: EventSpec, description: str) -> dict[str, Any]:
    return {"description": description, **_without_properties(spec), "properties": _properties(spec.properties)}


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", "") or error).splitlines()[0][:200]


def _yaml() -> Any:
    made: Any = YAML(typ="safe", pure=True)
    made.version = (1, 2)
    made.default_flow_style = False
    made.allow_unicode = True
    made.sort_base_mapping_type_on_output = False
    made.width = 120
    return made
