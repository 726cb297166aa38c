"""What the form of each kind asks about the columns, and the mapping that it gives."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any, Literal

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bihuan.collect.imports.chosen import read_mapping

Asks = Literal["column", "expression", "text", "choice"]


@dataclass(frozen=True)
class Field:
    """One question of the form: `name` is its dotted place in the mapping, `none` what no column is called."""

    name: str
    label: str | Promise
    asks: Asks = "column"
    hint: str | Promise = ""
    none: str | Promise = "—"
    placeholder: str = ""
    choices: tuple[tuple[str, str | Promise], ...] = ()


TIME = Field("time", _("Time"))
DAY = Field("time", _("Day or time"))
FORMAT = Field("time_format", _("How the time is written"), "text", _("Empty: found out."), placeholder="%d/%m/%Y %H:%M")
ZONE = Field("zone", _("Time zone of the times"), "text", _("Where a time has no offset of its own."), placeholder="Asia/Shanghai")
PERSON = Field("person", _("Id of the person"), none=_("Nobody"))
DEVICE = Field("anonymous", _("Id of the device or browser"))
FIELDS: dict[str, tuple[Field, ...]] = {
    "events": (
        Field("event_column", _("Column that names the event")),
        Field("event", _("or one name for all events"), "text"),
        PERSON,
        TIME,
        FORMAT,
        ZONE,
        Field(
            "revenue",
            _("Revenue"),
            "expression",
            _("A column, or columns with + - * / and parentheses."),
            placeholder="Quantity * UnitPrice",
        ),
        DEVICE,
        Field("id", _("Id of the event"), hint=_("Without one, each line of the file is an event of its own.")),
    ),
    "persons": (
        Field("person", _("Id of the person")),
        Field(
            "time",
            _("From when on the row holds"),
            hint=_("The newest row wins. Without a column: the time of the import."),
            none=_("The import"),
        ),
        FORMAT,
        DEVICE,
        Field("ids.email", _("E-mail address as an id")),
        Field("ids.phone", _("Phone number as an id")),
        Field("ids.openid", _("WeChat openid")),
        Field("ids.unionid", _("WeChat unionid")),
        ZONE,
    ),
    "metrics": (
        Field("series_column", _("Column that names the series")),
        Field("series", _("or one name for all numbers"), "text"),
        Field("value", _("Measured number"), "expression", _("A column, or columns with + - * / and parentheses.")),
        DAY,
        FORMAT,
        Field("grain", _("A number is of a"), "choice", choices=(("day", _("Day")), ("hour", _("Hour")))),
        ZONE,
    ),
    "costs": (
        DAY,
        FORMAT,
        Field("cost", _("Cost"), "expression", _("A column, or columns with + - * / and parentheses.")),
        Field("impressions", _("Impressions"), "expression"),
        Field("clicks", _("Clicks"), "expression"),
        Field("channel", _("Channel")),
        Field("source", _("Source")),
        Field("medium", _("Medium")),
        Field("campaign", _("Campaign")),
        Field("currency_column", _("Currency")),
        Field("currency", _("or one currency for all"), "text", _("Three letters; empty: that of the project."), placeholder="CNY"),
        ZONE,
    ),
}
INSTEAD = {"event": "event_column", "series": "series_column", "currency": "currency_column"}  # who is named for all needs no column


def given(kind: str, form: QueryDict | Dictionary[str, str], known: Dictionary[str, Any]) -> dict[str, Any]:
    """The mapping that the form gives: its YAML if there is any, else its fields. `known` is what was chosen before."""
    kept = {name: known[name] for name in ("encoding",) if known.get(name)}
    text = (form.get("yaml") or "").strip()
    if text:
        return kept | {"kind": kind} | read_mapping(text)
    found: dict[str, Any] = {"kind": kind}
    for field in FIELDS[kind]:
        value = (form.get(field.name) or "").strip()
        head, _dot, rest = field.name.partition(".")
        if not value or field.name in ("time", "time_format"):
            continue
        if rest:
            found.setdefault(head, {})[rest] = value
        else:
            found[head] = value
    if form.get("time"):
        found["time"] = {"column": form["time"], "format": (form.get("time_format") or "").strip()}
    for one, column in INSTEAD.items():
        if found.get(one):
            found.pop(column, None)
    return kept | found


def chosen(kind: str, mapping: Dictionary[str, Any]) -> list[tuple[Field, str]]:
    """Each field with its value in a mapping."""
    return [(field, _value(field.name, mapping)) for field in FIELDS[kind]]


def typed(kind: str, form: QueryDict | Dictionary[str, str]) -> list[tuple[Field, str]]:
    """Each field with what was typed."""
    return [(field, form.get(field.name) or "") for field in FIELDS[kind]]


def _value(name: str, mapping: Dictionary[str, Any]) -> str:
    time = mapping.get("time") or {}
    time = {"column": time} if isinstance(time, str) else time
    if name == "time":
        return str(time.get("column", ""))
    if name == "time_format":
        return str(time.get("format", ""))
    head, _dot, rest = name.partition(".")
    found = mapping.get(head, "")
    return str(found.get(rest, "") if rest and isinstance(found, dict) else found or "")
