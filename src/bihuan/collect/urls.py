"""The addresses of this stage, under a project's own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from bihuan.collect import views
from bihuan.collect.fate import views as why
from bihuan.collect.quality import views as quality
from bihuan.collect.quarantined import views as quarantine

app_name = "collect"
urlpatterns: list[URLPattern | URLResolver] = [
    path("live/", views.live, name="live"),
    path("sources/", views.sources, name="sources"),
    path("quarantine/", quarantine.quarantine, name="quarantine"),
    path("quarantine/mend/", quarantine.mend, name="mend"),
    path("quarantine/do/", quarantine.act, name="quarantine_do"),
    path("quarantine/runs/<int:pk>/", quarantine.run, name="mend_run"),
    path("why/", why.why, name="why"),
    path("plan/", include("bihuan.collect.plan.urls")),
    path("quality/", quality.quality, name="quality"),
    path("quality/event/", quality.event, name="quality_event"),
    path("identity/", include("bihuan.collect.identity.urls")),
    path("imports/", include("bihuan.collect.imports.urls")),
    path("webhooks/", include("bihuan.collect.webhooks.urls")),
]
