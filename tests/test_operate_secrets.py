"""What Bihuan writes into its data folder is for the user alone who runs it: it holds sessions, people and secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_nobody_else_on_the_machine_can_read_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    env = {**os.environ, "BIHUAN_DATA": str(folder), "BIHUAN_DATABASE_URL": "", "BIHUAN_EVENTS_URL": ""}
    code = "import os; os.umask(0o022); import sys; sys.argv = ['bihuan', 'init', '--help']; from bihuan.console.cli import main; "
    code += "import contextlib\nwith contextlib.suppress(SystemExit): main()\n"
    code += "from bihuan.engine.config import Config; Config.from_env().secret('x'); (Config.from_env().data / 'file').write_text('')"
    subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, timeout=60)
    assert [oct(path.stat().st_mode & 0o077) for path in (folder, *folder.rglob("*"))] == ["0o0"] * 4


def test_serving_and_the_demo_write_for_their_user_alone(tmp_path: Path) -> None:
    code = "import os; os.umask(0o022); from bihuan.console.serve import configure, parser; "
    code += f"configure(parser('x', 'x', data={str(tmp_path)!r}).parse_args([])); print(oct(os.umask(0)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "0o77"
