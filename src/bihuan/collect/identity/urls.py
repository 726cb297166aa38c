"""The addresses of identity, under `identity/`."""

from __future__ import annotations

from django.urls import URLPattern, path

from bihuan.collect.identity import views

urlpatterns: list[URLPattern] = [
    path("", views.identity, name="identity"),
    path("log/", views.log, name="identity_log"),
    path("people/<int:number>/", views.person, name="identity_person"),
    path("merge/", views.merge, name="identity_merge"),
    path("log/<int:act>/", views.entry, name="identity_entry"),
    path("do/", views.do, name="identity_do"),
    path("rules/", views.rules, name="identity_rules"),
]
