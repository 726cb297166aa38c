"""The pages of segments: all of them, one with its size and history, and the form with a preview of the size."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from bihuan.catalog.definitions import definition, definitions, spec_of
from bihuan.catalog.door import scope
from bihuan.catalog.in_words import in_words
from bihuan.catalog.kinds import SegmentSpec
from bihuan.catalog.models import Definition
from bihuan.catalog.pages.definitions import PLAIN, draft, history
from bihuan.catalog.segment_size import SEGMENT_SIZE, SegmentSizeSpec
from bihuan.catalog.simpler import simpler
from bihuan.catalog.words import words
from bihuan.engine.errors import EngineError
from bihuan.engine.here import engine
from bihuan.govern.forms import parse_dotted, validated
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

KIND = "segment"


@project_view("view")
def segments(request: ProjectRequest) -> HttpResponse:
    """All segments, each in words; sizes come when they are seen."""
    found = definitions(request.member, KIND)
    return render_page(request, "catalog/segments.html", {"segments": [(one, _words(request, one, found)) for one in found]})


@project_view("view")
def segment(request: ProjectRequest, key: str) -> HttpResponse:
    """One segment: whom it means, how many they are, what uses it, what it was before."""
    found = definition(request.member, KIND, key)
    names = {one.key: one.name for one in definitions(request.member, KIND)}
    reader: Any = request.reader  # type: ignore[attr-defined]

    def say(spec: SegmentSpec) -> str:
        return in_words(spec.filter, reader, names)

    context = {**history(request, found, say), "words": say(spec_of(found))}
    return render_page(request, "catalog/segment.html", context)


@project_view("define")
def new_segment(request: ProjectRequest) -> HttpResponse:
    """A new segment; an address with a filter begins with that one."""
    return _form(request, None)


@project_view("define")
def edit_segment(request: ProjectRequest, key: str) -> HttpResponse:
    return _form(request, definition(request.member, KIND, key))


@require_GET
@project_view("view")
def size(request: ProjectRequest) -> HttpResponse:
    """How many people the conditions in the address are true of: a panel."""
    spec, errors = validated(SegmentSpec, parse_dotted(request.GET, ignore=PLAIN))
    if spec is None:
        return render_page(request, "catalog/segment_size.html", {"problem": next(iter(errors.values()))})
    return _size(request, spec, "catalog/segment_size.html")


@require_GET
@project_view("view")
def size_of(request: ProjectRequest, key: str) -> HttpResponse:
    """How many people belong to a saved segment: a number for a list, or with `?as=panel` a panel."""
    template = "catalog/segment_size.html" if request.GET.get("as") == "panel" else "catalog/segment_count.html"
    return _size(request, spec_of(definition(request.member, KIND, key)), template)


def _size(request: ProjectRequest, spec: SegmentSpec, template: str) -> HttpResponse:
    try:
        found = engine().ask(SEGMENT_SIZE, SegmentSizeSpec(filter=spec.filter), scope(request.member)).result
    except EngineError as error:
        return render_page(request, template, {"problem": sentence(error)})
    return render_page(request, template, {"size": found})


def _form(request: ProjectRequest, found: Definition | None) -> HttpResponse:
    made = draft(request, KIND, found)
    if made.saved is not None:
        return redirect_to(request, "catalog:segment", project=request.member.project.key, key=made.saved.key)
    if request.method != "POST" and found is not None:
        made.values = SegmentSpec(filter=simpler(spec_of(found).filter)).model_dump(mode="json", by_alias=True)
    context = {"draft": made, "words": words(request.member)}
    return render_page(request, "catalog/segment_form.html", context, status=422 if made.errors else 200)


def _words(request: ProjectRequest, found: Definition, all_segments: list[Definition]) -> str:
    reader: Any = request.reader  # type: ignore[attr-defined]
    spec: SegmentSpec = spec_of(found)
    return in_words(spec.filter, reader, {one.key: one.name for one in all_segments})
