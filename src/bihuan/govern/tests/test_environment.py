"""The tests' own environment."""

from __future__ import annotations

from django.conf import settings

from bihuan.engine.config import Config


def test_pages_and_tests_use_the_same_data_folder(config: Config) -> None:
    assert settings.CONFIG.data == config.data
