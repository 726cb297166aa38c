"""What templates may call: values as the reader writes them, the navigation, and data for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from bihuan.console.navigation import STAGES, Stage, current
from bihuan.console.reader import PageReader
from bihuan.engine.question import Kind
from bihuan.govern.forms import whole

register = template.Library()


@register.simple_tag(takes_context=True)
def show(context: Context, value: Any, kind: Kind = "number") -> str:
    """`{% show value "money" %}`: a value as the reader writes it (kinds: see `engine.question.Kind`)."""
    return _reader(context).show(value, kind)


@register.simple_tag(takes_context=True)
def clock(context: Context, at: datetime) -> str:
    """`{% clock at %}`: the time of day in the project's zone."""
    return f"{at.astimezone(ZoneInfo(_reader(context).zone)):%H:%M:%S}"


@register.simple_tag(takes_context=True)
def shown_tiles(context: Context, placed: Sequence[Any]) -> list[dict[str, Any]]:
    """`{% shown_tiles tiles as shown %}`: each of the `placed` tiles with its `title`, and its `answer` where that is kept (else None)."""
    from bihuan.console.pages.kept import kept_tiles, title_of  # the registry of questions is complete only when templates are there

    tiles = [each.tile for each in placed]
    answers = kept_tiles(context["request"], tiles)
    reader = _reader(context)
    return [{"placed": each, "title": title_of(each.tile, reader), "answer": answer} for each, answer in zip(placed, answers, strict=True)]


@register.simple_tag(takes_context=True)
def say(context: Context, msgid: str, **values: Any) -> str:
    """`{% say msgid name=value %}`: a message from code, such as a column's title, in the reader's language."""
    return _reader(context).say(msgid, **values)


@register.simple_tag(takes_context=True)
def say_error(context: Context, error: Any) -> str:
    """`{% say_error error %}`: what an exception with `msgid` and `values` says, in the reader's language."""
    return _reader(context).say(error.msgid, **error.values)


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """`{% navigation as nav %}`: the stages that this member may see, the project's root address, and the current place."""
    request = context["request"]
    member = getattr(request, "member", None)
    if member is None:
        return {"stages": (), "root": "/", "current": None}
    root = f"/p/{member.project.key}/"
    stages = tuple(Stage(stage.title, tuple(place for place in stage.places if member.can(place.right))) for stage in STAGES)
    return {"stages": stages, "root": root, "current": current(request.path, root), "home": request.path == root}


@register.simple_tag(takes_context=True)
def cell(
    context: Context,
    text: str,
    *,
    heat: int | str | None = None,
    running: bool = False,
    hint: str = "",
    query: str = "",
    linked: Any = True,
    people: str | None = None,
    **names: Any,
) -> SafeString:
    """`{% cell one.people cell_cohort=one.key heat=3 %}`: a number in a `c-grid`, already written for the reader.

    `cell_…` name the cell whose people it leads to (`query` has names as text; not `linked` shows no link), at the address `people` when it
    is not the panel's; `heat` shades it from 0 to 9; `running` marks what may still change; `hint` says more when pointed at.
    """
    people = context.get("people", "") if people is None else people
    told = (
        f"{name.replace('_', '.', 1)}={_in_address(value)}" for name, value in names.items() if value is not None and value is not False
    )
    where = "&".join((query, *told) if query else told)
    shown = str(escape(text))
    if shown and people and where and linked:
        shown = f'<a href="{escape(f"{people}&{where}")}">{shown}</a>'
    if running:
        shown += f'<span aria-hidden="true">*</span><span class="visually-hidden">({escape(gettext("still running"))})</span>'
    shade = "" if heat is None or heat == "" else f' data-heat="{escape(heat)}"'
    said = f' title="{escape(hint)}"' if hint else ""
    return mark_safe(f'<td class="text-end bh-number"{shade}{said}{" data-running" if running else ""}>{shown}</td>')  # noqa: S308 - all escaped


def _in_address(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else quote(str(value), safe="")


@register.filter
def asking(people: str, name: str) -> str:
    """`{{ people|asking:"process_cases" }}`: the address of another question with the same spec as the one whose people are there."""
    place, mark, query = people.partition("/people/?")
    return f"{place.rpartition('/')[0]}/{name}/?{query}" if mark else ""


@register.filter
def at(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """`{{ errors|at:"steps.0.event" }}`: what is under a key that a template cannot spell, or None."""
    return mapping.get(key) if isinstance(mapping, Mapping) else None


@register.filter
def as_json(value: Any) -> SafeString:
    """A value as JSON that can stand inside a `<script type="application/json">`."""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    for sign, code in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, code)
    return mark_safe(text)  # noqa: S308 - cannot close the element


@register.filter
def dotted(value: Any, prefix: str) -> list[tuple[str, str]]:
    """`{% for name, text in values.filter|dotted:"filter" %}`: a nested document as the fields of a form."""
    return list(_flat(value, prefix))


@register.filter
def dotted_fields(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All of a nested document as the fields of a form."""
    return [field for name, value in values.items() for field in _flat(value, name)]


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{prefix}.{name}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{prefix}.{place}")
    elif value is not None and value != "":
        yield prefix, ("true" if value else "false") if isinstance(value, bool) else str(value)


@register.simple_tag
def language_of_page() -> str:
    """The language of the page as browsers and screen readers know it."""
    language = get_language() or "en"
    return "zh-Hans" if language.startswith("zh") else language


@register.simple_tag(takes_context=True)
def look(context: Context) -> str:
    """`light`, `dark`, or `auto`: as the reader chose, `auto` follows the device."""
    chosen = context["request"].COOKIES.get("bihuan_look", "auto") if "request" in context else "auto"
    return chosen if chosen in ("light", "dark") else "auto"


def _reader(context: Context) -> PageReader:
    request = context.get("request")
    return getattr(request, "reader", None) or PageReader(get_language() or "en")


@register.filter
def trimmed(text: str) -> str:
    """Without the white space at its ends; what was safe stays safe."""
    return type(text)(text.strip())


@register.filter
def slug(name: str) -> str:
    """A dotted field name as part of an element's id."""
    return name.replace(".", "-")


@register.filter
def under(place: str, prefix: str) -> bool:
    """Whether a dotted place is `prefix` or below it."""
    return place == prefix or place.startswith(f"{prefix}.")


@register.filter
def with_chosen(options: Sequence[str] | None, chosen: Any) -> list[str]:
    """The options, and what is chosen even when it is not among them any more."""
    listed = list(options or ())
    return listed + [each for each in _chosen(chosen) if each and each not in listed]


@register.filter
def is_chosen(option: str, chosen: Any) -> bool:
    return option in _chosen(chosen)


@register.filter
def options(choices: Sequence[Any] | str, chosen: Any) -> list[tuple[str, Any, bool]]:
    """What a `c-select` offers, as (value, title, is it chosen): words, pairs of value and title, or definitions."""
    return [(key, title, key == str(chosen)) for key, title in map(_choice, choices or ())]


def _choice(one: Any) -> tuple[str, Any]:
    if isinstance(one, tuple):
        return str(one[0]), one[1]
    return (one, one) if isinstance(one, str) else (one.key, one.name)


@register.filter
def period_choices(days: str, chosen: Any) -> list[tuple[str, str]]:
    """The periods to choose from as (days, title), with the chosen one among them."""
    lengths = {int(each) for each in days.split()}
    if (days_chosen := whole(str(chosen))) is not None:
        lengths.add(days_chosen)
    title = gettext("Last {days} days")
    return [(str(each), gettext("Today") if each == 1 else title.format(days=each)) for each in sorted(lengths)]


@register.filter
def calendar_periods(_: object) -> list[tuple[str, str]]:
    """The periods of the calendar to choose from, as (word, title)."""
    return [
        ("this-week", gettext("This week")),
        ("last-week", gettext("Last week")),
        ("this-month", gettext("This month")),
        ("last-month", gettext("Last month")),
        ("this-quarter", gettext("This quarter")),
        ("last-quarter", gettext("Last quarter")),
        ("this-year", gettext("This year")),
        ("last-year", gettext("Last year")),
    ]


@register.filter
def period_word(value: Mapping[str, Any] | None) -> str:
    """The word of a calendar's period as a form has it ("last-month"); "" for another period."""
    if not isinstance(value, Mapping) or not value.get("this"):
        return str(value.get("last", "")) if isinstance(value, Mapping) else ""
    return f"{'last' if str(value.get('ago', 0)) == '1' else 'this'}-{value['this']}"


@register.filter
def listed(value: Any) -> list[Any]:
    """What is there once or several times, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


@register.filter
def breakdown_kind(value: Any, kinds: str) -> str:
    """Which of the kinds of breakdown a document is (see `engine.breakdowns`): the first where it says none."""
    known = kinds.split()
    return next((kind for kind in known if kind in value), known[0]) if isinstance(value, Mapping) else known[0]


@register.filter
def compare_kind(value: Any) -> str:
    """Which kind of comparison a document is (see `engine.compare`); "" for none."""
    if isinstance(value, str):
        value = {"to": value} if value else None
    if not isinstance(value, Mapping):
        return ""
    if "to" in value:
        return "previous" if value["to"] == "previous" else "before"
    return next((kind for kind in ("period", "target", "segment") if kind in value), "")


@register.filter
def comma_list(value: Any) -> str:
    """Numbers with commas between, as they are typed."""
    return value if isinstance(value, str) else ", ".join(f"{float(each):g}" for each in value or ())


def _chosen(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or ()]
