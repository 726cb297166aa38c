"""The board of data quality: the score and what it is made of, what needs somebody, each source and event; and one event in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.seen import EVENT_PROPERTIES
from bihuan.catalog.seen.spec import EventPropertiesSpec
from bihuan.collect.plan.check import AUTOMATIC, expectation
from bihuan.collect.plan.door import Planned, WholePlan, tracking_plan
from bihuan.collect.quality import QUALITY
from bihuan.collect.quality.chart import chart_volumes
from bihuan.collect.quality.result import Coming, QualityResult
from bihuan.collect.quality.score import imported, score
from bihuan.collect.quality.spec import QualitySpec
from bihuan.collect.violated import VIOLATED
from bihuan.collect.violated.result import ViolatedResult
from bihuan.collect.violated.spec import ViolatedSpec
from bihuan.collect.violated.words import KIND_WORDS
from bihuan.collect.volumes import VOLUMES
from bihuan.collect.volumes.result import VolumesResult
from bihuan.collect.volumes.spec import VolumesSpec
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.govern.errors import NotFound
from bihuan.govern.forms import whole
from bihuan.govern.web import ProjectRequest, project_view, render_page

DAYS = (1, 7, 30)
SHOWN = 12  # of a list, before all of it
PARTS = {
    "planned": (_("In the plan"), _("of the events that came have a declared name")),
    "seen": (_("Declared and seen"), _("of the declared events came in the period")),
    "valid": (_("As planned"), _("of the events of declared names broke no rule")),
    "fresh": (_("On time"), _("of the events arrive within five minutes, 95 times of 100; imports are not counted")),
    "usual": (_("Usual volume"), _("of the events came yesterday as often as their past says")),
}


@dataclass(frozen=True)
class Need:
    """Something that needs somebody, with where to do it."""

    tone: str
    icon: str
    text: str
    address: str


@dataclass(frozen=True)
class EventRow:
    """An event on the board: what came of it over all sources, whether it is declared, and what is wrong."""

    name: str
    events: int
    share_with_id: float
    delay: float | None
    latest: datetime | None
    wrong: int
    planned: Planned | None
    change: float | None
    unusual: bool


@project_view("view")
def quality(request: ProjectRequest) -> HttpResponse:
    """The board."""
    days = whole(request.GET.get("days", "")) or 7
    days = days if days in DAYS else 7
    plan = tracking_plan(request.member)
    context: dict[str, Any] = {"days": days, "choices": DAYS, "parts": PARTS, "kinds": KIND_WORDS, "plan": plan}
    scope = scope_of(request.member)
    try:
        found = engine().ask(QUALITY, QualitySpec(days=days), scope).result
        wrong = engine().ask(VIOLATED, ViolatedSpec(days=days), scope).result
        volumes = engine().ask(VOLUMES, VolumesSpec(), scope).result
    except EngineError as error:
        return render_page(request, "collect/quality/board.html", {**context, "problem": error}, status=503)
    chosen = request.GET.get("event", "")
    context |= {
        "found": found,
        "score": score(found, wrong, volumes, set(plan.by_name)),
        "needs": _needs(request, plan, found, wrong, volumes, scope.now),
        "sources": [_source(name, rows) for name, rows in found.by_source.items()],
        "events": _events(plan, found, wrong, volumes),
        "mistakes": [one for one in wrong.mistakes if not chosen or one.event == chosen][: SHOWN if not chosen else None],
        "chosen": chosen,
        "mistakes_total": len(wrong.mistakes),
        "unusual": volumes.unusual[:SHOWN],
    }
    return render_page(request, "collect/quality/board.html", context)


@project_view("view")
def event(request: ProjectRequest) -> HttpResponse:
    """One event (`?name=`): where it comes from, its volume, how its properties are filled, and what is wrong with it."""
    name = request.GET.get("name", "")
    if not 0 < len(name) <= 200:
        raise NotFound("There is no such event.")
    plan = tracking_plan(request.member)
    planned = plan.by_name.get(name)
    context: dict[str, Any] = {"name": name, "planned": planned, "kinds": KIND_WORDS}
    scope = scope_of(request.member)
    try:
        volumes = engine().ask(VOLUMES, VolumesSpec(event=name, days=35), scope).result
        context |= {
            "rows": engine().ask(QUALITY, QualitySpec(event=name), scope).result.rows,
            "volumes": volumes,
            "chart": chart_volumes(volumes, request.reader),  # type: ignore[attr-defined]
            "wrong": engine().ask(VIOLATED, ViolatedSpec(event=name, days=30), scope).result,
        }
        seen = engine().ask(EVENT_PROPERTIES, EventPropertiesSpec(event=name, period=Last(last=7)), scope).result
    except EngineError as error:
        return render_page(request, "collect/quality/event.html", {**context, "problem": error}, status=503)
    context["sampled"] = seen.sampled
    context["properties"] = _properties(plan, planned, seen)
    return render_page(request, "collect/quality/event.html", context)


def _needs(
    request: ProjectRequest, plan: WholePlan, found: QualityResult, wrong: ViolatedResult, volumes: VolumesResult, now: datetime
) -> list[Need]:
    """What needs somebody, the gravest first."""
    key = request.member.project.key
    board = reverse("collect:quality", kwargs={"project": key})
    of_event = reverse("collect:quality_event", kwargs={"project": key})
    needs = []
    kept_out = wrong.kept_out
    if kept_out:
        text = ngettext("{count} event was kept out by the plan.", "{count} events were kept out by the plan.", kept_out)
        address = f"{reverse('collect:quarantine', kwargs={'project': key})}?reason=plan"
        needs.append(Need("danger", "shield-lock", text.format(count=f"{kept_out:,}"), address))
    yesterday = [one for one in volumes.latest if one.unusual]
    for one in sorted(yesterday, key=lambda one: -abs(one.events - (one.expected or 0)))[:3]:
        text = gettext("“{event}” came {events} times yesterday; {low} to {high} are usual.")
        said = text.format(event=one.event, events=f"{one.events:,}", low=f"{one.low:,.0f}", high=f"{one.high:,.0f}")
        needs.append(Need("danger", "wave-sine", said, f"{of_event}?name={one.event}"))
    for source, rows in found.by_source.items():
        latest = max(row.last_arrived for row in rows)
        if now - latest > timedelta(hours=24) and not imported(source):
            said = gettext("Nothing has come from {source} for a day.").format(source=source)
            needs.append(Need("warning", "plug", said, reverse("collect:sources", kwargs={"project": key})))
    for mistake in wrong.mistakes[:3]:
        text = ngettext("{count} event “{event}”: {what}", "{count} events “{event}”: {what}", mistake.events)
        what = f"{mistake.property} – {KIND_WORDS[mistake.kind]}" if mistake.property else str(KIND_WORDS[mistake.kind])
        said = text.format(count=f"{mistake.events:,}", event=mistake.event, what=what)
        needs.append(Need("warning", "clipboard-check", said, f"{board}?event={mistake.event}#violations"))
    if plan.events:
        missing = [name for name in plan.by_name if name not in found.by_event]
        unplanned = [name for name in found.by_event if name not in plan.by_name and not name.startswith("$")]
        for names, tone, icon, one_text, many_text, address in (
            (
                missing,
                "warning",
                "eye-off",
                "{count} declared event did not come: {names}",
                "{count} declared events did not come: {names}",
                board,
            ),
            (
                unplanned,
                "info",
                "clipboard-check",
                "{count} event is not in the plan: {names}",
                "{count} events are not in the plan: {names}",
                board,
            ),
        ):
            if names:
                text = ngettext(one_text, many_text, len(names))
                said = text.format(count=len(names), names=", ".join(names[:5]) + ("…" if len(names) > 5 else ""))
                needs.append(Need(tone, icon, said, f"{address}#events"))
    return needs


def _source(name: str, rows: tuple[Coming, ...]) -> dict[str, Any]:
    """A source over all its events; its delay is that of its commonest event."""
    events = sum(row.events for row in rows)
    return {
        "name": name,
        "events": events,
        "names": len(rows),
        "share_with_id": sum(row.with_id for row in rows) / events,
        "latest": max(row.last_arrived for row in rows),
        "delay": rows[0].delay,
        "late": max(row.late for row in rows),
        "imported": imported(name),
    }


def _events(plan: WholePlan, found: QualityResult, wrong: ViolatedResult, volumes: VolumesResult) -> list[EventRow]:
    """Every event that came or is declared, the commonest first."""
    latest = {one.event: one for one in volumes.latest}
    names = dict.fromkeys((*found.by_event, *plan.by_name))
    rows = []
    for name in names:
        coming = found.by_event.get(name, ())
        events, volume = sum(row.events for row in coming), latest.get(name)
        live = [row for row in coming if not imported(row.source)]
        rows.append(
            EventRow(
                name=name,
                events=events,
                share_with_id=sum(row.with_id for row in coming) / events if events else 0.0,
                delay=max((row.late for row in live), default=None),
                latest=max((row.last_arrived for row in coming), default=None),
                wrong=wrong.by_event.get(name, 0),
                planned=plan.by_name.get(name),
                change=volume.change if volume else None,
                unusual=bool(volume and volume.unusual),
            )
        )
    return sorted(rows, key=lambda row: (-row.events, row.name))


def _properties(plan: WholePlan, planned: Planned | None, seen: Any) -> list[dict[str, Any]]:
    """Each property that came or is declared: how often it is filled, whether its types are those that are declared."""
    rules: Mapping[str, Any] = {}
    if planned is not None:
        rules = {rule.name: rule for rule in (*plan.spec.properties, *planned.spec.properties)}
    came = {one.name: one for one in seen.properties}
    rows = []
    for name in dict.fromkeys((*rules, *came)):
        one, rule = came.get(name), rules.get(name)
        types = [kind for kind in one.types if kind != "null"] if one else []
        wanted = rule.type if rule else "any"
        fits = {"integer": {"number"}, "time": {"string", "number"}}.get(wanted, {wanted})
        rows.append(
            {
                "name": name,
                "rule": rule,
                "expected": expectation(rule.model_dump(mode="json")) if rule else "",
                "automatic": name in AUTOMATIC or name.startswith("$"),
                "share": one.share if one else 0.0,
                "types": types,
                "odd": rule is not None and wanted != "any" and any(kind not in fits for kind in types),
                "missing": rule is not None and rule.required and (one is None or (one.share or 0) < 1),
                "different": one.different if one else 0,
                "examples": one.examples[:3] if one else (),
            }
        )
    return sorted(rows, key=lambda row: (row["rule"] is None, row["automatic"], -(row["share"] or 0), row["name"]))
