"""The addresses of this stage under a project."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "act"
urlpatterns: list[URLPattern] = []
