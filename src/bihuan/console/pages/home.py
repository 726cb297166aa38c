"""The home of a project: what happened, what needs somebody, what runs. Each is a panel of its own that loads by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from bihuan.act.models import Run
from bihuan.catalog.definitions import definitions, spec_of
from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.kinds import MetricSpec
from bihuan.collect.models import ImportRun
from bihuan.console.answers import ShownHeadline, shown_headline
from bihuan.console.attention import things_to_do
from bihuan.engine.compare import Before
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.engine.question import Headline
from bihuan.govern.forms import to_dotted, whole
from bihuan.govern.models import Job
from bihuan.govern.web import ProjectRequest, project_view, render_page, sentence
from bihuan.see.trend import TREND
from bihuan.see.trend.result import Line, TrendResult
from bihuan.see.trend.spec import Series, TrendSpec

PERIODS = (1, 7, 30, 90)
METRICS = 8


@dataclass(frozen=True)
class Key:
    """A key number: its headline, the line of its days, and the address where it is looked at closely. `good` says whether its change
    is good news (True), bad news (False) or neither (None)."""

    headline: ShownHeadline
    spark: dict[str, Any] | None
    href: str
    good: bool | None


@project_view("view")
def home(request: ProjectRequest) -> HttpResponse:
    """The page; its panels ask for themselves."""
    days = _days(request)
    response = render_page(request, "console/home.html", {"days": days, "periods": PERIODS})
    response.set_cookie("bihuan_project", request.member.project.key, max_age=365 * 86_400, samesite="Lax")
    return response


@project_view("view")
def happened(request: ProjectRequest) -> HttpResponse:
    """Key numbers of the last whole days against as many days before: the project's metrics, or the usual ones without any."""
    days = _days(request)
    series, good = _measured(request)
    reader = request.reader  # type: ignore[attr-defined]
    scope = scope_of(request.member)
    spec = TrendSpec(
        series=series, period=Last(last=days, complete=True), compare=Before(to="previous"), unit="hour" if days == 1 else "day"
    )
    try:
        answer = engine().ask(TREND, spec, scope)
    except EngineError as error:
        context = {"text": sentence(error), "days": days}
        return render_page(request, "console/home_problem.html", context, status=503)
    result: TrendResult = answer.result
    root = f"/p/{request.member.project.key}/ask/trend/?"
    keys = [
        Key(
            shown_headline(Headline(line.title, line.total, line.kind, line.change, line.title_values), reader),
            _spark(line),
            root + urlencode(to_dotted(spec.model_copy(update={"series": (one,), "unit": "day"}))),
            _news(line.change, way),
        )
        for line, one, way in zip(result.overall, series, good, strict=True)
    ]
    context = {"keys": keys, "nothing": answer.fresh_to is None, "fresh_to": answer.fresh_to, "days": days}
    return render_page(request, "console/happened.html", context)


@project_view("view")
def needs(request: ProjectRequest) -> HttpResponse:
    """What somebody should look at now, the gravest first."""
    return render_page(request, "console/needs.html", {"things": things_to_do(request.member, timezone.now())})


@project_view("view")
def runs(request: ProjectRequest) -> HttpResponse:
    """Campaigns under way or lately measured, imports, and other work of the last days."""
    project, lately = request.member.project, timezone.now() - timedelta(days=7)
    campaigns = Run.objects.filter(project=project).exclude(state=Run.State.CANCELLED)[:5]
    imports = ImportRun.objects.filter(project=project, created_at__gte=lately).exclude(state=ImportRun.State.UPLOADED)[:5]
    jobs = Job.objects.filter(project=project, state__in=(Job.State.RUNNING, Job.State.QUEUED), run_at__lte=timezone.now())[:5]
    return render_page(request, "console/runs.html", {"campaigns": campaigns, "imports": imports, "jobs": jobs})


def _days(request: ProjectRequest) -> int:
    days = whole(request.GET.get("days", "7"))
    return days if days in PERIODS else 7


def _measured(request: ProjectRequest) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """What the home page measures, and for each which direction is good."""
    metrics: list[tuple[str, MetricSpec]] = [(found.name, spec_of(found)) for found in definitions(request.member, "metric")]
    series = tuple(
        Series(event=spec.event, measure=spec.measure, property=spec.property or None, filter=spec.filter, name=name)
        for name, spec in metrics[:METRICS]
    )
    good = tuple(spec.good for _name, spec in metrics[:METRICS])
    usual: tuple[Series, ...] = (Series(measure="people", name=gettext("People here")), Series(measure="events", name=gettext("Events")))
    if len(series) >= 3:
        return series, good
    if not series and "revenue" not in scope_of(request.member).hidden:
        usual = (*usual, Series(measure="sum", property="revenue", name=gettext("Revenue")))
    return (*usual, *series), (*("up" for _each in usual), *good)


def _news(change: float | None, way: str) -> bool | None:
    return None if not change else (change > 0) == (way == "up")


def _spark(line: Line) -> dict[str, Any] | None:
    """The days as a small line without axes, those before it paler."""
    if len(line.values) < 3:
        return None
    bare = {"show": False}
    return {
        "grid": {"left": 1, "right": 1, "top": 3, "bottom": 3},
        "xAxis": {"type": "category", "boundaryGap": False, **bare},
        "yAxis": {"type": "value", "min": 0, **bare},
        "series": [
            {
                "type": "line",
                "data": list(values),
                "symbol": "none",
                "silent": True,
                "lineStyle": {"width": width, "opacity": opacity},
                **area,
            }
            for values, width, opacity, area in (
                (line.previous, 1, 0.35, {"color": "#8f9bab"}),
                (line.values, 1.75, 1, {"color": "palette:0", "areaStyle": {"opacity": 0.08}}),
            )
        ],
    }
