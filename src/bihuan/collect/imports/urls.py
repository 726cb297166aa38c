"""The addresses of imports."""

from __future__ import annotations

from django.urls import path

from bihuan.collect.imports import views, views_connections, views_regular

urlpatterns = [
    path("", views.imports, name="imports"),
    path("upload/", views.upload, name="upload"),
    path("<int:pk>/", views.run, name="import"),
    path("<int:pk>/start/", views.start, name="start_import"),
    path("<int:pk>/stop/", views.stop, name="stop_import"),
    path("<int:pk>/discard/", views.discard, name="discard_import"),
    path("<int:pk>/rejects/", views.rejects, name="import_rejects"),
    path("connections/", views_connections.all_connections, name="connections"),
    path("connections/<slug:key>/", views_connections.one_connection, name="connection"),
    path("connections/<slug:key>/delete/", views_connections.delete, name="delete_connection"),
    path("regular/new/", views_regular.new, name="new_regular_import"),
    path("regular/look/", views_regular.look, name="look_import"),
    path("regular/<slug:key>/", views_regular.regular, name="regular_import"),
    path("regular/<slug:key>/edit/", views_regular.edit, name="edit_regular_import"),
    path("regular/<slug:key>/do/", views_regular.do, name="do_regular_import"),
]
