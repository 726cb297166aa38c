"""Bihuan's processes together: killed one by one they come back, lose nothing acknowledged, and leave nobody behind."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bihuan.engine.config import Config
from bihuan.engine.embedded.process import free_port
from bihuan.engine.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]
PASSWORD = "a long-enough password"


class Running:
    """A Bihuan of this test's own, as `bihuan serve` runs it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port, self.collect_port = free_port(), free_port()
        self.config = Config(data)
        self.log = data.parent / "log.txt"
        self.process = self.start()

    def start(self, *, port: int | None = None, collect_port: int | None = None) -> subprocess.Popen[bytes]:
        ports = ["--port", str(port or self.port), "--collect-port", str(collect_port or self.collect_port)]
        command = [sys.executable, "-m", "bihuan.console.serve", "--data", str(self.data), *ports]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BIHUAN_")}
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=clean)

    def pid(self, name: str) -> int:
        return int((self.config.announced(name) or {})["pid"])

    def page(self, path: str = "/accounts/login/") -> tuple[int, str]:
        """The status (0: nobody listens) and text of a console page."""
        return get(f"http://127.0.0.1:{self.port}{path}")

    def track(self, number: int, key: str) -> int:
        """Send one event as a Segment client does; the status."""
        event = {"type": "track", "event": "Knocked", "userId": "u1", "messageId": f"m{number}", "properties": {"number": number}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.collect_port}/v1/batch",
            json.dumps({"batch": [event]}).encode(),
            {"Content-Type": "application/json", "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()},
        )
        return get(request)[0]


def get(request: Any) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def until(true: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def family(pid: int) -> set[int]:
    """A process and all below it."""
    below = {int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}
    return {pid}.union(*(family(child) for child in below))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    bihuan = Running(tmp_path_factory.mktemp("served") / "data")
    until(lambda: bihuan.page()[0] == 200, "the log-in page", 60)
    yield bihuan
    bihuan.process.terminate()
    bihuan.process.wait(15)


@pytest.fixture(scope="module")
def write_key(running: Running) -> str:
    """A project made on the command line, as a new user does."""
    facts = ["--name", "Shop", "--username", "ann", "--email", "ann@example.com", "--key", "shop", "--data", str(running.data)]
    command = [sys.executable, "-m", "bihuan.console.cli", "init", *facts, "--timezone", "UTC", "--currency", "EUR"]
    done = subprocess.run(command, env={**os.environ, "BIHUAN_PASSWORD": PASSWORD}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(word for word in done.stdout.split() if word.startswith("bw_"))


def test_the_supervisor_stays_small(running: Running) -> None:
    """It must not load what it watches."""
    status = Path(f"/proc/{running.pid('serve')}/status").read_text()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert rss < 30_000, f"{rss} kB"


def test_a_second_one_on_the_same_folder_is_told_where_the_first_is(running: Running) -> None:
    second = running.start(port=free_port(), collect_port=free_port())
    assert second.wait(20) == 1
    assert f"already serves {running.data} at http://127.0.0.1:{running.port}" in running.log.read_text()


def test_a_port_in_use_is_named_with_what_to_do(running: Running, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bihuan.console.serve", "--data", str(tmp_path), "--port", str(running.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1, port {running.port}" in done.stdout
    assert "--port" in done.stdout


def refused(folder: Path, *options: str) -> str:
    """What `bihuan serve` says when it does not begin."""
    command = [sys.executable, "-m", "bihuan.console.serve", "--data", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.touch()
    for folder in (file, Path("/proc/nowhere")):
        assert f"Cannot write to the data folder {folder}" in refused(folder)


@pytest.mark.parametrize("command", [["init", "--name", "Shop", "--username", "ann", "--email", "a@b.c"], ["import", "x.csv"], ["migrate"]])
def test_every_command_says_so_when_the_folder_cannot_be_written(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "taken"
    file.touch()
    facts = ["--timezone", "UTC", "--currency", "EUR"] if command[0] == "init" else []
    whole = [sys.executable, "-m", "bihuan.console.cli", *command, *facts, "--data", str(file)]
    done = subprocess.run(whole, env={**os.environ, "BIHUAN_PASSWORD": PASSWORD}, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"Cannot write to the data folder {file}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["run/writer.lock", "engine/lock"])
def test_serving_waits_for_an_import_that_has_the_folder_and_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir()
    code = (
        "import sys; from pathlib import Path; from bihuan.console.serve import Config, Program, Supervisor; "
        "Supervisor(Config(Path(sys.argv[1])), [Program('begun', 'this', once=True)], lambda: '', {'--port': 1})._watch()"
    )
    with (tmp_path / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        serving = subprocess.Popen([sys.executable, "-uc", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert serving.stdout is not None
        assert "process 4711 writes into" in serving.stdout.readline()
        time.sleep(0.5)
        assert serving.poll() is None
    assert "begun" in serving.stdout.readline()
    serving.kill()
    serving.wait()
    serving.stdout.close()


def test_ports_that_cannot_be_are_named_with_the_option(tmp_path: Path) -> None:
    port = str(free_port())
    assert f"--port and --collect-port are both {port}" in refused(tmp_path, "--port", port, "--collect-port", port)
    assert "no port 70000. Choose one from 1 to 65535 with --collect-port" in refused(tmp_path, "--port", port, "--collect-port", "70000")
    assert "Choose another with --host" in refused(tmp_path, "--host", "192.0.2.1", "--port", port)


@pytest.mark.parametrize("name", ["engine", "collector", "console", "worker"])
def test_whoever_is_killed_comes_back_and_nothing_acknowledged_is_lost(running: Running, write_key: str, name: str) -> None:
    store = Store(running.config)
    until(lambda: running.track(0, write_key) == 200, "the collector")
    before = running.pid(name)
    first = time.time_ns()
    acknowledged: set[int] = set()
    os.kill(before, signal.SIGKILL)

    def back() -> bool:
        number = first + len(acknowledged)
        if running.track(number, write_key) == 200:
            acknowledged.add(number)
        return running.pid(name) != before and len(acknowledged) >= 5

    until(back, f"{name} and five more events", 40)
    until(store.ready, "the engine")
    until(lambda: running.page()[0] == 200, "the log-in page")
    sql = (
        "SELECT toUInt64(JSONExtractUInt(props, 'number')) AS number, count() AS times FROM events WHERE event = 'Knocked' GROUP BY number"
    )
    stored = {int(row["number"]): int(row["times"]) for row in store.fetch(sql).rows}
    assert acknowledged <= stored.keys()
    assert set(stored.values()) == {1}, "an event was counted twice"


def test_a_page_asked_while_the_engine_is_away_says_so_kindly(running: Running, write_key: str) -> None:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    _log_in(opener, running)
    os.kill(running.process.pid, signal.SIGSTOP)  # so that it does not start the engine again while we look
    try:
        os.kill(running.pid("engine"), signal.SIGKILL)
        status, text = _panel(opener, running)
        page, whole = _panel(opener, running, htmx=False)
    finally:
        os.kill(running.process.pid, signal.SIGCONT)
    assert status == 503
    assert "Try again in a moment" in text
    assert page in (200, 503)
    assert "Traceback" not in text + whole
    until(lambda: _panel(opener, running)[0] == 200, "the same panel")


def _panel(opener: urllib.request.OpenerDirector, running: Running, *, htmx: bool = True) -> tuple[int, str]:
    address = f"http://127.0.0.1:{running.port}/p/shop/ask/trend/?series.0.event=Knocked"
    try:
        with opener.open(urllib.request.Request(address, headers={"HX-Request": "true"} if htmx else {}), timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _log_in(opener: urllib.request.OpenerDirector, running: Running) -> None:
    address = f"http://127.0.0.1:{running.port}/accounts/login/"
    form = opener.open(address, timeout=20).read().decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert found, form[:1000]
    fields = urlencode({"csrfmiddlewaretoken": found.group(1), "login": "ann", "password": PASSWORD}).encode()
    with opener.open(urllib.request.Request(address, fields, {"Referer": address}), timeout=20) as response:
        assert "/accounts/login" not in response.url


def test_when_the_supervisor_is_killed_nobody_stays_behind_and_a_new_one_takes_over(running: Running) -> None:
    everybody = family(running.process.pid)
    assert len(everybody) >= 5
    running.process.kill()
    running.process.wait()
    until(lambda: not any(map(alive, everybody)), "the end of all processes", 10)
    running.process = running.start()
    until(lambda: running.page()[0] == 200, "the log-in page", 60)


def test_a_polite_end_ends_everybody_within_ten_seconds(running: Running) -> None:
    everybody = family(running.process.pid)
    begun = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    until(lambda: not any(map(alive, everybody)), "the end of all processes", 10 - (time.monotonic() - begun))
    assert "killing it" not in running.log.read_text()
    running.process = running.start()
    until(lambda: running.page()[0] == 200, "the log-in page", 60)
