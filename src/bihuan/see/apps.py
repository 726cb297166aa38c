"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class SeeConfig(AppConfig):
    name = "bihuan.see"
    label = "see"

    def ready(self) -> None:
        from bihuan.catalog.kinds import register
        from bihuan.see.boards.spec import BoardSpec

        register("board", BoardSpec)
