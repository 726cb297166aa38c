"""Two workers send one campaign through a real mail server and are killed again and again: nobody gets two mails, nobody is forgotten."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PEOPLE = 400
KILLS = 10
SENDING = "bihuan.act.campaigns.tests.sending_process"


class Scene:
    """A data folder, a mail server in another process, and workers to start and to kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mails = folder / "mails.jsonl"
        self.server = subprocess.Popen(
            [sys.executable, "-m", "bihuan.act.campaigns.tests.sink", str(self.mails), "0.02"], stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout is not None
        port = int(self.server.stdout.readline())
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "bihuan.console.settings",
            "BIHUAN_DATA": str(folder / "data"),
            "BIHUAN_SMTP_URL": f"smtp://127.0.0.1:{port}",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-m", SENDING, *words], env=self.env, stdout=subprocess.PIPE, text=True)

    def run(self, *words: str) -> str:
        process = self.start(*words)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        return said

    def taken(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.mails.read_text().splitlines()]

    def ledger(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "data" / "ledger.jsonl").read_text().splitlines()]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.server.kill()
    made.server.wait()
    assert made.server.stdout is not None
    made.server.stdout.close()


@pytest.mark.slow
def test_two_workers_killed_again_and_again_send_nothing_twice_and_account_for_everybody(scene: Scene) -> None:
    scene.run("prepare", str(PEOPLE))
    dice = random.Random(7)
    workers = [scene.start("send"), scene.start("send")]
    for _ in range(KILLS):
        time.sleep(1.2 + dice.random())
        victim = dice.randrange(2)
        _kill(workers[victim])
        workers[victim] = scene.start("send")
    for worker in workers:
        worker.communicate(timeout=120)
        assert worker.returncode == 0

    rows: list[dict[str, Any]] = json.loads(scene.run("report"))
    taken = Counter(mail["to"] for mail in scene.taken())
    states = Counter(row["state"] for row in rows)
    addresses = {state: {row["address"] for row in rows if row["state"] == state} for state in states}

    assert max(taken.values()) == 1, "somebody got two mails"
    assert len(rows) == PEOPLE
    assert states["sent"] + states["uncertain"] + states["failed"] + states["suppressed"] + states["held"] == PEOPLE
    assert addresses["sent"] <= set(taken) <= addresses["sent"] | addresses.get("uncertain", set())
    assert states["failed"] == 0
    assert states["uncertain"] <= KILLS  # a death leaves at most the one message that was on its way in doubt
    assert {row["arm"] for row in rows if row["state"] == "sent"} == {"treatment"}
    assert {row["arm"] for row in rows if row["state"] == "held"} == {"holdout"}
    _told_everything_once(scene, rows)


def _told_everything_once(scene: Scene, rows: list[dict[str, Any]]) -> None:
    """Said at least once of each; the key makes it count once."""
    told = {(name, key) for name, key, _ in scene.ledger()}
    assert len({key for _, key in told}) == len(told)
    keys = Counter(name for name, _ in told)
    assert keys["$campaign_assigned"] == sum(bool(row["arm"]) for row in rows)
    assert keys["$message_sent"] == sum(row["state"] == "sent" for row in rows)
    assert keys["$message_uncertain"] >= sum(row["state"] == "uncertain" for row in rows)
    assert keys["$message_suppressed"] == sum(row["state"] in ("suppressed", "held") for row in rows)
    assert all(row["ledgered"] and row["told_assigned"] for row in rows)


def _kill(worker: subprocess.Popen[str]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()
