"""`bihuan.connect`: the same numbers from a folder, from an address, from the command line and from `ask` itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import bihuan
from bihuan.catalog.door import scope as scope_of
from bihuan.console.cli import app
from bihuan.console.client import AskError, Client
from bihuan.engine.ask import Engine
from bihuan.engine.config import Config
from bihuan.govern.keys import create_api_token
from bihuan.govern.tests.cast import Cast
from bihuan.see.trend import TREND
from bihuan.see.trend.spec import TrendSpec

SPEC: dict[str, Any] = {
    "series": [{"event": "Buy", "measure": "sum", "property": "revenue"}],
    "period": {"since": "2026-03-09", "until": "2026-03-15"},
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clients(cast: Cast, config: Config, engine: Engine, write, live_server: Any) -> Iterator[dict[str, Client]]:
    write((1, "Buy", "2026-03-10 10:00", {"revenue": 0.1}), (2, "Buy", "2026-03-10 11:00", {"revenue": 0.2}))
    (config.data / "bihuan.sqlite3").touch()  # the tests' definitions are in a database of another name
    _, secret = create_api_token(member=cast.alice, name="notebook", role="owner")
    with ExitStack() as held:
        yield {
            "folder": held.enter_context(bihuan.connect(str(config.data))),
            "address": held.enter_context(bihuan.connect(live_server.url, token=secret)),
        }


def test_folder_and_address_give_the_numbers_of_ask(cast: Cast, clients: dict[str, Client], engine: Engine) -> None:
    direct = engine.ask(TREND, TrendSpec.model_validate(SPEC), scope_of(cast.alice))
    for name, client in clients.items():
        assert client.project == "shop", name
        for result in (
            client.ask("trend", SPEC),
            client.ask({"question": "trend", **SPEC}),
            client.ask("trend", TrendSpec.model_validate(SPEC)),
        ):
            assert [tuple(row.values()) for row in result.rows] == list(direct.table.rows), name
            assert [one.value for one in result.headlines] == [one.value for one in TREND.headlines(direct.result)]


def test_a_result_is_arrow_polars_and_pandas(clients: dict[str, Client]) -> None:
    for client in clients.values():
        result = client.ask("trend", SPEC)
        first, last = result.table.columns[0].name, result.table.columns[-1].name
        for days, sums in (
            (result.arrow()[first].to_pylist(), result.arrow()[last].to_pylist()),
            (result.polars()[first].to_list(), result.polars()[last].to_list()),
            (list(result.pandas()[first]), list(result.pandas()[last])),
        ):
            assert days[1] == date(2026, 3, 10)
            assert sums[1] == pytest.approx(0.3)
        assert "<table>" in result._repr_html_()


def test_a_mistake_says_the_same_in_both(clients: dict[str, Client]) -> None:
    said = set()
    for client in clients.values():
        with pytest.raises(AskError) as wrong:
            client.ask("trend", {"series": [{"event": "Buy"}], "unit": "decade"})
        said.add((wrong.value.code, wrong.value.where, wrong.value.message))
        with pytest.raises(AskError, match="no question called") as unknown:
            client.ask("nonsense")
        assert unknown.value.code == "not_found"
    assert said == {("invalid", "unit", "Choose one of: 'hour', 'day', 'week', 'month', 'quarter' or 'year'.")}


def test_an_address_without_a_valid_token_or_without_bihuan_says_so(live_server: Any) -> None:
    with pytest.raises(AskError, match="API token") as refused:
        bihuan.connect(live_server.url, token="bt_wrong")
    assert refused.value.code == "unauthenticated"
    with pytest.raises(AskError, match="does not answer"):
        bihuan.connect("http://127.0.0.1:1", token="bt_wrong")


def test_a_folder_without_bihuan_says_so(tmp_path: Path) -> None:
    with pytest.raises(AskError, match="no Bihuan in"):
        bihuan.connect(str(tmp_path))


def test_the_command_prints_the_same_numbers(clients: dict[str, Client], config: Config, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({"question": "trend", **SPEC}))
    run = CliRunner()
    base = ["ask", str(file), "--data", str(config.data)]
    printed = json.loads(run.invoke(app, [*base, "--format", "json"]).stdout)
    expected = clients["folder"].ask("trend", SPEC)
    last = expected.table.columns[-1].name
    assert [row[last] for row in printed["rows"]] == [row[last] for row in expected.rows]
    assert len(run.invoke(app, [*base, "--format", "csv"]).stdout.splitlines()) == 1 + len(expected.rows)
    assert "2026-03-10" in run.invoke(app, base).stdout
    file.write_text("{}")
    failed = run.invoke(app, base)
    assert (failed.exit_code, "names no question" in failed.stderr) == (1, True)


@pytest.mark.slow
def test_a_folder_that_nobody_serves_gets_an_engine_that_ends_with_the_notebook(tmp_path: Path) -> None:
    code = f"""
import asyncio, bihuan, json, os, pathlib, subprocess, sys
bihuan_ = [sys.executable, "-m", "bihuan.console.cli"]
subprocess.run([*bihuan_, "init", "--name", "Shop", "--username", "olga", "--email", "o@x.example", "--password", "a-long-password-9",
  "--timezone", "Asia/Shanghai", "--currency", "CNY", "--data", {str(tmp_path)!r}], check=True)
async def cell():  # a notebook's cell runs in an event loop
    with bihuan.connect({str(tmp_path)!r}) as shop:
        pid = json.loads(pathlib.Path({str(tmp_path)!r}, "run/engine.json").read_text())["pid"]
        rows = shop.ask("seen_events", {{}}).rows
    return shop.project, rows, pid
project, rows, pid = asyncio.run(cell())
assert (project, rows) == ("shop", []), (project, rows)
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print("the engine ended")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Write key (shown only now): bw_" in done.stdout
    assert done.stdout.strip().endswith("the engine ended")
