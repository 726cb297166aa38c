"""`docs/add-a-question.md` is true: what it says makes a question that is asked on the engine, on its page, by the API and as a file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bihuan.engine.question import Scope

ROOT = Path(__file__).resolve().parent.parent
FILE = re.compile(r"^\*\*`(?P<path>src/[^`]+)`\*\*[^\n]*\n\n(?P<fence>`{3,})\w+\n(?P<text>.*?)\n(?P=fence)$", re.DOTALL | re.MULTILINE)

EVERYWHERE = '''
"""The new question on its page, by the API and as a file."""

import json

import pytest
from django.test import Client

from bihuan.govern.keys import create_api_token

pytestmark = pytest.mark.django_db
QUERY = "event=View&period.since=2026-03-01&period.until=2026-03-15"


@pytest.fixture
def views(cast, write):
    write((1, "View", "2026-03-02 10:00"), (1, "View", "2026-03-09 10:00"), (2, "View", "2026-03-03 10:00"))


def test_the_page_asks_and_the_panel_answers(cast, store, views):
    vera = cast.client(cast.vera)
    page = vera.get(f"/p/shop/ask/weekdays/?{QUERY}").content.decode()
    assert 'name="period.since"' in page and 'name="event"' in page
    panel = vera.get(f"/p/shop/ask/weekdays/?{QUERY}", headers={"HX-Request": "true"}).content.decode()
    assert "Events on the busiest weekday" in panel and '<span class="bh-number">2</span>' in panel
    assert "<bh-chart" in panel
    chinese = vera.get(f"/p/shop/ask/weekdays/?{QUERY}", headers={"HX-Request": "true", "Accept-Language": "zh-hans"}).content.decode()
    assert "最高星期的事件数" in chinese
    assert "weekdays/" in vera.get("/p/shop/ask/").content.decode()


def test_the_api_and_the_file_say_the_same(cast, store, views):
    _, secret = create_api_token(member=cast.alice, name="test", role="viewer")
    spec = {"event": "View", "period": {"since": "2026-03-01", "until": "2026-03-15"}}
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.post("/api/v1/projects/shop/ask/weekdays", json.dumps(spec), content_type="application/json").json()
    assert answer["rows"][:2] == [[1, 2, 1], [2, 1, 1]]
    export = cast.client(cast.vera).get(f"/p/shop/ask/weekdays/export.csv?{QUERY}")
    assert export.getvalue().decode("utf-8-sig").splitlines()[1:3] == ["1,2,1", "2,1,1"]
'''


def test_what_every_question_offers_is_as_the_page_shows(scope: Scope) -> None:
    text = (ROOT / "docs/add-a-question.md").read_text()
    offered = text[text.index("## What every question offers") : text.index("## 7.")]
    blocks = re.findall(r"^```python\n(.*?)^```$", offered, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    names: dict[str, Any] = {"scope": scope}
    for block in blocks:
        exec(compile(block, "docs/add-a-question.md", "exec"), names)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the source as the page has it changed."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "vendor"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    files = {found["path"]: found["text"] + "\n" for found in FILE.finditer((ROOT / "docs/add-a-question.md").read_text())}
    assert len(files) == 9
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.read_text()}\n{text}" if path.exists() else text)
    (tmp_path / "src/bihuan/analyse/weekdays/tests/__init__.py").touch()
    (tmp_path / "src/bihuan/analyse/weekdays/tests/test_everywhere.py").write_text(EVERYWHERE.lstrip())
    registry = tmp_path / "src/bihuan/analyse/questions.py"
    before = registry.read_text()
    after = before.replace("from bihuan.engine.question", "from bihuan.analyse.weekdays import WEEKDAYS\nfrom bihuan.engine.question")
    registry.write_text(after.replace("    RETENTION,\n", "    RETENTION,\n    WEEKDAYS,\n"))
    assert len(registry.read_text().splitlines()) == len(before.splitlines()) + 2, "the line and its import"
    return tmp_path


def run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of Python in the copy, with a data folder of its own; it must succeed."""
    own = {"PYTHONPATH": str(checkout / "src"), "BIHUAN_TEST_DATA": str(checkout / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BIHUAN_", "PYTEST_", "DJANGO_"))}
    passed_on = {name: value for name, value in os.environ.items() if name == "BIHUAN_TEST_EVENTS_URL"}
    done = subprocess.run(
        [sys.executable, *command], cwd=checkout, env={**kept, **passed_on, **own}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done


@pytest.mark.slow
def test_the_question_of_the_page_is_asked_everywhere(checkout: Path) -> None:
    run(checkout, "-m", "ruff", "check", "src/bihuan/analyse/weekdays", "--exclude", "test_everywhere.py")
    run(checkout, "-m", "bihuan.console.messages")
    tests = ("src/bihuan/analyse/weekdays", "src/bihuan/console/tests/test_guides.py")
    done = run(checkout, "-m", "pytest", *tests, "-p", "no:cacheprovider", "-vv", "-k", "weekdays or forgotten")
    for name in (
        "test_weekdays_are_those",
        "test_the_page_asks",
        "test_the_api_and_the_file",
        "test_the_example_of_the_guide_is_true[weekdays]",
    ):
        assert re.search(rf"{re.escape(name)}.* PASSED", done.stdout), name
