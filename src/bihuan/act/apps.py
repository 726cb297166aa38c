"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class ActConfig(AppConfig):
    name = "bihuan.act"
    label = "act"

    def ready(self) -> None:
        """Make campaigns a kind of definition."""
        from bihuan.act.campaigns.spec import CampaignSpec
        from bihuan.catalog.kinds import register

        register("campaign", CampaignSpec, right="act")
