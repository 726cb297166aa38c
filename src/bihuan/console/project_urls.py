"""The console's own pages in a project: its home, and the page of every question."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "project"
urlpatterns: list[URLPattern | URLResolver] = []
