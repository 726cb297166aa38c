"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class AnalyseConfig(AppConfig):
    name = "bihuan.analyse"
    label = "analyse"
