"""First run: whoever sees the terminal sets Bihuan up, once; nobody else can."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from bihuan.console.first_run import SECRET, address
from bihuan.govern.keys import write_key
from bihuan.govern.models import AuditEntry, Project, WriteKey
from bihuan.govern.tests.cast import Cast

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Tea Shop",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "username": "olga",
    "email": "olga@shop.example",
    "password": "a-long-password-9",
}


def token() -> str:
    return str(settings.CONFIG.secret(SECRET))


def test_the_first_visitor_makes_the_project_and_sees_the_write_key_once() -> None:
    visitor = Client()
    assert visitor.get("/").url == "/first-run/"  # type: ignore[attr-defined]
    page = visitor.get(address(settings.CONFIG).partition(settings.CONFIG.public_url)[2])
    assert "Asia/Shanghai" in page.content.decode()
    done = visitor.post("/first-run/", {**FORM, "token": token()})
    secret = done.context["done"].write_key
    assert secret in done.content.decode()
    assert done["Cache-Control"] == "no-store"
    found = write_key(secret)
    assert found
    assert (found.project.key, found.created_by) == ("tea-shop", User.objects.get())
    assert visitor.get("/").url == "/p/tea-shop/"  # type: ignore[attr-defined]
    assert [(entry.verb, entry.object_kind) for entry in AuditEntry.objects.order_by("id")] == [
        ("create", "project"),
        ("create", "write_key"),
    ]


def test_without_the_token_there_is_only_a_hint() -> None:
    for wrong in ({}, {"token": "wrong"}):
        page = Client().get("/first-run/", wrong)
        assert "bihuan init" in page.content.decode()
        assert 'name="password"' not in page.content.decode()
    assert Client().post("/first-run/", {**FORM, "token": "wrong"}).status_code == 403
    assert not Project.objects.exists()


def test_a_mistake_makes_nothing_and_keeps_what_was_typed() -> None:
    page = Client().post("/first-run/", {**FORM, "password": "12345678", "token": token()})
    assert page.status_code == 422
    assert 'value="olga"' in page.content.decode()
    assert not User.objects.exists()
    assert not WriteKey.objects.exists()


def test_once_somebody_can_log_in_the_page_is_gone(cast: Cast) -> None:
    assert Client().get("/first-run/", {"token": token()}).status_code == 404
    assert Client().post("/first-run/", {**FORM, "token": token()}).status_code == 404
