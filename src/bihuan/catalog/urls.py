"""The addresses of this stage, under a project's own."""

from __future__ import annotations

from django.urls import path

from bihuan.catalog.pages import definitions, metrics, seen, segments

app_name = "catalog"
urlpatterns = [
    path("catalog/", seen.events, name="events"),
    path("catalog/event/", seen.event, name="event"),
    path("catalog/people/", seen.people, name="people"),
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.new_segment, name="new_segment"),
    path("segments/size/", segments.size, name="size"),
    path("segments/<slug:key>/", segments.segment, name="segment"),
    path("segments/<slug:key>/size/", segments.size_of, name="size_of"),
    path("segments/<slug:key>/edit/", segments.edit_segment, name="edit_segment"),
    path("segments/<slug:key>/archive/", definitions.archive, {"kind": "segment"}, name="archive_segment"),
    path("segments/<slug:key>/restore/", definitions.restore, {"kind": "segment"}, name="restore_segment"),
    path("metrics/", metrics.metrics, name="metrics"),
    path("metrics/new/", metrics.new_metric, name="new_metric"),
    path("metrics/<slug:key>/", metrics.metric, name="metric"),
    path("metrics/<slug:key>/edit/", metrics.edit_metric, name="edit_metric"),
    path("metrics/<slug:key>/archive/", definitions.archive, {"kind": "metric"}, name="archive_metric"),
    path("metrics/<slug:key>/restore/", definitions.restore, {"kind": "metric"}, name="restore_metric"),
]
