"""Every address of the console: each stage brings its own."""

from __future__ import annotations

from django.urls import include, path

from bihuan.console.api.app import api
from bihuan.console.pages.first_run import first_run

PROJECT = [
    path("", include("bihuan.console.project_urls")),
    path("", include("bihuan.see.urls")),
    path("", include("bihuan.analyse.urls")),
    path("", include("bihuan.act.urls")),
    path("", include("bihuan.collect.urls")),
    path("", include("bihuan.catalog.urls")),
    path("settings/", include("bihuan.govern.urls")),
]

urlpatterns = [
    path("", include("bihuan.console.page_urls")),
    path("first-run/", first_run, name="first_run"),
    path("accounts/", include("bihuan.govern.account_urls")),
    path("api/v1/", api.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("m/", include("bihuan.act.public_urls")),
    path("p/<slug:project>/", include(PROJECT)),
]

handler400 = "bihuan.console.errors.bad_request"
handler403 = "bihuan.console.errors.permission_denied"
handler404 = "bihuan.console.errors.not_found"
handler500 = "bihuan.console.errors.server_error"
