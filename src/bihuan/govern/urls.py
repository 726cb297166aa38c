"""The addresses of a project's settings."""

from __future__ import annotations

from django.urls import path

from bihuan.govern.pages import settings, trail

app_name = "govern"
urlpatterns = [
    path("", settings.project, name="project"),
    path("members/", settings.people, name="members"),
    path("members/<str:username>/", settings.change_member, name="change_member"),
    path("keys/", settings.keys, name="keys"),
    path("keys/<int:pk>/revoke/", settings.revoke_key, name="revoke_key"),
    path("tokens/", settings.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", settings.revoke_token, name="revoke_token"),
    path("audit/", trail.trail, name="audit"),
]
