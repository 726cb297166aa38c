"""What operators set is written down: every variable, option and chore that exists, and none that does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "operate.md").read_text()
TESTING = ("BIHUAN_TEST_", "BIHUAN_SHARED_DATA", "BIHUAN_CHROMIUM")  # said in CONTRIBUTING.md or by the test itself


def test_every_variable_that_is_read_is_in_the_guide_and_no_other() -> None:
    sources = [path for path in (ROOT / "src").rglob("*.py") if "tests" not in path.parts]
    read = {name for path in sources for name in re.findall(r"[\"'](BIHUAN_[A-Z_]+)[\"']", path.read_text())}
    assert {name for name in read if not name.startswith(TESTING)} == set(re.findall(r"`(BIHUAN_[A-Z_]+)`", GUIDE))


@pytest.mark.parametrize("module", ["bihuan.console.serve", "bihuan.console.demo"])
def test_every_option_is_in_the_guide(module: str) -> None:
    said = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"--[a-z][a-z-]+", said)) - {"--help"}
    assert options
    assert options <= set(re.findall(r"--[a-z][a-z-]+", GUIDE))


def test_make_lists_every_chore() -> None:
    makefile = (ROOT / "Makefile").read_text()
    chores = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    listed = subprocess.run(["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert chores == set(re.findall(r"^ +make (\S+)", listed, re.MULTILINE))
