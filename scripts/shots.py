"""Take the README's screenshots of a running demo into docs/images: `make shots`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bihuan.console.demo.__main__ import PASSWORD
from bihuan.engine.config import Config

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
SETTLED = """() => !document.querySelector('.htmx-request, .bh-skeleton')
  && [...document.querySelectorAll('bh-chart')].every(chart => chart.dataset.drawn)"""
LARGEST = 300_000  # bytes of one picture

# name, path, width, dark
PAGES = (
    ("home", "/p/tea/", 1280, False),
    ("trend", "/p/tea/ask/trend/?series.0.event=Payment+Failed&breakdown.property=device&period.last=60", 1280, False),
    (
        "funnel",
        "/p/tea/ask/funnel/?steps.0.event=Product+Viewed&steps.1.event=Product+Added&steps.2.event=Checkout+Started"
        "&steps.3.event=Order+Completed&breakdown.property=device",
        1280,
        False,
    ),
    ("campaign", "/p/tea/campaigns/autumn-tea/", 1280, False),
    ("board", "/p/tea/boards/shop/", 1280, True),
    ("phone", "/p/tea/", 390, False),
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path(".demo"))
    options.add_argument("--into", type=Path, default=FOLDER)
    options.add_argument("--languages", nargs="+", default=["en", "zh-hans"])
    given = options.parse_args()
    said = Config(given.data.absolute()).announced("serve") if given.data.is_dir() else None
    if said is None:
        print(f"Nothing serves {given.data} now; start it with `make demo`.")
        return 1
    given.into.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("BIHUAN_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for language in given.languages:
            for name, path, width, dark in PAGES:
                shoot(browser, str(said["url"]), path, given.into / f"{name}.{language[:2]}.png", language, width, dark=dark)
    return 0


def shoot(browser: Browser, site: str, path: str, file: Path, language: str, width: int, *, dark: bool) -> None:
    """One picture of one page."""
    size = {"width": width, "height": 780 if width < 500 else 860}
    context = browser.new_context(base_url=site, viewport=size, locale="zh-CN" if language.startswith("zh") else "en-GB")
    cookies = {"bihuan_language": language, "bihuan_look": "dark" if dark else "light"}
    context.add_cookies([{"name": name, "value": value, "url": site} for name, value in cookies.items()])
    page = context.new_page()
    log_in(page)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.wait_for_function(SETTLED)
    page.wait_for_timeout(800)  # charts move into place
    page.screenshot(path=str(file))
    context.close()
    kilobytes = file.stat().st_size // 1000
    print(f"{file.name:<22}{kilobytes:>5} kB{'  too large' if kilobytes * 1000 > LARGEST else ''}")


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", "owner")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/p/**")


if __name__ == "__main__":
    sys.exit(main())
