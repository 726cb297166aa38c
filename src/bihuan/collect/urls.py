"""The addresses of this stage, under a project's own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

app_name = "collect"
urlpatterns: list[URLPattern | URLResolver] = [
    path("imports/", include("bihuan.collect.imports.urls")),
]
