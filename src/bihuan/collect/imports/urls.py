"""The addresses of imports."""

from __future__ import annotations

from django.urls import path

from bihuan.collect.imports import views

urlpatterns = [
    path("", views.imports, name="imports"),
    path("upload/", views.upload, name="upload"),
    path("<int:pk>/", views.run, name="import"),
    path("<int:pk>/start/", views.start, name="start_import"),
    path("<int:pk>/stop/", views.stop, name="stop_import"),
    path("<int:pk>/discard/", views.discard, name="discard_import"),
    path("<int:pk>/rejects/", views.rejects, name="import_rejects"),
]
