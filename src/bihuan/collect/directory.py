"""Which project a write key belongs to, and each project's time zone: read from the definitions' database without its web framework.

The collector stays small and starts at once; a test holds these statements and the models of `govern` together.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.collect.identity import Rules
from bihuan.collect.identity.rules import STATEMENT as RULES
from bihuan.collect.identity.rules import default_rules, rules_of
from bihuan.collect.plan.check import Plan
from bihuan.collect.plan.read import Plans
from bihuan.collect.webhooks.hooks import HOOKS, SECRETS, Hooks, moment_of
from bihuan.engine.config import Config
from bihuan.engine.errors import Unavailable

REFRESH = 2.0  # seconds until a new or revoked key holds everywhere
NOTE_USE = 60.0  # seconds between notes of when a key was last used

KEYS = "SELECT digest, project_id FROM govern_writekey WHERE revoked_at IS NULL"
REVOKED = "SELECT digest, project_id FROM govern_writekey WHERE revoked_at IS NOT NULL"
ZONES = "SELECT id, timezone FROM govern_project"
PLANS = "SELECT project_id, kind, key, spec FROM catalog_definition WHERE kind IN ('event', 'plan') AND state = 'live'"
USED = "UPDATE govern_writekey SET last_used_at = {at} WHERE digest = {digest}"

log = logging.getLogger("bihuan.collect")


class Directory:
    """What the collector knows of projects; `start` keeps it fresh. Threads may share it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._keys: dict[str, int] = {}
        self._revoked: dict[str, int] = {}
        self._zones: dict[int, ZoneInfo] = {}
        self._plans = Plans()
        self._rules: dict[int, Rules] = {}
        self.webhooks = Hooks()
        self._used: set[str] = set()
        self._noted = 0.0
        self._read = 0.0
        self._connection: Any = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Read now if it can be, and every two seconds from now on."""
        threading.Thread(target=self._follow, name="directory", daemon=True).start()

    @property
    def known(self) -> bool:
        """Whether it was ever read."""
        return self._read > 0

    def project_of(self, secret: str) -> int | None:
        """The project that this write key lets in, or None."""
        digest = hashlib.sha256(secret.encode(errors="replace")).hexdigest()
        project = self._keys.get(digest)
        if project is not None:
            self._used.add(digest)
        return project

    def once(self, secret: str) -> int | None:
        """The project that this write key let in before it was revoked, or None."""
        return self._revoked.get(hashlib.sha256(secret.encode(errors="replace")).hexdigest())

    def zone(self, project_id: int) -> ZoneInfo:
        """The project's time zone. KeyError: there is no such project."""
        return self._zones[project_id]

    def plan(self, project_id: int) -> Plan | None:
        """The project's tracking plan; None while it has none."""
        return self._plans.of(project_id)

    def rules(self, project_id: int) -> Rules:
        """What the project sets about identity."""
        return self._rules.get(project_id) or default_rules(project_id)

    def refresh(self, *, older_than: float = 0.0) -> None:
        """Read again what is older than so many seconds."""
        with self._lock:
            if self._read and time.monotonic() - self._read < older_than:
                return
            with self._database() as connection:
                keys = connection.execute(KEYS).fetchall()
                revoked = connection.execute(REVOKED).fetchall()
                zones = connection.execute(ZONES).fetchall()
                self._plans.take(connection.execute(PLANS).fetchall())
                self._rules = rules_of(connection.execute(RULES).fetchall())
                hooks = connection.execute(HOOKS).fetchall()
                secrets = connection.execute(SECRETS.format(now=self._place), (self._moment(int(time.time() * 1000)),)).fetchall()
                self.webhooks.take(hooks, secrets)
            self._keys = {str(digest): int(project) for digest, project in keys}
            self._revoked = {str(digest): int(project) for digest, project in revoked}
            self._zones = {int(project): ZoneInfo(zone) for project, zone in zones}
            self._read = time.monotonic()

    def _follow(self) -> None:
        complained = False
        while True:
            try:
                self.refresh()
                self._note_use()
                self._note_deliveries()
                complained = False
            except Exception as error:  # noqa: BLE001 - whatever it is, what was read before goes on to hold
                if not complained:
                    log.warning("The definitions' database does not answer: %s", error)
                complained = True
            time.sleep(REFRESH)

    def _note_use(self) -> None:
        if not self._used or time.monotonic() - self._noted < NOTE_USE:
            return
        used, self._used = self._used, set()
        place, now = self._place, self._moment(int(time.time()) * 1000)
        with self._lock, self._database() as connection:
            for digest in used:
                connection.execute(USED.format(at=place, digest=place), (now, digest))
            connection.commit()
        self._noted = time.monotonic()

    def _note_deliveries(self) -> None:
        """Write down what became of the latest deliveries of webhooks."""
        with self._lock, self._database() as connection:
            self.webhooks.save(connection, self._place, self._moment)

    @property
    def _place(self) -> str:
        """What stands for a value in a statement of this database."""
        return "%s" if self._config.database_url else "?"

    def _moment(self, ms: int) -> Any:
        return moment_of(ms, as_text=not self._config.database_url)

    @contextlib.contextmanager
    def _database(self) -> Iterator[Any]:
        try:
            if self._connection is None:
                self._connection = _connect(self._config)
            yield self._connection
        except BaseException:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()
            raise


def _connect(config: Config) -> Any:
    if not config.database_url:
        path = config.data / "bihuan.sqlite3"
        if not path.exists():
            raise Unavailable("There is no database of definitions in {folder} yet.", folder=config.data)
        return sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=5, check_same_thread=False)
    psycopg = importlib.import_module("psycopg")  # installed where PostgreSQL is used
    return psycopg.connect(config.database_url, autocommit=True)
