"""The documentation says what is there: its links lead somewhere, its tree exists, and no setting, command or question is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/guide.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
SETTING = re.compile(r"[\"'](BIHUAN_[A-Z_]+)[\"']")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path):
    for target in LINK.findall(page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_everything_named_in_the_tour_exists():
    named = re.findall(r"`((?:src|docs|tests|bench|examples|scripts)/[\w./-]+)`", (ROOT / "docs/tour.md").read_text())
    assert len(named) > 20
    for path in named:
        assert (ROOT / path).exists(), f"the tour names {path}, which is not there"


def test_every_setting_is_documented():
    sources = [path for path in (ROOT / "src").rglob("*.py") if "tests" not in path.parts]
    settings = {name for path in sources for name in SETTING.findall(path.read_text())}
    told = (ROOT / "docs/operate.md").read_text()
    assert settings
    assert {name for name in settings if name not in told} == set()


def test_every_command_is_documented():
    from typer.main import get_command

    from bihuan.console.cli import app

    told = "".join(page.read_text() for page in PAGES)
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"bihuan {name}" in told, f"`bihuan {name}` is in no page of the documentation"


def test_every_listed_question_has_a_guide_with_an_example():
    from bihuan.console.questions import ALL

    listed = [question for question in ALL if question.listed]
    assert {"trend", "funnel", "retention", "lift"} <= {question.name for question in listed}
    for question in listed:
        (folder,) = (ROOT / "src/bihuan").glob(f"*/{question.name}/")
        assert "```" in (folder / "guide.md").read_text(), f"{question.name} has no worked example"


def test_every_decision_says_what_lost():
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(numbers) == len(set(numbers)), "two decisions have the same number"
    for page in pages:
        assert re.search(r"\blost\b", page.read_text(), re.IGNORECASE), f"{page.name} names no losing option"
