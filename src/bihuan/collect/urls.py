"""The addresses of this stage, under a project's own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from bihuan.collect import views

app_name = "collect"
urlpatterns: list[URLPattern | URLResolver] = [
    path("live/", views.live, name="live"),
    path("sources/", views.sources, name="sources"),
    path("quarantine/", views.quarantine, name="quarantine"),
    path("identity/", include("bihuan.collect.identity.urls")),
    path("imports/", include("bihuan.collect.imports.urls")),
    path("webhooks/", include("bihuan.collect.webhooks.urls")),
]
