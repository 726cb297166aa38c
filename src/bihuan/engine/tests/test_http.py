"""The embedded engine's HTTP: who may speak, what it understands, bad bytes, and what survives being killed."""

from __future__ import annotations

import base64
import fcntl
import gzip
import http.client
import inspect
import json
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3

from bihuan.engine.config import Config
from bihuan.engine.embedded.child import own_store
from bihuan.engine.embedded.http import MAX_BODY
from bihuan.engine.errors import EngineError, Unavailable
from bihuan.engine.store import Store

COLUMNS = {"n": "UInt64", "text": "String"}
TABLE = """CREATE TABLE IF NOT EXISTS kept (n UInt64, text String) ENGINE = MergeTree ORDER BY n
SETTINGS fsync_after_insert = 1, non_replicated_deduplication_window = 1000"""


class Engine:
    """An engine process of the tests' own."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(data=folder)
        self.start()

    def start(self) -> None:
        environment = {"BIHUAN_DATA": str(self.config.data), "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen([sys.executable, "-m", "bihuan.engine.embedded.process"], env=environment)
        deadline = time.monotonic() + 60
        while (self.config.announced("engine") or {}).get("pid") != self.process.pid or not Store(self.config).ready():
            assert self.process.poll() is None, "the engine ended"
            assert time.monotonic() < deadline, "the engine did not start"
            time.sleep(0.02)
        self.store = Store(self.config)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def request(
        self, sql: str = "", body: bytes = b"", *, headers: dict[str, str] | None = None, login: bool = True, **query: str
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a plain HTTP request."""
        parts = urlsplit(self.store.url())
        given = {"X-ClickHouse-Key": parts.password or ""} if login else {}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        path = "/?" + urlencode({**({"query": sql} if sql else {}), **query})
        connection.request("POST", path, body, {**given, **(headers or {})})
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(Path(tmp_path_factory.mktemp("engine")))
    opened.store.command(TABLE)
    yield opened
    opened.kill()


BASIC_WRONG = "Basic " + base64.b64encode(b"bihuan:wrong").decode()


@pytest.mark.parametrize("headers", [{}, {"X-ClickHouse-Key": "wrong"}, {"Authorization": BASIC_WRONG}, {"Authorization": "Basic %%%"}])
def test_nobody_is_served_without_the_token(engine: Engine, headers: dict[str, str]) -> None:
    status, text = engine.request("SELECT 1", headers=headers, login=False)
    assert (status, b"token is wrong or missing" in text) == (403, True)


def test_the_token_opens_by_basic_login_too(engine: Engine) -> None:
    token = base64.b64encode(f"bihuan:{urlsplit(engine.store.url()).password}".encode()).decode()
    assert engine.request("SELECT 1", headers={"Authorization": f"Basic {token}"}, login=False) == (200, b"1\n")


def test_whoever_asks_whether_it_lives_needs_no_token(engine: Engine) -> None:
    parts = urlsplit(engine.store.url())
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/ping")
    assert connection.getresponse().read() == b"Ok.\n"
    connection.close()


@pytest.mark.parametrize("text", ["plain", "it's", 'say "hi"', "back\\slash", "tab\tnew\nline", "专业版 🙂", "{b:String}", ""])
def test_values_are_bound_whatever_characters_they_have(engine: Engine, text: str) -> None:
    assert engine.store.fetch("SELECT {a:String} AS a", {"a": text}).rows[0]["a"] == text
    assert engine.store.fetch("SELECT {a:Array(String)} AS a", {"a": [text, text]}).rows[0]["a"] == [text, text]


def test_settings_beside_a_statement_hold_for_it(engine: Engine) -> None:
    asked = "SELECT getSetting('max_block_size') AS size"
    assert engine.store.fetch(asked, settings={"max_block_size": 1234}).rows[0]["size"] == 1234
    assert engine.store.fetch(asked).rows[0]["size"] != 1234


def test_a_setting_cannot_smuggle_in_sql(engine: Engine) -> None:
    smuggled: dict[str, Any] = {"max_threads = 1, readonly": "0"}
    status, text = engine.request("SELECT 1", **smuggled)
    assert (status, b"is not the name of a setting" in text) == (400, True)


def test_formats_of_the_answer(engine: Engine) -> None:
    assert engine.request("SELECT 1 AS n, 'x' AS t FORMAT JSONEachRow") == (200, b'{"n":1,"t":"x"}\n')
    assert engine.request("SELECT 1 AS n", default_format="CSVWithNames") == (200, b'"n"\n1\n')


def test_an_error_has_clickhouse_s_code_and_status(engine: Engine) -> None:
    assert engine.request("SELECT nothing")[0] == 404
    assert engine.request("SELEKT 1")[0] == 400
    with pytest.raises(EngineError, match="UNKNOWN_TABLE"):
        engine.store.fetch("SELECT * FROM nowhere")


def test_compressed_bodies_are_understood(engine: Engine) -> None:
    assert engine.request(body=gzip.compress(b"SELECT 42"), headers={"Content-Encoding": "gzip"}) == (200, b"42\n")
    assert engine.request(body=zlib.compress(b"SELECT 43"), headers={"Content-Encoding": "deflate"}) == (200, b"43\n")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"not gzip at all", "gzip"),
        (gzip.compress(b"SELECT 1", mtime=0)[:-5], "gzip"),
        (b"SELECT 1", "br"),
        (b"\xff\xfe\x00SELECT", ""),
        (b"", ""),
    ],
)
def test_bad_bytes_are_an_error_of_the_client_and_the_engine_goes_on(engine: Engine, body: bytes, encoding: str) -> None:
    status, _ = engine.request(body=body, headers={"Content-Encoding": encoding} if encoding else {})
    assert status == 400
    assert engine.store.ready()


def test_a_small_body_that_swells_beyond_the_limit_is_refused(engine: Engine) -> None:
    squeeze = zlib.compressobj(1, wbits=31)
    zeros = bytes(1024 * 1024)
    bomb = b"".join(squeeze.compress(zeros) for _ in range(MAX_BODY // len(zeros) + 1)) + squeeze.flush()
    before = resident(engine)
    status, text = engine.request(body=bomb, headers={"Content-Encoding": "gzip"})
    assert (status, b"at most" in text) == (400, True)
    assert resident(engine) - before < MAX_BODY * 2.5


def resident(engine: Engine) -> int:
    """The greatest memory (bytes) that the engine's process ever had."""
    status = Path(f"/proc/{engine.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def test_a_query_is_killed_by_the_id_its_asker_gave(engine: Engine) -> None:
    said: list[str] = []

    def ask() -> None:
        try:
            Store(engine.config).fetch("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))", query_id="mine")
        except EngineError as error:
            said.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    engine.store.cancel("another")
    time.sleep(0.3)
    assert thread.is_alive()
    engine.store.cancel("mine")
    thread.join(20)
    assert said == ["The question was cancelled."]


def test_the_same_token_twice_inserts_once(engine: Engine) -> None:
    for token in ("one", "one", "two"):
        engine.store.insert("kept", list(COLUMNS), [[10_000_000], [token]], list(COLUMNS.values()), token=token)
    assert [row["text"] for row in engine.store.fetch("SELECT text FROM kept WHERE n = 10000000 ORDER BY text").rows] == ["one", "two"]


def test_a_disk_that_takes_nothing_is_told_as_that_and_not_as_an_engine_that_starts(engine: Engine) -> None:
    spool = engine.config.data / "engine" / "inserts"
    spool.rmdir()
    values: list[list[Any]] = [[20_000_000], ["disk"]]
    one = ("kept", list(COLUMNS), values, list(COLUMNS.values()))
    with pytest.raises(Unavailable, match="cannot write or read its disk"):
        engine.store.insert(*one)
    spool.mkdir()
    engine.store.insert(*one)
    assert len(engine.store.fetch("SELECT n FROM kept WHERE text = 'disk'").rows) == 1


def test_what_was_written_is_counted_by_table_and_told(engine: Engine) -> None:
    store = engine.store

    def told() -> dict[str, object]:
        return {str(name): number for name, _, number in store.changes()}

    store.command(TABLE)
    before = told()
    store.insert("kept", list(COLUMNS), [[1], ["a"]], list(COLUMNS.values()))
    store.command("INSERT INTO kept SELECT 2, 'b'")
    store.command("ALTER TABLE kept DELETE WHERE n = 2 SETTINGS mutations_sync = 0")
    assert told() == {**before, "kept": before.get("kept", 0) + 3}  # type: ignore[operator]
    store.fetch("SELECT count() FROM kept")
    store.command("OPTIMIZE TABLE kept FINAL")
    assert told() == {**before, "kept": before.get("kept", 0) + 3}  # type: ignore[operator]
    with pytest.raises(EngineError):
        store.command("INSERT INTO kept SELECT throwIf(number = 99999) , 'x' FROM numbers(100000)")
    assert told() == {**before, "kept": before.get("kept", 0) + 4}  # type: ignore[operator]


def test_each_table_is_told_once_and_otherwise_in_another_life_of_the_engine(engine: Engine) -> None:
    engine.store.command(TABLE)
    engine.store.command("CREATE OR REPLACE FUNCTION told_of_no_table AS x -> x")  # what is written is unknown here
    before = engine.store.changes()
    assert len(before) == len({name for name, *_ in before})
    assert "" in {name for name, *_ in before}
    engine.kill()
    engine.start()
    engine.store.command(TABLE)
    assert before.isdisjoint(engine.store.changes())


def test_who_has_no_token_is_not_told_what_was_written(engine: Engine) -> None:
    address = engine.store.url().replace("clickhouse://", "http://").rpartition("@")[2]
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"http://{address.partition('/')[0]}/changes").status == 403


def test_a_second_engine_on_the_folder_ends_with_a_clear_error(engine: Engine) -> None:
    environment = {"BIHUAN_DATA": str(engine.config.data), "PATH": os.environ["PATH"]}
    second = subprocess.run(
        [sys.executable, "-m", "bihuan.engine.embedded.process"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 3
    assert f"Another engine (process {engine.process.pid}) has" in second.stderr
    assert engine.store.ready()


def test_kill_9_loses_no_acknowledged_insert_and_tears_none(engine: Engine) -> None:
    acknowledged: set[int] = set()
    rounds, batch = 4, 50

    def insert_until_it_dies(first: int) -> None:
        store, number = Store(engine.config), first
        while True:
            numbers = list(range(number, number + batch))
            try:
                store.insert("kept", list(COLUMNS), [numbers, ["kill"] * batch], list(COLUMNS.values()), token=f"kill-{number}")
            except EngineError:
                return
            acknowledged.update(numbers)
            number += batch

    for turn in range(rounds):
        thread = threading.Thread(target=insert_until_it_dies, args=(turn * 1_000_000,))
        thread.start()
        time.sleep(0.3 + turn * 0.1)
        engine.kill()
        thread.join(30)
        engine.start()
    stored = [row["n"] for row in engine.store.fetch("SELECT n FROM kept WHERE text = 'kill'").rows]
    assert len(acknowledged) > rounds * batch
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)
    assert len(stored) % batch == 0  # a batch that nobody acknowledged may be there, but whole


def test_who_asks_while_a_server_starts_its_engine_again_waits_for_that_one(engine: Engine) -> None:
    engine.kill()
    with (engine.config.run / "serve.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        restart = threading.Timer(0.5, engine.start)
        restart.start()
        with own_store(engine.config) as store:
            assert store.ready()
        restart.join()
    assert (engine.config.announced("engine") or {})["pid"] == engine.process.pid
    assert engine.store.ready()


def test_what_was_asked_is_told_with_what_it_cost(engine: Engine) -> None:
    parts = urlsplit(engine.store.url())
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request("POST", "/", b"SELECT count() FROM numbers(1000)", {"X-ClickHouse-Key": parts.password or ""})
    answer = connection.getresponse()
    summary = json.loads(answer.getheader("X-ClickHouse-Summary") or "{}")
    answer.read()
    connection.close()
    assert summary["read_rows"] == "1000"


def test_the_client_has_what_is_taken_from_it() -> None:
    """`Store` keeps clickhouse-connect from going through each statement word by word; another version of it might do that elsewhere."""
    from clickhouse_connect.driver import _backendclient

    from bihuan.engine import store

    assert "_query_is_read_only" in inspect.getsource(store._connect)
    assert "retryable=_query_is_read_only(" in inspect.getsource(_backendclient.SyncBackendClient._query_with_context)
