"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "bihuan.collect"
    label = "collect"

    def ready(self) -> None:
        from bihuan.catalog.kinds import register
        from bihuan.collect.plan.spec import EventSpec, PlanSpec

        register("event", EventSpec)
        register("plan", PlanSpec)
