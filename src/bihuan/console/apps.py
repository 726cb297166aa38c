"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "bihuan.console"
    label = "console"
