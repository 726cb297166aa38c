"""The console's own pages outside a project: where somebody lands."""

from __future__ import annotations

from django.urls import path

from bihuan.console.pages import landing

app_name = "console"
urlpatterns = [
    path("", landing.landing, name="landing"),
    path("preferences/", landing.preferences, name="preferences"),
]
