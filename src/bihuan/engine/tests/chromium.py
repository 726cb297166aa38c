"""The one Chromium of a test process: several would each want the event loop of its thread."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def start(kind: Any) -> Any:
    """A browser of this kind (`playwright.chromium`, or another browser's `browser_type`)."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    return kind.launch(executable_path=path, args=["--no-sandbox"])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser, or a skip that says what is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        try:
            browser = start(playwright.chromium)
        except sync_api.Error as error:
            pytest.skip(f"no Chromium to be had (apt-get install chromium, or playwright install chromium): {str(error).splitlines()[0]}")
        yield browser
        browser.close()
