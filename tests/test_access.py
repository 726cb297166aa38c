"""Every address of the console and the API, and who may open it: an address that stands in no list here fails the test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from bihuan.act.campaigns.spec import CampaignSpec
from bihuan.catalog.definitions import save_definition
from bihuan.catalog.kinds import MetricSpec, SegmentSpec
from bihuan.collect.plan.spec import EventSpec
from bihuan.collect.webhooks.spec import WebhookSpec
from bihuan.console.questions import ALL
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.govern.keys import create_api_token, create_write_key
from bihuan.govern.models import Membership, Project, Role
from bihuan.govern.rights import LEAST, allowed
from bihuan.govern.tests.cast import Cast
from bihuan.see.boards.spec import BoardSpec

pytestmark = pytest.mark.django_db

# Under /p/<slug:project>/: the right that it takes to look (GET), and to change something (POST). None: there is no such request.
PAGES: dict[str, tuple[str | None, str | None]] = {
    **dict.fromkeys(("", "home/happened/", "home/needs/", "home/runs/", "ask/", "boards/", "boards/<slug:key>/"), ("view", None)),
    **dict.fromkeys(("people/", "people/<int:number>/", "live/", "sources/", "quarantine/", "imports/"), ("view", None)),
    **dict.fromkeys(("catalog/", "catalog/event/", "catalog/people/", "campaigns/", "campaigns/<slug:key>/"), ("view", None)),
    **dict.fromkeys(("campaigns/<slug:key>/people/", "segments/", "segments/size/", "segments/<slug:key>/"), ("view", None)),
    **dict.fromkeys(("segments/<slug:key>/size/", "metrics/", "metrics/<slug:key>/", "imports/<int:pk>/"), ("view", None)),
    **{f"ask/<slug:name>/{rest}": ("view", None) for rest in ("", "sql/", "use/", "export.<slug:file_format>")},
    **{f"ask/<slug:name>/people/{rest}": ("view", None) for rest in ("", "export.<slug:file_format>")},
    "ask/<slug:name>/people/keep/": (None, "define"),
    "ask/cancel/<str:query_id>/": (None, "view"),  # one's own questions
    "ask/<slug:name>/add-to-board/": ("define", "define"),
    **dict.fromkeys(("plan/", "plan/plan.yaml", "plan/events/<slug:key>/", "quality/", "quality/event/", "why/"), ("view", None)),
    **dict.fromkeys(("plan/rules/", "plan/file/", "plan/events/new/", "plan/events/<slug:key>/edit/"), ("define", "define")),
    **dict.fromkeys(("plan/first/", "plan/events/<slug:key>/archive/", "plan/events/<slug:key>/restore/"), (None, "define")),
    "quarantine/mend/": ("act", None),
    "quarantine/do/": (None, "act"),
    "quarantine/runs/<int:pk>/": ("act", None),
    **dict.fromkeys(("boards/new/", "boards/<slug:key>/edit/"), ("define", "define")),
    **dict.fromkeys(("segments/new/", "segments/<slug:key>/edit/", "metrics/new/", "metrics/<slug:key>/edit/"), ("define", "define")),
    **dict.fromkeys(("boards/<slug:key>/archive/", "boards/<slug:key>/tiles/<int:place>/"), (None, "define")),
    **{f"{kind}s/<slug:key>/{verb}/": (None, "define") for kind in ("segment", "metric") for verb in ("archive", "restore")},
    **dict.fromkeys(("campaigns/new/", "campaigns/<slug:key>/edit/", "campaigns/<slug:key>/copy/"), ("act", "act")),
    **dict.fromkeys(("campaigns/preview/", "campaigns/<slug:key>/do/"), (None, "act")),
    **{f"imports/{rest}": (None, "act") for rest in ("upload/", "<int:pk>/start/", "<int:pk>/stop/", "<int:pk>/discard/")},
    "imports/<int:pk>/rejects/": ("act", None),
    **dict.fromkeys(("webhooks/", "webhooks/<slug:key>/"), ("view", None)),
    **dict.fromkeys(("webhooks/new/", "webhooks/<slug:key>/edit/"), ("act", "act")),
    **{f"webhooks/{rest}": (None, "act") for rest in ("try/", "<slug:key>/archive/", "<slug:key>/retry/")},
    "webhooks/<slug:key>/secret/": (None, "manage"),
    "imports/regular/<slug:key>/": ("view", None),
    **dict.fromkeys(("imports/regular/new/", "imports/regular/<slug:key>/edit/"), ("act", "act")),
    **dict.fromkeys(("imports/regular/look/", "imports/regular/<slug:key>/do/"), (None, "act")),
    **dict.fromkeys(("imports/connections/", "imports/connections/<slug:key>/"), ("manage", "manage")),
    "imports/connections/<slug:key>/delete/": (None, "manage"),
    **dict.fromkeys(("identity/", "identity/log/", "identity/people/<int:number>/"), ("view", None)),
    "identity/log/<int:act>/": ("view", "act"),
    **dict.fromkeys(("identity/merge/", "identity/rules/"), ("act", "act")),
    "identity/do/": (None, "act"),
    **dict.fromkeys(("settings/", "settings/members/"), ("view", "manage")),
    **dict.fromkeys(("settings/keys/", "settings/tokens/"), ("manage", "manage")),
    "settings/members/<str:username>/": (None, "manage"),
    **{f"settings/{kind}/<int:pk>/revoke/": (None, "manage") for kind in ("keys", "tokens")},
    "settings/audit/": ("manage", None),
}

# Under /api/v1/, with a token. Questions ask by POST.
API: dict[str, dict[str, str]] = {
    "projects": {"get": "view"},
    "questions": {"get": "view"},
    "projects/<project>/events": {"get": "view"},
    "projects/<project>/identity/preview": {"post": "view"},
    "projects/<project>/identity/decide": {"post": "act"},
    "projects/<project>/properties": {"get": "view"},
    "projects/<project>/definitions/<kind>": {"get": "view"},
    "projects/<project>/definitions/<kind>/<key>": {"get": "view", "put": "define", "delete": "define"},
    "projects/<project>/ask/<question>": {"post": "view"},
    **{f"projects/<project>/ask/{question.name}": {"post": question.right} for question in ALL},
}

# Without a log-in: what each of them shows is nobody's.
OPEN = {
    "": "leads on",
    "preferences/": "cookies of language and look",
    "first-run/": "while there is no account, with the token of the terminal",
    "accounts/login/": "the log-in",
    "accounts/logout/": "ends one's own session",
    "accounts/inactive/": "a sentence",
    "accounts/signup/": "says that it is closed",
    "accounts/password/change/": "one's own",
    "accounts/password/set/": "one's own",
    "api/v1/": "404, a name for addresses",
    "api/v1/docs": "the description of the API, of no project",
    "api/v1/openapi.json": "the description of the API, of no project",
    "i18n/setlang/": "a cookie",
    "m/o/<str:token>.gif": "a signed link of a message",
    "m/c/<str:token>/<int:link>": "a signed link of a message",
    "m/u/<str:token>": "a signed link of a message",
}
VALUES = {"key": "one", "name": "trend", "number": "1", "pk": "1", "place": "0", "username": "nobody", "file_format": "csv"}
VALUES |= {"query_id": "0" * 32, "project": "shop", "kind": "segment", "question": "trend", "act": "1"}
BODIES = {route: {"verb": "undo", "act": 1} for route in ("preview", "decide")}  # of routes that are no questions
CAMPAIGN = {
    "segment": "one",
    "message": {"from_name": "Shop", "from_address": "shop@shop.example", "subject": "Hello", "html": "<p>Hello</p>"},
    "goal": {"event": "Buy"},
}


def _patterns(resolver: Any, head: str = "") -> Iterator[str]:
    for found in resolver.url_patterns:
        whole = head + str(found.pattern)
        if hasattr(found, "url_patterns"):
            yield from _patterns(found, whole)
        else:
            yield whole


def _address(pattern: str) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: VALUES[found.group(1)], pattern)


@pytest.fixture
def furnished(cast: Cast, store: Store, scope: Scope, write: Any) -> Cast:
    """A shop with one of everything, and a project of somebody else."""
    write((1, "Buy", "2026-03-02 10:00"))
    told = {"project_id": "UInt32", "act": "UInt64", "at": "DateTime64(3, 'UTC')", "kind": "String", "one": "UInt32", "other": "UInt32"}
    store.insert("identity_log", list(told), [[scope.project_id], [1], [datetime.now(UTC)], ["propose"], [1], [2]], list(told.values()))
    save_definition(member=cast.alice, kind="segment", key="one", name="One", spec=SegmentSpec())
    save_definition(member=cast.alice, kind="metric", key="one", name="One", spec=MetricSpec(event="Buy"))
    save_definition(member=cast.alice, kind="board", key="one", name="One", spec=BoardSpec())
    save_definition(member=cast.alice, kind="campaign", key="one", name="One", spec=CampaignSpec.model_validate(CAMPAIGN), state="draft")
    save_definition(member=cast.alice, kind="event", key="one", name="One", spec=EventSpec(event="One"))
    save_definition(member=cast.alice, kind="webhook", key="one", name="One", spec=WebhookSpec(event="'Paid'"))
    create_write_key(member=cast.alice, name="one")
    other = Project.objects.create(key="other", name="Other")
    Membership.objects.create(project=other, user=cast.charlie, role=Role.OWNER)
    return cast


def test_every_address_says_who_may_open_it() -> None:
    found = set(_patterns(get_resolver()))
    listed = {f"p/<slug:project>/{page}" for page in PAGES} | {f"api/v1/{route}" for route in API} | set(OPEN)
    assert found - listed == set(), "a new address: say in this file who may open it"
    assert listed - found == set(), "gone"


REQUESTS = [(page, method) for page, rights in PAGES.items() for method, right in zip(("get", "post"), rights, strict=True) if right]


@pytest.mark.parametrize(("page", "method"), REQUESTS)
def test_a_page_opens_for_those_only_who_have_its_right(furnished: Cast, page: str, method: str) -> None:
    right = PAGES[page][method == "post"]
    assert right is not None
    address = _address(f"p/<project>/{page}")
    stranger = getattr(furnished.client(furnished.charlie), method)(address)
    assert stranger.status_code == 404, "to the owner of another project this one does not exist"
    assert "The Shop" not in stranger.content.decode()
    nobody = getattr(Client(), method)(address)
    assert nobody.status_code in (302, 405)
    assert nobody.headers.get("Location", "/accounts/login/").startswith("/accounts/login/")
    for who in (furnished.vera, furnished.anna, furnished.bob, furnished.alice):  # the least first: what opens may also change things
        status = getattr(furnished.client(who), method)(address).status_code
        assert (status == 403) != allowed(who.role, right), (who.role, status)  # type: ignore[arg-type]
        assert status < 500


@pytest.mark.parametrize("page", [page for page, (look, _change) in PAGES.items() if look is None])
def test_nothing_is_changed_by_looking(furnished: Cast, page: str) -> None:
    assert furnished.client(furnished.alice).get(_address(f"p/<project>/{page}")).status_code == 405


@pytest.mark.parametrize("page", [page for page, (_look, change) in PAGES.items() if change is not None])
def test_no_form_of_another_site_changes_anything(furnished: Cast, page: str) -> None:
    browser = furnished.client(furnished.alice)
    browser.handler.enforce_csrf_checks = True
    response = browser.post(_address(f"p/<project>/{page}"))
    assert response.status_code == 403
    assert "too old" in response.content.decode()


@pytest.mark.parametrize(("route", "method"), [(route, method) for route in API for method in API[route]])
def test_a_route_opens_for_tokens_only_whose_role_has_its_right(furnished: Cast, route: str, method: str) -> None:
    def ask(secret: str) -> int:
        question = route.rpartition("/")[2].replace("<question>", VALUES["question"])
        examples = {one.name: one.example().model_dump(mode="json", by_alias=True) for one in ALL}
        body = {"name": "One", "spec": {}} if method == "put" else examples.get(question) or BODIES.get(question, {})
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        call = getattr(Client(headers=headers), method)
        more = {} if method == "get" else {"data": json.dumps(body), "content_type": "application/json"}
        return int(call(_address(f"api/v1/{route}"), **more).status_code)

    assert ask("") == ask("bt_invented") == 401
    for role in (Role.VIEWER, Role.ANALYST, Role.OPERATOR, Role.OWNER):
        _, secret = create_api_token(member=furnished.alice, name=role, role=role)
        status = ask(secret)
        assert (status == 403) != allowed(role, API[route][method]), (role, status)  # type: ignore[arg-type]
        assert status < 500 or (status == 503 and route.endswith("/decide")), "only the collector decides, and none runs here"
    if "<project>" in route:
        _, secret = create_api_token(member=_owner_of_another(furnished), name="other", role=Role.OWNER)
        assert ask(secret) == 404


def test_every_right_is_asked_for_somewhere() -> None:
    asked = {right for rights in PAGES.values() for right in rights if right}
    assert asked | {"private"} == set(LEAST)


def _owner_of_another(cast: Cast) -> Any:
    from bihuan.govern.door import membership

    return membership(cast.charlie, "other")
