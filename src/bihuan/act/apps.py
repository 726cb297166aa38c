"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class ActConfig(AppConfig):
    name = "bihuan.act"
    label = "act"
