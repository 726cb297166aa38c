"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class GovernConfig(AppConfig):
    name = "bihuan.govern"
    label = "govern"
