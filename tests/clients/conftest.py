"""Clients of other products, installed as their users install them: pinned in package.json, once, into a cache outside the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bihuan.collect.tests.site import Site, running
from bihuan.collect.web.tests.pages import Pages

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS = 180


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder node_modules with all clients, or a skip that says what is missing. `BIHUAN_TEST_CLIENTS` is where it is kept."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bihuan"
    folder = Path(os.environ.get("BIHUAN_TEST_CLIENTS") or default) / f"clients-{digest}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, fresh)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            try:
                done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm did not install the clients within {INSTALL_SECONDS} s")
            if done.returncode:
                pytest.skip(f"npm cannot install the clients here: {done.stderr.strip()[-300:]}")
            if not folder.exists():  # another test process may have been quicker
                shutil.move(Path(fresh) / "node_modules", folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="module")
def pages(modules: Path) -> Iterator[Pages]:
    made = Pages(modules)
    yield made
    made.close()


@pytest.fixture
def node(modules: Path) -> Callable[..., str]:
    """`node("posthog_node.cjs", url, key, name)`: run a script of this folder with the clients in reach."""

    def run(script: str, *given: Any) -> str:
        environment = {**os.environ, "NODE_PATH": str(modules)}
        command = ["node", str(HERE / script), *map(str, given)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def people(site: Site, *names: str) -> dict[str, list[tuple[int, int]]]:
    """For each name of events, (its property n, the person it belongs to after all links), in order of n."""
    links = dict(site.rows("person_id, argMax(canonical, version)", "person_links GROUP BY person_id"))
    sql = "SELECT event, toInt32(JSONExtractInt(props, 'n')) AS n, person_id FROM events WHERE has({names:Array(String)}, event) ORDER BY n"
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for row in site.store.fetch(sql, {"names": list(names)}).rows:
        found[row["event"]].append((row["n"], links.get(row["person_id"], row["person_id"])))
    return found
