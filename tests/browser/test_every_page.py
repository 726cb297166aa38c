"""Every page, in both languages, wide and narrow, light and dark: nothing fails, nothing is wider than the window, nothing is left in
English on a Chinese page. The screenshots are in `shots/`."""

from __future__ import annotations

import re

import pytest

from .conftest import Reader

PAGES = (
    "",
    "live/",
    "sources/",
    "imports/",
    "quarantine/",
    "boards/",
    "ask/",
    "ask/trend/",
    "ask/funnel/",
    "ask/retention/",
    "people/",
    "segments/",
    "campaigns/",
    "catalog/",
    "metrics/",
    "settings/",
)
LOOKS = (("en", "light", 1440), ("zh-hans", "light", 1440), ("en", "dark", 1440), ("en", "light", 360), ("zh-hans", "dark", 360))

# Words of the console's own that no Chinese page shows. (Names of events, people and campaigns are the data's, and may be English.)
ENGLISH = re.compile(
    r"\b(the|and|with|from|this|that|your|nothing|choose|search|save|cancel|name|people|events?|last|days|settings|boards?|add|edit|export|new)\b",
    re.IGNORECASE,
)
# What may be English on a Chinese page: code, names given by people, and what came with events.
DATA = (
    "code, pre, td, dd, option, .ts-control, .ts-dropdown, .bh-headline-title, .card-title a, .text-truncate, .bh-needs, [lang=en], "
    "a[href*='/campaigns/'], [data-given]"
)


@pytest.mark.parametrize(("language", "look", "width"), LOOKS)
def test_every_page_is_presentable(chromium, site, language, look, width):
    reader = Reader(chromium, site, language=language, look=look, width=width).log_in()
    root = re.match(r".*(/p/[^/]+/)", reader.page.url)[1]  # type: ignore[index]
    wrong = []
    for path in PAGES:
        reader.open(root + path)
        name = path.strip("/").replace("/", "-") or "home"
        reader.shoot(f"{name}-{language}-{look}-{width}")
        wrong += [f"/{path}: {problem}" for problem in reader.problems]
        reader.problems.clear()
        if reader.overflow() > 0:
            wrong.append(f"/{path}: wider than the window by {reader.overflow()} pixels")
        if language == "zh-hans":
            wrong += [f"/{path}: left in English: {line!r}" for line in left_in_english(reader)]
        wrong += [f"/{path}: {problem}" for problem in without_name(reader)]
    reader.close()
    assert wrong == []


def left_in_english(reader: Reader) -> list[str]:
    """The texts of the page that are the console's own and have English words."""
    texts: list[str] = reader.page.evaluate(
        """(data) => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const found = [];
          while (walker.nextNode()) {
            const parent = walker.currentNode.parentElement;
            if (parent.closest('script, template, noscript, style') || parent.closest(data) || !parent.checkVisibility()) continue;
            found.push(walker.currentNode.textContent.trim());
          }
          return found;
        }""",
        DATA,
    )
    return [text for text in texts if ENGLISH.search(text)]


def without_name(reader: Reader) -> list[str]:
    """Controls that a screen reader could not name, and ids that are there twice."""
    found: list[str] = reader.page.evaluate(
        """() => {
          const wrong = [];
          for (const control of document.querySelectorAll('main input:not([type=hidden]), main select, main textarea, button, a[href]')) {
            if (!control.checkVisibility() || control.closest('.ts-wrapper')) continue;
            const name = control.getAttribute('aria-label') || control.labels?.[0]?.textContent || control.textContent || control.title;
            if (!name?.trim()) wrong.push('without a name: ' + control.outerHTML.slice(0, 120));
          }
          const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);
          const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
          if (twice.length) wrong.push('ids that are there twice: ' + [...new Set(twice)].join(', '));
          return wrong;
        }"""
    )
    return found
