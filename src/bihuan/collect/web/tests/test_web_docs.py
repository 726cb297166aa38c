"""docs/collect-web.md names everything that the script knows, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bihuan.collect.web.build import SOURCE
from bihuan.collect.web.how import CALLS, load

PAGE = Path(__file__).resolve().parents[5] / "docs/collect-web.md"
TOLD = PAGE.read_text()
CODE = SOURCE.read_text()


def named(pattern: str, text: str = CODE) -> set[str]:
    found = set(re.findall(pattern, text))
    assert found
    return found


def test_every_option_is_told_and_every_told_one_exists() -> None:
    used = named(r"option\.(\w+)") | named(r"'(\w+)' in option")
    assert named(r"`data-(\w+)`", TOLD) == used


def test_every_event_is_told_with_its_properties() -> None:
    events = named(r"send\('(\$\w+)'")
    assert {name for name in events if f"| `{name}` |" not in TOLD} == set()
    told = named(r"`([a-z_]+)`", TOLD)
    names = {"seconds_visible", "scroll_depth", "link_url", "link_host", "link_text", "file_name", "file_type", "session_id", "view_id"}
    assert {name for name in names | {"locale", "screen", "referrer_url", "update"} if name not in told or name not in CODE} == set()
    assert {name for name in named(r"vitals\.(\w+)") if name not in told} == set()


def test_every_campaign_parameter_is_told() -> None:
    (first, second) = re.findall(r"CAMPAIGN =\s*\(\s*'([^']*)' \+\s*'([^']*)'", CODE)[0]
    assert {name for name in (first + second).split() if f"`{name}`" not in TOLD} == set()


def test_every_call_is_told() -> None:
    commands = CODE[CODE.index("const commands") : CODE.index("const run")]
    names = set(re.findall(r"^    (\w+): \(", commands, re.MULTILINE))
    assert names == set(re.findall(r"^bihuan\('(\w+)'", TOLD, re.MULTILINE))
    assert set(re.findall(r"bihuan\('(\w+)'", CALLS)) <= names


@pytest.mark.parametrize("line", load("https://collect.example.com", "YOUR_WRITE_KEY").splitlines())
def test_the_lines_are_those_of_the_page_sources(line: str) -> None:
    assert line in TOLD
