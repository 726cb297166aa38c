"""The console process before its first request."""

from __future__ import annotations

import os
import subprocess
import sys


def test_all_pages_are_loaded_before_the_first_request_comes(tmp_path):
    code = (
        "import sys; from bihuan.console.server import application; application(); "
        "print('bihuan.collect.imports.views_regular' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "BIHUAN_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip().endswith("True")
