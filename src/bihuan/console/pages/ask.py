"""The page of every question: its form beside its answer. The address holds the spec; htmx asks the same address for the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pprint import pformat
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template
from django.views.decorators.http import require_POST

from bihuan.catalog.door import scope as scope_of
from bihuan.catalog.words import words
from bihuan.console.answers import show
from bihuan.console.api.answers import FILES
from bihuan.console.questions import by_name, listed
from bihuan.engine.errors import Busy, Cancelled, EngineError, NotAllowed, QuestionError, Unavailable
from bihuan.engine.here import engine
from bihuan.engine.question import Answer, Question, Spec
from bihuan.govern.errors import NotFound
from bihuan.govern.forms import parse_dotted, to_dotted, validated
from bihuan.govern.web import ProjectRequest, is_panel, project_view, render_page, sentence

P = ParamSpec("P")

CONTROL = ("as", "retry")  # parameters of the address that are not the spec's
QUERY_ID = re.compile(r"[0-9a-f]{32}")
EXPORTS = (("csv", "CSV"), ("parquet", "Parquet"), ("arrow", "Arrow"))
CURL = """curl {origin}/api/v1/projects/{project}/ask/{name} \\
  -H "Authorization: Bearer $BIHUAN_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{spec}'"""
PYTHON = """import bihuan

spec = {spec}
answer = bihuan.connect("{origin}", token="…").ask("{name}", spec)
answer.pandas()  # or .polars(), .arrow()"""
GROUPS = ("see", "analyse", "act")


@dataclass(frozen=True)
class Asked:
    """What the address asks: `spec` when it holds one, else `errors` by dotted place; `values` as the form shows them."""

    question: Question[Any, Any]
    spec: Spec | None
    values: dict[str, Any]
    errors: dict[str, str]

    @property
    def query(self) -> str:
        """The spec as the query part of an address."""
        return query_of(self.spec) if self.spec is not None else urlencode(to_dotted(self.values))


def asked(request: HttpRequest, name: str, *, ignore: Collection[str] = CONTROL) -> Asked:
    """What the address asks; without any parameter (but those to `ignore`), the question's example."""
    question = by_name(name)
    document = parse_dotted(request.GET, ignore=ignore)
    if not document:
        spec: Spec | None = question.example()
        return Asked(question, spec, _values(spec), {})
    spec, errors = validated(question.spec, document)
    return Asked(question, spec, _values(spec) if spec is not None else {**_usual(question.spec), **document}, errors)


def query_of(spec: Spec) -> str:
    return urlencode(to_dotted(spec))


@project_view("view")
def picker(request: ProjectRequest) -> HttpResponse:
    """All questions that the member may ask, by the stage they belong to."""
    open_to = [question for question in listed() if request.member.can(question.right)]
    groups = [(group, [question for question in open_to if question.group == group]) for group in GROUPS]
    return render_page(request, "console/picker.html", {"groups": [(group, questions) for group, questions in groups if questions]})


@project_view("view")
def ask(request: ProjectRequest, name: str) -> HttpResponse:
    """The page of a question, or for htmx its answer."""
    what = asked(request, name)
    if is_panel(request):
        return answer_panel(request, what)
    context = {
        "question": what.question,
        "values": what.values,
        "errors": what.errors,
        "query": what.query,
        "words": words(request.member),
        "form_template": select_template([f"{_folder(what.question)}/form.html", "forms/spec.html"]),
    }
    if what.errors:
        context["problem"] = Problem.of_form(what.errors)
    return render_page(request, "console/ask.html", context)


def answer_panel(request: ProjectRequest, what: Asked) -> HttpResponse:
    """The answer, or what is wrong and what to do about it."""
    context: dict[str, Any] = {"question": what.question, "query": what.query, "as": request.GET.get("as", "")}
    if what.spec is None:
        return _problem_panel(request, Problem.of_form(what.errors), context)
    query_id = request.headers.get("X-Query-Id", "")
    try:
        answer = engine().ask(what.question, what.spec, scope_of(request.member), query_id=own_query_id(request, query_id))
    except EngineError as error:
        return _problem_panel(request, Problem.of(error), context)
    context |= answered(request, what.question, what.query, answer)
    return render_page(request, "panels/tile.html" if context["as"] == "tile" else "panels/answer.html", context)


def answered(request: ProjectRequest, question: Question[Any, Any], query: str, answer: Answer[Any]) -> dict[str, Any]:
    """What the templates of an answer show; `query` asks the question anew."""
    reader = request.reader  # type: ignore[attr-defined]
    root = f"/p/{request.member.project.key}/"
    people = f"{root}ask/{question.name}/people/?{query}" if question.people else ""
    shown = show(question, answer, reader, root=root, people=people)
    own = {"own_panel": f"{_folder(question)}/panel.html"} if shown.panel is not None and not shown.empty else {}
    return {"people": people, "shown": shown, "panel": shown.panel, "export_formats": EXPORTS, **own}


@dataclass(frozen=True)
class Problem:
    """Why there is no answer: `kind` form, question, cancelled, busy, unavailable or other; `texts` what and where, for the reader; of a
    form its `errors` by dotted place."""

    kind: str
    texts: tuple[str, ...]
    status: int
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_form(cls, errors: dict[str, str]) -> Problem:
        return cls("form", tuple(f"{place}: {text}" if place else text for place, text in errors.items()), 422, errors)

    @classmethod
    def of(cls, error: EngineError) -> Problem:
        text = sentence(error)
        match error:
            case Cancelled():
                return cls("cancelled", (text,), 200)
            case Busy():
                return cls("busy", (text,), 503)
            case Unavailable():
                return cls("unavailable", (text,), 503)
            case NotAllowed():
                return cls("other", (text,), 403)
            case QuestionError():
                return cls("question", (text,), 422)
        return cls("other", (text,), 422)

    @property
    def passes(self) -> bool:
        """Whether the same question may succeed in a moment."""
        return self.kind in ("busy", "unavailable")


def _problem_panel(request: HttpRequest, problem: Problem, context: dict[str, Any]) -> HttpResponse:
    return render_page(request, "panels/problem.html", {**context, "problem": problem}, status=problem.status)


def with_spec(
    view: Callable[Concatenate[ProjectRequest, Asked, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """A view about a whole question: an address that asks none goes back to its page, which says what is wrong."""

    @wraps(view)
    def wrapped(request: ProjectRequest, name: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        what = asked(request, name)
        if what.spec is None:
            return _problem_panel(request, Problem.of_form(what.errors), {"question": what.question, "query": what.query})
        return view(request, what, *args, **kwargs)

    return wrapped


@project_view("view")
@with_spec
def sql(request: ProjectRequest, what: Asked) -> HttpResponse:
    """The statement that answers the question."""
    assert what.spec is not None
    try:
        statement = engine().statement(what.question, what.spec, scope_of(request.member))
    except EngineError as error:
        return _problem_panel(request, Problem.of(error), {"question": what.question, "query": what.query})
    params = json.dumps(dict(statement.params), default=str, ensure_ascii=False, indent=2)
    context = {"question": what.question, "query": what.query, "sql": statement.sql, "params": params}
    return render_page(request, "console/sql.html", context, panel="console/sql_dialog.html")


@project_view("view")
@with_spec
def use(request: ProjectRequest, what: Asked) -> HttpResponse:
    """How a program asks the same question."""
    assert what.spec is not None
    name, project = what.question.name, request.member.project.key
    document = what.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    origin = f"{request.scheme}://{request.get_host()}"
    compact = json.dumps(document, ensure_ascii=False).replace("'", "'\\''")  # as one word of a shell
    context = {
        "question": what.question,
        "query": what.query,
        "document": json.dumps({"question": name, **document}, ensure_ascii=False, indent=2),
        "curl": CURL.format(origin=origin, project=project, name=name, spec=compact),
        "python": PYTHON.format(origin=origin, name=name, spec=pformat(document, width=100, sort_dicts=False)),
    }
    return render_page(request, "console/use.html", context, panel="console/use_dialog.html")


@project_view("view")
@with_spec
def export(request: ProjectRequest, what: Asked, file_format: str) -> HttpResponse:
    """The answer's whole table as a file."""
    if file_format not in FILES:
        raise NotFound("There is no export as {format}.", format=file_format)
    assert what.spec is not None
    try:
        answer = engine().ask(what.question, what.spec, scope_of(request.member))
    except EngineError as error:
        return _problem_panel(request, Problem.of(error), {"question": what.question, "query": what.query})
    content_type, ending, write = FILES[file_format]
    response = HttpResponse(write(answer.table), content_type=content_type)
    day = answer.asked_at.astimezone(ZoneInfo(request.member.project.timezone)).date()
    response["Content-Disposition"] = f'attachment; filename="{what.question.name}-{day}.{ending}"'
    return response


@require_POST
@project_view("view")
def cancel(request: ProjectRequest, query_id: str) -> HttpResponse:
    """Stop one of the reader's own questions."""
    own = own_query_id(request, query_id)
    if own:
        engine().cancel(own)
    return HttpResponse(status=204)


def own_query_id(request: ProjectRequest, query_id: str) -> str:
    """The store's id of a page's question: nobody can name, and so cancel, a question of somebody else."""
    return f"u{request.user.pk}-{query_id}" if QUERY_ID.fullmatch(query_id) else ""


def _values(spec: Spec | None) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True) if spec is not None else {}


def _usual(spec: type[Spec]) -> dict[str, Any]:
    """What the form shows where an address with a mistake says nothing: what would have been asked."""
    return spec.model_construct().model_dump(mode="json", by_alias=True)


def _folder(question: Question[Any, Any]) -> str:
    """The folder of a question's templates: that of its spec's module."""
    return "/".join(question.spec.__module__.split(".")[1:-1])
