"""The API: who asks (a token), the questions, the definitions, and the words of a project. Its page is /api/v1/docs."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.security import HttpBearer
from pydantic import BaseModel, Field

from bihuan import __version__
from bihuan.catalog.definitions import archive_definition, definition, definitions, save_definition
from bihuan.catalog.door import scope
from bihuan.catalog.kinds import KINDS
from bihuan.catalog.models import Definition
from bihuan.catalog.seen import EVENT_PROPERTIES, PERSON_PROPERTIES, SEEN_EVENTS
from bihuan.catalog.seen.spec import EventPropertiesSpec, EventsSpec, PersonPropertiesSpec
from bihuan.console.api.answers import FILES, as_document
from bihuan.console.api.errors import Error, install
from bihuan.console.api.identity import router as identity
from bihuan.console.questions import ALL
from bihuan.engine.here import engine
from bihuan.engine.periods import Last
from bihuan.engine.question import Question, Spec
from bihuan.govern.door import NO_PROJECT, Member, member_of_token
from bihuan.govern.errors import Invalid, NotFound
from bihuan.govern.forms import validated

Format = Literal["json", "csv", "parquet", "arrow"]
Days = Annotated[int, Field(ge=1, le=3660)]
REFUSALS = {401: Error, 403: Error, 404: Error, 409: Error, 422: Error, 503: Error}


class Token(HttpBearer):
    """`Authorization: Bearer bt_…`"""

    def authenticate(self, request: HttpRequest, token: str) -> Member | None:
        try:
            return member_of_token(token)
        except NotFound:
            return None


api = NinjaAPI(
    title="Bihuan",
    version=__version__,
    description="Ask every question that the console asks, and read and write what is saved. A token belongs to one project.",
    urls_namespace="api",
    auth=Token(),
)
install(api)
api.add_router("/projects/{project}/identity", identity)


def member_of(request: HttpRequest, project: str) -> Member:
    """Who asks; to a token of another project this one does not exist."""
    member: Member = request.auth  # type: ignore[attr-defined]
    if member.project.key != project:
        raise NotFound(NO_PROJECT)
    return member


class ProjectOut(Schema):
    key: str
    name: str
    timezone: str
    currency: str
    role: str


class QuestionOut(Schema):
    name: str
    title: str
    purpose: str
    listed: bool
    spec_schema: dict[str, Any]
    example: dict[str, Any]


class ColumnOut(Schema):
    name: str
    title: str
    kind: str


class HeadlineOut(Schema):
    title: str
    value: Any = None
    kind: str
    change: float | None = None


class MetaOut(Schema):
    asked_at: str
    fresh_to: str | None
    seconds: float
    rows_read: int
    from_cache: bool
    warnings: list[str]


class AnswerOut(Schema):
    """The result as a table, with its key numbers and where it comes from."""

    question: str
    columns: list[ColumnOut]
    rows: list[list[Any]]
    headlines: list[HeadlineOut]
    meta: MetaOut


class DefinitionIn(Schema):
    """What to save: `spec` is the document of its kind; `revision` the one you started from, to notice others' changes."""

    model_config = {"extra": "forbid"}
    name: str = Field(min_length=1, max_length=200)
    spec: dict[str, Any]
    description: str = ""
    reason: str = Field("", max_length=500)
    revision: int | None = None


class DefinitionOut(Schema):
    kind: str
    key: str
    name: str
    description: str
    state: str
    revision: int
    owner: str | None
    updated_at: str
    spec: dict[str, Any]


@api.get("/projects", response={200: list[ProjectOut], **REFUSALS}, tags=["Projects"], operation_id="list_projects")
def list_projects(request: HttpRequest) -> Any:
    """The project that the token opens, and the role it opens it with."""
    member: Member = request.auth  # type: ignore[attr-defined]
    project = member.project
    return [
        {
            "key": project.key,
            "name": project.name,
            "timezone": project.timezone,
            "currency": project.currency,
            "role": member.role.value,
        }
    ]


@api.get("/questions", response={200: list[QuestionOut], **REFUSALS}, tags=["Questions"], operation_id="list_questions")
def list_questions(request: HttpRequest) -> Any:
    """Every question that can be asked, with the JSON schema of its spec and an example."""
    return [
        {
            "name": question.name,
            "title": question.title,
            "purpose": question.purpose,
            "listed": question.listed,
            "spec_schema": question.spec.model_json_schema(),
            "example": question.example().model_dump(mode="json", by_alias=True),
        }
        for question in ALL
    ]


def answer_to(request: HttpRequest, project: str, question: Question[Any, Any], spec: Spec, format: Format) -> HttpResponse:
    """Ask, and answer in the format wanted."""
    member = member_of(request, project)
    answer = engine().ask(question, spec, scope(member))
    if format == "json":
        return HttpResponse(json.dumps(as_document(question, answer), ensure_ascii=False, allow_nan=False), content_type="application/json")
    content_type, ending, write = FILES[format]
    response = HttpResponse(write(answer.table), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{question.name}.{ending}"'
    return response


def _route(question: Question[Any, Any]) -> None:
    """One route for one question, so that its spec is checked and described as its own."""

    def ask(request: HttpRequest, project: str, spec: Any, format: Format = "json") -> HttpResponse:
        return answer_to(request, project, question, spec, format)

    ask.__annotations__["spec"] = question.spec
    ask.__annotations__["format"] = Format
    ask.__annotations__["request"] = HttpRequest
    ask.__annotations__["project"] = str
    ask.__doc__ = question.purpose
    api.post(
        f"/projects/{{project}}/ask/{question.name}",
        response={200: AnswerOut, **REFUSALS},
        summary=question.title,
        operation_id=f"ask_{question.name}",
        tags=["Questions"],
    )(ask)


for _question in ALL:
    _route(_question)


@api.post("/projects/{project}/ask/{question}", response=REFUSALS, include_in_schema=False)
def ask_unknown(request: HttpRequest, project: str, question: str) -> Any:
    """Whatever is none of the questions above."""
    member_of(request, project)
    raise NotFound("There is no question called “{name}”.", name=question)


@api.get("/projects/{project}/events", response={200: AnswerOut, **REFUSALS}, tags=["Catalog"], operation_id="list_events")
def list_events(request: HttpRequest, project: str, days: Days = 30, format: Format = "json") -> Any:
    """Every event that has come in, counted over the last `days` days."""
    return answer_to(request, project, SEEN_EVENTS, EventsSpec(period=Last(last=days)), format)


@api.get("/projects/{project}/properties", response={200: AnswerOut, **REFUSALS}, tags=["Catalog"], operation_id="list_properties")
def list_properties(
    request: HttpRequest,
    project: str,
    event: str = "",
    days: Days = 30,
    format: Format = "json",
) -> Any:
    """The properties of the event `event`; without one, those of people."""
    if event:
        return answer_to(request, project, EVENT_PROPERTIES, EventPropertiesSpec(event=event, period=Last(last=days)), format)
    return answer_to(request, project, PERSON_PROPERTIES, PersonPropertiesSpec(), format)


@api.get(
    "/projects/{project}/definitions/{kind}",
    response={200: list[DefinitionOut], **REFUSALS},
    tags=["Definitions"],
    operation_id="list_definitions",
)
def list_definitions(request: HttpRequest, project: str, kind: str, archived: bool = False) -> Any:
    """The saved definitions of a kind (segment, metric, board, campaign …), by name."""
    return [_document(found) for found in definitions(member_of(request, project), kind, archived=archived)]


@api.get(
    "/projects/{project}/definitions/{kind}/{key}",
    response={200: DefinitionOut, **REFUSALS},
    tags=["Definitions"],
    operation_id="get_definition",
)
def get_definition(request: HttpRequest, project: str, kind: str, key: str) -> Any:
    """One saved definition."""
    return _document(definition(member_of(request, project), kind, key))


@api.put(
    "/projects/{project}/definitions/{kind}/{key}",
    response={200: DefinitionOut, **REFUSALS},
    tags=["Definitions"],
    operation_id="put_definition",
)
def put_definition(request: HttpRequest, project: str, kind: str, key: str, body: DefinitionIn) -> Any:
    """Make or change a definition; every difference is a new revision."""
    member = member_of(request, project)
    saved = save_definition(
        member=member,
        kind=kind,
        key=key,
        name=body.name,
        description=body.description,
        reason=body.reason,
        revision=body.revision,
        spec=_spec(kind, body.spec),
    )
    return _document(saved)


@api.delete(
    "/projects/{project}/definitions/{kind}/{key}",
    response={200: DefinitionOut, **REFUSALS},
    tags=["Definitions"],
    operation_id="archive_definition",
)
def delete_definition(request: HttpRequest, project: str, kind: str, key: str) -> Any:
    """Archive a definition: it is out of use, and keeps its revisions. Refused while something uses it."""
    return _document(archive_definition(member=member_of(request, project), kind=kind, key=key))


def _spec(kind: str, document: dict[str, Any]) -> BaseModel:
    if kind not in KINDS:
        raise NotFound("There is no kind of definition called “{kind}”.", kind=kind)
    spec, errors = validated(KINDS[kind], document)
    if spec is None:
        where, message = next(iter(errors.items()))
        raise Invalid("{message}", message=message, where=f"spec.{where}".rstrip("."))
    return spec


def _document(found: Definition) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "key": found.key,
        "name": found.name,
        "description": found.description,
        "state": found.state,
        "revision": found.revision,
        "owner": found.owner.username if found.owner else None,
        "updated_at": found.updated_at.isoformat(),
        "spec": found.spec,
    }
