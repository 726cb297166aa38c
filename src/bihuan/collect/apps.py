"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "bihuan.collect"
    label = "collect"

    def ready(self) -> None:
        from bihuan.catalog.kinds import register
        from bihuan.collect.identity.spec import KIND as IDENTITY
        from bihuan.collect.identity.spec import IdentityRules
        from bihuan.collect.imports.definition import KIND, ImportSpec
        from bihuan.collect.plan.spec import EventSpec, PlanSpec
        from bihuan.collect.webhooks.spec import WebhookSpec

        register(KIND, ImportSpec, right="act")
        register("event", EventSpec)
        register("plan", PlanSpec)
        register(IDENTITY, IdentityRules, right="act")
        register("webhook", WebhookSpec, right="act")
