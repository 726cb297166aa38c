"""The addresses of the tracking plan, under a project's own."""

from __future__ import annotations

from django.urls import path

from bihuan.collect.plan import views

urlpatterns = [
    path("", views.plan, name="plan"),
    path("first/", views.first, name="plan_first"),
    path("rules/", views.rules, name="plan_rules"),
    path("file/", views.file, name="plan_file"),
    path("plan.yaml", views.download, name="plan_download"),
    path("events/new/", views.new_event, name="plan_new_event"),
    path("events/<slug:key>/", views.event, name="plan_event"),
    path("events/<slug:key>/edit/", views.edit_event, name="plan_edit_event"),
    path("events/<slug:key>/archive/", views.archive, name="plan_archive_event"),
    path("events/<slug:key>/restore/", views.restore, name="plan_restore_event"),
]
