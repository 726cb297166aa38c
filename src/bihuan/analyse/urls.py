"""The addresses of this stage, under a project's own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "analyse"
urlpatterns: list[URLPattern | URLResolver] = []
