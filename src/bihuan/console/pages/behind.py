"""The page of the people behind a number of an answer: who they are, page by page, as a file, and kept as a segment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bihuan.catalog.definitions import save_definition
from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.kinds import SegmentSpec
from bihuan.console.answers import shown_table
from bihuan.console.api.answers import FILES
from bihuan.console.pages.ask import Asked, Problem, asked
from bihuan.console.questions import by_name
from bihuan.engine.behind import behind, keep
from bihuan.engine.errors import EngineError
from bihuan.engine.filters import InList
from bihuan.engine.here import engine
from bihuan.engine.question import Spec
from bihuan.govern.errors import Invalid, NotFound
from bihuan.govern.forms import parse_dotted, to_dotted, validated
from bihuan.govern.web import ProjectRequest, project_view, redirect_to, render_page, sentence

OWN = ("cell", "after", "csrfmiddlewaretoken", "name")  # what the address says beside the spec
MOST = 10_000


@project_view("view")
def people(request: ProjectRequest, name: str) -> HttpResponse:
    """The people behind one number."""
    return _page(request, name)


@project_view("view")
def people_file(request: ProjectRequest, name: str, file_format: str) -> HttpResponse:
    """The same people as a file, at most `MOST` of them."""
    if file_format not in FILES:
        raise NotFound("There is no export as {format}.", format=file_format)
    what, cell, problem = _asked(request, name)
    if problem is not None or what.spec is None:
        return _page(request, name)
    try:
        answer = engine().ask(behind(what.question), _spec(what, cell, 0, MOST), scope_of(request.member))
    except EngineError:
        return _page(request, name)
    content_type, ending, write = FILES[file_format]
    response = HttpResponse(write(answer.table), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}-people.{ending}"'
    return response


@require_POST
@project_view("define")
def keep_people(request: ProjectRequest, name: str) -> HttpResponse:
    """Make a segment of them, as they are now."""
    what, cell, problem = _asked(request, name)
    title = request.POST.get("name", "").strip()
    if problem is None and not title:
        problem = _("Give the segment a name.")
    if problem is not None or what.spec is None or cell is None:
        return _page(request, name, problem=problem)
    try:
        kept, number = keep(engine(), what.question, what.spec, cell, scope_of(request.member))
        reader: Any = request.reader  # type: ignore[attr-defined]
        saved = save_definition(
            member=request.member,
            kind="segment",
            name=title,
            spec=SegmentSpec(filter=InList(list=kept)),
            description=_("{people} people behind a number of “{question}”, as they were when it was saved.").format(
                people=reader.show(number, "number"), question=_(what.question.title)
            ),
        )
    except (EngineError, Invalid) as error:
        return _page(request, name, problem=sentence(error))
    return redirect_to(request, "catalog:segment", project=request.member.project.key, key=saved.key)


def _page(request: ProjectRequest, name: str, *, problem: str | None = None) -> HttpResponse:
    what, cell, wrong = _asked(request, name)
    problem = problem or wrong
    fields = to_dotted({"cell": cell.model_dump(mode="json", exclude_defaults=True)}) if cell is not None else []
    context: dict[str, Any] = {
        "question": what.question,
        "query": what.query,
        "cell_query": urlencode(fields),
        "parts": [(key.removeprefix("cell."), value) for key, value in fields],
        "problem": problem,
        "formats": [(ending, ending.upper()) for ending in ("csv", "parquet")],
    }
    if wrong is None and what.spec is not None:
        reader: Any = request.reader  # type: ignore[attr-defined]
        try:
            after = max(0, int(request.GET.get("after", "0") or 0))
            found = engine().ask(behind(what.question), _spec(what, cell, after, 100), scope_of(request.member))
        except (EngineError, ValueError) as error:
            context["problem"] = sentence(error) if isinstance(error, EngineError) else _("That is not a page of this list.")
        else:
            root = f"/p/{request.member.project.key}/"
            context |= {"found": found.result, "after": after, "table": shown_table(found.table, reader, root=root, rows=100)}
            context["warnings"] = [reader.say(msgid, **values) for msgid, values in found.warnings]
    status = 422 if context["problem"] else 200
    return render_page(request, "console/behind.html", context, status=status)


def _asked(request: ProjectRequest, name: str) -> tuple[Asked, Spec | None, str | None]:
    """The question, the part of its answer, and what is wrong with the address."""
    question = by_name(name)
    if question.cell is None:
        raise NotFound("This question does not tell who is behind its numbers.")
    what = asked(request, name, ignore=OWN)
    document = parse_dotted(request.GET).get("cell", {})
    cell, errors = validated(question.cell, document if isinstance(document, Mapping) else {})
    if what.spec is None:
        return what, cell, Problem.of_form(what.errors).texts[0]
    return what, cell, Problem.of_form(errors).texts[0] if cell is None else None


def _spec(what: Asked, cell: Spec | None, after: int, limit: int) -> Spec:
    spec: Spec = behind(what.question).spec.model_construct(of=what.spec, cell=cell, after=after, limit=limit)
    return spec
