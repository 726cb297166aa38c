"""`docs/import.md` is executed: its files are written, its commands run, and what they say is what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "import.md"
BLOCK = re.compile(r"```(\w+) ?([\w.]*)\n(.*?)```", re.DOTALL)
SET_UP = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from bihuan.govern.projects import create_project
call_command("migrate", verbosity=0)
create_project(key="shop", name="Shop", timezone="Asia/Shanghai", owner=User.objects.create_user("alice"))
"""


@pytest.mark.slow
def test_the_page_about_imports_is_true(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "BIHUAN_DATA": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "bihuan.console.settings",
        "COLUMNS": "200",
    }
    environment.pop("BIHUAN_EVENTS_URL", None)
    (tmp_path / "data").mkdir()
    subprocess.run([sys.executable, "-c", SET_UP], env=environment, check=True, timeout=120)
    ran = 0
    for kind, name, text in BLOCK.findall(PAGE.read_text()):
        if name:
            (tmp_path / name).write_text(text)
        elif kind == "console":
            command, *expected = text.strip().splitlines()
            arguments = command.removeprefix("$ bihuan ").split()
            run = [sys.executable, "-c", "from bihuan.console.cli import main; main()", *arguments]
            done = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
            assert [line.strip() for line in (done.stdout + done.stderr).splitlines()] == expected
            assert done.returncode == (2 if "rows not taken" in text else 0)
            ran += 1
    assert ran == 6
    assert (tmp_path / "rejects.csv").read_text().splitlines()[1].startswith("4,")
