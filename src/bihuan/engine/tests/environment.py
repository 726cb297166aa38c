"""The environment of a test run, set before anything reads the configuration: a pytest plugin named in pyproject.toml.

Each test process has a data folder of its own. A conftest would be too late: Django's settings are read before it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("BIHUAN_TEST_DATA") or f"/tmp/bihuan-test-{os.getpid()}")
os.environ["BIHUAN_DATA"] = str(FOLDER)
if os.environ.get("BIHUAN_TEST_EVENTS_URL"):
    os.environ["BIHUAN_EVENTS_URL"] = os.environ["BIHUAN_TEST_EVENTS_URL"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The folder goes with its process."""
    shutil.rmtree(FOLDER, ignore_errors=True)
