"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "bihuan.collect"
    label = "collect"
