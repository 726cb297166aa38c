"""Rows of a query to PostgreSQL, MySQL, MariaDB or SQLite by SQLAlchemy: streamed, in a transaction that only reads, within time-outs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bihuan.collect.imports.cursors import Cursor
from bihuan.collect.imports.errors import ImportProblem
from bihuan.collect.imports.readers import Chunk, Reader, _check_names
from bihuan.collect.imports.sources.address import Address, explained
from bihuan.collect.imports.sources.statement import one_select
from bihuan.collect.imports.sources.tables import ROWS, TableReader, chunk_of_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECT = 10  # seconds
LONGEST = 3_600  # seconds that a query may take
DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
MISSING = "Reading {what} needs more packages: install them with `pip install 'bihuan[sources]'`."


class SqlSource:
    """A query at an address. With `cursor`, a column that only grows, reading goes on where it ended; rows come in its order."""

    typed = True
    by_rows = False

    def __init__(self, address: Address, query: str, *, cursor: str = "") -> None:
        scheme = urlsplit(address.place).scheme.partition("+")[0]
        self.name = address.place
        self._address = address
        self._scheme = scheme
        self._query = one_select(query, "postgresql" if scheme == "postgres" else scheme)
        self._cursor = cursor

    @contextmanager
    def open(self, *, encoding: str = "", delimiter: str = "", rows: int = 0, since: Cursor | None = None) -> Iterator[Reader]:
        try:
            import sqlalchemy
        except ImportError as error:
            raise ImportProblem(MISSING, what=self._scheme) from error
        errors = (sqlalchemy.exc.SQLAlchemyError, OSError)
        with explained(self._address, *errors):
            engine = self._engine()
            try:
                with engine.connect() as connection, _reading(connection, self._scheme):
                    size = min(rows or ROWS, ROWS)
                    streamed = connection.execution_options(stream_results=True, yield_per=size)
                    with closing(streamed.execute(self._statement(since, rows))) as result:
                        names = list(result.keys())
                        _check_names(names)
                        chunks = self._numbered(result.partitions(size), names)
                        yield TableReader(chunks, names, self._cursor, lambda chunk: chunk)
            finally:
                engine.dispose()

    def _engine(self) -> Engine:
        import sqlalchemy

        if self._scheme == "sqlite":
            path = self._address.place.removeprefix("sqlite://").removeprefix("/")
            if not Path(path).is_file():
                raise ImportProblem("{path} cannot be read: {why}.", path=path, why="no such file")
            url = f"sqlite:///file:{quote(path)}?mode=ro&uri=true"
            return sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        url = DRIVERS[self._scheme] + self._address.url().removeprefix(urlsplit(self._address.place).scheme)
        arguments: dict[str, Any] = {"connect_timeout": CONNECT}
        if self._scheme in ("postgres", "postgresql"):
            arguments["options"] = f"-c statement_timeout={LONGEST}s -c default_transaction_read_only=on"
        else:
            arguments |= {"read_timeout": LONGEST, "write_timeout": CONNECT}
        try:
            return sqlalchemy.create_engine(url, connect_args=arguments, poolclass=sqlalchemy.pool.NullPool)
        except ModuleNotFoundError as error:
            raise ImportProblem(MISSING, what=self._scheme) from error

    def _numbered(self, partitions: Any, names: list[str]) -> Iterator[Chunk]:
        first = 1
        for part in partitions:
            rows = [tuple(row) for row in part]
            yield chunk_of_rows(names, self._cursor, first, rows)
            first += len(rows)

    def _statement(self, since: Cursor | None, rows: int) -> Any:
        """The query, in the order of its cursor and from `since` on. A row at `since` itself comes again: others may have come to it."""
        from sqlalchemy import column, literal_column, select, text

        escaped = self._query.replace("\\", "\\\\").replace(":", "\\:")
        if not self._cursor:
            return text(escaped)
        source = text(escaped).columns(column(self._cursor)).subquery("source")
        by = source.c[self._cursor]
        found: Any = select(literal_column("*")).select_from(source).where(by.is_not(None)).order_by(by)
        found = found if since is None else found.where(by >= since.value)
        return found.limit(rows) if rows else found


@contextmanager
def _reading(connection: Connection, scheme: str) -> Iterator[None]:
    """A transaction in which nothing can be written."""
    from sqlalchemy import text

    if scheme == "sqlite":
        connection.execute(text("PRAGMA query_only = ON"))
    elif scheme in ("mysql", "mariadb"):
        connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        maria = "mariadb" in str(connection.execute(text("SELECT version()")).scalar()).lower()
        limit = f"max_statement_time = {LONGEST}" if maria else f"max_execution_time = {LONGEST * 1000}"
        connection.execute(text(f"SET SESSION {limit}"))
        connection.rollback()
    yield
