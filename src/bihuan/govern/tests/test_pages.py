"""The settings pages: who sees what, and that secrets are shown once."""

from __future__ import annotations

import pytest
from django.test import Client

from bihuan.govern.keys import create_write_key, write_key
from bihuan.govern.models import ApiToken, Membership, WriteKey
from bihuan.govern.tests.cast import Cast

PAGES = ("", "members/", "keys/", "tokens/", "audit/")


def test_owners_open_all_settings_and_others_only_what_is_theirs(cast: Cast) -> None:
    for page in PAGES:
        address = f"/p/shop/settings/{page}"
        assert cast.client(cast.alice).get(address).status_code == 200, page
        assert cast.client(cast.vera).get(address).status_code == (200 if page in ("", "members/") else 403), page
        assert cast.client(cast.charlie).get(address).status_code == 404, page
        assert Client().get(address).status_code == 302, page


def test_a_new_write_key_is_in_one_answer_and_in_no_other(cast: Cast) -> None:
    owner = cast.client(cast.alice)
    made = owner.post("/p/shop/settings/keys/", {"name": "web shop"})
    secret = made.context["secret"]
    assert secret in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    assert write_key(secret)
    for page in PAGES:
        assert secret not in owner.get(f"/p/shop/settings/{page}").content.decode()


def test_a_key_is_revoked_by_its_button(cast: Cast) -> None:
    key, secret = create_write_key(member=cast.alice, name="web")
    assert cast.client(cast.bob).post(f"/p/shop/settings/keys/{key.pk}/revoke/").status_code == 403
    assert write_key(secret)
    cast.client(cast.alice).post(f"/p/shop/settings/keys/{key.pk}/revoke/")
    assert write_key(secret) is None


def test_a_token_without_a_name_is_not_made(cast: Cast) -> None:
    answer = cast.client(cast.alice).post("/p/shop/settings/tokens/", {"name": " ", "role": "viewer"})
    assert answer.status_code == 422
    assert "Give it a name" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_members_are_added_changed_and_removed_on_one_page(cast: Cast) -> None:
    owner = cast.client(cast.alice)
    added = owner.post("/p/shop/settings/members/", {"who": "dora@shop.example", "role": "analyst"})
    assert added.context["secret"] in added.content.decode()
    owner.post("/p/shop/settings/members/dora@shop.example/", {"role": "operator"})
    assert Membership.objects.get(user__username="dora@shop.example").role == "operator"
    owner.post("/p/shop/settings/members/dora@shop.example/", {"do": "remove"})
    assert not Membership.objects.filter(user__username="dora@shop.example").exists()
    last = owner.post("/p/shop/settings/members/alice/", {"do": "remove"}, follow=True)
    assert "at least one owner" in last.content.decode()


def test_a_viewer_cannot_manage_by_sending_the_form(cast: Cast) -> None:
    viewer = cast.client(cast.vera)
    for page, form in (
        ("members/", {"who": "charlie", "role": "owner"}),
        ("", {"name": "Mine", "currency": "EUR"}),
        ("keys/", {"name": "x"}),
    ):
        assert viewer.post(f"/p/shop/settings/{page}", form).status_code == 403, page
    assert not WriteKey.objects.exists()
    cast.project.refresh_from_db()
    assert cast.project.name == "The Shop"


def test_the_project_s_facts_are_changed_or_refused_with_the_reason(cast: Cast) -> None:
    owner = cast.client(cast.alice)
    refused = owner.post("/p/shop/settings/", {"name": "Shop", "currency": "yuan", "private": ""})
    assert refused.status_code == 422
    assert "three letters" in refused.content.decode()
    owner.post("/p/shop/settings/", {"name": "Shop", "currency": "eur", "private": "phone\nemail"})
    cast.project.refresh_from_db()
    assert (cast.project.name, cast.project.currency, cast.project.private_properties) == ("Shop", "EUR", ["email", "phone"])


def test_the_audit_trail_is_filtered_by_who_what_and_kind(cast: Cast) -> None:
    owner = cast.client(cast.alice)
    owner.post("/p/shop/settings/keys/", {"name": "web"})
    owner.post("/p/shop/settings/", {"name": "Shop", "currency": "EUR", "private": "email"})
    whole = owner.get("/p/shop/settings/audit/")
    assert len(whole.context["entries"]) == 2
    assert "CNY" in whole.content.decode()
    for query, number in (("kind=project", 1), ("actor=alice", 2), ("actor=bob", 0), ("verb=create", 1)):
        assert len(owner.get(f"/p/shop/settings/audit/?{query}").context["entries"]) == number, query


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/login/"])
def test_nobody_signs_up_by_themselves(cast: Cast, address: str) -> None:
    answer = Client().post(
        address, {"email": "x@x.example", "username": "x", "password1": "a-long-password-9", "password2": "a-long-password-9"}
    )
    assert not Membership.objects.filter(user__username="x").exists()
    assert answer.status_code in (200, 403)


def test_log_in_takes_a_user_name_or_an_e_mail_address(cast: Cast) -> None:
    from bihuan.govern.tests.cast import PASSWORD

    for name in ("vera", "vera@shop.example"):
        browser = Client()
        assert browser.post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 302
        assert browser.get("/p/shop/settings/").status_code == 200


def test_whoever_guesses_passwords_is_locked_out(cast: Cast) -> None:
    from bihuan.govern.tests.cast import PASSWORD

    browser = Client()
    for _ in range(11):
        browser.post("/accounts/login/", {"login": "vera", "password": "wrong"})
    assert browser.post("/accounts/login/", {"login": "vera", "password": PASSWORD}).status_code != 302
