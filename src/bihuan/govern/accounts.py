"""Log-in: accounts are made by an owner or at first run, never by strangers."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignup(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's log-in without its public sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
