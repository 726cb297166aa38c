"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class SeeConfig(AppConfig):
    name = "bihuan.see"
    label = "see"
