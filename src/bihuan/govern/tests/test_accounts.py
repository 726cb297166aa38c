"""Accounts: who may make one, what the log-in tells, and that guessing passwords ends."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bihuan.govern.tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def _attempt(login: str, password: str) -> tuple[int, str]:
    response = Client().post(LOGIN, {"login": login, "password": password})
    return response.status_code, response.content.decode()


def test_nobody_signs_up_by_themselves(cast: Cast) -> None:
    given = {"email": "new@shop.example", "username": "new", "password1": PASSWORD, "password2": PASSWORD}
    page = Client().post("/accounts/signup/", given)
    assert page.status_code == 200
    assert not User.objects.filter(username="new").exists()


@pytest.mark.parametrize(
    "path", ["email/", "confirm-email/", "confirm-email/x:y:z/", "password/reset/", "login/code/confirm/", "reauthenticate/"]
)
def test_nobody_gives_themselves_an_address_by_which_an_owner_lets_people_in(cast: Cast, path: str) -> None:
    browser = cast.client(cast.charlie)
    assert browser.get(f"/accounts/{path}").status_code == 404
    assert browser.post(f"/accounts/{path}", {"email": "newcomer@shop.example", "action_add": ""}).status_code == 404


def test_the_log_in_tells_nobody_which_accounts_there_are(cast: Cast) -> None:
    known, unknown = _attempt("vera", "wrong-password"), _attempt("nobody-here", "wrong-password")
    assert known[0] == unknown[0] == 200
    assert "not correct" in known[1]
    assert known[1].count("not correct") == unknown[1].count("not correct")


def test_the_log_in_leads_to_no_other_host(cast: Cast) -> None:
    for target in ("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"):
        response = Client().post(f"{LOGIN}?next={target}", {"login": "vera", "password": PASSWORD, "next": target})
        assert response.status_code == 302
        assert "elsewhere" not in response["Location"]
        assert "script" not in response["Location"]


def test_guessing_a_password_ends_even_when_the_right_one_comes(cast: Cast) -> None:
    answers = [_attempt(name, f"wrong-{number}")[0] for number, name in enumerate(["vera", "Vera", "vera@shop.example"] * 8)]
    assert _attempt("vera", PASSWORD)[0] != 302, answers
