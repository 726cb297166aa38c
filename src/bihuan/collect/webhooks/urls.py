"""The addresses of webhooks' pages."""

from __future__ import annotations

from django.urls import path

from bihuan.collect.webhooks import views

urlpatterns = [
    path("", views.webhooks, name="webhooks"),
    path("new/", views.new_webhook, name="new_webhook"),
    path("try/", views.try_webhook, name="try_webhook"),
    path("<slug:key>/", views.webhook, name="webhook"),
    path("<slug:key>/edit/", views.edit_webhook, name="edit_webhook"),
    path("<slug:key>/secret/", views.secret, name="webhook_secret"),
    path("<slug:key>/archive/", views.archive_webhook, name="archive_webhook"),
    path("<slug:key>/retry/", views.retry_webhook, name="retry_webhook"),
]
