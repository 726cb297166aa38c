"""The addresses that stand in messages: for the people who get them, without log-in."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "act_public"
urlpatterns: list[URLPattern | URLResolver] = []
