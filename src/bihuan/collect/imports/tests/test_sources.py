"""Sources beyond files with their real engines: SQLite, PostgreSQL where it is installed, our own engine as a ClickHouse, a web server."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bihuan.collect.events import Outcome
from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.plan import make_plan
from bihuan.collect.imports.run import Tally, run_import
from bihuan.collect.imports.source import Source
from bihuan.collect.imports.sources import sql
from bihuan.collect.imports.sources.address import Address, parse_address
from bihuan.collect.imports.sources.choose import source_at
from bihuan.collect.imports.sources.sql import SqlSource
from bihuan.collect.imports.tests.conftest import ZONE
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

MAPPING = {"event": "Order", "person": "buyer", "time": "paid_at", "id": "id"}
ROWS = [(1, "u1", "2026-03-10 10:00:00", 9.5), (2, "u2", "2026-03-11 10:00:00", 1.0), (3, "u1", "2026-03-12 10:00:00", None)]


def read(source: Source, *, since: Cursor | None = None, **mapping: Any) -> tuple[list[dict[str, Any]], Tally]:
    tables: list[Any] = []

    def sink(events: Any) -> Outcome:
        tables.append(events)
        return Outcome(stored=events.num_rows)

    plan = make_plan(source, mapping or MAPPING, guess=False)
    tally = run_import(plan, project_id=7, zone=ZONE, sink=sink, reject=print, since=since)
    return [row for table in tables for row in table.to_pylist()], tally


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite file with three orders."""
    path = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER, buyer TEXT, paid_at TEXT, amount REAL)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", ROWS)
    return path


def test_rows_of_a_query_become_events_with_their_own_types(shop: Path) -> None:
    rows, tally = read(SqlSource(Address(f"sqlite:///{shop}"), "SELECT * FROM orders ORDER BY id;"))
    assert [(row["user_id"], row["props"]) for row in rows] == [("u1", '{"amount":9.5}'), ("u2", '{"amount":1}'), ("u1", "{}")]
    assert (tally.stored, tally.cursor) == (3, None)


def test_a_cursor_goes_on_where_it_ended_and_meets_those_at_its_edge_again(shop: Path) -> None:
    source = SqlSource(Address(f"sqlite:///{shop}"), "SELECT * FROM orders WHERE buyer != ':0'", cursor="paid_at")
    _, first = read(source)
    assert first.cursor == Cursor("2026-03-12 10:00:00")
    with contextlib.closing(sqlite3.connect(shop)) as database, database:
        database.execute("INSERT INTO orders VALUES (4, 'u3', '2026-03-12 10:00:00', 3), (5, 'u4', '2026-03-13 10:00:00', 4)")
    assert first.cursor is not None
    rows, _ = read(source, since=first.cursor)
    assert [row["user_id"] for row in rows] == ["u1", "u3", "u4"]
    rows, _ = read(source, since=first.cursor.before(86_400))
    assert [row["user_id"] for row in rows] == ["u2", "u1", "u3", "u4"]


def test_the_keys_of_rows_do_not_depend_on_where_reading_began(shop: Path) -> None:
    mapping: dict[str, Any] = {"event": "Order", "person": "buyer", "time": "paid_at"}
    source = SqlSource(Address(f"sqlite:///{shop}"), "SELECT * FROM orders", cursor="id")
    everything, _ = read(source, **mapping)
    later, _ = read(source, since=Cursor(2), **mapping)
    assert [row["event_key"] for row in later] == [row["event_key"] for row in everything[1:]]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM orders", "Only a query that reads"),
        ("SELECT 1; DROP TABLE orders", "one query, not several"),
        ("WITH x AS (SELECT 1) INSERT INTO orders SELECT 1, 2, 3, 4", "Only a query that reads"),
        ("SELECT 1) AS a; DROP TABLE orders; --", "not understood"),
        ("  ", "Write the query"),
        ("SELECT FROM WHERE", "not understood"),
    ],
)
def test_only_one_query_that_reads_is_taken(shop: Path, query: str, said: str) -> None:
    with pytest.raises(ImportProblem, match=said):
        source_at(Address(f"sqlite:///{shop}"), query=query)


def test_what_the_database_says_is_passed_on(shop: Path) -> None:
    with pytest.raises(ImportProblem, match="no such table: nowhere"):
        read(SqlSource(Address(f"sqlite:///{shop}"), "SELECT * FROM nowhere"))
    with pytest.raises(ImportProblem, match=r"no such column: source\.when"):
        read(SqlSource(Address(f"sqlite:///{shop}"), "SELECT *, 1 AS one FROM orders", cursor="when"))


def test_a_missing_package_says_what_to_install(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sqlalchemy", None)
    with pytest.raises(ImportProblem, match=r"pip install 'bihuan\[sources\]'"):
        read(SqlSource(Address(f"sqlite:///{shop}"), "SELECT * FROM orders"))


def test_a_password_is_taken_out_of_an_address_and_stays_out_of_errors() -> None:
    address = parse_address("postgresql://reader:s%40cret@db.example.com:5432/shop?sslmode=require&sslpassword=x")
    assert address.place == "postgresql://reader@db.example.com:5432/shop?sslmode=require"
    assert address.password == "s@cret"
    assert address.url() == "postgresql://reader:s%40cret@db.example.com:5432/shop?sslmode=require"
    assert "s@cret" not in repr(address)
    assert address.without_secret("failed for s@cret at //a:s%40cret@db") == "failed for *** at //a:***@db"
    with pytest.raises(ImportProblem, match="“ftp” is no source"):
        parse_address("ftp://a/b")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL of this test's own, on a socket in a folder of its own."""
    if not shutil.which("initdb"):
        pytest.skip("PostgreSQL (initdb) is not installed")
    folder = Path(tempfile.mkdtemp(prefix="bihuan-pg-"))  # a socket's path must be short, and its user gets through
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run(["initdb", "-D", folder / "d", "-U", "reader", "-A", "trust", "--no-sync"], check=True, **quiet)
    command = ["postgres", "-D", str(folder / "d"), "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
    with subprocess.Popen(command, **quiet) as process:
        import psycopg

        deadline = time.monotonic() + 30
        while True:
            try:
                with psycopg.connect(host=str(folder), user="reader", dbname="postgres", autocommit=True) as connection:
                    connection.execute("CREATE TABLE orders (id int, buyer text, paid_at timestamptz, amount numeric(10, 2), tags jsonb)")
                    connection.execute(
                        "INSERT INTO orders SELECT n, 'u' || n % 7, timestamptz '2026-03-01 00:00+08' + n * interval '1 minute', n / 4.0, "
                        "'{\"a\": 1}' FROM generate_series(1, 5000) AS n"
                    )
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.1)
        yield f"postgresql://reader@/postgres?host={folder}"
        process.terminate()
    shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_is_streamed_in_the_order_of_its_cursor(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "ROWS", 1_000)
    query = "SELECT id, buyer, paid_at, amount, tags FROM orders WHERE buyer LIKE 'u%' AND id::int > 0"
    source = source_at(parse_address(postgres), query=query, cursor="paid_at")
    rows, tally = read(source)
    assert (len(rows), tally.stored, rows[0]["user_id"], rows[0]["props"]) == (5000, 5000, "u1", '{"amount":0.25,"tags":{"a":1}}')
    assert tally.cursor == Cursor(datetime(2026, 3, 4, 3, 20, tzinfo=UTC))
    later, _ = read(source, since=tally.cursor.before(60))
    assert len(later) == 2


def test_nothing_can_be_written_to_postgresql_whatever_the_query_does(postgres: str) -> None:
    import psycopg

    host = postgres.partition("host=")[2]
    with psycopg.connect(host=host, user="reader", dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE FUNCTION sly() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; RETURN 1; END $$")
    with pytest.raises(ImportProblem, match="read-only transaction"):
        read(source_at(parse_address(postgres), query="SELECT sly() AS id, 'u' AS buyer, now() AS paid_at"))


def test_another_clickhouse_is_read_in_blocks(store: Store, scope: Scope, write: Any) -> None:
    write(*((1, "Buy", f"2026-03-12 10:{minute:02}", {"price": minute}) for minute in range(30)))
    query = f"SELECT event, toString(person_id) AS who, ts, event_key, props FROM events WHERE project_id = {scope.project_id}"
    source = source_at(parse_address(store.url().replace("http://", "clickhouse://")), query=query, cursor="ts")
    mapping: dict[str, Any] = {"event_column": "event", "person": "who", "time": "ts", "id": "event_key"}
    rows, tally = read(source, **mapping)
    assert (len(rows), rows[0]["name"], rows[0]["at"]) == (30, "Buy", 1773280800000)
    assert tally.cursor is not None
    assert len(read(source, since=tally.cursor.before(60), **mapping)[0]) == 2
    with pytest.raises(ImportProblem, match="says:"):
        read(source_at(parse_address(store.url().replace("http://", "clickhouse://")), query="SELECT * FROM nothing"), **mapping)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server of a folder, with tags; it lets in who knows the token."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def do_GET(self) -> None:
            if self.headers["Authorization"] != "Bearer sesame":
                self.send_error(403)
            elif self.path == "/away.csv":
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/latest")
                self.end_headers()
            elif self.headers["If-None-Match"] == '"one"':
                self.send_response(304)
                self.end_headers()
            else:
                super().do_GET()

        def end_headers(self) -> None:
            self.send_header("ETag", '"one"')
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_file_on_the_web_is_read_once_for_each_of_its_versions(web: str, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id,buyer,paid_at,amount\n1,u1,2026-03-10,5\n")
    address = Address(web, {"headers": "Authorization: Bearer sesame"})
    rows, tally = read(source_at(address, path="orders.csv"))
    assert [row["user_id"] for row in rows] == ["u1"]
    assert tally.cursor == Cursor('"one"')
    with source_at(address, path="orders.csv").open(since=tally.cursor) as reader:
        assert list(reader.chunks()) == []


def test_the_web_leads_nowhere_else(web: str) -> None:
    address = Address(web, {"headers": "Authorization: Bearer sesame"})
    with pytest.raises(ImportProblem, match="leads on to another host"):
        read(source_at(address, path="away.csv"))
    with pytest.raises(ImportProblem, match="must stay below"):
        source_at(address, path="http://169.254.169.254/latest")
    with pytest.raises(ImportProblem, match="403"):
        read(source_at(Address(web, {}), path="orders.csv"))
