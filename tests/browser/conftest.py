"""A whole Bihuan for browser journeys: all its processes on free ports, with the demo's shop in small, and a Chromium that asks it.

`BIHUAN_TEST_SITE=http://127.0.0.1:8000` uses a running demo instead.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

SHOTS = Path(__file__).resolve().parents[2] / "shots"
START_SECONDS = 180


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Bihuan with the demo's shop: 300 people, 30 days."""
    if given := os.environ.get("BIHUAN_TEST_SITE"):
        yield given.rstrip("/")
        return
    pytest.importorskip("aiosmtpd", reason="the demo's mailbox needs aiosmtpd")
    data = tmp_path_factory.mktemp("site")
    ports = free_ports(4)
    options = ("--port", "--collect-port", "--smtp-port", "--mail-port")
    command = [sys.executable, "-m", "bihuan.console.demo", "--data", str(data), "--people", "300", "--days", "30", "--no-live"]
    command += ["--language", "en", *(str(part) for pair in zip(options, ports, strict=True) for part in pair)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BIHUAN_", "DJANGO_"))}
    with (data / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{ports[0]}"
    try:
        _wait_for(address, process, data / "output.txt")
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(address: str, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, f"Bihuan ended:\n{output.read_text()}"
        assert time.monotonic() < deadline, f"Bihuan did not start in {START_SECONDS} s:\n{output.read_text()}"
        try:
            with urllib.request.urlopen(f"{address}/accounts/login/", timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Reader:
    """Somebody at a browser: collects what must not happen (errors of scripts and of the policy, requests to other hosts)."""

    def __init__(self, chromium: Any, site: str, *, language: str = "en", look: str = "light", width: int = 1440) -> None:
        self.site = site
        self.width = width
        self.context = chromium.new_context(viewport={"width": width, "height": 900 if width > 500 else 780}, base_url=site)
        host = urlsplit(site).hostname
        cookies = {"bihuan_language": language, "bihuan_look": look}
        self.context.add_cookies([{"name": name, "value": value, "domain": host, "path": "/"} for name, value in cookies.items()])
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error.stack or error}"))
        self.page.on("response", lambda response: response.status >= 400 and self.problems.append(f"{response.status}: {response.url}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.problems.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.site, "data:", "blob:", "about:")):
            self.problems.append(f"asked another host: {url}")

    def log_in(self, name: str = "owner", password: str = "oolong-demo") -> Reader:
        self.page.goto("/accounts/login/")
        self.page.fill("[name=login]", name)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url("**/p/**")
        return self

    def open(self, path: str) -> Reader:
        """Open a page and wait until its panels and charts are there."""
        self.page.goto(path)
        self.settle()
        return self

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_function(
            """() => !document.querySelector('.htmx-request, .bh-skeleton')
              && [...document.querySelectorAll('bh-chart')].every((chart) => chart.dataset.drawn)""",
            timeout=20_000,
        )
        self.page.wait_for_timeout(350)  # charts move into place

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wide

    def shoot(self, name: str, *, full: bool = True) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=full)

    def close(self) -> None:
        self.context.close()
