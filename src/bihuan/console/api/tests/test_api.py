"""The API: the same numbers as everywhere, for those with a token, with errors that say where and what."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from bihuan.catalog.door import scope as scope_of
from bihuan.console.api.app import api
from bihuan.console.questions import ALL
from bihuan.engine.ask import Engine
from bihuan.govern.keys import create_api_token
from bihuan.govern.models import Project
from bihuan.govern.tests.cast import Cast
from bihuan.see.trend import TREND
from bihuan.see.trend.spec import TrendSpec

Call = Callable[..., Any]
PERIOD = {"since": "2026-03-01", "until": "2026-03-15"}
VIEWS = {"series": [{"event": "View"}], "period": PERIOD, "unit": "week"}


@pytest.fixture
def call(cast: Cast, engine: Engine) -> Call:
    """`call("POST", "ask/trend", {...}, role="viewer")`: the response to alice's token of that role."""

    def request(method: str, path: str, body: object = None, *, role: str = "owner", root: str = "projects/shop/") -> Any:
        _, secret = create_api_token(member=cast.alice, name="test", role=role)
        data = json.dumps(body) if body is not None else ""
        return Client(headers={"Authorization": f"Bearer {secret}"}).generic(
            method, f"/api/v1/{root}{path}", data, content_type="application/json"
        )

    return request


@pytest.fixture
def views(cast: Cast, write) -> None:
    write((1, "View", "2026-03-02 10:00"), (1, "View", "2026-03-03 10:00"), (2, "View", "2026-03-10 10:00", {"path": "=1+1"}))


def test_an_answer_has_the_numbers_that_ask_gives(cast: Cast, call: Call, views: None, engine: Engine) -> None:
    answer = call("POST", "ask/trend", VIEWS).json()
    direct = engine.ask(TREND, TrendSpec.model_validate(VIEWS), scope_of(cast.alice))
    assert [column["name"] for column in answer["columns"]] == [column.name for column in direct.table.columns]
    assert [row[-1] for row in answer["rows"]] == [row[-1] for row in direct.table.rows] == [0, 2, 1]
    assert answer["headlines"][0]["value"] == 3
    assert answer["meta"]["warnings"] == []
    assert answer["question"] == "trend"


def test_the_table_comes_as_a_file_too(cast: Cast, call: Call, views: None) -> None:
    rows = call("POST", "ask/trend", VIEWS).json()["rows"]
    parquet = pq.read_table(io.BytesIO(call("POST", "ask/trend?format=parquet", VIEWS).content))
    arrow = pa.ipc.open_stream(call("POST", "ask/trend?format=arrow", VIEWS).content).read_all()
    assert parquet.equals(arrow)
    assert [list(row.values())[-1] for row in arrow.to_pylist()] == [row[-1] for row in rows]
    response = call("POST", "ask/trend?format=csv", VIEWS)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert len(response.content.decode().splitlines()) == 1 + len(rows)


def test_a_formula_in_the_data_is_only_text_in_a_csv(cast: Cast, call: Call, views: None) -> None:
    spec = {"event": "View", "period": PERIOD}
    assert "=1+1" in str(call("POST", "ask/event_properties", spec).json()["rows"])
    text = call("POST", "ask/event_properties?format=csv", spec).content.decode()
    assert ",'=1+1," in text
    assert ",=1+1," not in text


@pytest.mark.parametrize(
    ("path", "body", "status", "where", "message"),
    [
        ("ask/trend", {"series": [{"event": "View", "measure": "sum"}]}, 422, "series.0", "Choose the property"),
        ("ask/trend", {"series": [{"event": "View"}], "unit": "decade"}, 422, "unit", "Choose one of"),
        ("ask/trend", {"series": [{"event": "View", "filter": {"all": [{"propertee": "x"}]}}]}, 422, "series.0.filter.all.0", ""),
        ("ask/trend", {"series": []}, 422, "series", "at least 1"),
        ("ask/trend", VIEWS | {"filter": {"segment": "nobody"}}, 422, "segment", "no segment"),
        ("ask/trend?format=xml", VIEWS, 422, "format", "Choose one of"),
        ("ask/nonsense", {}, 404, "", "no question called “nonsense”"),
        ("definitions/nonsense", None, 404, "", ""),
    ],
)
def test_a_mistake_says_where_it_is_and_what_to_do(call: Call, path: str, body: Any, status: int, where: str, message: str) -> None:
    response = call("POST" if body is not None else "GET", path, body)
    error = response.json()
    assert (response.status_code, set(error)) == (status, {"code", "message", "where"})
    assert error["where"].startswith(where)
    assert message in error["message"]


def test_without_a_valid_token_nothing_is_answered(cast: Cast) -> None:
    for headers in ({}, {"Authorization": "Bearer bt_wrong"}, {"Authorization": "Basic YTpi"}):
        response = Client(headers=headers).post("/api/v1/projects/shop/ask/trend", VIEWS, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
        assert response["WWW-Authenticate"] == "Bearer"


def test_a_log_in_of_the_console_is_no_token(cast: Cast) -> None:
    assert cast.client(cast.alice).get("/api/v1/projects/shop/definitions/segment").status_code == 401


def test_to_a_token_of_one_project_another_does_not_exist(call: Call) -> None:
    Project.objects.create(key="other", name="Other")
    for project in ("other", "missing"):
        response = call("POST", "ask/trend", VIEWS, root=f"projects/{project}/")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_viewer_s_token_reads_and_does_not_write(call: Call) -> None:
    body = {"name": "Buyers", "spec": {"filter": {"did": "Buy"}}}
    refused = call("PUT", "definitions/segment/buyers", body, role="viewer")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert call("PUT", "definitions/segment/buyers", body, role="analyst").status_code == 200
    assert call("GET", "definitions/segment", role="viewer").json()[0]["key"] == "buyers"


def test_a_definition_is_made_changed_read_and_archived(call: Call) -> None:
    first = call("PUT", "definitions/segment/buyers", {"name": "Buyers", "spec": {"filter": {"not": {"did": "Buy"}}}}).json()
    assert (first["revision"], first["owner"], first["spec"]["filter"]["not"]["did"]) == (1, "alice", "Buy")
    change = {"name": "Buyers", "spec": {"filter": {"did": "Buy"}}, "reason": "simpler", "revision": 1}
    assert call("PUT", "definitions/segment/buyers", change).json()["revision"] == 2
    conflict = call("PUT", "definitions/segment/buyers", change | {"name": "Others"})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "conflict")
    wrong = call("PUT", "definitions/segment/buyers", {"name": "x", "spec": {"filter": {"did": "Buy", "times": -1}}}).json()
    assert wrong["where"] == "spec.filter.times"
    assert call("DELETE", "definitions/segment/buyers").json()["state"] == "archived"
    assert call("GET", "definitions/segment").json() == []
    assert call("GET", "definitions/segment/buyers").json()["state"] == "archived"


def test_a_private_property_is_hidden_from_a_viewer_s_token(cast: Cast, call: Call, write) -> None:
    write((1, "View", "2026-03-02 10:00", {"email": "a@x.example", "plan": "gold"}))
    spec = VIEWS | {"breakdown": {"property": "email"}}
    assert "a@x.example" in call("POST", "ask/trend", spec).content.decode()
    refused = call("POST", "ask/trend", spec, role="viewer").json()
    assert "hidden from you" in refused["message"]
    path = "properties?event=View&days=3660"
    assert "a@x.example" in call("GET", path).content.decode()
    seen = call("GET", path, role="viewer").content.decode()
    assert "gold" in seen
    assert "a@x.example" not in seen


def test_the_token_tells_its_project_and_every_question_its_schema(call: Call) -> None:
    [project] = call("GET", "projects", root="", role="analyst").json()
    assert (project["key"], project["role"]) == ("shop", "analyst")
    questions = {one["name"]: one for one in call("GET", "questions", root="").json()}
    assert set(questions) == {question.name for question in ALL}
    assert "series" in questions["trend"]["spec_schema"]["properties"]


def test_every_question_has_its_own_documented_route(db: None) -> None:
    schema = api.get_openapi_schema(path_prefix="/api/v1/")
    for question in ALL:
        operation = schema["paths"][f"/api/v1/projects/{{project}}/ask/{question.name}"]["post"]
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert reference.endswith(question.spec.__name__)


def test_the_documentation_page_loads_nothing_from_elsewhere(db: None) -> None:
    response = Client().get("/api/v1/docs")
    text = response.content.decode()
    assert response.status_code == 200
    assert "http://" not in text
    assert "https://" not in text
    assert "/static/ninja/swagger-ui" in text
    assert "script-src 'self'" in response["Content-Security-Policy"]


def test_a_body_that_is_too_large_is_refused_in_the_form_of_the_api(call: Call, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
    answer = call("POST", "ask/trend", {"series": [{"event": "x" * 1_100_000}]})
    assert answer.status_code == 413
    assert answer.json() == {"code": "too_large", "message": "A request may have at most 1 MB.", "where": ""}
