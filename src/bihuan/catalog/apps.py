"""The Django app of this stage."""

from __future__ import annotations

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "bihuan.catalog"
    label = "catalog"
