"""The command: its options, what it says, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bihuan.collect.imports.command import import_command
from bihuan.collect.imports.tests.conftest import Write

HEAD = "user_id,event,timestamp\n"


def run(*arguments: str | Path) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(import_command)
    done = CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})
    return done.exit_code, done.output


def test_a_dry_run_checks_everything_and_says_what_was_guessed(file: Write) -> None:
    code, said = run(file("a.csv", f"{HEAD}u1,Order,2024-03-13\n,Order,2024-03-13\n"), "--dry-run")
    assert code == 0
    assert "event_column = event, time = timestamp, person = user_id" in said
    assert "2  events would be imported" in said
    assert "1  of these are of nobody" in said


def test_rows_that_are_not_taken_are_shown_kept_and_told_by_the_exit_code(file: Write, tmp_path: Path) -> None:
    path = file("a.csv", f"{HEAD}u1,Order,soon\n=1+1,Order\nu3,Order,2024-03-13\n")
    code, said = run(path, "--dry-run", "--rejects", tmp_path / "r.jsonl")
    assert code == 2
    assert "Line 2: “soon” is not a time" in said
    rejects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(one["line"], one["row"]) for one in rejects] == [(2, "u1,Order,soon"), (3, "=1+1,Order")]
    run(path, "--dry-run", "--rejects", tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text().splitlines()[2].endswith('"\'=1+1,Order"')  # no formula for a spreadsheet


def test_options_say_what_a_mapping_file_says(file: Write, tmp_path: Path) -> None:
    path = file("a.csv", "who,when,n,price\nu1,13/03/2024,2,5\n")
    options = ["--event", "Sale", "--time", "when", "--time-format", "%d/%m/%Y", "--person", "who", "--revenue", "n * price"]
    assert run(path, "--dry-run", *options, "--property", "pieces=n", "--zone", "Asia/Tokyo")[0] == 0
    mapping = file("m.yaml", "event: Sale\ntime: {column: when, format: '%d/%m/%Y'}\nperson: who\n")
    assert run(path, "--dry-run", "--mapping", mapping)[0] == 0
    assert run(path, "--dry-run", "--mapping", mapping, "--time-format", "%Y")[0] == 2  # an option wins over the file


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "cannot be read"),
        (["a.csv", "--person", "nobody"], "has no such column"),
        (["a.csv", "--property", "=x"], "is not name=column"),
        (["a.csv", "--mapping", "none.yaml"], "No such file"),
        (["b.csv"], "Which events are these?"),
    ],
)
def test_what_cannot_be_imported_says_why(file: Write, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str) -> None:
    monkeypatch.chdir(file("a.csv", f"{HEAD}u1,Order,2024-03-13\n").parent)
    file("b.csv", "a,b\n1,2\n")
    code, output = run(*arguments, "--dry-run")
    assert code == 1
    assert said in output
