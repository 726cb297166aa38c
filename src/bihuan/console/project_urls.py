"""The console's own pages in a project: its home, and the page of every question."""

from __future__ import annotations

from django.urls import path

from bihuan.console.pages import ask, behind, home, pin

app_name = "project"
urlpatterns = [
    path("", home.home, name="home"),
    path("home/happened/", home.happened, name="happened"),
    path("home/needs/", home.needs, name="needs"),
    path("home/runs/", home.runs, name="runs"),
    path("ask/", ask.picker, name="questions"),
    path("ask/cancel/<str:query_id>/", ask.cancel, name="cancel"),
    path("ask/<slug:name>/", ask.ask, name="ask"),
    path("ask/<slug:name>/sql/", ask.sql, name="sql"),
    path("ask/<slug:name>/use/", ask.use, name="use"),
    path("ask/<slug:name>/export.<slug:file_format>", ask.export, name="export"),
    path("ask/<slug:name>/people/", behind.people, name="people_behind"),
    path("ask/<slug:name>/people/export.<slug:file_format>", behind.people_file, name="people_behind_file"),
    path("ask/<slug:name>/people/keep/", behind.keep_people, name="keep_people"),
    path("ask/<slug:name>/add-to-board/", pin.pin, name="pin"),
]
